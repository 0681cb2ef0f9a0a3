"""How Ganeti words what is wrong with values of JSON."""

from typing import Any

import pytest

from htools.backends.phrases import choice_reading, encoded, list_reading, reading, shown
from spec.allocator.cluster import DiskTemplate
from spec.allocator.requests import EvacuationMode


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (True, "true"),
        (-0.0, "0"),
        (1e3, "1000"),
        (0.001, "1.0e-3"),
        (1.5, "1.5"),
        (10**25, "1" + "0" * 25),
        ('a"b\\c/\n\x7fé', '"a\\"b\\\\c/\\u000a\\u007fé"'),
        ([1, []], "[1, []]"),
        ({"a": {}, "b": None}, '{"a": {}, "b": null}'),
    ],
)
def test_values_as_they_are_written(value: Any, written: str) -> None:
    assert encoded(value) == written


@pytest.mark.parametrize(
    ("value", "record"),
    [
        (None, "JSNull"),
        (False, "JSBool False"),
        (1.5, "JSRational False (3 % 2)"),
        (-1, "JSRational False ((-1) % 1)"),
        (0.1, "JSRational False (1 % 10)"),
        ("é1", 'JSString (JSONString {fromJSString = "\\233\\&1"})'),
        ([None], "JSArray [JSNull]"),
        ({"a": 0}, 'JSObject (JSONObject {fromJSObject = [("a",JSRational False (0 % 1))]})'),
    ],
)
def test_values_as_records(value: Any, record: str) -> None:
    assert shown(value) == record


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("Int", 1.5, ""),
        ("Int", True, "Unable to read Int"),
        ("Double", "1", "Unable to read Double"),
        ("Bool", 0, "Unable to read Bool"),
        ("String", ["a", "b"], ""),
        ("String", ["ab"], "Unable to read Char"),
        ("String", None, "Unable to read String"),
        ("list", {}, "Unable to read list"),
        ("JSObject", [], "Unable to read JSObject"),
    ],
)
def test_what_cannot_be_read(kind: str, value: Any, said: str) -> None:
    assert reading(kind, value) == said


def test_lists_and_choices() -> None:
    assert list_reading("String", "x") == "Unable to read list"
    assert list_reading("Int", [1, None, "x"]) == "Unable to read Int"
    assert choice_reading(DiskTemplate, "drbd") == choice_reading(DiskTemplate, list("rbd")) == ""
    assert choice_reading(DiskTemplate, []) == 'Invalid string value for type DiskTemplate: ""'
    assert choice_reading(EvacuationMode, 1) == "Can't parse value for 'EvacMode': Unable to read String"
