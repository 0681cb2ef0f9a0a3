"""Arithmetic as Ganeti does it: divisions that do not raise, and integers of 64 bits.

Source: IEEE 754; the scores and limits that Ganeti prints where a node has no memory, cores or spindles.
"""

from math import floor, inf, nan


def ratio(part: float, whole: float) -> float:
    """Division as IEEE 754 has it: infinite or not a number where Python would raise."""
    if whole:
        return part / whole
    return nan if not part or part != part else inf if part > 0 else -inf  # noqa: PLR0124 - NaN differs from itself


def whole(value: float) -> int:
    """The integer at or below a number in 64 bits, where what does not fit wraps around as it does in Ganeti.

    So an infinite or undefined limit becomes the least integer of all.
    """
    if -(2.0**63) <= value < 2.0**63:
        return floor(value)
    return 2**63 - 1 if value < 0 else -(2**63)
