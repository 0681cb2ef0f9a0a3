"""Kinds of values: TLC compares only values of one kind, and untyped model values with anything."""

from __future__ import annotations

from checkers.tla.values.values import Domain, LazyFunction, LazySet, ModelValue, Value

_NAMES: dict[type, str] = {
    int: "an integer",
    bool: "a boolean",
    str: "a string",
    frozenset: "a set",
    ModelValue: "a model value",
    LazyFunction: "a function",
}


def a_kind(value: Value) -> str:
    """Name the kind of a value."""
    if value.__class__ is tuple:
        if value and value[0].__class__ is Domain:
            return "a record" if value[0].record else "a function"
        return "a tuple"
    return "a set" if isinstance(value, LazySet) else _NAMES.get(value.__class__, "a value")


def is_model(value: Value) -> bool:
    """Return whether a value is an untyped model value, which may be compared with anything."""
    return value.__class__ is ModelValue and not value.type


def is_typed(value: Value) -> bool:
    """Return whether a value is a typed model value."""
    return value.__class__ is ModelValue and bool(value.type)


def mismatch(first: Value, second: Value) -> bool:
    """Return whether comparing two normal values is an error, judged by their kinds alone."""
    a, b = first.__class__, second.__class__
    if a is ModelValue or b is ModelValue:
        if is_model(first) or is_model(second):
            return False
        return not (a is b and first.type == second.type)
    return a is not b
