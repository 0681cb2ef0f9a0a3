"""Splits a next-state relation into actions.

A relation is split at disjunctions, at existentials over constant sets, and at definitions with constant arguments; a
part that cannot be split further is an action, named after the definition that contains it.

Source: how TLC names the actions in its traces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from checkers.tla.codegen.frames import Context, Env, Local
from checkers.tla.codegen.generate import Generator
from checkers.tla.errors import Position
from checkers.tla.parse import syntax as ast
from checkers.tla.parse.analysis import CONSTANT
from checkers.tla.parse.syntax import Operator, Symbol


@dataclass(frozen=True, slots=True)
class Leaf:
    """One action of the next-state relation: its name, its place, and which disjuncts lead to it."""

    name: str
    position: Position
    choices: tuple[int, ...]
    parameters: tuple[Symbol, ...] = ()


class ActionSplitter(Generator):
    """Splits a next-state relation into its actions."""

    def split(self, node: ast.Expr, env: Env, name: str) -> list[Leaf]:
        """Split a next-state relation into actions, as TLC does."""
        return self._split(node, env, name, (), ())

    def _split(
        self, node: ast.Expr, env: Env, name: str, choices: tuple[int, ...], params: tuple[Symbol, ...]
    ) -> list[Leaf]:
        if isinstance(node, ast.Basic) and node.op == "or":
            leaves = []
            for number, part in enumerate(node.args):
                leaves += self._split(part, env, name, (*choices, number), params)
            return leaves
        if isinstance(node, ast.Quantified) and node.kind == "E" and self._constant_sets(node, env):
            names: tuple[Symbol, ...] = tuple(n for d in node.domains for n in d.names)
            bound = env.extend(dict.fromkeys(names, _ANY))
            return self._split(node.body, bound, name, (*choices, 0), (*params, *names))
        if isinstance(node, ast.Let):
            closures: dict[Symbol, Any] = {}
            inner = Env(dict(env.map), env.at)
            for operator in node.definitions:
                closures[operator] = self.levels.closure(operator, inner)
                inner.map[operator] = closures[operator]
            return self._split(node.body, inner, name, (*choices, 0), params)
        if isinstance(node, ast.Apply) and (call := self._call(node, env)) is not None:
            operator, inner = call
            if all(self._plain(arg, env) for arg in node.args):
                bindings = {p: self.levels.bind(a, env) for p, a in zip(operator.params, node.args, strict=True)}
                assert operator.body is not None
                return self._split(operator.body, inner.extend(bindings), operator.name, (*choices, 0), params)
        return [Leaf(name, node.position, choices, params)]

    def _constant_sets(self, node: ast.Quantified, env: Env) -> bool:
        return all(self.levels.level(d.source, env) == CONSTANT for d in node.domains)

    def _plain(self, argument: ast.Argument, env: Env) -> bool:
        return not isinstance(argument, ast.Expr) or self.levels.level(argument, env) == CONSTANT

    def _call(self, node: ast.Apply, env: Env) -> tuple[Operator, Env] | None:
        """Return the definition that an application unfolds to, with its environment."""
        found = self.levels.applied(node, env)
        if found is None:
            return None
        operator, _ = found
        return None if operator.recursive and operator in self.levels.reach.operator(operator) else found

    def _unfold(self, node: ast.Apply, env: Env, cx: Context) -> tuple[ast.Expr, Env]:
        call = self._call(node, env)
        assert call is not None
        operator, inner = call
        assert operator.body is not None
        bindings = {p: self.argument(a, env, cx) for p, a in zip(operator.params, node.args, strict=True)}
        return operator.body, inner.extend(bindings)


_ANY = Local("_any")
