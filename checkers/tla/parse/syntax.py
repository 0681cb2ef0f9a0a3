"""The intermediate representation: expressions with resolved names, and the symbols that the names refer to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from checkers.tla.errors import Position


@dataclass(eq=False, slots=True)
class Expr:
    """Any expression."""

    position: Position


@dataclass(eq=False, slots=True)
class Literal(Expr):
    """An integer, a string, TRUE or FALSE."""

    value: int | str | bool


@dataclass(eq=False, slots=True)
class Apply(Expr):
    """A name with its arguments, reached through the instances of `path` (outermost first)."""

    symbol: Symbol
    args: tuple[Argument, ...] = ()
    path: tuple[tuple[Instance, tuple[Argument, ...]], ...] = ()


@dataclass(eq=False, slots=True)
class Basic(Expr):
    """An operator of the language itself: `and`, `or`, `not`, `implies`, `equiv`, `eq`, `prime`, `always` and so on."""

    op: str
    args: tuple[Expr, ...]


@dataclass(eq=False, slots=True)
class If(Expr):
    """IF … THEN … ELSE."""

    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(eq=False, slots=True)
class Case(Expr):
    """CASE with its arms and, perhaps, OTHER."""

    arms: tuple[tuple[Expr, Expr], ...]
    other: Expr | None


@dataclass(eq=False, slots=True)
class Let(Expr):
    """LET; instances among its definitions appear only in the paths of names."""

    definitions: tuple[Operator, ...]
    body: Expr


@dataclass(eq=False, slots=True)
class Domain:
    r"""`x, y \\in S` or `<<x, y>> \\in S`."""

    names: tuple[Bound, ...]
    pattern: bool
    source: Expr


@dataclass(eq=False, slots=True)
class Quantified(Expr):
    """A bounded quantifier: `kind` is `A` or `E`."""

    kind: str
    domains: tuple[Domain, ...]
    body: Expr


@dataclass(eq=False, slots=True)
class Unbounded(Expr):
    """A quantifier or CHOOSE without a set: `kind` is `A`, `E`, `AA`, `EE` or `CHOOSE`."""

    kind: str
    names: tuple[Bound, ...]
    body: Expr


@dataclass(eq=False, slots=True)
class Choose(Expr):
    """A bounded CHOOSE."""

    domain: Domain
    body: Expr


@dataclass(eq=False, slots=True)
class SetOf(Expr):
    """`{a, b, c}`."""

    items: tuple[Expr, ...]


@dataclass(eq=False, slots=True)
class SetFilter(Expr):
    r"""`{x \\in S : P}`."""

    domain: Domain
    body: Expr


@dataclass(eq=False, slots=True)
class SetMap(Expr):
    r"""`{e : x \\in S, …}`."""

    body: Expr
    domains: tuple[Domain, ...]


@dataclass(eq=False, slots=True)
class Function(Expr):
    r"""`[x \\in S |-> e]`; `itself` is the operator that means the function within a recursive definition."""

    domains: tuple[Domain, ...]
    body: Expr
    itself: Operator | None = None


@dataclass(eq=False, slots=True)
class Call(Expr):
    """`f[a, b]`."""

    function: Expr
    args: tuple[Expr, ...]


@dataclass(eq=False, slots=True)
class FunctionSet(Expr):
    """`[S -> T]`."""

    source: Expr
    target: Expr


@dataclass(eq=False, slots=True)
class Record(Expr):
    """`[a |-> 1, b |-> 2]`."""

    fields: tuple[tuple[str, Expr], ...]


@dataclass(eq=False, slots=True)
class RecordSet(Expr):
    """`[a : S, b : T]`."""

    fields: tuple[tuple[str, Expr], ...]


@dataclass(eq=False, slots=True)
class Field(Expr):
    """`r.a`."""

    record: Expr
    name: str


@dataclass(eq=False, slots=True)
class Except(Expr):
    """`[f EXCEPT ![a].b = e, …]`; a path holds the argument lists, and a field is a list of one string literal."""

    function: Expr
    updates: tuple[tuple[tuple[tuple[Expr, ...], ...], Expr], ...]


@dataclass(eq=False, slots=True)
class At(Expr):
    """`@` within EXCEPT."""


@dataclass(eq=False, slots=True)
class Tuple(Expr):
    """`<<a, b>>`."""

    items: tuple[Expr, ...]


@dataclass(eq=False, slots=True)
class Product(Expr):
    r"""`A \\X B \\X C`."""

    items: tuple[Expr, ...]


@dataclass(eq=False, slots=True)
class Square(Expr):
    """`[A]_v`."""

    action: Expr
    subscript: Expr


@dataclass(eq=False, slots=True)
class Angle(Expr):
    """`<<A>>_v`."""

    action: Expr
    subscript: Expr


@dataclass(eq=False, slots=True)
class Fairness(Expr):
    """`WF_v(A)` or `SF_v(A)`."""

    strong: bool
    subscript: Expr
    action: Expr


@dataclass(eq=False, slots=True)
class Lambda:
    """LAMBDA as an argument."""

    position: Position
    params: tuple[Bound, ...]
    body: Expr


@dataclass(eq=False, slots=True)
class OperatorName:
    """An operator given by its name as an argument."""

    position: Position
    symbol: Symbol
    path: tuple[tuple[Instance, tuple[Argument, ...]], ...] = ()


Argument: TypeAlias = "Expr | Lambda | OperatorName"

BASIC_OPERATORS: dict[str, int] = {
    **dict.fromkeys(("/\\", "\\/", "=>", "\\equiv", "=", "/=", "\\in", "\\notin", "\\cup", "\\cap", "\\"), 2),
    "\\subseteq": 2,
    "~": 1,
    "SUBSET": 1,
    "UNION": 1,
    "DOMAIN": 1,
}
"""Operators of the language that may be arguments of others, with their arities."""
BASIC_NAMES: dict[str, str] = {
    "/\\": "and", "\\/": "or", "=>": "implies", "\\equiv": "equiv", "=": "eq", "/=": "ne", "\\in": "in",
    "\\notin": "notin", "\\cup": "cup", "\\cap": "cap", "\\": "diff", "\\subseteq": "subseteq", "~": "not",
    "SUBSET": "powerset", "UNION": "union", "DOMAIN": "domain", "'": "prime", "UNCHANGED": "unchanged",
    "ENABLED": "enabled", "[]": "always", "<>": "eventually", "~>": "leadsto", "-+->": "guarantees", "\\cdot": "cdot",
}  # fmt: skip
"""The names of the language's operators in the intermediate representation."""


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
        """Return the number of parameters."""
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
    """A definition imported by an unnamed INSTANCE."""

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
        exported: the names that a module gets which extends or instances this one.
        extends: the modules it extends, in order.
        foreign: exported symbols from modules without parameters; they mean the same there and here.
        words: the identifiers, and `strings` the string literals, in the order of the text.
        notes: what was read but is not checked (proofs, for instance).
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
    foreign: set[Symbol] = field(default_factory=set)
    words: list[str] = field(default_factory=list)
    strings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    builtin: bool = False

    def hands_on_itself(self, symbol: Symbol) -> bool:
        """Return whether a module that instances this one gets the symbol itself: it depends on no parameter.

        Source: SANY's Generator, which makes a new definition for each other one that an INSTANCE imports.
        """
        return not (self.constants or self.variables) or symbol in self.foreign
