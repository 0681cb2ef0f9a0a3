"""The filter language of queries, evaluated against one thing's fields. Pure.

Rules: names compare as host names (a first part matches), pairs of seconds and microseconds by their seconds; a field
without a normal value passes; values of different types are an error, not a mismatch.

Source: Ganeti 3.0.2's query language; refusals observed on the running daemon.

>>> from impl.expressions import parse_filter
>>> from impl.query.nodes import FIELDS
>>> entries = {"name": (NORMAL, "web1.example.com"), "offline": (NORMAL, False)}
>>> passes(parse_filter(["&", ["=", "name", "web1"], ["!", ["?", "offline"]]]), FIELDS, entries.__getitem__)
True
>>> wanted_names(parse_filter(["|", ["=", "name", "web1"], ["=", "name", "web2"]]), "name")
['web1', 'web2']
"""

import operator
from collections.abc import Callable
from typing import Any

from impl.cluster.names import matches
from impl.expressions import Filter, Leaf, Many, Not, Value, leaves, negative_in_parentheses, shown
from impl.patterns import Pattern, PatternWorkError
from impl.query.model import NORMAL, Compare, Entry, Fields, QueryError

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


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


def _term(value: Any) -> str:
    if isinstance(value, str):
        return f"QuotedString {shown(value)}"
    return f"NumericValue {negative_in_parentheses(value)}"


def _comparable(actual: Any, wanted: Any) -> None:
    number = isinstance(actual, int | float) and not isinstance(actual, bool)
    if not (isinstance(actual, str) if isinstance(wanted, str) else number):
        raise QueryError(
            "ParameterError",
            f"Invalid types in comparison, trying to compare {shown(actual)} with '{_term(wanted)}'",
        )


def _contains(actual: Any, wanted: Any) -> bool:
    if not isinstance(actual, list):
        raise QueryError("GenericError", f"Cannot convert value '{shown(actual)}', error: Unable to read list")
    for item in actual:
        number = isinstance(item, int | float) and not isinstance(item, bool)
        if not (isinstance(item, str) if isinstance(wanted, str) else number):
            name = "String" if isinstance(wanted, str) else "Integer"
            raise QueryError("GenericError", f"Cannot convert value '{shown(actual)}', error: Unable to read {name}")
    return wanted in actual


def _test(leaf: Leaf, actual: Any, compare: Compare) -> bool:
    wanted = leaf.value
    if compare is Compare.TIMESTAMP:
        actual = actual[0]
    if leaf.sign == "?":
        if not isinstance(actual, bool):
            raise QueryError("ParameterError", f"Unexpected value '{shown(actual)}' in boolean context")
        return actual
    if isinstance(wanted, Pattern):
        if not isinstance(actual, str):
            raise QueryError(
                "ParameterError",
                f"Invalid field value used in regexp matching, expecting string but got '{shown(actual)}'",
            )
        try:
            return wanted.search(actual)
        except PatternWorkError as error:
            raise QueryError("GenericError", str(error)) from None
    if leaf.sign == "=[]":
        return _contains(actual, wanted)
    if leaf.sign in {"=", "!="}:
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
    if tree.sign == "!=":
        return status == NORMAL and not _test(tree, actual, fields[tree.field].compare)
    return status != NORMAL or _test(tree, actual, fields[tree.field].compare)
