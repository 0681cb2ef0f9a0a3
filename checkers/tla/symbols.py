"""What names stand for: declarations, definitions, bound identifiers, instances and modules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checkers.tla.errors import Position
    from checkers.tla.syntax import Argument, Expr


@dataclass(eq=False, slots=True)
class Symbol:
    """Anything that a name can refer to."""

    name: str
    position: Position | None


@dataclass(eq=False, slots=True)
class Constant(Symbol):
    """A declared constant; one with parameters is a constant operator."""

    arity: int = 0


@dataclass(eq=False, slots=True)
class Variable(Symbol):
    """A declared variable."""

    module: str = ""


@dataclass(eq=False, slots=True)
class Bound(Symbol):
    """An identifier bound by a quantifier, a set or function constructor, CHOOSE, or as a parameter of an operator."""

    arity: int = 0


@dataclass(eq=False, slots=True)
class Operator(Symbol):
    """A definition. `body` is None between a RECURSIVE declaration and the definition itself."""

    params: tuple[Bound, ...] = ()
    body: Expr | None = None
    module: str = ""
    recursive: bool = False
    local: bool = False
    nested: bool = False
    labels: dict[str, tuple[tuple[Bound, ...], Expr]] = field(default_factory=dict)

    @property
    def arity(self) -> int:
        """How many parameters the operator has."""
        return len(self.params)


@dataclass(eq=False, slots=True)
class Builtin(Symbol):
    """An operator of a standard module, implemented here."""

    arity: int = 0
    module: str = ""


@dataclass(eq=False, slots=True)
class Instance(Symbol):
    """`I(params) == INSTANCE M WITH …`, or an unnamed INSTANCE (then `name` is empty)."""

    module: Module | None = None
    params: tuple[Bound, ...] = ()
    substitution: dict[Symbol, Argument] = field(default_factory=dict)
    local: bool = False


@dataclass(eq=False, slots=True)
class Alias(Symbol):
    """A definition that an unnamed INSTANCE brought in."""

    target: Symbol = field(default=None)  # type: ignore[assignment]
    instance: Instance = field(default=None)  # type: ignore[assignment]
    local: bool = False


@dataclass(eq=False, slots=True)
class Assumption:
    """An ASSUME, AXIOM or ASSUMPTION statement."""

    name: str | None
    body: Expr
    position: Position


@dataclass(eq=False)
class Module:
    """A module after names have been resolved.

    Attributes:
        symbols: everything visible at the module's end, LOCAL definitions included.
        exported: names that EXTENDS and INSTANCE hand on.
        extends: the modules it extends, in order.
        words: the identifiers, and `strings` the string literals, in the order of the text.
        notes: what the checker saw and does not check (proofs, for instance).
    """

    name: str
    path: str | None = None
    symbols: dict[str, Symbol] = field(default_factory=dict)
    exported: dict[str, Symbol] = field(default_factory=dict)
    constants: list[Constant] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    assumptions: list[Assumption] = field(default_factory=list)
    extends: list[Module] = field(default_factory=list)
    inner: dict[str, Module] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    strings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    builtin: bool = False
