"""Integer arithmetic for generated code."""

from __future__ import annotations

from typing import Any

from checkers.tla.values.equality import fail
from checkers.tla.values.kinds import a_kind
from checkers.tla.values.show import show
from checkers.tla.values.values import Value, normal


def ints(op: str, a: Value, b: Value) -> None:
    """Refuse operands of an arithmetic operator that are not integers."""
    for value in map(normal, (a, b)):
        if value.__class__ is not int:
            fail("type", f"the operator {op} wants integers, not {a_kind(value)}: {show(value)}")


def add(a: Value, b: Value) -> Any:
    """Evaluate `a + b`."""
    if a.__class__ is not int or b.__class__ is not int:
        ints("+", a, b)
    return a + b


def sub(a: Value, b: Value) -> Any:
    """Evaluate `a - b`."""
    if a.__class__ is not int or b.__class__ is not int:
        ints("-", a, b)
    return a - b


def mul(a: Value, b: Value) -> Any:
    """Evaluate `a * b`."""
    if a.__class__ is not int or b.__class__ is not int:
        ints("*", a, b)
    return a * b


def div(a: Value, b: Value) -> Any:
    r"""Evaluate `a \\div b`, rounding down."""
    ints("\\div", a, b)
    if b == 0:
        fail("arithmetic", "the second argument of \\div is 0")
    return a // b


def mod(a: Value, b: Value) -> Any:
    """Evaluate `a % b`."""
    ints("%", a, b)
    if b <= 0:
        fail("arithmetic", f"the second argument of % is {b}, but must be positive")
    return a % b


def power(a: Value, b: Value) -> Any:
    """Evaluate `a ^ b`."""
    ints("^", a, b)
    if b < 0 or (a == 0 and b == 0):
        fail("arithmetic", f"cannot compute {a} ^ {b}")
    return a**b


def negate(a: Value) -> Any:
    """Evaluate `-a`."""
    ints("-", a, 0)
    return -a


def less(a: Value, b: Value) -> bool:
    """Evaluate `a < b`."""
    if a.__class__ is not int or b.__class__ is not int:
        ints("<", a, b)
    return bool(a < b)


def at_most(a: Value, b: Value) -> bool:
    """Evaluate `a <= b`."""
    if a.__class__ is not int or b.__class__ is not int:
        ints("<=", a, b)
    return bool(a <= b)
