"""The filter language in queries: what is found, and each refusal, one test of a field at a time."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.expressions import parse_filter
from impl.query.filters import check_fields, passes, wanted_names
from impl.query.model import (
    NORMAL,
    OFFLINE_ENTRY,
    Compare,
    Entry,
    Field,
    Kind,
    QueryError,
    field_map,
)

FIELDS = field_map(
    Field("name", "", Kind.TEXT, "", lambda *_: (NORMAL, None), Compare.HOSTNAME),
    Field("stamp", "", Kind.OTHER, "", lambda *_: (NORMAL, None), Compare.TIMESTAMP),
    *(Field(name, "", Kind.OTHER, "", lambda *_: (NORMAL, None)) for name in ("n", "flag", "tags", "none")),
)
THING: dict[str, Entry] = {
    "name": (NORMAL, "web1.example.com"), "stamp": (NORMAL, [100, 7]), "n": (NORMAL, 5), "flag": (NORMAL, True),
    "tags": (NORMAL, ["a", "b"]), "none": OFFLINE_ENTRY,
}  # fmt: skip


def holds(value: Any) -> bool:
    tree = parse_filter(value)
    check_fields(tree, FIELDS)
    return passes(tree, FIELDS, THING.__getitem__)


@pytest.mark.parametrize(
    "value",
    [
        None, ["&"], ["!", ["|"]], ["?", "flag"],
        ["=", "n", 5], ["==", "n", 5.0], ["!=", "n", 6], ["<", "n", 6], ["<=", "n", 5], [">", "n", 4], [">=", "n", 5],
        ["=", "name", "web1.example.com"], ["=", "name", "web1"], ["=", "name", "web1.example"],
        ["!=", "name", "web"], ["=~", "name", "exam"], ["=~", "name", "^web[0-9]\\."], [">", "name", "web0"],
        ["=[]", "tags", "a"], ["=", "stamp", 100], ["<", "stamp", 101],
        ["&", ["?", "flag"], ["=", "n", 5]], ["|", ["=", "n", 6], ["=", "n", 5]], ["!", ["!", ["?", "flag"]]],
        ["=", "none", 1], ["<", "none", 1], ["?", "none"], ["=~", "none", "x"],
    ],
)  # fmt: skip
def test_what_passes(value: Any) -> None:
    assert holds(value)


@pytest.mark.parametrize(
    "value",
    [
        ["|"], ["!", ["&"]], ["=", "n", 6], ["!=", "n", 5], ["<", "n", 5], [">", "n", 5], ["=", "name", "web"],
        ["=", "name", "example.com"], ["=~", "name", "^example"], ["=[]", "tags", "c"], ["=", "stamp", 7],
        ["&", ["?", "flag"], ["=", "n", 6]], ["|", ["=", "n", 6], ["=", "n", 7]], ["!=", "none", 1],
    ],
)  # fmt: skip
def test_what_does_not(value: Any) -> None:
    assert not holds(value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (["=", "n", "5"], "trying to compare 5 with 'QuotedString \"5\"'"),
        (["<", "name", -5], "trying to compare \"web1.example.com\" with 'NumericValue (-5)'"),
        (["=", "flag", 1], "trying to compare true with 'NumericValue 1'"),
        (["?", "n"], "Unexpected value '5' in boolean context"),
        (["=~", "n", "x"], "expecting string but got '5'"),
        (["=[]", "n", 5], "Cannot convert value '5', error: Unable to read list"),
        (["=[]", "tags", 5], "error: Unable to read Integer"),
        (["=", "missing", 5], "Can't find field named 'missing'"),
        (["|", ["?", "flag"], ["?", "missing"]], "Can't find field named 'missing'"),
    ],
)
def test_values_of_another_type_are_errors(value: Any, said: str) -> None:
    with pytest.raises(QueryError) as refused:
        holds(value)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (None, []), (["=", "name", "a"], ["a"]), (["|", ["=", "name", "a"], ["|", ["=", "name", 7]]], ["a", 7]),
        (["|"], []), (["=", "n", 5], None), (["|", ["=", "name", "a"], ["=", "n", 5]], None),
        (["&", ["=", "name", "a"]], None), (["!", ["=", "name", "a"]], None), (["=~", "name", "a"], None),
        (["<", "name", "a"], None),
    ],
)  # fmt: skip
def test_names_that_a_filter_asks_for_and_nothing_else(value: Any, names: list[Any] | None) -> None:
    assert wanted_names(parse_filter(value), "name") == names


tests = st.sampled_from([["=", "n", 5], ["=", "n", 6], ["?", "flag"], ["=[]", "tags", "c"], ["=", "none", 1]])
expressions = st.recursive(
    tests,
    lambda inner: st.one_of(
        inner.map(lambda part: ["!", part]),
        st.tuples(st.sampled_from("&|"), st.lists(inner, max_size=3)).map(lambda pair: [pair[0], *pair[1]]),
    ),
    max_leaves=8,
)


def plainly(value: Any) -> bool:
    """The same, by the definition of the signs."""
    if value[0] == "!":
        return not plainly(value[1])
    if value[0] == "&":
        return all(plainly(part) for part in value[1:])
    if value[0] == "|":
        return any(plainly(part) for part in value[1:])
    return value in (["=", "n", 5], ["?", "flag"], ["=", "none", 1])


@given(expressions)
def test_signs_mean_what_they_say(value: Any) -> None:
    assert holds(value) == plainly(value)
