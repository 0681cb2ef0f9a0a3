"""Fields of JSON objects: what they hold, and what is said of one that cannot be used."""

from collections.abc import Callable
from typing import Any

import pytest

from htools.backends.jsonfields import Fields, decode, no_json_of, policy_of
from htools.errors import AccessError, LoadError
from spec.allocator.cluster import AllocPolicy

SPEC = dict.fromkeys(("memory-size", "cpu-count", "disk-size", "disk-count", "nic-count", "spindle-use"), 1)
POLICY: dict[str, Any] = {
    "minmax": [{"min": SPEC, "max": SPEC}],
    "std": SPEC,
    "disk-templates": ["drbd"],
    "vcpu-ratio": 4,
    "spindle-ratio": 2.5,
}


PART = "Can't parse value for"


def fields(**values: Any) -> Fields:
    return Fields("f", "node 'n'", values, "bad node: ")


def test_values() -> None:
    record = fields(a=1.5, b=[1, None], c="preferred", d=["x"], e=True, g="h")
    assert (record.integer("a"), record.number("a"), record.integers_or_nulls("b")) == (2, 1.5, [1, None])
    assert (record.choice("c", AllocPolicy), record.texts("d"), record.flag("e")) == (
        AllocPolicy.PREFERRED,
        ("x",),
        True,
    )
    assert record.place("g", {"h": 4}, "group", str) == 4
    assert policy_of(fields(p=POLICY), "p").spindle_ratio == 2.5


@pytest.mark.parametrize(
    ("read", "value", "phrase"),
    [
        (lambda record: record.text("k"), 1, "bad node: key 'k': Unable to read String"),
        (lambda record: record.integer("k"), "1", "bad node: key 'k': Unable to read Int"),
        (lambda record: record.integer("k"), 2**64, ""),
        (lambda record: record.bare.number("k"), "1", "key 'k': Unable to read Double"),
        (lambda record: record.texts("k"), ["a", 1], "bad node: key 'k': Unable to read String"),
        (lambda record: record.items("k", "no list"), 1, "no list"),
        (lambda record: record.inner("k", "not an object"), 1, "not an object"),
        (lambda record: record.inner("k").integer("l"), {"l": "x"}, "bad node: key 'l': Unable to read Int"),
        (
            lambda record: record.integers_or_nulls("k"),
            ["x"],
            "bad node: Cannot convert value '\"x\"', error: Unable to read Int",
        ),
        (lambda record: record.place("k", {}, "group", "Unknown group '{}'".format), "g", "Unknown group 'g'"),
        (lambda record: record.place("k", {"g": 0}, "group", str), ["g"], ""),
        (lambda record: record.place_at("k", 0, {}, "node", str), [1], "Wrong JSON type"),
        (lambda record: record.text("none"), 1, "bad node: key 'none' not found, object contains only [\"k\"]"),
    ],
)
def test_phrases(read: Callable[[Fields], object], value: Any, phrase: str) -> None:
    with pytest.raises(LoadError) as caught:
        read(fields(k=value))
    assert caught.value.phrase == phrase
    assert caught.value.reason.startswith("node 'n'")


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        ({"std": []}, "Can't parse value for 'std': Unable to read JSObject"),
        ({"minmax": [{"min": SPEC}]}, f"{PART} 'minmax': key 'max' not found, object contains only [\"min\"]"),
        ({"disk-templates": [1]}, f"{PART} 'disk-templates': {PART} 'DiskTemplate': Unable to read String"),
        ({"vcpu-ratio": None}, "Can't parse value for 'vcpu-ratio': Unable to read Double"),
    ],
)
def test_records_within(change: dict[str, Any], phrase: str) -> None:
    with pytest.raises(LoadError) as caught:
        policy_of(fields(p=POLICY | change), "p")
    assert caught.value.phrase == f"bad node: key 'p': {phrase}"


def test_texts_that_are_no_json() -> None:
    assert decode("f", b'{"a": 1}') == {"a": 1}
    with pytest.raises(LoadError) as caught:
        decode("f", b"[1 2]", "Parsing: ")
    assert caught.value.phrase == "Parsing: Unable to parse JSON array: unterminated array:  2]"
    with pytest.raises(AccessError):
        decode("f", b'["\xff"]')
    with pytest.raises(LoadError) as caught:
        decode("f", b"[1.]", "Parsing: ")
    assert not caught.value.phrase
    assert no_json_of("list", {}, "Parsing: ") == "Parsing: Unable to read list"
    assert no_json_of("list", 1, "Parsing: ").startswith("Parsing: Invalid JSON: ")
