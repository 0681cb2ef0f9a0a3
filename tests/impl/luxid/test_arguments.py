"""Arguments of LUXI's methods: what is read, and each refusal."""

from collections.abc import Callable
from typing import Any

import pytest

from impl.luxid import arguments
from impl.luxid.arguments import RequestError


@pytest.mark.parametrize(
    ("read", "value", "found"),
    [
        (arguments.job_id, 17, 17), (arguments.job_id, "17", 17), (arguments.job_id, 0, 0),
        (arguments.number, 3, 3), (arguments.number, -3.0, -3),
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


def test_the_number_of_arguments() -> None:
    arguments.count([1, 2], 1, 2)
    arguments.count([], 0)
    with pytest.raises(RequestError, match="1 or 2 arguments expected, 3 given"):
        arguments.count([1, 2, 3], 1, 2)
