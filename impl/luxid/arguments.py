"""Reading the arguments of LUXI's methods: shapes, types, ranges, with Ganeti's texts for what is wrong.

A value of the wrong type raises `RequestError`; one beyond a limit, which Ganeti would take, `LimitError`.
"""

from collections.abc import Sequence
from typing import Any

from impl.limits import MAX_INTEGER_DIGITS, MAX_JOB_ID, MAX_SECONDS, LimitError
from spec.errors import GantryError
from spec.jobs.model import HIGHEST_PRIORITY, LOWEST_PRIORITY

_BEYOND = 10**MAX_INTEGER_DIGITS


class RequestError(GantryError):
    """A request that cannot be understood; answered with `Failed to parse request: …` as plain text."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"Failed to parse request: {reason}")


def count(args: Sequence[Any], *allowed: int) -> None:
    """Check the number of arguments."""
    if len(args) not in allowed:
        wanted = " or ".join(str(number) for number in allowed)
        raise RequestError(f"{wanted} arguments expected, {len(args)} given")


def job_id(value: Any) -> int:
    """Read a job's id, given as a number or as digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value) if len(value) <= MAX_INTEGER_DIGITS else _BEYOND
    if isinstance(value, bool) or not isinstance(value, int):
        raise RequestError("Unable to parse job id")
    if value < 0:
        raise RequestError(f"Negative value for NonNegative type '{value}'")
    return within("job id", value, 0, MAX_JOB_ID)


def within(what: str, value: int, lowest: int, highest: int) -> int:
    """Return a number that lies in a range.

    Raises:
        LimitError: it does not.
    """
    if not lowest <= value <= highest:
        raise LimitError(f"Invalid {what}, allowed is {lowest} to {highest}")
    return value


def number(value: Any) -> int:
    """Read a whole number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_BEYOND < value < _BEYOND or value % 1:
        raise RequestError("Unable to read Int")
    return int(value)


def priority(value: Any) -> int:
    """Read the priority of a job."""
    return within("priority", number(value), HIGHEST_PRIORITY, LOWEST_PRIORITY)


def seconds(value: Any) -> int:
    """Read a span in seconds; it may be negative."""
    return within("number of seconds", number(value), -MAX_SECONDS, MAX_SECONDS)


def moment(value: Any) -> float:
    """Read a time in seconds since the epoch."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RequestError("Unable to read Double")
    within("time", round(max(-_BEYOND, min(value, _BEYOND))), 0, MAX_SECONDS)
    return value


def flag(value: Any) -> bool:
    """Read a truth value."""
    if not isinstance(value, bool):
        raise RequestError("Unable to read Bool")
    return value


def text(value: Any) -> str:
    """Read a string."""
    if not isinstance(value, str):
        raise RequestError("Unable to read String")
    return value


def texts(value: Any) -> list[str]:
    """Read a list of strings."""
    return [text(item) for item in array(value)]


def array(value: Any) -> list[Any]:
    """Read a list."""
    if not isinstance(value, list):
        raise RequestError("Unable to read list")
    return value
