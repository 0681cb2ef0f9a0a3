"""Helpers of generated code: conditions, application, records, EXCEPT, and the errors TLC gives."""

from __future__ import annotations

from typing import NoReturn

from checkers.tla.errors import TlaEvalError
from checkers.tla.values.equality import fail
from checkers.tla.values.kinds import a_kind, is_model
from checkers.tla.values.sets import Interval, contains
from checkers.tla.values.show import show
from checkers.tla.values.values import (
    Domain,
    LazyFunction,
    ModelValue,
    Thunk,
    Value,
    is_sequence,
    normal,
)

_ATOMS = frozenset({int, str, bool})


def not_boolean(value: Value, where: str = "") -> NoReturn:
    """Refuse a value that should have been TRUE or FALSE."""
    fail("type", f"expected TRUE or FALSE{where}, not {a_kind(value)}: {show(value)}")


def boolean(value: Value) -> bool:
    """Return the value, which must be TRUE or FALSE."""
    if value.__class__ is Thunk:
        value = value.force()
    if value is True or value is False:
        return value
    not_boolean(value)


def apply(f: Value, x: Value) -> Value:
    """Evaluate `f[x]`."""
    if f.__class__ is tuple:
        if f:
            over = f[0]
            if over.__class__ is Domain:
                try:
                    return f[over.index[x]]
                except (KeyError, TypeError):
                    return f[over.index[_known(f, x)]]
        if x.__class__ is int and 0 < x <= len(f):
            return f[x - 1]
        _known(f, x)
        return f[x - 1]
    if f.__class__ is LazyFunction:
        if not contains(f.source, x):
            fail("domain", f"{show(x)} is not in the domain {show(f.source)} of the function")
        return f.apply(normal(x))
    fail("type", f"cannot apply {a_kind(f)} to an argument: {show(f)} is not a function")


def _known(f: tuple[Value, ...], x: Value) -> Value:
    """Return the argument in normal form; refuse one outside the function's domain."""
    x = normal(x)
    if f and f[0].__class__ is Domain:
        over = f[0]
        if x in over.index:
            return x
        key = over.keys[0]
        if key.__class__ is tuple and is_sequence(key) and len(key) > 1 and x.__class__ is not tuple:
            fail("arity", f"the function {show(f)} takes {len(key)} arguments, not one: {show(x)}")
        if over.record and x.__class__ is str:
            fail("field", f"the record {show(f)} has no field {show(x)}")
        fail("domain", f"{show(x)} is not in the domain of the function {show(f)}")
    if x.__class__ is not int:
        fail("domain", f"{show(x)} is no index of the tuple {show(f)}")
    if not 0 < x <= len(f):
        fail("domain", f"index {x} is out of bounds of the tuple {show(f)}")
    return x


def field(r: Value, name: str) -> Value:
    """Evaluate `r.name`."""
    r = normal(r)
    if r.__class__ is tuple and r and r[0].__class__ is Domain:
        if name in r[0].index:
            return r[r[0].index[name]]
        fail("field", f"the record {show(r)} has no field {name}")
    fail("field", f"cannot select field {name} of {a_kind(r)}: {show(r)}")


def place(f: Value, x: Value) -> int | None:
    """Find the value that EXCEPT replaces: its place in the function's tuple, or None outside the domain."""
    if f.__class__ is not tuple:
        fail("type", f"cannot use EXCEPT on {a_kind(f)}: {show(f)}")
    if f and f[0].__class__ is Domain:
        found: int | None = f[0].index.get(x)
        if found is None and x.__class__ not in _ATOMS and x.__class__ is not ModelValue:
            found = f[0].index.get(normal(x))
        return found
    if x.__class__ is int:
        return x - 1 if 0 < x <= len(f) else None
    if is_model(x) or not f:
        return None
    fail("domain", f"{show(x)} is no index of the tuple {show(f)}")


def domain_of(f: Value) -> Value:
    """Evaluate `DOMAIN f`."""
    if f.__class__ is tuple:
        if f and f[0].__class__ is Domain:
            return f[0].members
        return Interval(1, len(f))
    if f.__class__ is LazyFunction:
        return f.source
    fail("type", f"cannot take the DOMAIN of {a_kind(f)}: {show(f)}")


def no_choice(what: str) -> NoReturn:
    """Fail: CHOOSE found no element."""
    fail("choose", f"no element of the set satisfies the condition of CHOOSE {what}")


def no_case() -> NoReturn:
    """Fail: no arm of a CASE applies."""
    fail("case", "no condition of the CASE is true, and it has no OTHER")


def unbounded(kind: str) -> NoReturn:
    """Fail: a quantifier has no set."""
    fail("unbounded", f"cannot evaluate an unbounded {kind}: give it a set, as in {kind} x \\in S : P")


def unassigned(name: str) -> NoReturn:
    """Fail: a primed variable is read before it has a value."""
    fail("unassigned", f"the primed variable {name}' has no value yet when it is read")


def incomplete(action: str, names: tuple[str, ...]) -> NoReturn:
    """Fail: an action leaves variables without a value."""
    listed_names = ", ".join(names)
    error = TlaEvalError("unassigned", f"{action} leaves {listed_names} without a value")
    error.action = action
    raise error
