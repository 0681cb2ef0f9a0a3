"""The filter language: prefix lists, read into a tree and evaluated against one thing's fields. Pure.

    ["|", F…] or, ["&", F…] and, ["!", F] not, ["?", field] true, ["=", field, value] (also "==", "!=", "<", "<=",
    ">", ">="), ["=~", field, regex], ["=[]", field, value] contains; null is the filter that lets all pass.

Rules: names compare as host names (a first part matches), pairs of seconds and microseconds by their seconds; a field
without a normal value passes; values of different types are an error, not a mismatch.

Source: Ganeti 3.0.2's query language; refusals observed on the running daemon.

>>> tree = parse_filter(["&", ["=", "name", "web1"], ["!", ["?", "offline"]]])
>>> [leaf.field for leaf in leaves(tree)]
['name', 'offline']
>>> from impl.query.nodes import FIELDS
>>> entries = {"name": (NORMAL, "web1.example.com"), "offline": (NORMAL, False)}
>>> passes(tree, FIELDS, entries.__getitem__)
True
>>> wanted_names(parse_filter(["|", ["=", "name", "web1"], ["=", "name", "web2"]]), "name")
['web1', 'web2']
>>> parse_filter(["~", "name", "web1"])
Traceback (most recent call last):
impl.query.model.FilterSyntaxError: this is no query: Unknown filter operand '~'
"""

import json
import math
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from impl.cluster.names import matches
from impl.query.model import NORMAL, Compare, Entry, Fields, FilterSyntaxError, QueryError

Value = str | int

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_EQUAL = frozenset({"=", "=="})
_LOGIC = frozenset({"|", "&"})


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
    value: Value | re.Pattern[str] | None = None


Filter = Many | Not | Leaf


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _field_name(value: Any) -> str:
    if not isinstance(value, str):
        raise FilterSyntaxError("Unable to read String")
    return value


def _pair(arguments: list[Any]) -> tuple[str, Any]:
    if len(arguments) != 2:
        raise FilterSyntaxError(
            f"Cannot deserialise field/value pair, expected [fieldname, value] but got {_json(arguments)}"
        )
    return _field_name(arguments[0]), arguments[1]


def _value(value: Any) -> Value:
    if isinstance(value, float) and math.isfinite(value):
        exact = Fraction(str(value))
        if exact.denominator != 1:
            raise FilterSyntaxError(
                "Cannot deserialise numeric filter value, expecting integral but got a fractional value:"
                f" {_negative_in_parentheses(exact.numerator)} % {exact.denominator}"
            )
        return exact.numerator
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise FilterSyntaxError(f"Cannot deserialise filter value, expecting string or integer, got {_json(value)}")
    return value


def _regex(value: Any) -> re.Pattern[str]:
    try:
        return re.compile(_field_name(value))
    except re.error as error:
        raise FilterSyntaxError(f'({error.pos or 0},"{error.msg}")') from None


def parse_filter(value: Any) -> Filter | None:
    """Read a filter from its JSON form; None is the empty filter.

    Raises:
        FilterSyntaxError: it is none.
    """
    if value is None:
        return None
    if not isinstance(value, list) or not value or not isinstance(value[0], str):
        raise FilterSyntaxError(f"Cannot deserialise filter: expected array [string, args], got {_json(value)}")
    sign, arguments = value[0], value[1:]
    if sign in _LOGIC:
        parts = tuple(part for part in map(parse_filter, arguments) if part is not None)
        return Many(sign, parts)
    if sign == "!":
        if len(arguments) != 1:
            raise FilterSyntaxError(f"Cannot deserialise field, expected [filter] but got {_json(arguments)}")
        part = parse_filter(arguments[0])
        return Not(Many("&", ()) if part is None else part)
    if sign == "?":
        if len(arguments) != 1:
            raise FilterSyntaxError(f"Cannot deserialise field, expected [fieldname] but got {_json(arguments)}")
        return Leaf("?", _field_name(arguments[0]))
    if sign in _EQUAL or sign in _ORDER or sign in {"!=", "=[]"}:
        field, operand = _pair(arguments)
        if sign == "!=":
            return Not(Leaf("=", field, _value(operand)))
        return Leaf("=" if sign == "==" else sign, field, _value(operand))
    if sign == "=~":
        field, operand = _pair(arguments)
        return Leaf("=~", field, _regex(operand))
    raise FilterSyntaxError(f"Unknown filter operand '{sign}'")


def leaves(tree: Filter | None) -> Iterator[Leaf]:
    """Yield the tests of a filter, from left to right."""
    if isinstance(tree, Leaf):
        yield tree
    elif isinstance(tree, Not):
        yield from leaves(tree.part)
    elif isinstance(tree, Many):
        for part in tree.parts:
            yield from leaves(part)


def wanted_names(tree: Filter | None, field: str) -> list[Value] | None:
    """Return the names that a filter asks for, if it does nothing else; None if it does, [] for all."""
    if tree is None:
        return []
    if isinstance(tree, Leaf) and tree.sign == "=" and tree.field == field and isinstance(tree.value, str | int):
        return [tree.value]
    if isinstance(tree, Many) and tree.sign == "|":
        found: list[Value] = []
        for part in tree.parts:
            names = wanted_names(part, field)
            if names is None:
                return None
            found.extend(names)
        return found
    return None


def check_fields(tree: Filter | None, fields: Fields) -> None:
    """Refuse a filter that tests a field that there is not.

    Raises:
        QueryError: with the field's name.
    """
    for leaf in leaves(tree):
        if leaf.field not in fields:
            raise QueryError("ParameterError", f"Can't find field named '{leaf.field}'")


def _negative_in_parentheses(value: Value) -> str:
    """Write a number as Ganeti shows it within a term: Haskell's form."""
    return f"({value})" if isinstance(value, int) and value < 0 else str(value)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f"QuotedString {_json(value)}"
    return f"NumericValue {_negative_in_parentheses(value)}"


def _comparable(actual: Any, wanted: Any) -> None:
    number = isinstance(actual, int | float) and not isinstance(actual, bool)
    if not (isinstance(actual, str) if isinstance(wanted, str) else number):
        raise QueryError(
            "ParameterError",
            f"Invalid types in comparison, trying to compare {_json(actual)} with '{_shown(wanted)}'",
        )


def _contains(actual: Any, wanted: Any) -> bool:
    if not isinstance(actual, list):
        raise QueryError("GenericError", f"Cannot convert value '{_json(actual)}', error: Unable to read list")
    for item in actual:
        number = isinstance(item, int | float) and not isinstance(item, bool)
        if not (isinstance(item, str) if isinstance(wanted, str) else number):
            name = "String" if isinstance(wanted, str) else "Integer"
            raise QueryError("GenericError", f"Cannot convert value '{_json(actual)}', error: Unable to read {name}")
    return wanted in actual


def _test(leaf: Leaf, actual: Any, compare: Compare) -> bool:
    wanted = leaf.value
    if compare is Compare.TIMESTAMP:
        actual = actual[0]
    if leaf.sign == "?":
        if not isinstance(actual, bool):
            raise QueryError("ParameterError", f"Unexpected value '{_json(actual)}' in boolean context")
        return actual
    if isinstance(wanted, re.Pattern):
        if not isinstance(actual, str):
            raise QueryError(
                "ParameterError",
                f"Invalid field value used in regexp matching, expecting string but got '{_json(actual)}'",
            )
        return wanted.search(actual) is not None
    if leaf.sign == "=[]":
        return _contains(actual, wanted)
    if leaf.sign == "=":
        if compare is Compare.HOSTNAME and isinstance(wanted, str) and isinstance(actual, str):
            return matches(actual, wanted)
        _comparable(actual, wanted)
        return bool(actual == wanted)
    _comparable(actual, wanted)
    return _ORDER[leaf.sign](actual, wanted)


def passes(tree: Filter | None, fields: Fields, get: Callable[[str], Entry]) -> bool:
    """Return whether a thing passes the filter.

    Args:
        tree: the filter.
        fields: the fields of its kind; every tested one is among them.
        get: the thing's entry of a field.

    Raises:
        QueryError: a value does not have the type that a test needs.
    """
    if tree is None:
        return True
    if isinstance(tree, Many):
        tests = (passes(part, fields, get) for part in tree.parts)
        return all(tests) if tree.sign == "&" else any(tests)
    if isinstance(tree, Not):
        return not passes(tree.part, fields, get)
    status, actual = get(tree.field)
    return status != NORMAL or _test(tree, actual, fields[tree.field].compare)
