"""The filter language: prefix lists, read into a tree. Queries and job filters are written in it.

    ["|", F…] or, ["&", F…] and, ["!", F] not, ["?", field] true, ["=", field, value] (also "==", "!=", "<", "<=",
    ">", ">="), ["=~", field, regex], ["=[]", field, value] contains; null is the filter that lets all pass.

Source: Ganeti 3.0.2's query language; refusals observed on the running daemon.

>>> tree = parse_filter(["&", ["=", "name", "web1"], ["!", ["?", "offline"]]])
>>> [leaf.field for leaf in leaves(tree)]
['name', 'offline']
>>> parse_filter(["~", "name", "web1"])
Traceback (most recent call last):
impl.expressions.FilterSyntaxError: this is no query: Unknown filter operand '~'
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from impl.limits import MAX_QUERY_TESTS, MAX_REQUEST_DEPTH
from impl.patterns import Pattern, PatternError
from spec.errors import GantryError

Value = str | int

_ORDER = frozenset({"<", "<=", ">", ">="})
_EQUAL = frozenset({"=", "=="})
_LOGIC = frozenset({"|", "&"})


class FilterSyntaxError(GantryError):
    """A request that is no query; `reason` is what the wire says after `Cannot convert value …, error: `."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"this is no query: {reason}")


@dataclass(frozen=True, slots=True)
class Many:
    """All (`&`) or any (`|`) of some filters."""

    sign: str
    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary of a filter."""

    part: "Filter"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A test of one field; `value` is None for the test of truth."""

    sign: str
    field: str
    value: Value | Pattern | None = None


Filter = Many | Not | Leaf


def shown(value: Any) -> str:
    """Return a value as an error text quotes it."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (RecursionError, ValueError):  # too deep, or a number with too many digits
        return "a value that cannot be shown"


def negative_in_parentheses(value: Value) -> str:
    """Return a number as Ganeti shows it within a term: Haskell's form."""
    return f"({value})" if isinstance(value, int) and value < 0 else str(value)


def _field_name(value: Any) -> str:
    if not isinstance(value, str):
        raise FilterSyntaxError("Unable to read String")
    return value


def _pair(arguments: list[Any]) -> tuple[str, Any]:
    if len(arguments) != 2:
        raise FilterSyntaxError(
            f"Cannot deserialise field/value pair, expected [fieldname, value] but got {shown(arguments)}"
        )
    return _field_name(arguments[0]), arguments[1]


def _value(value: Any) -> Value:
    if isinstance(value, float) and math.isfinite(value):
        exact = Fraction(str(value))
        if exact.denominator != 1:
            raise FilterSyntaxError(
                "Cannot deserialise numeric filter value, expecting integral but got a fractional value:"
                f" {negative_in_parentheses(exact.numerator)} % {exact.denominator}"
            )
        return exact.numerator
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise FilterSyntaxError(f"Cannot deserialise filter value, expecting string or integer, got {shown(value)}")
    return value


def _pattern(value: Any) -> Pattern:
    try:
        return Pattern(_field_name(value))
    except PatternError as error:
        raise FilterSyntaxError(str(error)) from None


class _Reader:
    """Reads one filter, and counts its tests."""

    def __init__(self, limit: int) -> None:
        self._limit = self._left = limit

    def read(self, value: Any, depth: int) -> Filter | None:
        if value is None:
            return None
        if depth > MAX_REQUEST_DEPTH:
            raise FilterSyntaxError(f"a filter has at most {MAX_REQUEST_DEPTH} levels")
        if not isinstance(value, list | tuple) or not value or not isinstance(value[0], str):
            raise FilterSyntaxError(f"Cannot deserialise filter: expected array [string, args], got {shown(value)}")
        sign, arguments = value[0], list(value[1:])
        if sign in _LOGIC:
            parts = [self.read(argument, depth + 1) for argument in arguments]
            return Many(sign, tuple(part for part in parts if part is not None))
        if sign == "!":
            if len(arguments) != 1:
                raise FilterSyntaxError(f"Cannot deserialise field, expected [filter] but got {shown(arguments)}")
            part = self.read(arguments[0], depth + 1)
            return Not(Many("&", ()) if part is None else part)
        self._left -= 1
        if self._left < 0:
            raise FilterSyntaxError(f"a filter has at most {self._limit} tests")
        return _leaf(sign, arguments)


def _leaf(sign: str, arguments: list[Any]) -> Leaf:
    if sign == "?":
        if len(arguments) != 1:
            raise FilterSyntaxError(f"Cannot deserialise field, expected [fieldname] but got {shown(arguments)}")
        return Leaf("?", _field_name(arguments[0]))
    if sign in _EQUAL or sign in _ORDER or sign in {"!=", "=[]"}:
        field, operand = _pair(arguments)
        return Leaf("=" if sign == "==" else sign, field, _value(operand))
    if sign == "=~":
        field, operand = _pair(arguments)
        return Leaf("=~", field, _pattern(operand))
    raise FilterSyntaxError(f"Unknown filter operand '{sign}'")


def parse_filter(value: Any, tests: int = MAX_QUERY_TESTS) -> Filter | None:
    """Read a filter from its JSON form; None is the empty filter.

    Args:
        value: the JSON form.
        tests: how many tests it may hold.

    Raises:
        FilterSyntaxError: it is none, or exceeds a bound.
    """
    return _Reader(tests).read(value, 1)


def leaves(tree: Filter | None) -> Iterator[Leaf]:
    """Yield the tests of a filter, from left to right."""
    if isinstance(tree, Leaf):
        yield tree
    elif isinstance(tree, Not):
        yield from leaves(tree.part)
    elif isinstance(tree, Many):
        for part in tree.parts:
            yield from leaves(part)
