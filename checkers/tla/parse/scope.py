"""Names in scope while a module is read, from the innermost binding outwards."""

from __future__ import annotations

from checkers.tla.errors import Position, TlaSemanticError
from checkers.tla.parse.syntax import Alias, Builtin, Module, Symbol


class Scope:
    """One level of names; lookups go on to the enclosing level."""

    def __init__(self, parent: Scope | None = None) -> None:
        self.parent = parent
        self.names: dict[str, Symbol] = {}

    def find(self, name: str) -> Symbol | None:
        """Look a name up; None if it is not defined."""
        scope: Scope | None = self
        while scope is not None:
            if (symbol := scope.names.get(name)) is not None:
                return symbol
            scope = scope.parent
        return None

    def add(self, symbol: Symbol) -> None:
        """Bind a new name; TLA+ lets no name be bound twice in one scope.

        Raises:
            TlaSemanticError: when the name is bound already.
        """
        old = self.find(symbol.name)
        if old is not None and not same(old, symbol):
            where = f" (also at {old.position})" if old.position else ""
            raise TlaSemanticError(
                "redefined", f"'{symbol.name}' is declared or defined already{where}", symbol.position
            )
        self.names[symbol.name] = symbol

    def bring(self, symbol: Symbol) -> bool:
        """Bind a name that another module exports unless it is bound already; return whether it was bound now."""
        if self.find(symbol.name) is not None:
            return False
        self.names[symbol.name] = symbol
        return True


def same(first: Symbol, second: Symbol) -> bool:
    """Return whether two symbols are one definition that was imported twice."""
    if first is second:
        return True
    if isinstance(first, Builtin) and isinstance(second, Builtin):
        return first.name == second.name
    a, b = (item.target if isinstance(item, Alias) else item for item in (first, second))
    return a is b and (isinstance(first, Alias) or isinstance(second, Alias))


def exported_by(module: Module, name: str, position: Position | None) -> Symbol:
    """Look a name up in an instanced module.

    Raises:
        TlaSemanticError: when the module defines no such name.
    """
    symbol = module.exported.get(name)
    if symbol is None:
        raise TlaSemanticError("undefined", f"module {module.name} defines no '{name}'", position)
    return symbol
