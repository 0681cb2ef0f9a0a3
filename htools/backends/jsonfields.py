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
from spec.allocator.cluster import Bounds, Disk, DiskTemplate, ISpec, Policy

_Choice = TypeVar("_Choice", bound=StrEnum)
_MISSING = object()
_ISPEC_KEYS = ("memory-size", "cpu-count", "disk-size", "disk-count", "nic-count", "spindle-use")

LARGEST = 2**63 - 1


def describe(value: object) -> str:
    """A JSON value in a few words, for errors."""
    if value is _MISSING:
        return "nothing"
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else text[:57] + "..."


def decode(source: str, data: bytes, phrase: str = "") -> Any:
    """Decode one JSON text; `phrase` stands before what Ganeti says of a text that is none.

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
    """What Ganeti says, after `before`, of a whole text that is not of a kind (`list`, `JSObject`)."""
    return before + (reading(kind, value) if isinstance(value, list | dict) else TOP_LEVEL)


def whole(value: object) -> int | None:
    """The whole number of 64 bits that a JSON value is, rounded where it is a fraction; None where it is none."""
    if type(value) is float and value - value == 0.0:
        value = round(value)
    return value if type(value) is int and -LARGEST - 1 <= value <= LARGEST else None


class Fields:
    """The fields of one JSON object.

    Args:
        source: where the data came from.
        owner: what the object is, such as `node 'n1'`; stands before the key in errors.
        values: the object.
        before: what Ganeti says before it names a key, such as `invalid data for node 'n1': `.
    """

    __slots__ = ("_before", "owner", "source", "values")

    def __init__(self, source: str, owner: str, values: Mapping[str, Any], before: str = "") -> None:
        self.source = source
        self.owner = owner
        self.values = values
        self._before = before

    @classmethod
    def of(cls, source: str, owner: str, value: object, before: str = "", phrase: str = NOT_AN_OBJECT) -> Self:
        """The fields of `value`, which must be an object; `phrase` is what Ganeti says where it is none."""
        if not isinstance(value, dict):
            raise LoadError(source, f"expected a JSON object for {owner}, found {describe(value)}", phrase=phrase)
        return cls(source, owner, value, before)

    @property
    def bare(self) -> "Fields":
        """The same fields, of which Ganeti names the key alone."""
        return Fields(self.source, self.owner, self.values)

    def phrase(self, key: str, reading: str) -> str:
        """What Ganeti says about a key that is missing or unreadable."""
        if key not in self.values:
            return self._before + absent(key, self.values)
        return f"{self._before}key '{key}': {reading}"

    def error(self, key: str, expected: str, reading: str = "", phrase: str | None = None) -> LoadError:
        """An error about a key: what was expected there, and what stood there instead.

        Args:
            key: the key.
            expected: what was expected.
            reading: what Ganeti says of the value.
            phrase: what it says in all, where that does not name the key.
        """
        if phrase is None:
            phrase = self.phrase(key, reading) if reading or key not in self.values else ""
        found = describe(self.values.get(key, _MISSING))
        return LoadError(self.source, f"{self.owner}: expected {expected}, found {found}", field=key, phrase=phrase)

    def has(self, key: str) -> bool:
        """Whether the key is there and not null."""
        return self.values.get(key) is not None

    def text(self, key: str) -> str:
        """A string."""
        value = self.values.get(key, _MISSING)
        if type(value) is str:
            return value
        raise self.error(key, "a string", reading("String", value))

    def integer(self, key: str) -> int:
        """A whole number of 64 bits."""
        value = self.values.get(key, _MISSING)
        number = whole(value)
        if number is None:
            raise self.error(key, "an integer of 64 bits", reading("Int", value))
        return number

    def size(self, key: str) -> int:
        """A whole number that is not negative."""
        value = self.integer(key)
        if value < 0:
            raise self.error(key, "an integer that is not negative")
        return value

    def number(self, key: str) -> float:
        """A number."""
        value = self.values.get(key, _MISSING)
        if type(value) is int or type(value) is float:
            try:
                return float(value) + 0.0  # JSON knows no negative zero
            except OverflowError:
                raise self.error(key, "a number within the range of a double") from None
        raise self.error(key, "a number", reading("Double", value))

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self.values.get(key, _MISSING)
        if type(value) is bool:
            return value
        raise self.error(key, "true or false", reading("Bool", value))

    def items(self, key: str, phrase: str | None = None) -> list[Any]:
        """A list; `phrase` is what Ganeti says where it is none."""
        value = self.values.get(key, _MISSING)
        if type(value) is list:
            return value
        raise self.error(key, "a list", reading("list", value), phrase if key in self.values else None)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        value = self.items(key)
        for item in value:
            if type(item) is not str:
                raise self.error(key, "a list of strings", list_reading("String", value))
        return tuple(value)

    def integers(self, key: str) -> list[int]:
        """A list of whole numbers of 64 bits."""
        value = self.items(key)
        found = [number for item in value if (number := whole(item)) is not None]
        if len(found) < len(value):
            raise self.error(key, "a list of integers of 64 bits", list_reading("Int", value))
        return found

    def integers_or_nulls(self, key: str) -> list[int | None]:
        """A list of whole numbers of 64 bits, any of which may be missing."""
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
        """What Ganeti says before a fault in a list under a key that may hold nulls."""
        return self._before

    def inner(self, key: str, phrase: str | None = None) -> "Fields":
        """The fields of an object within; `phrase` is what Ganeti says where it is none."""
        value = self.values.get(key, _MISSING)
        if type(value) is dict:
            return Fields(self.source, f"{self.owner}, '{key}'", value, self._before)
        raise self.error(key, "a JSON object", reading("JSObject", value), phrase if key in self.values else None)

    def parts(self, key: str) -> "Parts":
        """The fields of a record within, which Ganeti reads as a whole."""
        inner = self.inner(key)
        return Parts(inner.source, inner.owner, inner.values, self.phrase(key, ""))

    def item(self, key: str, index: int) -> "Fields":
        """The fields of an object in a list within."""
        value = self.items(key)
        if all(type(item) is dict for item in value):
            return Fields(self.source, f"{self.owner}, '{key}' {index + 1}", value[index], self._before)
        raise self.error(key, "a list of JSON objects", list_reading("JSObject", value))

    def part_of_list(self, key: str, index: int) -> "Parts":
        """The fields of a record in a list within."""
        item = self.item(key, index)
        return Parts(item.source, item.owner, item.values, self.phrase(key, ""))

    def choice(self, key: str, kind: type[_Choice]) -> _Choice:
        """One of the values of an enumeration."""
        value = self.values.get(key, _MISSING)
        try:
            return kind(value)
        except ValueError:
            allowed = ", ".join(member.value for member in kind)
            raise self.error(key, f"one of {allowed}", choice_reading(kind, value)) from None

    def choices(self, key: str, kind: type[_Choice]) -> tuple[_Choice, ...]:
        """A list of values of an enumeration."""
        allowed = [member.value for member in kind]
        value = self.items(key)
        if any(item not in allowed for item in value):
            raise self.error(key, f"a list of {', '.join(allowed)}", choices_reading(kind, value))
        return tuple(map(kind, value))

    def place(self, key: str, known: Mapping[str, int], what: str, phrase: Callable[[str], str]) -> int:
        """The position of the thing that the key names; `phrase` makes what Ganeti says of an unknown name."""
        value = self.values.get(key, _MISSING)
        name = letters(value)
        if name is None:
            raise self.error(key, "a string", reading("String", value))
        if type(value) is str and name in known:
            return known[name]
        raise self.error(key, f"the name of a known {what}", phrase="" if name in known else phrase(name))

    def place_at(self, key: str, index: int, known: Mapping[str, int], what: str, phrase: Callable[[str], str]) -> int:
        """The position of the thing that an item of the key's list names; `phrase` as with `place`."""
        value = self.items(key)[index]
        position = known.get(value) if type(value) is str else None
        if position is None:
            wording = phrase(value) if type(value) is str else WRONG_TYPE
            raise self.error(key, f"names of known {what}s", phrase=wording)
        return position


class Parts(Fields):
    """The fields of a record that Ganeti reads as a whole, with words of its own for them."""

    __slots__ = ()

    def phrase(self, key: str, reading: str) -> str:
        """What Ganeti says about a key that is missing or unreadable."""
        if key not in self.values:
            return self._before + absent(key, self.values)
        return f"{self._before}Can't parse value for '{key}': {reading}"


def disks_of(sizes: Sequence[int], spindles: Sequence[int | None]) -> tuple[Disk, ...]:
    """The single disks, as many as both lists have."""
    return tuple(map(Disk, sizes, spindles))


def _ispec(fields: Fields) -> ISpec:
    return ISpec(*(fields.integer(key) for key in _ISPEC_KEYS))


def policy_of(fields: Fields, key: str) -> Policy:
    """An instance policy as Ganeti writes it in JSON."""
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
    """Positions by name.

    Raises:
        LoadError: a name stands there twice.
    """
    places = {name: position for position, name in enumerate(names)}
    if len(places) != len(names):
        twice = next(name for position, name in enumerate(names) if places[name] != position)
        raise LoadError(source, f"expected every {what} once, found '{twice}' twice")
    return places
