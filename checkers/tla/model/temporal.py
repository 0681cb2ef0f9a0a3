"""Temporal formulas in negation normal form over atoms: tests of a state, or of a step from one state to the next.

A behaviour is read as a sequence of steps; an atom on states tests a step's first state. So actions may stand
anywhere in a temporal formula.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from checkers.tla.errors import TlaUnsupportedError
from checkers.tla.model.model import Formula, ModelBuilder
from checkers.tla.parse import syntax as ast
from checkers.tla.parse.analysis import ACTION, STATE
from checkers.tla.values.values import Value


@dataclass(frozen=True, slots=True, eq=False)
class Atom:
    """A test: of the step's first state, or (`step`) of both."""

    number: int
    step: bool
    test: Callable[..., bool]


@dataclass(frozen=True, slots=True)
class Literal:
    """An atom or its negation."""

    atom: Atom
    positive: bool


@dataclass(frozen=True, slots=True)
class Both:
    """A conjunction; the empty one is true."""

    parts: tuple[Temporal, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """A disjunction; the empty one is false."""

    parts: tuple[Temporal, ...]


@dataclass(frozen=True, slots=True)
class Always:
    """`[]F`."""

    body: Temporal


@dataclass(frozen=True, slots=True)
class Eventually:
    """`<>F`."""

    body: Temporal


Temporal: TypeAlias = Literal | Both | Either | Always | Eventually


@dataclass(frozen=True, slots=True)
class Fair:
    """A fairness condition on an action: which steps are the action's, and in which states one is possible."""

    strong: bool
    taken: Atom
    enabled: Atom


class Translator:
    """Translates formulas of one model; equal ones share their atoms."""

    def __init__(self, builder: ModelBuilder) -> None:
        self.builder = builder
        self.atoms: list[Atom] = []
        self._known: dict[Any, Atom] = {}

    def translate(self, formula: Formula, *, positive: bool) -> Temporal:
        """Translate a formula, or its negation, into negation normal form.

        Raises:
            TlaUnsupportedError: for a formula that is not built from states, actions and the supported operators.
        """
        node, env = formula.node, formula.env
        level = self.builder.gen.levels.level(node, env)
        if level <= STATE:
            return Literal(self.atom(formula, step=False), positive)
        if isinstance(node, ast.Basic):
            return self._basic(node, formula, positive=positive)
        if isinstance(node, ast.Fairness):
            return self._fairness(formula, positive=positive)
        if isinstance(node, ast.Quantified):
            parts = tuple(self.translate(f, positive=positive) for f in self.builder.instances(formula))
            return Both(parts) if (node.kind == "A") == positive else Either(parts)
        if isinstance(node, ast.If):
            condition = Formula(node.condition, env)
            arms = []
            for holds, branch in ((True, node.then), (False, node.otherwise)):
                here = self.translate(condition, positive=holds)
                arms.append(Both((here, self.translate(Formula(branch, env), positive=positive))))
            return Either(tuple(arms))
        if (unfolded := self.builder.unfold(formula)) is not None:
            return self.translate(unfolded, positive=positive)
        if level == ACTION:
            return Literal(self.atom(formula, step=True), positive)
        raise TlaUnsupportedError("this temporal formula cannot be checked", node.position)

    def _basic(self, node: ast.Basic, formula: Formula, *, positive: bool) -> Temporal:
        def sub(number: int, *, good: bool) -> Temporal:
            return self.translate(Formula(node.args[number], formula.env), positive=good)

        op = node.op
        if op in {"and", "or"}:
            parts = tuple(sub(number, good=positive) for number in range(len(node.args)))
            return Both(parts) if (op == "and") == positive else Either(parts)
        if op == "not":
            return sub(0, good=not positive)
        if op == "implies":
            left, right = sub(0, good=not positive), sub(1, good=positive)
            return Either((left, right)) if positive else Both((left, right))
        if op == "equiv":
            same = Both((sub(0, good=True), sub(1, good=positive)))
            return Either((same, Both((sub(0, good=False), sub(1, good=not positive)))))
        if op == "always":
            return Always(sub(0, good=True)) if positive else Eventually(sub(0, good=False))
        if op == "eventually":
            return Eventually(sub(0, good=True)) if positive else Always(sub(0, good=False))
        if op == "leadsto":
            if positive:
                return Always(Either((sub(0, good=False), Eventually(sub(1, good=True)))))
            return Eventually(Both((sub(0, good=True), Always(sub(1, good=False)))))
        if self.builder.gen.levels.level(node, formula.env) == ACTION:
            return Literal(self.atom(formula, step=True), positive)
        raise TlaUnsupportedError("this temporal operator cannot be checked", node.position)

    def fair(self, formula: Formula) -> Fair | None:
        """Translate a fairness condition; None when the formula is something else."""
        current: Formula | None = formula
        while current is not None and not isinstance(current.node, ast.Fairness):
            current = self.builder.unfold(current)
        if current is None:
            return None
        node = current.node
        assert isinstance(node, ast.Fairness)
        angle = ast.Angle(node.position, node.action, node.subscript)
        enabled = ast.Basic(node.position, "enabled", (angle,))
        return Fair(
            node.strong,
            self.atom(Formula(angle, current.env), step=True, about=node),
            self.atom(Formula(enabled, current.env), step=False, about=(node, "enabled")),
        )

    def _fairness(self, formula: Formula, *, positive: bool) -> Temporal:
        fair = self.fair(formula)
        assert fair is not None
        taken, not_taken = Literal(fair.taken, positive=True), Literal(fair.taken, positive=False)
        enabled, disabled = Literal(fair.enabled, positive=True), Literal(fair.enabled, positive=False)
        if fair.strong and positive:
            return Either((Eventually(Always(disabled)), Always(Eventually(taken))))
        if fair.strong:
            return Both((Always(Eventually(enabled)), Eventually(Always(not_taken))))
        if positive:
            return Always(Eventually(Either((disabled, taken))))
        return Eventually(Always(Both((enabled, not_taken))))

    def atom(self, formula: Formula, *, step: bool, about: Value = None) -> Atom:
        """Return the atom for a formula."""
        node, env = formula.node, formula.env
        levels = self.builder.gen.levels
        key = (about or node, step, levels.relevant(frozenset(levels.reach.of(node)), env))
        if key not in self._known:
            make = self.builder.step_predicate if step else self.builder.predicate
            found = Atom(len(self.atoms), step, make("atom", formula).test)
            self.atoms.append(found)
            self._known[key] = found
        return self._known[key]
