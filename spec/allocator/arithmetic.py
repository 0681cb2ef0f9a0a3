"""Arithmetic as Ganeti does it: divisions that do not raise, and integers of 64 bits.

Source: IEEE 754; the scores and limits that Ganeti prints where a node has no memory, cores or spindles.
"""

from math import floor, inf, nan


def ratio(part: float, whole: float) -> float:
    """Divide as IEEE 754 does: the result is infinite or NaN where Python would raise."""
    if whole:
        return part / whole
    return nan if not part or part != part else inf if part > 0 else -inf  # noqa: PLR0124 - NaN differs from itself


def whole(value: float) -> int:
    """Round down to a 64-bit integer; a number that does not fit wraps around as in Ganeti.

    So +∞ and NaN become the least integer.
    """
    if -(2.0**63) <= value < 2.0**63:
        return floor(value)
    return 2**63 - 1 if value < 0 else -(2**63)
