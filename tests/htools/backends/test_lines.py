"""Lines of fields: what they hold, and what is said of a field that cannot be used."""

from collections.abc import Callable

import pytest

from htools.backends.lines import Line, rows, sections, split
from htools.errors import LoadError
from spec.allocator.cluster import AllocPolicy

NAMES = ("name", "size", "kind")

LARGEST = 2**63 - 1
"""The largest whole number of 64 bits."""


def line(*values: str) -> Line:
    return Line("f", 7, NAMES, values)


def test_fields_by_name() -> None:
    row = line("n", "0x10", "last_resort")
    assert (row.name, row.text("kind"), row.integer("size"), row.number("size")) == ("n", "last_resort", 16, 16.0)
    assert row.choice("kind", AllocPolicy) is AllocPolicy.LAST_RESORT
    assert line("n", "Y").flag("size", lambda _, field: field)
    assert (line("n", "a,,b").tuple("size"), line("n", "").tuple("size")) == (("a", "", "b"), ())
    assert line("n", str(-LARGEST - 1)).integer("size") == -LARGEST - 1


@pytest.mark.parametrize(
    ("read", "value", "phrase", "reason"),
    [
        (lambda row: row.integer("size"), "x", "n: cannot parse string 'x'", "expected an integer, found 'x'"),
        (lambda row: row.integer("size"), "1x", "n: leftover characters when parsing '1x': 'x'", "expected an integer"),
        (lambda row: row.integer("size"), str(LARGEST + 1), "", "expected an integer of 64 bits"),
        (lambda row: row.number("size", "n/size"), "", "n/size: cannot parse string ''", "expected a number, found ''"),
        (lambda row: row.number("size"), "NaN", "", "expected a number within the range of a double"),
        (lambda row: row.flag("size", lambda r, f: f"bad {f} of {r.name}"), "y", "bad size of n", "expected Y or N"),
        (
            lambda row: row.choice("size", AllocPolicy),
            "no",
            'Invalid string value for type AllocPolicy: "no"',
            "expected one of preferred, last_resort, unallocable; found 'no'",
        ),
    ],
)
def test_fields_that_cannot_be_used(read: Callable[[Line], object], value: str, phrase: str, reason: str) -> None:
    with pytest.raises(LoadError) as caught:
        read(line("n", value))
    assert (caught.value.line, caught.value.field, caught.value.phrase) == (7, "size", phrase)
    assert caught.value.reason.startswith(reason)


def test_short_lines_have_defaults_and_too_short_ones_are_refused() -> None:
    found = list(rows("f", (3, ["a|1", "b|2|x|more"]), "a thing", NAMES, ("z",), "Incomplete thing"))
    assert [(row.name, row.text("kind")) for row in found] == [("a", "z"), ("b", "x")]
    with pytest.raises(LoadError) as caught:
        list(rows("f", (3, ["a|1", "b"]), "a thing", NAMES, ("z",), "Incomplete thing"))
    assert (caught.value.line, caught.value.phrase) == (4, "Incomplete thing: '[\"b\"]'")


def test_sections() -> None:
    assert sections("f", "a\nb\n\n\n\nc\n")[:4] == [(1, ["a", "b"]), (4, []), (5, []), (6, ["c"])]
    assert split("", ",") == []
    with pytest.raises(LoadError, match="Invalid format of the input file: 2 sections instead of 4 or more"):
        sections("f", "a\n\nb\n")
