"""The lines of the text format: sections of lines, fields between bars; errors name the line and the field.

`htools.backends.text` defines the fields.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from math import isfinite
from typing import TypeVar

from htools.backends.phrases import listed
from htools.errors import LoadError, quoted
from htools.formatting.haskell import is_int, read_failure, reads_float, reads_int, show_string, whole_number

SECTIONS = ("groups", "nodes", "instances", "cluster tags", "policies")
_TOO_FEW = "Invalid format of the input file: {} sections instead of 4 or more"
_OWNERS = {"disk_template": "Instance {}: "}
"""Fields for which Ganeti's errors name the owner."""

_Choice = TypeVar("_Choice", bound=StrEnum)


def split(text: str, separator: str) -> list[str]:
    """Split at each separator; an empty text has no parts."""
    return text.split(separator) if text else []


class Line:
    """The fields of one line by name; errors name the line."""

    def __init__(self, source: str, number: int, names: Sequence[str], values: Sequence[str]) -> None:
        self._source = source
        self._number = number
        self._values = dict(zip(names, values, strict=False))
        self.name = values[0]

    def error(self, field: str | None, reason: str, phrase: str = "") -> LoadError:
        """Return an error about a field of the line."""
        return LoadError(self._source, reason, line=self._number, field=field, phrase=phrase)

    def text(self, field: str) -> str:
        """Read a field as it is written."""
        return self._values[field]

    def integer(self, field: str) -> int:
        """Read a whole number of 64 bits."""
        return self.parse_integer(field, self._values[field], self.name)

    def parse_integer(self, field: str, value: str, name: str) -> int:
        """Read a part of a field as a whole number; `name` is Ganeti's name for it."""
        plain = value.isascii() and value.isdigit() and len(value) < 19
        number = int(value) if plain else whole_number(value)
        if number is None:
            phrase = read_failure(name, value, reads_int(value))
            raise self.error(field, f"expected an integer, found {quoted(value)}", phrase)
        if not is_int(number):
            raise self.error(field, f"expected an integer of 64 bits, found {quoted(value)}")
        return number

    def number(self, field: str, name: str | None = None, *, finite: bool = True) -> float:
        """Read a number; `name` is Ganeti's name for it (default: ours)."""
        value = self._values[field]
        found = reads_float(value)
        if found is None or found[1]:
            phrase = read_failure(self.name if name is None else name, value, found)
            raise self.error(field, f"expected a number, found {quoted(value)}", phrase)
        if finite and not isfinite(found[0]):
            raise self.error(field, f"expected a number within the range of a double, found {quoted(value)}")
        return found[0]

    def flag(self, field: str, phrase: "Callable[[Line, str], str]") -> bool:
        """Read Y or N; `phrase` makes Ganeti's text about anything else."""
        value = self._values[field]
        if value not in {"Y", "N"}:
            raise self.error(field, f"expected Y or N, found {quoted(value)}", phrase(self, field))
        return value == "Y"

    def choice(self, field: str, kind: type[_Choice], value: str | None = None) -> _Choice:
        """Read a value of an enumeration, the whole field by default."""
        wanted = self._values[field] if value is None else value
        try:
            return kind(wanted)
        except ValueError:
            allowed = ", ".join(member.value for member in kind)
            phrase = f"Invalid string value for type {kind.__name__}: {show_string(wanted)}"
            phrase = _OWNERS.get(field, "").format(self.name) + phrase
            raise self.error(field, f"expected one of {allowed}; found {quoted(wanted)}", phrase) from None

    def tuple(self, field: str) -> tuple[str, ...]:
        """Read the parts between commas."""
        return tuple(split(self._values[field], ","))


def sections(source: str, text: str) -> list[tuple[int, list[str]]]:
    """Return the sections as (number of the first line, lines)."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if not lines:
        reason = "expected four or five sections separated by an empty line, found an empty file"
        raise LoadError(source, reason, phrase=_TOO_FEW.format(0))
    found: list[tuple[int, list[str]]] = [(1, [])]
    for number, line in enumerate(lines, 1):
        if line:
            found[-1][1].append(line)
        else:
            found.append((number + 1, []))
    if len(found) < 4:
        missing = ", ".join(SECTIONS[len(found) : 4])
        raise LoadError(
            source,
            f"expected at least four sections separated by an empty line, found {len(found)} (missing: {missing})",
            line=len(lines),
            phrase=_TOO_FEW.format(len(found)),
        )
    while len(found) < len(SECTIONS):
        found.append((len(lines), []))
    return found


def rows(
    source: str,
    section: tuple[int, list[str]],
    what: str,
    names: Sequence[str],
    defaults: Sequence[str],
    incomplete: str,
) -> Iterator[Line]:
    """Yield the lines of a section as named fields, shorter ones filled up with the defaults.

    `incomplete` is Ganeti's text before the fields of a line that has too few.
    """
    least = len(names) - len(defaults)
    first, lines = section
    for number, line in enumerate(lines, first):
        values = split(line, "|")
        if len(values) < least:
            reason = f"expected at least {least} fields for {what} ({', '.join(names[:least])}), found {len(values)}"
            raise LoadError(source, reason, line=number, phrase=f"{incomplete}: '{listed(values)}'")
        yield Line(source, number, names, values + list(defaults[len(values) - least :]))
