"""Static analysis of an expression: its parts, its level, and the symbols it depends on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from checkers.tla.parse import syntax as ast
from checkers.tla.parse.syntax import Alias, Instance, Operator, Symbol

CONSTANT, STATE, ACTION, TEMPORAL = range(4)
_TEMPORAL = frozenset({"always", "eventually", "leadsto", "guarantees"})
_FIELDS: dict[type, tuple[str, ...]] = {}


def parts(node: Any) -> Iterator[Any]:
    """Yield the syntax nodes, domains and arguments directly below a node."""
    kind = type(node)
    names = _FIELDS.get(kind)
    if names is None:
        names = _FIELDS[kind] = tuple(f.name for f in fields(kind) if f.name not in {"position", "symbol", "itself"})
    for name in names:
        yield from _spread(getattr(node, name))


def _spread(value: Any) -> Iterator[Any]:
    if isinstance(value, ast.Expr | ast.Domain | ast.Lambda | ast.OperatorName):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _spread(item)
    elif isinstance(value, Operator):
        if value.body is not None:
            yield value.body
    elif isinstance(value, Instance):
        for given in value.substitution.values():
            yield from _spread(given)


def own_level(node: Any) -> int:
    """Return the level that a node has by itself, whatever its parts are."""
    if isinstance(node, ast.Basic):
        if node.op in {"prime", "unchanged", "cdot"}:
            return ACTION
        if node.op == "enabled":
            return STATE
        return TEMPORAL if node.op in _TEMPORAL else CONSTANT
    if isinstance(node, ast.Square | ast.Angle):
        return ACTION
    if isinstance(node, ast.Fairness) or (isinstance(node, ast.Unbounded) and node.kind in {"AA", "EE"}):
        return TEMPORAL
    return CONSTANT


def symbols_of(node: Any) -> Iterator[Symbol]:
    """Yield the symbols that a node names itself."""
    if isinstance(node, ast.Apply | ast.OperatorName):
        symbol = node.symbol
        yield symbol.target if isinstance(symbol, Alias) else symbol


def binds(node: Any) -> Iterator[Symbol]:
    """Yield the symbols that a node binds."""
    if isinstance(node, ast.Domain | ast.Unbounded):
        yield from node.names
    elif isinstance(node, ast.Lambda):
        yield from node.params
    elif isinstance(node, ast.Let):
        for operator in node.definitions:
            yield operator
            yield from operator.params
    elif isinstance(node, ast.Function) and node.itself is not None:
        yield node.itself
    elif isinstance(node, ast.Apply | ast.OperatorName):
        for instance, _ in node.path:
            yield from instance.params


class Reach:
    """The symbols an expression depends on, through the definitions it uses."""

    def __init__(self) -> None:
        self._known: dict[Operator, frozenset[Symbol]] = {}

    def of(self, node: Any) -> set[Symbol]:
        """Return every free symbol of the expression and of the definitions it uses."""
        found: set[Symbol] = set()
        bound: set[Symbol] = set()
        self._collect(node, found, bound, set())
        return found - bound

    def operator(self, operator: Operator) -> frozenset[Symbol]:
        """Return the same for the body of a definition."""
        if operator not in self._known:
            found: set[Symbol] = set()
            bound: set[Symbol] = set(operator.params)
            self._collect(operator.body, found, bound, {operator})
            self._known[operator] = frozenset(found - bound)
        return self._known[operator]

    def _collect(self, node: Any, found: set[Symbol], bound: set[Symbol], visited: set[Operator]) -> None:
        stack = [node]
        while stack:
            item = stack.pop()
            if item is None:
                continue
            bound.update(binds(item))
            for symbol in symbols_of(item):
                found.add(symbol)
                if isinstance(symbol, Operator) and symbol not in visited:
                    visited.add(symbol)
                    bound.update(symbol.params)
                    if symbol in self._known:
                        found |= self._known[symbol]
                    else:
                        stack.append(symbol.body)
            stack += parts(item)


def size(node: Any, limit: int) -> int:
    """Count the nodes of an expression, but no further than the limit."""
    count, stack = 0, [node]
    while stack and count < limit:
        count += 1
        stack += parts(stack.pop())
    return count
