"""Names: looking them up by a first part, and sorting them as people read them. Pure."""

import re
from collections.abc import Mapping

_RUNS = re.compile(r"[0-9]+|[^0-9]+")
_MAX_RUNS = 8
"""Runs that a name is cut into; the rest is compared as text. Source: Ganeti's natural sort."""


def _number_key(digits: str) -> tuple[int, int, str]:
    """Make a key that compares as the number does, of any length: Python reads no number of more than 4,300 digits."""
    plain = digits.lstrip("0")
    return (0, len(plain), plain)


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that compares runs of digits as numbers."""
    runs: list[tuple[int, int, str]] = []
    position = 0
    for found in _RUNS.finditer(name):
        if len(runs) == _MAX_RUNS:
            break
        text = found[0]
        runs.append(_number_key(text) if text[0].isdigit() and text.isascii() else (1, 0, text))
        position = found.end()
    return (*runs, (-1, 0, name[position:]), (-1, 0, name))


def matches(name: str, part: str) -> bool:
    """Return whether `part` is the name or its beginning up to a dot."""
    return name == part or (name.startswith(part) and name[len(part) : len(part) + 1] == ".")


class NameIndex:
    """Names of one kind of object, to values."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._exact = dict(names)
        self._parts: dict[str, list[str]] = {}
        for name, value in names.items():
            labels = name.split(".")
            for count in range(1, len(labels)):
                self._parts.setdefault(".".join(labels[:count]), []).append(value)

    def lookup(self, name: str, *, partial: bool = True) -> str | None:
        """Return the value of the name, or of the only name that begins with it up to a dot; else None."""
        if name in self._exact:
            return self._exact[name]
        found = self._parts.get(name, []) if partial else []
        return found[0] if len(found) == 1 else None
