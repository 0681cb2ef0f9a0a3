"""Reading the arguments of LUXI's methods: shapes and types, with Ganeti's texts for what is wrong."""

import math
from collections.abc import Sequence
from typing import Any

from spec.errors import GantryError


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
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise RequestError("Unable to parse job id")
    if value < 0:
        raise RequestError(f"Negative value for NonNegative type '{value}'")
    return value


def number(value: Any) -> int:
    """Read a whole number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value % 1:
        raise RequestError("Unable to read Int")
    return int(value)


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
