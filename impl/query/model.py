"""The vocabulary of queries: result statuses, kinds of fields, fields, errors. Pure.

Source: Ganeti's design-query2 and its query language at 3.0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from impl.query.source import Source
from spec.errors import GantryError

Entry = tuple[int, Any]
"""A result status and a value (None unless the status is normal)."""

NORMAL, UNKNOWN, NO_DATA, UNAVAILABLE, OFFLINE = range(5)

NO_DATA_ENTRY: Entry = (NO_DATA, None)
UNAVAILABLE_ENTRY: Entry = (UNAVAILABLE, None)
UNKNOWN_ENTRY: Entry = (UNKNOWN, None)
OFFLINE_ENTRY: Entry = (OFFLINE, None)


class Kind(StrEnum):
    """How a field's values are to be shown."""

    UNKNOWN = "unknown"
    TEXT = "text"
    BOOL = "bool"
    NUMBER = "number"
    FLOAT = "float"
    UNIT = "unit"
    TIMESTAMP = "timestamp"
    OTHER = "other"


class Compare(StrEnum):
    """How a field's values are compared in filters."""

    PLAIN = "plain"
    HOSTNAME = "hostname"
    TIMESTAMP = "timestamp"


Getter = Callable[[Source, Any], Entry]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind of things; our `own` ones, which Ganeti does not have, are answered by name only."""

    name: str
    title: str
    kind: Kind
    doc: str
    get: Getter
    compare: Compare = Compare.PLAIN
    own: bool = False

    def definition(self) -> dict[str, str]:
        """Return the field as the wire describes it."""
        return {"name": self.name, "title": self.title, "kind": self.kind.value, "doc": self.doc}


Fields = Mapping[str, Field]


def field_map(*fields: Field) -> dict[str, Field]:
    """Return the fields by name."""
    return {field.name: field for field in fields}


def normal(value: Any) -> Entry:
    """Return the entry of a value that is there."""
    return (NORMAL, value)


def or_no_data(value: Any) -> Entry:
    """Return the value's entry; `no data` for None."""
    return NO_DATA_ENTRY if value is None else (NORMAL, value)


def or_unavailable(value: Any) -> Entry:
    """Return the value's entry; `unavailable` for None."""
    return UNAVAILABLE_ENTRY if value is None else (NORMAL, value)


class QueryError(GantryError):
    """A query that cannot be answered.

    Attributes:
        error_class: the class on the wire.
        arguments: its arguments there.
    """

    def __init__(self, error_class: str, *arguments: str) -> None:
        self.error_class = error_class
        self.arguments = arguments
        super().__init__(arguments[0] if arguments else error_class)
