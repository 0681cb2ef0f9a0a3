"""The functions of generated code, and how code finds the names it uses.

Code with a loop becomes a function, lifted to the top level; the local names that it uses become its parameters, found
while its text is generated. Only recursive operators that depend on local names stay closures.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from checkers.tla.errors import Position
from checkers.tla.parse.names import Path
from checkers.tla.parse.syntax import Argument, Bound, Expr, Operator, Symbol, Variable

_COUNTER = itertools.count()


def fresh(hint: str) -> str:
    """Return a Python name that is not in use."""
    return f"{re.sub(r'[^A-Za-z0-9]', '', hint)[:24] or 'x'}_{next(_COUNTER)}"


class Code(NamedTuple):
    """A Python expression with the known facts about its value.

    Attributes:
        text: the expression; it can stand as an operand.
        type: `int`, `bool`, `str`, `set` (a frozenset if normal), `rec` or `any`.
        normal: whether the value can be put into a state or a set as it is.
    """

    text: str
    type: str = "any"
    normal: bool = False


class Frame:
    """A Python function under construction."""

    def __init__(self, parent: Frame | None, *, closure: bool = False) -> None:
        self.parent = parent
        self.closure = closure
        self.locals: set[str] = set()
        self.captured: dict[str, None] = {}
        self.lines: list[str] = []
        self.depth = 1
        self.closures: dict[Any, str] = {}

    def use(self, name: str) -> None:
        """Make a local name of this frame or an enclosing one available here."""
        if name in self.locals or name in self.captured:
            return
        if self.closure:
            assert self.parent is not None
            self.parent.use(name)
        else:
            self.captured[name] = None

    def owns(self, name: str) -> bool:
        """Return whether the code of this function may assign to the name."""
        return name in self.locals or name in self.captured

    def emit(self, text: str) -> None:
        """Add a statement."""
        self.lines.append("    " * self.depth + text)

    @contextmanager
    def block(self, header: str) -> Iterator[None]:
        """Add a compound statement; statements emitted within the context are its body."""
        self.emit(header)
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def local(self, hint: str) -> str:
        """Make a new local name."""
        name = fresh(hint)
        self.locals.add(name)
        return name


@dataclass(frozen=True, slots=True)
class Context:
    """The context that code is generated for.

    Attributes:
        frame: the function that will contain the code.
        prime: whether variables mean their values in the next state.
        assigned: the variables whose next value is known, or None for all.
        test: whether the code is a condition, so that a boolean value of it is stored nowhere.
    """

    frame: Frame
    prime: bool = False
    assigned: frozenset[int] | None = None
    test: bool = False

    def within(self, frame: Frame) -> Context:
        """Return the same context for another function."""
        return Context(frame, self.prime, self.assigned)

    def primed(self) -> Context:
        """Return the same context for values in the next state."""
        return Context(self.frame, True, self.assigned, self.test)

    def testing(self, test: bool = True) -> Context:
        """Return the same context for a condition, or for a value."""
        return self if self.test is test else Context(self.frame, self.prime, self.assigned, test)


# Bindings: the meaning of a symbol in generated code ------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Local:
    """A Python name that holds the value, or perhaps (`thunk`) an unevaluated one."""

    name: str
    type: str = "any"
    normal: bool = True
    thunk: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Lazy:
    """A LET definition or argument: the name of a local that caches it, and the call that computes it."""

    name: str
    function: str
    captured: tuple[str, ...]
    type: str
    normal: bool
    node: Expr
    env: Env


@dataclass(frozen=True, slots=True, eq=False)
class ByName:
    """An expression with the environment it belongs to; its code is repeated at each use."""

    node: Expr
    env: Env


@dataclass(frozen=True, slots=True, eq=False)
class Closure:
    """An operator with the environment it was defined in."""

    operator: Operator | None
    params: tuple[Bound, ...]
    body: Expr
    env: Env


@dataclass(frozen=True, slots=True, eq=False)
class Native:
    """An operator of the language or a standard module, or a constant, that replaces another name."""

    symbol: Symbol
    env: Env
    path: Path = ()


@dataclass(frozen=True, slots=True, eq=False)
class Own:
    """A variable of an instance within an ENABLED there: what replaces it, and the place of its next value."""

    variable: Variable
    place: int
    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class Global:
    """A value known before code generation; in a LET, `node` and `env` are what it was computed from."""

    name: str
    type: str
    normal: bool
    node: Expr | None = None
    env: Env | None = None


Binding = Local | Lazy | ByName | Closure | Native | Own | Global


class Env:
    """Bindings of symbols; environments are never changed, only extended."""

    __slots__ = ("at", "map")

    def __init__(self, bindings: dict[Symbol, Binding], at: Code | None = None) -> None:
        self.map = bindings
        self.at = at

    def extend(self, bindings: Mapping[Any, Any]) -> Env:
        """Return this environment with more bindings."""
        return Env({**self.map, **bindings}, self.at) if bindings else self

    def with_at(self, at: Code) -> Env:
        """Return this environment with a meaning for `@`."""
        return Env(self.map, at)


@dataclass(slots=True)
class Mark:
    """The source position of generated text, and an expression that can replace it to fail with a clear message."""

    position: Position
    clear: str | None = None


Builder = Callable[[Frame], None]
__all__ = [
    "Argument", "Binding", "Builder", "ByName", "Closure", "Code", "Context", "Env", "Frame", "Global", "Lazy", "Local",
    "Mark", "Native", "Own", "fresh",
]  # fmt: skip
