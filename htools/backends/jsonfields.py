"""Reading fields of JSON objects, with errors that name the object, the key and what was expected.

Shared by the backends whose data is JSON (LUXI, RAPI, iallocator requests). Whole numbers may be written as fractions;
they are rounded half to even, as Ganeti does. Nothing here knows what a key means, except for instance policies and
the lists that several backends share.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Self, TypeVar

import msgspec

from htools.backends.files import decode_text
from htools.backends.malformed import TOP_LEVEL, fault
from htools.backends.phrases import (
    NOT_AN_OBJECT,
    WRONG_TYPE,
    absent,
    choice_reading,
    choices_reading,
    encoded,
    letters,
    list_reading,
    reading,
)
from htools.errors import LoadError
from htools.formatting.haskell import is_int
from spec.allocator.cluster import Bounds, Disk, DiskTemplate, ISpec, Policy

_Choice = TypeVar("_Choice", bound=StrEnum)
_MISSING = object()
_ISPEC_KEYS = ("memory-size", "cpu-count", "disk-size", "disk-count", "nic-count", "spindle-use")


def describe(value: object) -> str:
    """Describe a JSON value in a few words, for errors."""
    if value is _MISSING:
        return "nothing"
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else text[:57] + "..."


def decode(source: str, data: bytes, phrase: str = "") -> Any:
    """Decode one JSON text; `phrase` precedes Ganeti's text about one that is not JSON.

    Raises:
        LoadError: it is not JSON, with the position where reading stopped.
        AccessError: it is not UTF-8.
    """
    reason = "expected JSON nested less deeply"
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        reason = f"expected JSON: {error}"
    except RecursionError:
        pass
    wording = fault(decode_text(source, data))
    raise LoadError(source, reason, phrase=f"{phrase}{wording}" if wording else "")


def no_json_of(kind: str, value: object, before: str) -> str:
    """Return Ganeti's phrase, after `before`, for a text that is not of a kind (`list`, `JSObject`)."""
    return before + (reading(kind, value) if isinstance(value, list | dict) else TOP_LEVEL)


def whole(value: object) -> int | None:
    """Return a JSON value as a whole number of 64 bits, a fraction rounded; None if it is no such number."""
    if type(value) is float and value - value == 0.0:
        value = round(value)
    return value if type(value) is int and is_int(value) else None


class Fields:
    """The fields of one JSON object.

    Args:
        source: where the data came from.
        owner: what the object is, such as `node 'n1'`; precedes the key in errors.
        values: the object.
        before: Ganeti's text before the name of a key, such as `invalid data for node 'n1': `.
    """

    __slots__ = ("_before", "owner", "source", "values")

    def __init__(self, source: str, owner: str, values: Mapping[str, Any], before: str = "") -> None:
        self.source = source
        self.owner = owner
        self.values = values
        self._before = before

    @classmethod
    def of(cls, source: str, owner: str, value: object, before: str = "", phrase: str = NOT_AN_OBJECT) -> Self:
        """Return the fields of `value`, which must be an object; `phrase` is Ganeti's text if it is none."""
        if not isinstance(value, dict):
            raise LoadError(source, f"expected a JSON object for {owner}, found {describe(value)}", phrase=phrase)
        return cls(source, owner, value, before)

    @property
    def bare(self) -> "Fields":
        """The same fields, for which Ganeti's errors name only the key."""
        return Fields(self.source, self.owner, self.values)

    def phrase(self, key: str, reading: str) -> str:
        """Return what Ganeti says about a key that is missing or unreadable."""
        if key not in self.values:
            return self._before + absent(key, self.values)
        return f"{self._before}key '{key}': {reading}"

    def error(self, key: str, expected: str, reading: str = "", phrase: str | None = None) -> LoadError:
        """Return an error about a key: the expected and the actual value.

        Args:
            key: the key.
            expected: what was expected.
            reading: Ganeti's text about the value.
            phrase: Ganeti's whole text, if it does not name the key.
        """
        if phrase is None:
            phrase = self.phrase(key, reading) if reading or key not in self.values else ""
        found = describe(self.values.get(key, _MISSING))
        return LoadError(self.source, f"{self.owner}: expected {expected}, found {found}", field=key, phrase=phrase)

    def has(self, key: str) -> bool:
        """Return whether the key is there and not null."""
        return self.values.get(key) is not None

    def text(self, key: str) -> str:
        """Read a string."""
        value = self.values.get(key, _MISSING)
        if type(value) is str:
            return value
        raise self.error(key, "a string", reading("String", value))

    def integer(self, key: str) -> int:
        """Read a whole number of 64 bits."""
        value = self.values.get(key, _MISSING)
        number = whole(value)
        if number is None:
            raise self.error(key, "an integer of 64 bits", reading("Int", value))
        return number

    def size(self, key: str) -> int:
        """Read a whole number that is not negative."""
        value = self.integer(key)
        if value < 0:
            raise self.error(key, "an integer that is not negative")
        return value

    def number(self, key: str) -> float:
        """Read a number."""
        value = self.values.get(key, _MISSING)
        if type(value) is int or type(value) is float:
            try:
                return float(value) + 0.0  # JSON has no negative zero
            except OverflowError:
                raise self.error(key, "a number within the range of a double") from None
        raise self.error(key, "a number", reading("Double", value))

    def flag(self, key: str) -> bool:
        """Read true or false."""
        value = self.values.get(key, _MISSING)
        if type(value) is bool:
            return value
        raise self.error(key, "true or false", reading("Bool", value))

    def items(self, key: str, phrase: str | None = None) -> list[Any]:
        """Read a list; `phrase` is Ganeti's text if it is none."""
        value = self.values.get(key, _MISSING)
        if type(value) is list:
            return value
        raise self.error(key, "a list", reading("list", value), phrase if key in self.values else None)

    def texts(self, key: str) -> tuple[str, ...]:
        """Read a list of strings."""
        value = self.items(key)
        for item in value:
            if type(item) is not str:
                raise self.error(key, "a list of strings", list_reading("String", value))
        return tuple(value)

    def integers(self, key: str) -> list[int]:
        """Read a list of whole numbers of 64 bits."""
        value = self.items(key)
        found = [number for item in value if (number := whole(item)) is not None]
        if len(found) < len(value):
            raise self.error(key, "a list of integers of 64 bits", list_reading("Int", value))
        return found

    def integers_or_nulls(self, key: str) -> list[int | None]:
        """Read a list of whole numbers of 64 bits, any of which may be missing."""
        value = self.values.get(key, _MISSING)
        if type(value) is not list:
            wording = None if value is _MISSING else f"{self.within(key)}Expecting array, got '{encoded(value)}'"
            raise self.error(key, "a list", phrase=wording)
        for item in value:
            if whole(item) is None and item is not None:
                said = reading("Int", item)
                wording = f"{self.within(key)}Cannot convert value '{encoded(item)}', error: {said}" if said else ""
                raise self.error(key, "a list of integers of 64 bits or nulls", phrase=wording)
        return [whole(item) for item in value]

    def within(self, _: str) -> str:
        """Return Ganeti's text before a fault in a list that may hold nulls."""
        return self._before

    def inner(self, key: str, phrase: str | None = None) -> "Fields":
        """Read the fields of an inner object; `phrase` is Ganeti's text if it is none."""
        value = self.values.get(key, _MISSING)
        if type(value) is dict:
            return Fields(self.source, f"{self.owner}, '{key}'", value, self._before)
        raise self.error(key, "a JSON object", reading("JSObject", value), phrase if key in self.values else None)

    def parts(self, key: str) -> "Parts":
        """Read the fields of an inner record, which Ganeti reads as a whole."""
        inner = self.inner(key)
        return Parts(inner.source, inner.owner, inner.values, self.phrase(key, ""))

    def item(self, key: str, index: int) -> "Fields":
        """Read the fields of an object in an inner list."""
        value = self.items(key)
        if all(type(item) is dict for item in value):
            return Fields(self.source, f"{self.owner}, '{key}' {index + 1}", value[index], self._before)
        raise self.error(key, "a list of JSON objects", list_reading("JSObject", value))

    def part_of_list(self, key: str, index: int) -> "Parts":
        """Read the fields of a record in an inner list."""
        item = self.item(key, index)
        return Parts(item.source, item.owner, item.values, self.phrase(key, ""))

    def choice(self, key: str, kind: type[_Choice]) -> _Choice:
        """Read a value of an enumeration."""
        value = self.values.get(key, _MISSING)
        try:
            return kind(value)
        except ValueError:
            allowed = ", ".join(member.value for member in kind)
            raise self.error(key, f"one of {allowed}", choice_reading(kind, value)) from None

    def choices(self, key: str, kind: type[_Choice]) -> tuple[_Choice, ...]:
        """Read a list of values of an enumeration."""
        allowed = [member.value for member in kind]
        value = self.items(key)
        if any(item not in allowed for item in value):
            raise self.error(key, f"a list of {', '.join(allowed)}", choices_reading(kind, value))
        return tuple(map(kind, value))

    def place(self, key: str, known: Mapping[str, int], what: str, phrase: Callable[[str], str]) -> int:
        """Return the position of the object that the key names; `phrase` makes Ganeti's text about an unknown name."""
        value = self.values.get(key, _MISSING)
        name = letters(value)
        if name is None:
            raise self.error(key, "a string", reading("String", value))
        if type(value) is str and name in known:
            return known[name]
        raise self.error(key, f"the name of a known {what}", phrase="" if name in known else phrase(name))

    def place_at(self, key: str, index: int, known: Mapping[str, int], what: str, phrase: Callable[[str], str]) -> int:
        """Return the position of the object that an item of the key's list names; `phrase` as for `place`."""
        value = self.items(key)[index]
        position = known.get(value) if type(value) is str else None
        if position is None:
            wording = phrase(value) if type(value) is str else WRONG_TYPE
            raise self.error(key, f"names of known {what}s", phrase=wording)
        return position


class Parts(Fields):
    """The fields of a record that Ganeti reads as a whole, with its own phrases."""

    __slots__ = ()

    def phrase(self, key: str, reading: str) -> str:
        """Return what Ganeti says about a key that is missing or unreadable."""
        if key not in self.values:
            return self._before + absent(key, self.values)
        return f"{self._before}Can't parse value for '{key}': {reading}"


def disks_of(sizes: Sequence[int], spindles: Sequence[int | None]) -> tuple[Disk, ...]:
    """Return the disks; the shorter list gives their number."""
    return tuple(map(Disk, sizes, spindles))


def _ispec(fields: Fields) -> ISpec:
    return ISpec(*(fields.integer(key) for key in _ISPEC_KEYS))


def policy_of(fields: Fields, key: str) -> Policy:
    """Return an instance policy as Ganeti writes it in JSON."""
    policy = fields.parts(key)
    pairs = [policy.part_of_list("minmax", at) for at in range(len(policy.items("minmax")))]
    return Policy(
        bounds=tuple(Bounds(_ispec(pair.parts("min")), _ispec(pair.parts("max"))) for pair in pairs),
        standard=_ispec(policy.parts("std")),
        disk_templates=policy.choices("disk-templates", DiskTemplate),
        vcpu_ratio=policy.number("vcpu-ratio"),
        spindle_ratio=policy.number("spindle-ratio"),
    )


def indices(source: str, what: str, names: Sequence[str]) -> dict[str, int]:
    """Map names to positions.

    Raises:
        LoadError: a name occurs twice.
    """
    places = {name: position for position, name in enumerate(names)}
    if len(places) != len(names):
        twice = next(name for position, name in enumerate(names) if places[name] != position)
        raise LoadError(source, f"expected every {what} once, found '{twice}' twice")
    return places
