"""The vocabulary of queries: entries with and without a value, definitions, errors."""

import pytest

from impl.expressions import FilterSyntaxError
from impl.query.model import (
    NO_DATA_ENTRY,
    OFFLINE_ENTRY,
    UNAVAILABLE_ENTRY,
    UNKNOWN_ENTRY,
    Field,
    Kind,
    QueryError,
    field_map,
    normal,
    or_no_data,
    or_unavailable,
)


def test_statuses_are_those_of_the_wire() -> None:
    """Source: Ganeti's design-query2."""
    found = (normal(1), UNKNOWN_ENTRY, NO_DATA_ENTRY, UNAVAILABLE_ENTRY, OFFLINE_ENTRY)
    assert found == ((0, 1), (1, None), (2, None), (3, None), (4, None))


@pytest.mark.parametrize("value", [0, False, "", []])
def test_only_none_is_no_value(value: object) -> None:
    assert or_no_data(value) == or_unavailable(value) == (0, value)
    assert (or_no_data(None), or_unavailable(None)) == (NO_DATA_ENTRY, UNAVAILABLE_ENTRY)


def test_a_definition_says_nothing_of_comparison() -> None:
    field = Field("n", "Title", Kind.TIMESTAMP, "Text", lambda *_: normal(1))
    assert field.definition() == {"name": "n", "title": "Title", "kind": "timestamp", "doc": "Text"}
    assert field_map(field) == {"n": field}


def test_errors_carry_what_the_wire_needs() -> None:
    error = QueryError("OpPrereqError", "text", "wrong_input")
    assert (error.error_class, error.arguments, str(error)) == ("OpPrereqError", ("text", "wrong_input"), "text")
    assert str(QueryError("GenericError")) == "GenericError"
    assert FilterSyntaxError("no list").reason == "no list"
