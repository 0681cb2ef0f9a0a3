"""Types of opcode parameters one by one: normal forms and refusals."""

from typing import Any

import pytest

from impl.opcodes import types
from impl.opcodes.types import ParameterType, ValueRefusedError

NAMES = {name: value for name, value in vars(types).items() if isinstance(value, ParameterType)}

RECORD = types.record({"n": types.INT, "size": types.SIZE}, rest=True)
STRICT = types.record({"n": types.INT}, rest=False)


def read(kind: ParameterType, value: Any) -> Any:
    return kind.read(value)


@pytest.mark.parametrize(
    ("kind", "value", "normal"),
    [
        (types.BOOL, True, True), (types.STRING, "", ""), (types.INT, 2.5, 2), (types.INT, 3.5, 4), (types.INT, -1, -1),
        (types.DOUBLE, 3, 3.0),
        (types.listing(types.INT), [1, 2.0], [1, 2]), (types.listing(types.INT), [], []),
        (types.mapping(types.INT), {"a": 1.0}, {"a": 1}),
        (types.choice("Kind", "a", "b"), "b", "b"),
        (types.row("Pair", types.INT, types.STRING), [1, "x"], [1, "x"]),
        (types.NON_NEGATIVE, 0, 0), (types.POSITIVE, 1, 1), (types.DISK_INDEX, types.MAX_DISKS - 1, 15),
        (types.SIZE, 5, 5), (types.SIZE, " 10G ", 10_240), (types.SIZE, "1.5t", 3 << 19), (types.SIZE, "7MiB", 7),
        (RECORD, {"n": 1.0, "size": "1g", "more": 5}, {"n": 1, "size": 1024, "more": 5}),
        (RECORD, {"n": None, "more": None}, {"more": None}),
    ],
)  # fmt: skip
def test_normal_forms(kind: ParameterType, value: Any, normal: Any) -> None:
    assert read(kind, value) == normal
    assert type(read(kind, value)) is type(normal)


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (types.BOOL, 1, "Unable to read Bool"), (types.STRING, None, "Unable to read String"),
        (types.INT, True, "Unable to read Int"), (types.INT, "1", "Unable to read Int"),
        (types.DOUBLE, "1", "Unable to read Double"),
        (types.listing(types.INT), {}, "Unable to read list"), (types.listing(types.INT), ["a"], "Unable to read Int"),
        (types.mapping(types.INT), [], "Unable to read JSObject"),
        (types.choice("Kind", "a"), "c", 'Invalid string value for type Kind: "c"'),
        (types.row("Pair", types.INT, types.INT), [1], "Unable to read Pair"),
        (types.NON_NEGATIVE, -1, "Invalid value for non-negative type '-1'"),
        (types.POSITIVE, 0, "Invalid value for positive type '0'"),
        (types.NON_EMPTY, "", "Received empty value for non-empty list"),
        (types.DISK_INDEX, 16, "Invalid value for disk index '16', required between 0 and 16"),
        (types.SIZE, "10 X", "Can't parse string '10 X'"), (types.SIZE, "", "Can't parse string ''"),
        (RECORD, {"n": "x"}, "Can't parse value for 'n': Unable to read Int"),
        (RECORD, {"size": "x"}, "Can't parse string 'x'"),
        (STRICT, {"m": 1}, "Unknown key 'm', only n can be used here"),
    ],
)  # fmt: skip
def test_refusals(kind: ParameterType, value: Any, said: str) -> None:
    with pytest.raises(ValueRefusedError) as refused:
        read(kind, value)
    assert refused.value.reason == said


def test_every_type_has_a_name_for_the_documentation() -> None:
    assert NAMES
    assert all(kind.name for kind in NAMES.values())
