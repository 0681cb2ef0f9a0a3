"""Lazy sets, held by their description: intervals, SUBSET, function and record sets, Seq, Nat and others."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from checkers.tla.errors import TlaEvalError
from checkers.tla.values.equality import eq
from checkers.tla.values.identity import SEEN
from checkers.tla.values.kinds import a_kind, is_model, mismatch
from checkers.tla.values.show import show
from checkers.tla.values.values import (
    Domain,
    LazyFunction,
    LazySet,
    Value,
    domain,
    function,
    is_sequence,
    keys_of,
    normal,
    ordered,
    same_member,
)

_COMPOUND: frozenset[type] = frozenset({tuple, frozenset})
_CONFUSED = frozenset({int, bool})
_BITS = frozenset({0, 1})
"""To Python, FALSE and TRUE are 0 and 1, so these are compared by kind too."""


def contains(members: Value, value: Value) -> bool:
    """Return whether a value is in a set of any sort."""
    if members.__class__ is frozenset:
        if not members:
            return False
        value = normal(value)
        kind = value.__class__
        if value in members and not (kind in _CONFUSED and value in _BITS):
            return kind not in _COMPOUND or not SEEN.truths or eq(value, same_member(members, value))
        for other in members:
            if kind is not other.__class__:
                if mismatch(value, other):
                    raise TlaEvalError("comparison", f"cannot compare {show(value)} with {show(other)}")
            elif kind in _COMPOUND:
                eq(value, other)
            break
        return value in members
    if isinstance(members, LazySet):
        return members.contains(value)
    raise TlaEvalError("type", f"cannot look for an element in {a_kind(members)}: {show(members)} is not a set")


def listed(members: Value) -> tuple[Value, ...] | Iterator[Value]:
    """Return the elements of a set of any sort, in order."""
    if members.__class__ is frozenset:
        return ordered(members)
    if isinstance(members, LazySet):
        return members.elements()
    raise TlaEvalError("type", f"cannot enumerate {a_kind(members)}: {show(members)} is not a set")


def can_list(members: Value) -> bool:
    """Return whether the elements of a set can be listed."""
    return members.__class__ is frozenset or (isinstance(members, LazySet) and members.enumerable())


class Interval(LazySet):
    """`a..b`."""

    __slots__ = ("high", "low")

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.high = high

    def contains(self, value: Value) -> bool:
        if value.__class__ is int:
            return bool(self.low <= value <= self.high)
        if is_model(value):
            return False
        raise TlaEvalError("comparison", f"cannot ask whether {show(value)} is in the interval {self.describe()}")

    def elements(self) -> Iterator[Value]:
        return iter(range(self.low, self.high + 1))

    def count(self) -> int:
        return max(0, self.high - self.low + 1)

    def describe(self) -> str:
        return f"{self.low}..{self.high}"


def is_listed(members: Value) -> bool:
    """Return whether a set is held by its elements or as an interval."""
    return members.__class__ is frozenset or members.__class__ is Interval


class Unlisted(LazySet):
    """A set with a membership test but no list of elements."""

    __slots__ = ()

    def elements(self) -> Iterator[Value]:
        raise self.infinite()

    def enumerable(self) -> bool:
        return False


class Universe(Unlisted):
    """Nat, Int, STRING, Real and Any: sets with a membership test but no list of elements."""

    __slots__ = ("name", "test")
    named = True

    def __init__(self, name: str, test: Callable[[Value], bool | None]) -> None:
        self.name = name
        self.test = test

    def contains(self, value: Value) -> bool:
        answer = self.test(normal(value))
        if answer is None:
            if is_model(value):
                return False
            raise TlaEvalError("comparison", f"cannot ask whether {show(value)} is in {self.name}")
        return answer

    def describe(self) -> str:
        return self.name


NAT = Universe("Nat", lambda v: v >= 0 if v.__class__ is int else None)
INT = Universe("Int", lambda v: True if v.__class__ is int else None)
REAL = Universe("Real", lambda v: True if v.__class__ is int else None)
STRING = Universe("STRING", lambda v: True if v.__class__ is str else None)
ANY = Universe("Any", lambda _: True)


class PowerSet(LazySet):
    """`SUBSET S`."""

    __slots__ = ("base",)

    def __init__(self, base: Value) -> None:
        self.base = base

    def contains(self, value: Value) -> bool:
        base = self.base
        value = value if value.__class__ is frozenset else normal_set(value)
        if value.__class__ is not frozenset:
            if is_model(value):
                return False
            raise TlaEvalError("type", f"cannot ask whether {show(value)}, {a_kind(value)}, is in {self.describe()}")
        if base.__class__ is not frozenset and base.enumerable() and base.count() <= 4096:
            base = self.base = base.normal()
        if base.__class__ is frozenset and value <= base and not SEEN.truths:
            return True
        return all(contains(base, item) for item in value)

    def elements(self) -> Iterator[Value]:
        base = tuple(listed(self.base))
        for size in range(len(base) + 1):
            yield from map(frozenset, itertools.combinations(base, size))

    def enumerable(self) -> bool:
        return can_list(self.base)

    def count(self) -> int:
        return 1 << len(normal(self.base))

    def describe(self) -> str:
        return f"SUBSET {show(self.base)}"


def normal_set(value: Value) -> Value:
    """Convert a set to a frozenset if it can be listed; return anything else unchanged."""
    return value.normal() if isinstance(value, LazySet) and value.enumerable() else value


class FunctionSet(LazySet):
    """`[S -> T]`."""

    __slots__ = ("_over", "source", "target")

    def __init__(self, source: Value, target: Value) -> None:
        self.source = source
        self.target = target
        self._over: Domain | None = None

    def contains(self, value: Value) -> bool:
        if value.__class__ is LazyFunction:
            value = value.normal()
        if value.__class__ is not tuple:
            if is_model(value):
                return False
            raise TlaEvalError("type", f"cannot ask whether {show(value)}, {a_kind(value)}, is in {self.describe()}")
        if self._over is None:
            if not can_list(self.source):
                return False
            self._over = domain(normal(self.source))
        over, target = self._over, self.target
        if over.sequence:
            if len(value) != len(over.keys) or not is_sequence(value):
                return self._other_domain(value)
            items = value
        elif not value or value[0] is not over:
            return self._other_domain(value)
        else:
            items = value[1:]
        if target.__class__ is frozenset and all(item in target for item in items) and not SEEN.truths:
            return True
        return all(contains(target, item) for item in items)

    def _other_domain(self, value: tuple[Value, ...]) -> bool:
        """Return False; refuse domains that cannot be compared."""
        assert self._over is not None
        return eq(frozenset(keys_of(value)), self._over.members) and False

    def elements(self) -> Iterator[Value]:
        over = domain(normal(self.source))
        targets = tuple(listed(self.target)) if over.keys else ()
        for items in itertools.product(targets, repeat=len(over.keys)):
            yield function(over, items)

    def enumerable(self) -> bool:
        return can_list(self.source) and can_list(self.target)

    def count(self) -> int:
        targets = self.target.count() if isinstance(self.target, LazySet) else len(self.target)
        return int(targets ** len(normal(self.source)))

    def describe(self) -> str:
        return f"[{show(self.source)} -> {show(self.target)}]"


class RecordSet(LazySet):
    """`[a : S, b : T]`."""

    __slots__ = ("_over", "names", "targets")

    def __init__(self, names: tuple[str, ...], targets: tuple[Value, ...]) -> None:
        self._over = domain(frozenset(names))
        given = dict(zip(names, targets, strict=True))
        self.names = self._over.keys
        self.targets = tuple(given[name] for name in self.names)

    def contains(self, value: Value) -> bool:
        if value.__class__ is LazyFunction:
            value = value.normal()
        if value.__class__ is not tuple or (value and not (value[0].__class__ is Domain and value[0].record)):
            if is_model(value):
                return False
            raise TlaEvalError("type", f"cannot ask whether {show(value)}, not a record, is in {self.describe()}")
        if not value or value[0] is not self._over:
            return False
        return all(contains(t, item) for t, item in zip(self.targets, value[1:], strict=True))

    def elements(self) -> Iterator[Value]:
        for items in itertools.product(*(tuple(listed(target)) for target in self.targets)):
            yield (self._over, *items)

    def enumerable(self) -> bool:
        return all(can_list(target) for target in self.targets)

    def describe(self) -> str:
        return "[" + ", ".join(f"{n} : {show(t)}" for n, t in zip(self.names, self.targets, strict=True)) + "]"


class TupleSet(LazySet):
    r"""`A \\X B`."""

    __slots__ = ("targets",)

    def __init__(self, *targets: Value) -> None:
        self.targets = targets

    def contains(self, value: Value) -> bool:
        if value.__class__ is LazyFunction:
            value = value.normal()
        if value.__class__ is not tuple or not is_sequence(value):
            if is_model(value) or (value.__class__ is tuple and value[0].keys[0].__class__ is int):
                return False
            raise TlaEvalError("type", f"cannot ask whether {show(value)}, not a tuple, is in {self.describe()}")
        return len(value) == len(self.targets) and all(map(contains, self.targets, value))

    def elements(self) -> Iterator[Value]:
        return itertools.product(*(tuple(listed(target)) for target in self.targets))

    def enumerable(self) -> bool:
        return all(can_list(target) for target in self.targets)

    def describe(self) -> str:
        return " \\X ".join(show(target) for target in self.targets)


class Sequences(Unlisted):
    """`Seq(S)`."""

    __slots__ = ("target",)

    def __init__(self, target: Value) -> None:
        self.target = target

    def contains(self, value: Value) -> bool:
        if value.__class__ is LazyFunction:
            value = value.normal()
        if value.__class__ is not tuple or not is_sequence(value):
            if is_model(value):
                return False
            raise TlaEvalError("type", f"cannot ask whether {show(value)}, not a sequence, is in {self.describe()}")
        return all(contains(self.target, item) for item in value)

    def describe(self) -> str:
        return f"Seq({show(self.target)})"


class Filtered(Unlisted):
    r"""`{x \\in S : P}` over a set that cannot be listed."""

    __slots__ = ("base", "test")

    def __init__(self, base: Value, test: Callable[[Value], bool]) -> None:
        self.base = base
        self.test = test

    def contains(self, value: Value) -> bool:
        return contains(self.base, value) and self.test(value)

    def describe(self) -> str:
        return f"{{x \\in {show(self.base)} : ...}}"


class Joined(LazySet):
    r"""`S \\cup T`, `S \\cap T`, `S \\ T` or `UNION S` where a part cannot be listed."""

    __slots__ = ("op", "parts")

    def __init__(self, op: str, *parts: Value) -> None:
        self.op = op
        self.parts = parts

    def contains(self, value: Value) -> bool:
        first, *rest = self.parts
        if self.op == "UNION":
            return any(contains(part, value) for part in listed(first))
        if self.op == "\\cup":
            return contains(first, value) or contains(rest[0], value)
        return contains(first, value) and contains(rest[0], value) == (self.op == "\\cap")

    def elements(self) -> Iterator[Value]:
        if self.op == "UNION":
            seen = set[Value]()
            for part in listed(self.parts[0]):
                for item in listed(part):
                    if item not in seen:
                        seen.add(item)
                        yield item
            return
        if self.enumerable():
            source, other = self.parts if can_list(self.parts[0]) else self.parts[::-1]
            yield from (item for item in listed(source) if contains(other, item) == (self.op == "\\cap"))
            return
        raise self.infinite()

    def enumerable(self) -> bool:
        if self.op == "\\cap":
            return any(map(can_list, self.parts))
        if self.op == "UNION":
            return can_list(self.parts[0]) and all(map(can_list, listed(self.parts[0])))
        return self.op == "\\" and can_list(self.parts[0])

    def describe(self) -> str:
        if self.op == "UNION":
            return f"UNION {show(self.parts[0])}"
        return f"({show(self.parts[0])} {self.op} {show(self.parts[1])})"
