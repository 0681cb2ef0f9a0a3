"""Operators of the standard modules: sequences, finite sets, bags, TLC, TLCExt and Randomization."""

from __future__ import annotations

import functools
import itertools
import random
import sys
import time
from collections.abc import Callable

from checkers.tla.errors import TlaEvalError
from checkers.tla.values.equality import fail
from checkers.tla.values.helpers import boolean
from checkers.tla.values.kinds import a_kind, mismatch
from checkers.tla.values.sets import Sequences, can_list, contains, listed
from checkers.tla.values.show import show
from checkers.tla.values.values import (
    Domain,
    LazySet,
    ModelValue,
    Value,
    domain,
    function,
    function_of,
    is_sequence,
    keys_of,
    normal,
    values_of,
)

# Sequences ----------------------------------------------------------------------------------------------------


def _sequence(value: Value, what: str) -> Value:
    value = normal(value)
    if value.__class__ is str or (value.__class__ is tuple and is_sequence(value)):
        return value
    fail("type", f"cannot apply {what} to {a_kind(value)}: {show(value)} is not a sequence")


def length(value: Value) -> int:
    """Evaluate `Len(s)`."""
    if value.__class__ is tuple and (not value or value[0].__class__ is not Domain):
        return len(value)
    return len(_sequence(value, "Len"))


def head(value: Value) -> Value:
    """Evaluate `Head(s)`."""
    if value.__class__ is tuple and value and value[0].__class__ is not Domain:
        return value[0]
    found = _sequence(value, "Head")
    if found.__class__ is str:
        fail("type", f"cannot apply Head to a string: {show(value)}")
    if not found:
        fail("domain", "cannot apply Head to the empty sequence")
    return found[0]


def tail(value: Value) -> Value:
    """Evaluate `Tail(s)`."""
    if value.__class__ is tuple and value and value[0].__class__ is not Domain:
        return value[1:]
    if not _sequence(value, "Tail"):
        fail("domain", "cannot apply Tail to the empty sequence")
    return normal(value)[1:]


def append(value: Value, item: Value) -> Value:
    """Evaluate `Append(s, e)`."""
    if not (value.__class__ is tuple and (not value or value[0].__class__ is not Domain)):
        value = _sequence(value, "Append")
        if value.__class__ is str:
            fail("type", f"cannot append to the string {show(value)}")
    return (*value, normal(item))


def concat(first: Value, second: Value) -> Value:
    r"""Evaluate `s \\o t`."""
    first, second = _sequence(first, "\\o"), _sequence(second, "\\o")
    if first.__class__ is not second.__class__:
        fail("type", f"cannot join {a_kind(first)} and {a_kind(second)}: {show(first)}, {show(second)}")
    return first + second


def sub_sequence(value: Value, low: Value, high: Value) -> Value:
    """Evaluate `SubSeq(s, m, n)`."""
    value = _sequence(value, "SubSeq")
    for bound in (low, high):
        if bound.__class__ is not int:
            fail("type", f"the bounds of SubSeq must be integers, not {show(bound)}")
    if low > high:
        return value[:0]
    if low < 1 or high > len(value):
        fail("domain", f"the bounds {low} and {high} of SubSeq lie outside {show(value)}")
    return value[low - 1 : high]


def select(value: Value, test: Callable[[Value], Value]) -> Value:
    """Evaluate `SelectSeq(s, Test)`."""
    return tuple(item for item in _sequence(value, "SelectSeq") if boolean(test(item)))


def sort(value: Value, before: Callable[[Value, Value], Value]) -> Value:
    """Evaluate `SortSeq(s, Op)` by insertion sort, as TLC does, so that ties have the same order."""
    result: list[Value] = []
    for item in _sequence(value, "SortSeq"):
        at = len(result)
        while at > 0 and boolean(before(item, result[at - 1])):
            at -= 1
        result.insert(at, item)
    return tuple(result)


def sequences(target: Value) -> Sequences:
    """Evaluate `Seq(S)`."""
    return Sequences(target)


# Finite sets --------------------------------------------------------------------------------------------------


def cardinality(members: Value) -> int:
    """Evaluate `Cardinality(S)`."""
    if members.__class__ is frozenset:
        return len(members)
    if isinstance(members, LazySet):
        if not members.enumerable():
            raise members.infinite("take the cardinality of")
        return members.count()
    fail("type", f"cannot take the cardinality of {a_kind(members)}: {show(members)}")


def is_finite_set(members: Value) -> bool:
    """Evaluate `IsFiniteSet(S)`."""
    if members.__class__ is not frozenset and not isinstance(members, LazySet):
        fail("type", f"IsFiniteSet wants a set, not {a_kind(members)}: {show(members)}")
    return can_list(members)


# TLC ----------------------------------------------------------------------------------------------------------


class Session:
    """State that the operators of module TLC share with the run.

    Attributes:
        registers: the values of TLCSet.
        facts: the named values of TLCGet, such as `level`.
        write: the function that PrintT writes with.
    """

    def __init__(self) -> None:
        self.registers: dict[Value, Value] = {}
        self.facts: dict[str, Callable[[], Value]] = {}
        self.write: Callable[[str], object] = lambda text: print(text, file=sys.stderr)  # noqa: T201
        self.random = random.Random(0)


SESSION = Session()


def print_value(value: Value) -> bool:
    """Evaluate `PrintT(v)`."""
    SESSION.write(show(normal(value)) if value.__class__ is not str else show(value))
    return True


def print_both(out: Value, value: Value) -> Value:
    """Evaluate `Print(out, v)`."""
    SESSION.write(f"{show(out)}  {show(value)}")
    return value


def check(value: Value, message: Value) -> bool:
    """Evaluate `Assert(v, out)`."""
    if value is True:
        return True
    if value is not False:
        fail("type", f"the first argument of Assert must be TRUE or FALSE, not {show(value)}")
    fail("assert", f"the first argument of Assert is FALSE; the second is {show(message)}")


def java_time() -> int:
    """Evaluate `JavaTime`: the milliseconds since 1970 that fit into 31 bits."""
    return int(time.time() * 1000) & 0x7FFFFFFF


def register_get(key: Value) -> Value:
    """Evaluate `TLCGet(i)`."""
    if key.__class__ is str and key in SESSION.facts:
        return SESSION.facts[key]()
    if key in SESSION.registers:
        return SESSION.registers[key]
    fail("register", f"TLCGet({show(key)}): nothing has been set")


def register_set(key: Value, value: Value) -> bool:
    """Evaluate `TLCSet(i, v)`."""
    if key == "exit":
        raise TlaEvalError("exit", 'the specification asked for the end of the run: TLCSet("exit", TRUE)')
    SESSION.registers[key] = normal(value)
    return True


def register_or(key: Value, default: Value) -> Value:
    """Evaluate `TLCGetOrDefault(key, v)`."""
    return SESSION.registers.get(key, default)


def register_update(key: Value, op: Callable[[Value, Value], Value], value: Value, default: Value) -> Value:
    """Evaluate `TLCGetAndSet(key, Op, v, default)`: the old value."""
    old = SESSION.registers.get(key, default)
    SESSION.registers[key] = normal(op(old, value))
    return old


def singleton(key: Value, value: Value) -> Value:
    """Evaluate `d :> e`."""
    return function_of({normal(key): normal(value)})


def override(first: Value, second: Value) -> Value:
    """Evaluate `f @@ g`: the first wins."""
    first, second = normal(first), normal(second)
    for value in (first, second):
        if value.__class__ is not tuple:
            fail("type", f"the operator @@ wants functions, not {a_kind(value)}: {show(value)}")
    if not second:
        return first
    pairs = dict(zip(keys_of(second), values_of(second), strict=True))
    pairs.update(zip(keys_of(first), values_of(first), strict=True))
    if first and mismatch(keys_of(first)[0], keys_of(second)[0]):
        fail("comparison", f"cannot compare {show(keys_of(first)[0])} with {show(keys_of(second)[0])}")
    return function_of(pairs)


def permutations(members: Value) -> frozenset[Value]:
    """Evaluate `Permutations(S)`."""
    over = domain(normal(members))
    return frozenset(function(over, items) for items in itertools.permutations(over.keys))


def random_element(members: Value) -> Value:
    """Evaluate `RandomElement(S)`."""
    items = tuple(listed(members))
    if not items:
        fail("domain", "RandomElement of the empty set")
    return SESSION.random.choice(items)


def to_string(value: Value) -> str:
    """Evaluate `ToString(v)`."""
    return show(normal(value) if not isinstance(value, LazySet) else value)


def model_value(name: Value) -> ModelValue:
    """Evaluate `TLCModelValue(s)`."""
    if name.__class__ is not str:
        fail("type", f"TLCModelValue wants a string, not {show(name)}")
    return ModelValue.named(name)


def assert_equal(first: Value, second: Value) -> bool:
    """Evaluate `AssertEq(a, b)`: whether they are equal; a difference is printed."""
    equal = bool(normal(first) == normal(second))
    if not equal:
        SESSION.write(f"AssertEq failed: {show(first)} # {show(second)}")
    return equal


def random_subset(count: Value, members: Value) -> frozenset[Value]:
    """Evaluate `RandomSubset(k, S)`."""
    items = tuple(listed(members))
    if not 0 <= count <= len(items):
        fail("domain", f"RandomSubset({count}, S) of a set of {len(items)} elements")
    return frozenset(SESSION.random.sample(items, count))


def random_subsets(count: Value, size: Value, members: Value) -> frozenset[Value]:
    """Evaluate `RandomSetOfSubsets(k, n, S)`: up to k subsets of about n elements."""
    items = tuple(listed(members))
    chance = size / len(items) if items else 0
    pick = SESSION.random.random
    return frozenset(frozenset(item for item in items if pick() < chance) for _ in range(count))


# Bags ---------------------------------------------------------------------------------------------------------


def _function(value: Value) -> tuple[Value, ...]:
    value = normal(value)
    if value.__class__ is not tuple:
        fail("type", f"{show(value)}, {a_kind(value)}, is no function")
    return tuple(value)


def _bag(value: Value) -> dict[Value, int]:
    value = normal(value)
    if not is_bag(value):
        fail("type", f"{show(value)} is not a bag")
    return dict(zip(keys_of(value), values_of(value), strict=True))


def is_bag(value: Value) -> bool:
    """Evaluate `IsABag(B)`."""
    value = normal(value)
    return value.__class__ is tuple and all(item.__class__ is int and item > 0 for item in values_of(value))


def bag_to_set(bag: Value) -> frozenset[Value]:
    """Evaluate `BagToSet(B)`."""
    return frozenset(keys_of(_function(bag)))


def set_to_bag(members: Value) -> Value:
    """Evaluate `SetToBag(S)`."""
    return function_of(dict.fromkeys(normal(members), 1))


def bag_in(item: Value, bag: Value) -> bool:
    """Evaluate `BagIn(e, B)`."""
    return contains(frozenset(_bag(bag)), item)


def bag_sum(first: Value, second: Value) -> Value:
    """Evaluate `B1 (+) B2`."""
    counts = _bag(first)
    for item, count in _bag(second).items():
        counts[item] = counts.get(item, 0) + count
    return function_of(counts)


def bag_difference(first: Value, second: Value) -> Value:
    """Evaluate `B1 (-) B2`."""
    other = _bag(second)
    counts = {item: count - other.get(item, 0) for item, count in _bag(first).items()}
    return function_of({item: count for item, count in counts.items() if count > 0})


def bag_union(bags: Value) -> Value:
    """Evaluate `BagUnion(S)`."""
    return functools.reduce(bag_sum, listed(bags), ())


def bag_within(first: Value, second: Value) -> bool:
    r"""Evaluate `B1 \\sqsubseteq B2`."""
    other = _bag(second)
    return all(count <= other.get(item, 0) for item, count in _bag(first).items())


def sub_bags(bag: Value) -> frozenset[Value]:
    """Evaluate `SubBag(B)`."""
    counts = _bag(bag)
    choices = itertools.product(*(range(count + 1) for count in counts.values()))
    return frozenset(function_of({item: n for item, n in zip(counts, choice, strict=True) if n}) for choice in choices)


def bag_of_all(op: Callable[[Value], Value], bag: Value) -> Value:
    """Evaluate `BagOfAll(F, B)`."""
    counts: dict[Value, int] = {}
    for item, count in _bag(bag).items():
        image = normal(op(item))
        counts[image] = counts.get(image, 0) + count
    return function_of(counts)


def bag_cardinality(bag: Value) -> int:
    """Evaluate `BagCardinality(B)`."""
    return sum(_bag(bag).values())


def copies_in(item: Value, bag: Value) -> int:
    """Evaluate `CopiesIn(e, B)`."""
    return _bag(bag).get(normal(item), 0)
