"""Errors of the allocator's programs: what a person gave them that cannot be used."""

from spec.errors import GantryError


class LoadError(GantryError):
    """A backend's data cannot be used.

    Attributes:
        source: file, socket or address that the data came from.
        line: number of the line, from 1; None where the format has no lines.
        field: name of the field, None where it is not about one.
        reason: what is wrong and what was expected.
    """

    def __init__(self, source: str, reason: str, *, line: int | None = None, field: str | None = None) -> None:
        self.source = source
        self.line = line
        self.field = field
        self.reason = reason
        place = source if line is None else f"{source}, line {line}"
        super().__init__(f"{place}: {reason}" if field is None else f"{place}, field '{field}': {reason}")


_SHOWN = 60


def quoted(text: str) -> str:
    """Text from an input as errors quote it: in one line, without what a terminal would obey, and not too long."""
    cut = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return (
        "'"
        + "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in cut)
        + "'"
    )
