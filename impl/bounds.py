r"""Whether a JSON text, or a decoded value, keeps within the limits. Pure, and linear in its size whatever it holds.

A text is looked at before it is decoded: the decoder recurses, and what it makes of a text takes more room than that.

>>> nesting(b'{"a": [["]]]\\"[", {}]]}', 64)
4
>>> check_value([[1]], depth=1)
Traceback (most recent call last):
impl.limits.LimitError: nested deeper than 1
>>> check_value({"a": 10**19})
Traceback (most recent call last):
impl.limits.LimitError: a whole number of more than 19 digits
"""

from typing import Any

from impl.limits import MAX_INTEGER_DIGITS, MAX_MESSAGE_ELEMENTS, MAX_VALUE_DEPTH, LimitError

_BRACKETS = bytes.maketrans(b"{}", b"[]")
_EVERYTHING = set(range(256))
_ALL_BUT_BRACKETS = bytes(_EVERYTHING - set(b'{}[]"'))
_ALL_BUT_SEPARATORS = bytes(_EVERYTHING - set(b'{}[]",'))
_DIGITS = bytes(1 if code in b"0123456789" else 0 for code in range(256))
_LONG = b"\1" * (MAX_INTEGER_DIGITS + 1)
_BEYOND = 10**MAX_INTEGER_DIGITS


def nesting(text: bytes, limit: int) -> int:
    """Measure the depth of arrays and objects in a JSON text; return any number above `limit` if it is deeper.

    Of a text that is no JSON: at least the depth where it stops being one.
    """
    rest = _outside_strings(text, _ALL_BUT_BRACKETS)
    depth = 0
    while rest and depth <= limit:  # the innermost pairs are taken away, level by level
        outer = rest.replace(b"[]", b"")
        if len(outer) == len(rest):
            return depth + len(rest)
        rest = outer
        depth += 1
    return depth


def _outside_strings(text: bytes, dropped: bytes) -> bytes:
    """Remove the strings and some other characters from a JSON text, and make all brackets square ones."""
    if b"\\" in text:
        text = text.replace(rb"\\", b"").replace(rb"\"", b"")
    rest = text.translate(_BRACKETS, dropped).replace(b'""', b"")  # most strings are gone
    return b"".join(rest.split(b'"')[::2]) if b'"' in rest else rest


def check_text(text: bytes, depth: int) -> None:
    """Refuse a JSON text that is nested too deeply or has too many elements, before it is decoded.

    Raises:
        LimitError: it does.
    """
    openings = text.count(b"[") + text.count(b"{")
    if len(text) > MAX_MESSAGE_ELEMENTS and openings + text.count(b",") > MAX_MESSAGE_ELEMENTS:
        rest = _outside_strings(text, _ALL_BUT_SEPARATORS)
        if rest.count(b"[") + rest.count(b",") > MAX_MESSAGE_ELEMENTS:
            raise LimitError(f"more than {MAX_MESSAGE_ELEMENTS} elements")
    if openings > depth and nesting(text, depth) > depth:
        raise LimitError(f"nested deeper than {depth}")


def has_long_numbers(text: bytes) -> bool:
    """Return whether a text may hold a whole number beyond the limit; digits in texts and fractions count as well."""
    return _LONG in text.translate(_DIGITS)


def check_value(value: Any, depth: int = MAX_VALUE_DEPTH) -> None:
    """Refuse a decoded value that is nested too deeply, or holds a whole number beyond the limit.

    Raises:
        LimitError: it does.
    """
    level = [value]
    for left in range(depth, -1, -1):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict | list | tuple):
                if not left:
                    raise LimitError(f"nested deeper than {depth}")
                inner.extend(one.values() if isinstance(one, dict) else one)
            elif isinstance(one, int) and not -_BEYOND < one < _BEYOND:
                raise LimitError(f"a whole number of more than {MAX_INTEGER_DIGITS} digits")
        level = inner
