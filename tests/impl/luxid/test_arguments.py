"""Arguments of LUXI's methods: what is read, and each refusal."""

from collections.abc import Callable
from typing import Any

import pytest

from impl.limits import MAX_JOB_ID, LimitError
from impl.luxid import arguments
from impl.luxid.arguments import RequestError


@pytest.mark.parametrize(
    ("read", "value", "found"),
    [
        (arguments.job_id, 17, 17), (arguments.job_id, "17", 17), (arguments.job_id, 0, 0),
        (arguments.number, 3, 3), (arguments.number, -3.0, -3),
        (arguments.job_id, str(MAX_JOB_ID), MAX_JOB_ID), (arguments.priority, -20, -20), (arguments.seconds, -1, -1),
        (arguments.moment, 1.5, 1.5), (arguments.moment, 0, 0),
        (arguments.flag, False, False), (arguments.text, "", ""),
        (arguments.texts, ["a", "b"], ["a", "b"]), (arguments.array, [], []),
    ],
)  # fmt: skip
def test_what_is_read(read: Callable[[Any], Any], value: Any, found: Any) -> None:
    assert read(value) == found
    assert type(read(value)) is type(found)


@pytest.mark.parametrize(
    ("read", "value", "said"),
    [
        (arguments.job_id, "x", "Unable to parse job id"), (arguments.job_id, "²", "Unable to parse job id"),
        (arguments.job_id, "-1", "Unable to parse job id"), (arguments.job_id, True, "Unable to parse job id"),
        (arguments.job_id, 1.0, "Unable to parse job id"), (arguments.job_id, -1, "Negative value"),
        (arguments.number, True, "Unable to read Int"), (arguments.number, 1.5, "Unable to read Int"),
        (arguments.number, float("inf"), "Unable to read Int"), (arguments.number, "1", "Unable to read Int"),
        (arguments.flag, 0, "Unable to read Bool"), (arguments.text, None, "Unable to read String"),
        (arguments.texts, ["a", 1], "Unable to read String"), (arguments.texts, "ab", "Unable to read list"),
        (arguments.array, {}, "Unable to read list"),
    ],
)  # fmt: skip
def test_what_is_refused(read: Callable[[Any], Any], value: Any, said: str) -> None:
    with pytest.raises(RequestError, match=f"^Failed to parse request: {said}"):
        read(value)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (arguments.job_id, MAX_JOB_ID + 1), (arguments.job_id, str(MAX_JOB_ID + 1)), (arguments.job_id, "1" * 5000),
        (arguments.priority, 20), (arguments.priority, -21), (arguments.seconds, 10**18),
        (arguments.seconds, -(10**18)), (arguments.moment, 1e300), (arguments.moment, -1), (arguments.moment, 10**18),
    ],
)  # fmt: skip
def test_what_is_of_its_type_and_beyond_its_range_is_refused(read: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises(LimitError, match=r"^Invalid .*, allowed is "):
        read(value)


@pytest.mark.parametrize("value", [1e300, 10**19, -(10**19), float("nan")])
def test_a_number_too_large_for_a_whole_number_is_none(value: Any) -> None:
    with pytest.raises(RequestError, match="Unable to read Int"):
        arguments.number(value)


def test_the_number_of_arguments() -> None:
    arguments.count([1, 2], 1, 2)
    arguments.count([], 0)
    with pytest.raises(RequestError, match="1 or 2 arguments expected, 3 given"):
        arguments.count([1, 2, 3], 1, 2)
