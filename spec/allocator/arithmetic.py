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


def amount(value: float) -> int:
    """Round a needed amount down; one that does not fit into 64 bits is more than any node has.

    Source: hsqueeze with factors that are NaN, infinite or beyond 10¹⁷, of either sign: Ganeti finds no room for them.
    """
    return floor(value) if -(2.0**63) <= value < 2.0**63 else 2**63
