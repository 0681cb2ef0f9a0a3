"""Makes sets and functions for generated code."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Sequence

from checkers.tla.values.equality import eq, fail, is_record, unequal
from checkers.tla.values.identity import SEEN
from checkers.tla.values.kinds import a_kind, is_model, mismatch
from checkers.tla.values.sets import (
    Filtered,
    FunctionSet,
    Interval,
    Joined,
    PowerSet,
    RecordSet,
    TupleSet,
    can_list,
    contains,
    listed,
)
from checkers.tla.values.show import show
from checkers.tla.values.values import (
    Domain,
    LazyFunction,
    LazySet,
    Value,
    domain,
    is_sequence,
    normal,
)

_COMPOUND: frozenset[type] = frozenset({tuple, frozenset})


def make_set(items: Sequence[Value]) -> frozenset[Value]:
    """Make a set from its elements, which must be comparable with one another."""
    if len(items) > 1:
        if len(set(map(type, items))) > 1:
            check_kinds(items)
        first = items[0]
        if first.__class__ in _COMPOUND:
            for other in items:
                if other is not first:
                    eq(first, other)
    return frozenset(items)


def check_kinds(members: Iterable[Value]) -> None:
    """Refuse a set whose elements cannot be compared with one another."""
    plain = [item for item in members if not is_model(item)]
    for other in plain[1:]:
        if mismatch(plain[0], other):
            fail("comparison", f"cannot compare {show(plain[0])} with {show(other)}")


def comparable(a: frozenset[Value], b: frozenset[Value]) -> None:
    """Refuse two sets whose elements cannot be compared with one another."""
    for x in a:
        for y in b:
            if x is not y:
                if x.__class__ is not y.__class__:
                    if mismatch(x, y):
                        fail("comparison", f"cannot compare {show(x)} with {show(y)}")
                elif x.__class__ is tuple:
                    if x != y:
                        unequal(y, x) if is_record(y) else unequal(x, y)
                elif x.__class__ is frozenset:
                    eq(x, y)
            break
        break
    if SEEN.truths:
        for y in b:
            if y.__class__ in _COMPOUND:
                contains(a, y)


def cup(a: Value, b: Value) -> Value:
    r"""Evaluate `a \\cup b`."""
    if a.__class__ is frozenset and b.__class__ is frozenset:
        if not a:
            return b
        if not b:
            return a
        comparable(a, b)
        return a | b
    if can_list(_set(a)) and can_list(_set(b)):
        return cup(normal(a), normal(b))
    return Joined("\\cup", a, b)


def cap(a: Value, b: Value) -> Value:
    r"""Evaluate `a \\cap b`."""
    if a.__class__ is frozenset and b.__class__ is frozenset:
        comparable(a, b)
        return a & b
    if can_list(_set(a)) and can_list(_set(b)):
        return cap(normal(a), normal(b))
    return normal_joined(Joined("\\cap", a, b))


def diff(a: Value, b: Value) -> Value:
    r"""Evaluate `a \\ b`."""
    if a.__class__ is frozenset and b.__class__ is frozenset:
        comparable(a, b)
        return a - b
    if can_list(_set(a)) and can_list(_set(b)):
        return diff(normal(a), normal(b))
    return normal_joined(Joined("\\", a, b))


def normal_joined(members: Joined) -> Value:
    """List the elements of a set where possible."""
    return members.normal() if members.enumerable() else members


def _set(value: Value) -> Value:
    if value.__class__ is frozenset or isinstance(value, LazySet):
        return value
    fail("type", f"expected a set, not {a_kind(value)}: {show(value)}")


def subseteq(a: Value, b: Value) -> bool:
    r"""Evaluate `a \\subseteq b`."""
    if a.__class__ is frozenset and b.__class__ is frozenset:
        if a <= b and not SEEN.truths:
            return True
    else:
        _set(b)
        if not can_list(_set(a)):
            fail("infinite", f"cannot enumerate {show(a)}")
    return all(contains(b, item) for item in listing(a))


def big_union(sets: Value) -> Value:
    """Evaluate `UNION sets`."""
    _set(sets)
    if can_list(sets):
        parts = [_set(part) for part in listing(sets)]
        if all(map(can_list, parts)):
            return _united([normal(part) for part in parts])
    return Joined("UNION", sets)


def _united(parts: list[frozenset[Value]]) -> frozenset[Value]:
    """Return the union of listed sets, whose elements must be comparable."""
    firsts = [item for part in parts for item in itertools.islice(part, 1)]
    for item in firsts:
        if item.__class__ is not firsts[0].__class__:
            return functools.reduce(cup, parts, frozenset())
    return frozenset().union(*parts)


def union_of(parts: Sequence[Value]) -> Value:
    """Return the union of some sets."""
    if all(can_list(_set(part)) for part in parts):
        return _united([normal(part) for part in parts])
    return functools.reduce(lambda a, b: Joined("\\cup", a, b), parts)


def interval(a: Value, b: Value) -> Interval:
    """Evaluate `a..b`."""
    if a.__class__ is not int or b.__class__ is not int:
        bad = b if a.__class__ is int else a
        fail("type", f"cannot make an interval with {a_kind(bad)}: {show(bad)}")
    return Interval(a, b)


def listing(members: Value) -> Iterable[Value]:
    """Return the elements of a set in any order."""
    if members.__class__ is frozenset:
        return members
    return listed(members)


def in_order(members: Value) -> Iterable[Value]:
    """Return the elements of a set in order."""
    return listed(members)


def tuples(*parts: Iterable[Value]) -> Iterable[tuple[Value, ...]]:
    """Return all combinations of some elements; the first place changes fastest (see `Binders.loops`)."""
    return (combination[::-1] for combination in itertools.product(*parts[::-1]))


def untuple(value: Value, count: int) -> Sequence[Value]:
    """Split a tuple for a pattern of `count` names."""
    value = normal(value)
    if value.__class__ is tuple and len(value) == count and is_sequence(value):
        return value
    fail("type", f"{show(value)} does not match a pattern of {count} elements")


def filtered(base: Value, now: Callable[[], Value], test: Callable[[Value], bool]) -> Value:
    r"""Evaluate `{x \\in S : P}`: at once where S can be listed."""
    return now() if can_list(_set(base)) else Filtered(base, test)


def power_set(base: Value) -> PowerSet:
    """Evaluate `SUBSET S`."""
    return PowerSet(_set(base))


def product_domain(*sets: Value) -> Domain:
    """Return the domain of a function of several arguments."""
    return domain(frozenset(TupleSet(*sets).elements()))


def set_domain(members: Value) -> Domain:
    """Return the domain object of a set that can be listed."""
    if members.__class__ is frozenset:
        return domain(members)
    if not can_list(_set(members)):
        raise members.infinite()
    return domain(members.normal())


def function_over(source: Value, now: Callable[[], Value] | None, body: Callable[[Value], Value]) -> Value:
    r"""Evaluate `[x \\in S |-> e]`: at once where S can be listed."""
    if not can_list(_set(source)):
        return LazyFunction(source, body)
    return now() if now is not None else LazyFunction(source, body).normal()


def recursive_function(source: Value, body: Callable[..., Value], captured: tuple[Value, ...]) -> LazyFunction:
    r"""Evaluate `f[x \\in S] == e` where e mentions f."""
    function = LazyFunction(_set(source))
    function.body = lambda item: body(item, function, *captured)
    return function


def call_once(source: Value, argument: Value, body: Callable[[Value], Value]) -> Value:
    r"""Evaluate `[x \\in S |-> e][a]`, which computes no other value."""
    within(source, argument)
    return body(argument)


def within(source: Value, argument: Value) -> None:
    """Refuse an argument that is not in a function's domain."""
    if not contains(source, argument):
        fail("domain", f"{show(argument)} is not in the domain {show(source)} of the function")


def function_set(source: Value, target: Value) -> FunctionSet:
    """Evaluate `[source -> target]`."""
    return FunctionSet(_set(source), _set(target))


def record_set(names: tuple[str, ...], *targets: Value) -> RecordSet:
    """Evaluate `[a : S, …]`."""
    return RecordSet(names, tuple(map(_set, targets)))


def tuple_set(*targets: Value) -> TupleSet:
    r"""Evaluate `A \\X B`."""
    return TupleSet(*map(_set, targets))
