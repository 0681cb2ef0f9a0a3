"""Equality of values; as in TLC, comparing values of different kinds is an error, also inside other values.

Source: the equals methods of TLC's value classes.
"""

from __future__ import annotations

from typing import NoReturn

from checkers.tla.errors import TlaEvalError
from checkers.tla.values.identity import SEEN, alike
from checkers.tla.values.kinds import a_kind, mismatch
from checkers.tla.values.show import show
from checkers.tla.values.values import (
    Domain,
    LazyFunction,
    LazySet,
    ModelValue,
    Value,
    keys_of,
    normal,
    ordered,
    values_of,
)

_ATOMS = frozenset({int, str, bool})
_COMPOUND: frozenset[type] = frozenset({tuple, frozenset})


def fail(kind: str, detail: str) -> NoReturn:
    """Raise an evaluation error."""
    raise TlaEvalError(kind, detail)


def eq(a: Value, b: Value) -> bool:
    """Evaluate `a = b`; comparing values of different kinds is an error, unless one is a model value."""
    kind = a.__class__
    if kind is b.__class__:
        if kind in _ATOMS:
            return bool(a == b)
        if kind is tuple:
            return a is b or (_really(a, b) if a == b else unequal(a, b))
        if kind is frozenset:
            return a is b or (_really(a, b) if a == b else _sets_differ(a, b))
        if kind is ModelValue and a.type == b.type:
            return a is b
    return _eq_mixed(a, b)


def _eq_mixed(a: Value, b: Value) -> bool:
    if isinstance(a, LazySet) and isinstance(b, LazySet):
        if a.named and b.named:
            return a is b
        if not (a.enumerable() and b.enumerable()):
            if a is b or a.describe() == b.describe():
                return True
            fail("infinite", f"cannot compare {a.describe()} with {b.describe()}")
    elif isinstance(a, LazySet | LazyFunction) or isinstance(b, LazySet | LazyFunction):
        lazy, other = (a, b) if isinstance(a, LazySet | LazyFunction) else (b, a)
        if other.__class__ is ModelValue:
            return False
        if isinstance(lazy, LazySet) and not lazy.enumerable():
            fail("infinite", f"cannot compare {lazy.describe()} with {show(other)}")
    a, b = normal(a), normal(b)
    if mismatch(a, b):
        fail("comparison", f"cannot compare {show(a)}, {a_kind(a)}, with {show(b)}, {a_kind(b)}")
    if a.__class__ is b.__class__ and a.__class__ is not ModelValue:
        return eq(a, b)
    return a is b


def _really(a: Value, b: Value) -> bool:
    """Return True for values that are equal in Python; refuse a boolean compared with a number."""
    if SEEN.truths and not alike(a, b):
        fail("comparison", f"cannot compare {show(a)} with {show(b)}: one holds booleans where the other has integers")
    return True


def unequal(a: tuple[Value, ...], b: tuple[Value, ...]) -> bool:
    """Return False for two different functions; refuse them if they cannot be compared."""
    if a and b and len(a) == len(b) and (a[0] is b[0] or not (a[0].__class__ is Domain or b[0].__class__ is Domain)):
        # functions over one domain or sequences of one length, most often
        for x, y in zip(a, b, strict=True):
            if x is not y:
                kind = x.__class__
                if kind is y.__class__ and kind in _ATOMS:
                    if x != y:
                        return False
                elif not eq(x, y):
                    return False
        return True
    if b and is_record(a) and not is_record(b):
        fail("comparison", f"cannot compare {show(a)} with {show(b)}: one is a record, the other is not")
    keys, others = keys_of(a), keys_of(b)
    if len(keys) != len(others):
        return False
    if keys is not others:
        for x, y in zip(keys, others, strict=True):
            if not eq(x, y):
                return False
    return all(map(eq, values_of(a), values_of(b)))


def _sets_differ(a: frozenset[Value], b: frozenset[Value]) -> bool:
    """Return False for two different sets; refuse them if they cannot be compared."""
    if len(a) == len(b):
        for x, y in zip(a, b, strict=True):
            if mismatch(x, y):
                fail("comparison", f"cannot compare {show(a)} with {show(b)}")
            if x.__class__ in _COMPOUND:
                return all(map(eq, ordered(a), ordered(b)))
            break
    return False


def is_record(value: Value) -> bool:
    """Return whether a function's domain is a set of strings."""
    return value.__class__ is tuple and bool(value) and value[0].__class__ is Domain and value[0].record
