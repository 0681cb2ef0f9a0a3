"""Numbers and strings as Ganeti's tools read and show them, which is as Haskell does. Pure; no cluster is known here.

Ganeti's tools are Haskell programs; which numbers of a user they accept, and how they refuse one, is part of their
behaviour (printing fractions: `htools.formatting.numbers`).

Source: the observed behaviour of htools 3.0.2, and the Haskell 2010 report (chapters 2.5 and 10) for the grammar of
numbers.
"""

import re
from functools import cache

SPACE = "[\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]"
_DIGITS = 4000
"""Digits that are turned into a number at once: Python refuses more than 4300 of them."""


@cache
def _grammar() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Return patterns for a number with what precedes it, and for a closing parenthesis; compiled at first use."""
    number = (
        rf"{SPACE}*(?P<minus>-{SPACE}*)?"
        r"(?P<body>0[xX][0-9a-fA-F]+|0[oO][0-7]+|[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
        r"|NaN(?![\w'])|Infinity(?![\w']))"
    )
    return re.compile(rf"(?:{SPACE}*\()*"), re.compile(number), re.compile(rf"{SPACE}*\)")


def _natural(body: str) -> int | None:
    """Return a number written as a whole one, None for other notations (`1.5`, `1e3`)."""
    base = {"0x": 16, "0o": 8}.get(body[:2].lower())
    if base is not None:
        return int(body[2:], base)
    if not body.isdigit():
        return None
    value = 0
    for at in range(0, len(body), _DIGITS):
        part = body[at : at + _DIGITS]
        value = value * 10 ** len(part) + int(part)
    return value


def _literal(text: str) -> tuple[bool, str, str] | None:
    """Return the number at the head of a text, in parentheses or not: whether negative, as written, and the rest."""
    opening, number, closing = _grammar()
    head = opening.match(text)
    begin = head.end() if head else 0
    match = number.match(text, begin)
    if match is None:
        return None
    end = match.end()
    for _ in range(text.count("(", 0, begin)):
        closed = closing.match(text, end)
        if closed is None:
            return None
        end = closed.end()
    return match["minus"] is not None, match["body"], text[end:]


def whole_number(text: str) -> int | None:
    """Return `text` as an integer of any size, or None: `12`, ` -3`, `0x1f`, `(7)`; not `1.5`, nor `3x`."""
    found = _literal(text)
    value = None if found is None or found[2] else _natural(found[1])
    return -value if value is not None and found is not None and found[0] else value


def is_int(number: int) -> bool:
    """Return whether a whole number is one of 64 bits, as Ganeti's tools keep them."""
    return -(2**63) <= number < 2**63


def reads_int(text: str) -> tuple[int, str] | None:
    """Return the integer at the head of `text` and the rest, or None: `12`, ` -3x`, `0x1f`, `(7)`; not `1.5`."""
    found = _literal(text)
    value = None if found is None else _natural(found[1])
    if found is None or value is None:
        return None
    return ((-value if found[0] else value) + 2**63) % 2**64 - 2**63, found[2]


def reads_float(text: str) -> tuple[float, str] | None:
    """Return the number at the head of `text` and the rest, or None: also `1.5`, `2e3`, `NaN`, `Infinity`."""
    found = _literal(text)
    if found is None:
        return None
    negative, body, rest = found
    natural = _natural(body) if body[:2].lower() in {"0x", "0o"} else None
    try:
        value = float(body) if natural is None else float(natural)
    except OverflowError:
        value = float("inf")
    return (-value if negative else value), rest


def read_failure(name: str, text: str, found: tuple[float, str] | None) -> str:
    """Return Ganeti's text about characters after a number; empty if there are none."""
    if found is None:
        return f"{name}: cannot parse string '{text}'"
    return f"{name}: leftover characters when parsing '{text}': '{found[1]}'" if found[1] else ""


def _complete(name: str, text: str, found: tuple[float, str] | None) -> None:
    failure = read_failure(name, text, found)
    if failure:
        raise ValueError(failure)


def read_int(name: str, text: str) -> int:
    """Read `text` as an integer.

    Raises:
        ValueError: in the words of Ganeti's tools, with `name` for what was read.
    """
    found = reads_int(text)
    _complete(name, text, found)
    return found[0] if found else 0


def read_float(name: str, text: str) -> float:
    """Read `text` as a number; raises as `read_int` does."""
    found = reads_float(text)
    _complete(name, text, found)
    return found[0] if found else 0.0


_BINARY = {"": 1, "m": 1, "g": 1024, "t": 1024**2}
_UPPER_BINARY = {"MIB": 1, "GIB": 1024, "TIB": 1024**2}
_DECIMAL = {"M": 0, "G": 1, "T": 2}
_UPPER_DECIMAL = {"MB": 0, "GB": 1, "TB": 2}


def parse_unit(text: str) -> int:
    """Read a size in MiB: a whole number and an optional unit; `m`, `g`, `t` are binary, `M`, `G`, `T` decimal.

    Raises:
        ValueError: no whole number, or an unknown unit.
    """
    found = reads_int(text)
    if found is None:
        raise ValueError(f"Can't parse string '{text}'")
    number, unit = found[0], found[1].lstrip(" ")
    factor = _BINARY.get(unit) or _UPPER_BINARY.get(unit.upper())
    if factor is not None:
        return number * factor
    power = _DECIMAL.get(unit, _UPPER_DECIMAL.get(unit.upper()))
    if power is None:
        raise ValueError(f"Unknown unit '{unit}'")
    scaled: int = number * 1000 ** (power + 2)
    magnitude = abs(scaled) // 1024**2
    return magnitude if scaled >= 0 else -magnitude


def split_on(separator: str, text: str) -> list[str]:
    """Return the parts between separators; an empty text has none."""
    return text.split(separator) if text else []


_CONTROLS = (
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "a", "b", "t", "n", "v", "f", "r", "SO", "SI", "DLE", "DC1",
    "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US",
)  # fmt: skip


def _escaped(code: int) -> str:
    """Escape a letter for a quoted text, except quotes."""
    if code < 32:
        return "\\" + _CONTROLS[code]
    if code == 92:
        return "\\\\"
    if code == 127:
        return "\\DEL"
    return chr(code) if code < 127 else f"\\{code}"


def show_char(letter: str) -> str:
    """Return a letter in single quotes as Haskell's `show` writes it."""
    return "'\\''" if letter == "'" else f"'{_escaped(ord(letter))}'"


def show_string(text: str) -> str:
    """Return a string in double quotes as Haskell's `show` writes it."""
    parts = ['"']
    before = ""
    for letter in text:
        part = '\\"' if letter == '"' else _escaped(ord(letter))
        if (letter.isascii() and letter.isdigit() and before[1:].isdigit()) or (letter == "H" and before == "\\SO"):
            part = "\\&" + part
        parts.append(part)
        before = part if part.startswith("\\") else ""
    return "".join(parts) + '"'
