"""Refuses wrong levels: a prime under a prime, `[]` of an action, a temporal formula where a value is required.

Every definition of a module is checked, used or not. Where a level depends on what an instance substitutes, the lowest
one is assumed, so that no valid module is refused.

Source: Lamport, Specifying Systems, section 17.2, and the semantic analyser's rules for temporal operators.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkers.tla.errors import Position, TlaSemanticError
from checkers.tla.parse import syntax as ast
from checkers.tla.parse.analysis import ACTION, CONSTANT, STATE, TEMPORAL, parts
from checkers.tla.parse.syntax import Alias, Bound, Module, Operator, Symbol, Variable

_NAMES = ("a constant", "a state function", "an action", "a temporal formula")
_LIMITS = {"prime": STATE, "unchanged": STATE, "enabled": ACTION}
_SHOWN = {"prime": "a prime", "unchanged": "UNCHANGED", "enabled": "ENABLED"}
_LOGIC = frozenset({"and", "or", "implies", "equiv", "not"})
_TEMPORAL = frozenset({"always", "eventually", "leadsto", "guarantees"})
_OPEN = (ast.If, ast.Case, ast.Let, ast.Quantified, ast.Unbounded, ast.Apply, ast.Fairness, ast.Domain)
"""Expressions whose parts may be temporal formulas, or whose own rule checks the parts."""


class LevelCheck:
    """Finds the level of every definition, and refuses what does not fit."""

    def __init__(self) -> None:
        self._levels: dict[Operator, int] = {}
        self._uses: dict[Operator, frozenset[Symbol]] = {}
        self._limits: dict[Symbol, int] = {}
        self._seen: set[Symbol] = set()

    def module(self, module: Module) -> None:
        """Check what a module defines and assumes.

        Raises:
            TlaSemanticError: where levels do not fit.
        """
        for symbol in module.symbols.values():
            if isinstance(symbol, Operator) and symbol.module == module.name:
                self._operator(symbol)
        for fact in module.assumptions:
            self._see(fact.body)

    def _operator(self, operator: Operator) -> int:
        found = self._levels.get(operator)
        if found is not None or operator.body is None:
            return found or CONSTANT
        self._levels[operator] = CONSTANT
        outer, self._seen = self._seen, set()
        self._levels[operator] = level = self._see(operator.body)
        self._uses[operator] = frozenset(self._seen)
        self._seen = outer | self._seen
        return level

    def _refuse(self, text: str, position: Position) -> None:
        raise TlaSemanticError("level", text, position)

    def _at_most(self, part: Any, limit: int, where: str) -> int:
        """Return the level of a part; refuse one above the limit."""
        level = self._see(part)
        if level > limit:
            self._refuse(f"{_NAMES[level]} stands where {where} wants at most {_NAMES[limit]}", part.position)
        return level

    def _see(self, node: Any) -> int:
        if isinstance(node, ast.Literal | ast.At):
            return CONSTANT
        if isinstance(node, ast.Basic):
            return self._basic(node)
        if isinstance(node, ast.Apply):
            return self._apply(node)
        if isinstance(node, ast.OperatorName):
            return self._symbol(node.symbol)
        if isinstance(node, ast.Lambda):
            return self._see(node.body)
        if isinstance(node, ast.Square | ast.Angle | ast.Fairness):
            self._at_most(node.action, ACTION, "an action")
            self._at_most(node.subscript, STATE, "a subscript")
            return TEMPORAL if isinstance(node, ast.Fairness) else ACTION
        if isinstance(node, ast.Let):
            for operator in node.definitions:
                self._operator(operator)
            return self._see(node.body)
        levels = [self._see(part) for part in parts(node)]
        level = max(levels, default=CONSTANT)
        if isinstance(node, ast.Quantified):
            for domain in node.domains:
                if level == TEMPORAL and self._see(domain.source) >= ACTION:
                    self._refuse(
                        "a quantifier over a temporal formula has an action as its set", domain.source.position
                    )
        elif level == TEMPORAL and not isinstance(node, _OPEN):
            self._refuse("a temporal formula stands where a value is wanted", node.position)
        return level

    def _basic(self, node: ast.Basic) -> int:
        op = node.op
        if op in _LIMITS:
            before = set(self._seen)
            self._at_most(node.args[0], _LIMITS[op], _SHOWN[op])
            for bound in _bounds(node.args[0]):
                self._limits[bound] = min(self._limits.get(bound, TEMPORAL), _LIMITS[op])
            if op == "enabled":
                self._seen = before
                return STATE
            return ACTION
        levels = [self._see(arg) for arg in node.args]
        if op in _TEMPORAL:
            wanted = {"always": ast.Square, "eventually": ast.Angle}.get(op)
            for arg, level in zip(node.args, levels, strict=True):
                if level == ACTION and not (wanted is not None and isinstance(arg, wanted)):
                    form = {"always": "[A]_v", "eventually": "<<A>>_v"}.get(op)
                    text = f"an action under a temporal operator must have the form {form}" if form else (
                        "an action stands where a temporal formula or a state predicate is wanted")  # fmt: skip
                    self._refuse(text, node.position)
            return TEMPORAL
        level = max(levels, default=CONSTANT)
        if level == TEMPORAL:
            if op not in _LOGIC:
                self._refuse("a temporal formula stands where a value is wanted", node.position)
            if ACTION in levels:
                self._refuse("an action and a temporal formula are joined", node.position)
        return level

    def _symbol(self, symbol: Symbol) -> int:
        while isinstance(symbol, Alias):
            symbol = symbol.target
        if isinstance(symbol, Variable):
            return STATE
        if isinstance(symbol, Bound):
            self._seen.add(symbol)
        return self._operator(symbol) if isinstance(symbol, Operator) else CONSTANT

    def _apply(self, node: ast.Apply) -> int:
        symbol = node.symbol
        while isinstance(symbol, Alias):
            symbol = symbol.target
        level = self._symbol(symbol)
        params = symbol.params if isinstance(symbol, Operator) else ()
        uses = self._uses.get(symbol) if isinstance(symbol, Operator) else None
        for number, arg in enumerate(node.args):
            given = self._see(arg)
            param = params[number] if number < len(params) else None
            limit = self._limits.get(param) if param is not None else None
            if limit is not None:
                if given > limit:
                    text = f"{_NAMES[given]} is given to {symbol.name} where it takes at most {_NAMES[limit]}"
                    self._refuse(text, arg.position)
                for bound in _bounds(arg):
                    self._limits[bound] = min(self._limits.get(bound, TEMPORAL), limit)
            if param is None or uses is None or param in uses:
                level = max(level, given)
        return level


def _bounds(node: Any) -> Iterator[Symbol]:
    """Yield the parameters and bound names that an expression mentions, but not under ENABLED."""
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, ast.Apply) and isinstance(item.symbol, Bound):
            yield item.symbol
        if not (isinstance(item, ast.Basic) and item.op == "enabled"):
            stack += parts(item)
