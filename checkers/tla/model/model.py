"""Compiles a specification with its configuration: splits the formulas and turns them into functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from checkers.tla.codegen.actions import Assigned, Mode
from checkers.tla.codegen.frames import ByName, Code, Context, Env, Frame, Lazy, fresh
from checkers.tla.codegen.program import Program
from checkers.tla.codegen.splitting import Leaf
from checkers.tla.errors import Position, TlaConfigError, TlaSemanticError, TlaUnsupportedError
from checkers.tla.model.config import Config
from checkers.tla.model.constants import Constants
from checkers.tla.parse import syntax as ast
from checkers.tla.parse.analysis import ACTION, CONSTANT, STATE, TEMPORAL
from checkers.tla.parse.names import arity_of
from checkers.tla.parse.syntax import Constant
from checkers.tla.values import values
from checkers.tla.values.values import Value, normal

State = tuple[Value, ...]
Predicate = Callable[[State], bool]
StepPredicate = Callable[[State, State], bool]


@dataclass(slots=True)
class Formula:
    """A formula of the specification or a property, in its environment."""

    node: ast.Expr
    env: Env


@dataclass(slots=True)
class Named:
    """A predicate with its name in the configuration."""

    name: str
    test: Callable[..., bool]
    position: Position


@dataclass(slots=True)
class Action:
    """One action: `run(state, emit)` calls `emit` with every successor."""

    name: str
    position: Position
    run: Callable[[State, Callable[[State], None]], None]


@dataclass
class Model:
    """A model ready to be explored.

    Attributes:
        variables: names of the variables, in the order of a state's tuple.
        initial: calls its argument with every initial state.
        successors: all actions in one function, `successors(state, emit)`.
        steps: properties `[][A]_v`: tests of a state and its successor.
        temporal: by property, the conjuncts that the liveness checker must check.
    """

    name: str
    variables: tuple[str, ...]
    program: Program
    builder: ModelBuilder
    config: Config
    initial: Callable[[Callable[[State], None]], None]
    successors: Callable[[State, Callable[[State], None]], None]
    actions: list[Action]
    assumptions: list[Named]
    invariants: list[Named] = field(default_factory=list)
    initial_properties: list[Named] = field(default_factory=list)
    steps: list[Named] = field(default_factory=list)
    constraints: list[Named] = field(default_factory=list)
    action_constraints: list[Named] = field(default_factory=list)
    fairness: list[Formula] = field(default_factory=list)
    temporal: list[tuple[str, list[Formula]]] = field(default_factory=list)
    permutations: list[dict[Any, Any]] = field(default_factory=list)
    view: Callable[[State], Value] | None = None
    alias: Callable[[State, State], Value] | None = None
    postcondition: Named | None = None
    notes: list[str] = field(default_factory=list)


_REMEMBERED = 50_000
"""The cache of a conjunct's values is cleared when it holds so many."""


class ModelBuilder(Constants):
    """Builds a model from a module and a configuration."""

    def formula(self, name: str, what: str, highest: int = TEMPORAL) -> Formula:
        """Return the formula that a name of the configuration means."""
        symbol, way = self.named(name, "definition")
        if arity_of(symbol):
            raise TlaConfigError(f"{what} {name} must not take arguments")
        where = symbol.position or Position(self.module.name, 1, 1, 1, 1)
        path = tuple((instance, ()) for instance in way)
        found = Formula(ast.Apply(where, symbol, (), path), self.env)
        if self.gen.levels.level(found.node, found.env) > highest:
            kinds = ("a constant", "a state predicate", "an action")
            raise TlaSemanticError("level", f"{what} {name} must be {kinds[highest]}", where)
        return found

    # Functions --------------------------------------------------------------------------------------------------

    def _function(self, hint: str, position: Position, build: Callable[[Frame], None], params: list[str]) -> Any:
        frame = Frame(None)
        for number in range(self.count):
            frame.locals.update((f"s{number}", f"n{number}"))
        frame.locals.update(params)
        if "s" in params:
            frame.emit(f"{_names('s', self.count)} = s")
        if "t" in params:
            frame.emit(f"{_names('n', self.count)} = t")
        build(frame)
        self.program.add(hint, params, frame.lines, position)
        return self.program.function(hint)

    def predicate(self, name: str, formula: Formula) -> Named:
        """Compile a state predicate to a function of the state."""
        return Named(name, self._test(name, formula, ["s"]), formula.node.position)

    def step_predicate(self, name: str, formula: Formula) -> Named:
        """Compile an action to a function of two states."""
        return Named(name, self._test(name, formula, ["s", "t"]), formula.node.position)

    def invariant(self, name: str, formula: Formula) -> Named:
        """Compile a state predicate whose conjuncts cache their values by the variables that they read."""

        def build(frame: Frame) -> None:
            for part in self._invariant_parts(formula):
                self._conjunct(part, frame)
            frame.emit("return True")

        return Named(
            name, self._function(_fresh(f"inv_{name}"), formula.node.position, build, ["s"]), formula.node.position
        )

    def _invariant_parts(self, formula: Formula) -> Iterator[Formula]:
        unfolded = self.unfold(formula)
        if unfolded is not None and not isinstance(formula.node, ast.Let):
            yield from self._invariant_parts(unfolded)
        elif isinstance(formula.node, ast.Basic) and formula.node.op == "and":
            for part in formula.node.args:
                yield from self._invariant_parts(Formula(part, formula.env))
        else:
            yield formula

    def _conjunct(self, part: Formula, frame: Frame) -> None:
        def build(inner: Frame) -> None:
            inner.emit(f"return {self.gen.truth(part.node, part.env, Context(inner))}")

        name, captured = self.gen.lifted("conjunct", part.node, Context(frame), build, ())
        call = self.gen.call(name, captured, Context(frame), part.node.position)
        if not captured or len(captured) == self.count or self.gen.levels.has_effects(part.node):
            with frame.block(f"if not {call}:"):
                frame.emit("return False")
            return
        memory = fresh("memory")
        self.program.names[memory] = {}
        key = captured[0] if len(captured) == 1 else f"({', '.join(captured)})"
        frame.emit(f"r = {memory}.get(k := {key})")
        with frame.block("if r is None:"):
            with frame.block(f"if len({memory}) > {_REMEMBERED}:"):
                frame.emit(f"{memory}.clear()")
            frame.emit(f"r = {memory}[k] = {call}")
        with frame.block("if not r:"):
            frame.emit("return False")

    def _test(self, name: str, formula: Formula, params: list[str]) -> Any:
        def build(frame: Frame) -> None:
            frame.emit(f"return {self.gen.truth(formula.node, formula.env, Context(frame))}")

        return self._function(_fresh(f"test_{name}"), formula.node.position, build, params)

    def value(self, name: str, formula: Formula, params: list[str]) -> Any:
        """Compile an expression to a function of the state (or of two)."""

        def build(frame: Frame) -> None:
            frame.emit(f"return {self.gen.normal(formula.node, formula.env, Context(frame))}")

        return self._function(_fresh(f"value_{name}"), formula.node.position, build, params)

    def initial(self, formula: Formula) -> Callable[[Callable[[State], None]], None]:
        """Compile the initial predicate to a function that generates states."""

        def build(frame: Frame) -> None:
            cx = Context(frame, prime=True, assigned=frozenset())
            self.gen.run(formula.node, formula.env, cx, Mode(initial=True), self._leaf("the initial predicate"))

        run: Callable[[Callable[[State], None]], None] = self._function(
            _fresh("initial"), formula.node.position, build, ["emit"]
        )
        return run

    def _leaf(self, action: str) -> Callable[[Assigned, Context], None]:
        def leaf(assigned: Assigned, cx: Context) -> None:
            missing = [v.name for number, v in enumerate(self.module.variables) if number not in assigned]
            if missing:
                cx.frame.emit(f"incomplete({action!r}, {tuple(missing)!r})")
                return
            cx.frame.use("emit")
            names = [f"n{number}" for number in range(self.count)]
            for name in names:
                cx.frame.use(name)
            cx.frame.emit(f"emit(({', '.join(names)},))")

        leaf.cheap = True  # type: ignore[attr-defined]
        return leaf

    def actions(self, formula: Formula, name: str) -> tuple[list[Action], Any]:
        """Compile the actions one by one, and all of them as one function."""
        leaves = self.gen.split(formula.node, formula.env, name)
        made = []
        for leaf in leaves:
            made.append(
                Action(
                    leaf.name,
                    leaf.position,
                    self._function(_fresh("action"), leaf.position, self._one(formula, leaf), ["s", "emit"]),
                )
            )

        def build(frame: Frame) -> None:
            for leaf in leaves:
                text = self.gen.lift(f"act_{leaf.name}", formula.node, Context(frame), self._one(formula, leaf))
                frame.emit(text)
            frame.emit("return")

        return made, self._function(_fresh("successors"), formula.node.position, build, ["s", "emit"])

    def _one(self, formula: Formula, leaf: Leaf) -> Callable[[Frame], None]:
        def build(frame: Frame) -> None:
            cx = Context(frame, prime=False, assigned=frozenset())
            self.gen.chosen(formula.node, formula.env, leaf, cx, Mode(), self._leaf(leaf.name))
            frame.emit("return")

        return build

    # Splitting formulas -------------------------------------------------------------------------------------------

    def conjuncts(self, formula: Formula) -> Iterator[Formula]:
        """Yield the conjuncts of a temporal formula, definitions unfolded."""
        node, env = formula.node, formula.env
        if isinstance(node, ast.Basic) and node.op == "and":
            for part in node.args:
                yield from self.conjuncts(Formula(part, env))
            return
        if self.gen.levels.level(node, env) >= ACTION:
            if (unfolded := self.unfold(formula)) is not None:
                yield from self.conjuncts(unfolded)
                return
            if isinstance(node, ast.Quantified) and node.kind == "A":
                yield from (c for each in self.instances(formula) for c in self.conjuncts(each))
                return
        yield formula

    def unfold(self, formula: Formula) -> Formula | None:
        """Return the formula that a definition, LET or argument means, or None when the formula is something else."""
        node, env = formula.node, formula.env
        if isinstance(node, ast.Apply):
            inner = self.gen.levels.enter(node.path, env)
            binding = inner.map.get(node.symbol)
            if isinstance(binding, ByName | Lazy):
                return Formula(binding.node, binding.env)
            if (call := self.gen._call(node, env)) is not None:  # noqa: SLF001
                operator, inner = call
                bindings = {p: self.gen.levels.bind(a, env) for p, a in zip(operator.params, node.args, strict=True)}
                assert operator.body is not None
                return Formula(operator.body, inner.extend(bindings))
        if isinstance(node, ast.Let):
            inner = Env(dict(env.map), env.at)
            for operator in node.definitions:
                inner.map[operator] = self.gen.levels.closure(operator, inner)
            return Formula(node.body, inner)
        return None

    def instances(self, formula: Formula) -> Iterator[Formula]:
        """Yield the instances of a quantified temporal formula: its sets must be constant."""
        node, env = formula.node, formula.env
        assert isinstance(node, ast.Quantified)
        envs = [env]
        for domain in node.domains:
            if self.gen.levels.level(domain.source, env) > CONSTANT:
                text = "a quantifier over a temporal formula needs a constant set"
                raise TlaUnsupportedError(text, domain.source.position)
            items = values.ordered(normal(self.gen.evaluate(domain.source, env)))
            if domain.pattern:
                envs = [
                    e.extend(
                        {
                            name: self.gen.known(self.gen.constant(part))
                            for name, part in zip(domain.names, item, strict=True)
                        }
                    )
                    for e in envs
                    for item in items
                ]
                continue
            for name in domain.names:
                envs = [e.extend({name: self.gen.known(self.gen.constant(item))}) for e in envs for item in items]
        for each in envs:
            yield Formula(node.body, each)


def _names(letter: str, count: int) -> str:
    return ", ".join(f"{letter}{number}" for number in range(count)) + ","


_fresh_count = iter(range(10**9))


def _fresh(hint: str) -> str:
    return f"{''.join(c if c.isalnum() and c.isascii() else '_' for c in hint)}_{next(_fresh_count)}"


_ = (STATE, Code, Constant)
