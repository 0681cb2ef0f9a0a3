"""Numbers as Ganeti's tools print them.

They round the shortest decimal digits that identify a double, half to even, where C rounds the binary value; the two
sometimes differ in the last digit. Their shortest digits are not always Python's: of two that are equally near
they take the larger, and a decimal halfway between two doubles identifies neither.

Source: observed output of htools 3.0.2; the Haskell 2010 report on `show` for floating-point numbers; Steele and
White, "How to print floating-point numbers accurately", for the digits.
"""

from math import frexp

LARGE = 2.0**52
"""Below this, no decimal of 17 digits is halfway between two doubles."""


def _digits_one_by_one(value: float) -> tuple[str, int]:
    """Return what `_digits` returns, digit by digit as Ganeti's tools do, until the rest is less than half a step.

    Only whole numbers are compared: the rest, the unit of the digit, half the distances to the next doubles.

    Args:
        value: at least 1e-300.
    """
    mantissa, exponent = frexp(value)
    rest, unit = value.as_integer_ratio()
    above = 2 ** max(exponent - 53, 0)  # half the distance to the next double, after scaling
    scale = 2 if exponent >= 53 else 2 ** (54 - exponent) // unit
    rest, unit = rest * scale, unit * scale
    below = above
    if mantissa == 0.5:  # below a power of two they are closer
        rest, unit, above = 2 * rest, 2 * unit, 2 * above
    power = 0
    while rest + above > unit:
        unit, power = unit * 10, power + 1
    while 10 * (rest + above) <= unit:
        rest, above, below, power = 10 * rest, 10 * above, 10 * below, power - 1
    digits = ""
    while True:
        rest, above, below = 10 * rest, 10 * above, 10 * below
        digit, rest = divmod(rest, unit)
        near, far = rest < below, rest + above > unit
        if near or far:
            up = far and (not near or rest * 2 >= unit)
            return f"{digits}{digit + up}", power
        digits += str(digit)


def _is_between(value: float) -> bool:
    """Return whether a value may be halfway between two decimals that identify it: it then has at most 18 digits."""
    numerator, denominator = value.as_integer_ratio()
    places = denominator.bit_length() - 1
    return 0 < places <= 25 and 10**15 <= numerator * 5**places < 10**18


def _digits(value: float) -> tuple[str, int]:
    """Return the shortest digits d1d2… and the exponent e of a positive value 0.d1d2… · 10^e."""
    if value >= LARGE or _is_between(value):
        return _digits_one_by_one(value)
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    power = int(exponent or 0) + len(whole)
    digits = whole + fraction
    stripped = digits.lstrip("0")
    return stripped.rstrip("0") or "0", power - (len(digits) - len(stripped))


def _round(digits: str, keep: int) -> tuple[str, int]:
    """Return the first `keep` digits after rounding half to even, and the carry (0 or 1) in front of them."""
    if keep >= len(digits):
        return digits + "0" * (keep - len(digits)), 0
    if keep < 0:
        return "", 0
    head, tail = digits[:keep], digits[keep:]
    odd = keep > 0 and int(head[-1]) % 2 == 1
    up = tail[0] > "5" or (tail[0] == "5" and (odd or tail[1:].strip("0") != ""))
    if not up:
        return head, 0
    number = str(int(head or "0") + 1).rjust(keep, "0")
    return (number[1:], 1) if len(number) > keep else (number, 0)


def fixed(value: float, places: int | None = None) -> str:
    """Return the decimal text of a number.

    Args:
        value: any double.
        places: digits behind the point; None for as many as identify the number (one at least).
    """
    if value != value:  # noqa: PLR0124 - the only test for NaN that needs no import
        return "NaN"
    if value in {float("inf"), float("-inf")}:
        return "Infinity" if value > 0 else "-Infinity"
    if value < 0 or str(value).startswith("-"):
        return "-" + fixed(-value, places)
    digits, power = _digits(value) if value else ("0", 1)
    if places is None:
        if power <= 0:
            return "0." + "0" * -power + digits
        return digits[:power].ljust(power, "0") + "." + (digits[power:] or "0")
    if power < 0:
        digits, power = "0" * -power + digits, 0
    kept, carry = _round(digits, power + places)
    text = ("1" if carry else "") + kept
    whole, fraction = (text[:-places], text[-places:]) if places else (text, "")
    return (whole.lstrip("0") or "0") + ("." + fraction if places else "")


def show(value: float) -> str:
    """Return the text that reads back as the same double: plain between 0.1 and ten million, else with an exponent."""
    magnitude = abs(value)
    if value != value or magnitude == float("inf") or 0.1 <= magnitude < 10**7 or not magnitude:  # noqa: PLR0124
        return fixed(value)
    digits, power = _digits(magnitude)
    return f"{'-' if value < 0 else ''}{digits[0]}.{digits[1:] or '0'}e{power - 1}"


def general(value: float, places: int) -> str:
    """Return the decimal text between 0.1 and ten million, else one digit, the places and an exponent."""
    magnitude = abs(value)
    if value != value or magnitude == float("inf") or 0.1 <= magnitude < 10**7 or not magnitude:  # noqa: PLR0124
        return fixed(value, places)
    digits, power = _digits(magnitude)
    kept, carry = _round(digits, places + 1)
    if carry:
        kept, power = "1" + kept[:-1], power + 1
    return f"{'-' if value < 0 else ''}{kept[0]}.{kept[1:]}e{power - 1}"
