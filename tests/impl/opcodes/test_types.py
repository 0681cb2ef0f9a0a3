"""Types of opcode parameters one by one: normal forms and refusals."""

from typing import Any

import pytest

from impl.limits import MAX_DEPENDENCIES_OF_OPCODE, MAX_JOB_ID, MAX_TEXT_LENGTH, MAX_VALUE_DEPTH
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


BIG: list[Any] = [10**19, -(10**19), 10**400, 1e19, 1e300]
NOT_FINITE: list[Any] = [float("inf"), float("-inf"), float("nan")]
NUMBERS = (types.INT, types.NON_NEGATIVE, types.POSITIVE, types.DISK_INDEX, types.SIZE, types.SUBMIT_PRIORITY)


@pytest.mark.parametrize("kind", [*NUMBERS, types.DEPENDENCIES], ids=lambda kind: str(kind.name))
@pytest.mark.parametrize("value", [*BIG, *NOT_FINITE])
def test_a_number_beyond_the_limit_is_refused(kind: ParameterType, value: Any) -> None:
    with pytest.raises(ValueRefusedError):
        read(kind, [[value, []]] if kind is types.DEPENDENCIES else value)


@pytest.mark.parametrize("value", [10**400, 10**19, *NOT_FINITE])
def test_a_fraction_is_finite(value: Any) -> None:
    assert read(types.DOUBLE, 1e300) == 1e300
    with pytest.raises(ValueRefusedError, match="Unable to read Double"):
        read(types.DOUBLE, value)


@pytest.mark.parametrize("target", ["1" * 5000, "9" * 19, 10**18, -(10**18), 2.0**60, MAX_JOB_ID + 1])
def test_a_job_depends_on_ids_that_jobs_can_have(target: Any) -> None:
    assert read(types.DEPENDENCIES, [[MAX_JOB_ID, []], ["-3", ["success"]]]) == [[MAX_JOB_ID, []], [-3, ["success"]]]
    with pytest.raises(ValueRefusedError, match="Can't parse job ID"):
        read(types.DEPENDENCIES, [[target, []]])


def test_a_job_depends_on_a_bounded_number_of_jobs() -> None:
    with pytest.raises(ValueRefusedError, match="dependencies"):
        read(types.DEPENDENCIES, [[1, []]] * (MAX_DEPENDENCIES_OF_OPCODE + 1))


@pytest.mark.parametrize(
    "kind", [types.ANY, types.OBJECT, types.listing(types.ANY), types.mapping(types.OBJECT), RECORD]
)
def test_a_value_of_any_type_is_bounded(kind: ParameterType) -> None:
    deep: Any = 1
    for _ in range(MAX_VALUE_DEPTH + 2):
        deep = {"a": deep}
    for value in (deep, {"a": {"b": 10**30}}):
        with pytest.raises(ValueRefusedError):
            read(kind, [value] if kind.name.startswith("list") else value)


@pytest.mark.parametrize(
    "size", ["1" * 400, "1" * 20, "9999999999999999T", "1" + " " * 100_000 + "x", "1." + "1" * 5000]
)
def test_a_size_is_a_short_text(size: str) -> None:
    """A longer one cost seconds of looking for its end, or made an infinite number."""
    with pytest.raises(ValueRefusedError, match="Can't parse string"):
        read(types.SIZE, size)


def test_a_text_is_bounded() -> None:
    assert read(types.STRING, "x" * MAX_TEXT_LENGTH)
    with pytest.raises(ValueRefusedError, match="longer than"):
        read(types.STRING, "x" * (MAX_TEXT_LENGTH + 1))


def test_every_type_has_a_name_for_the_documentation() -> None:
    assert NAMES
    assert all(kind.name for kind in NAMES.values())
