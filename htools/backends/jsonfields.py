"""Reading fields of JSON objects, with errors that name the object, the key and what was expected.

Shared by the backends whose data is JSON (LUXI, RAPI, iallocator requests). Whole numbers may be written as fractions;
they are rounded half to even, as Ganeti does. Nothing here knows what a key means, except for instance policies and
the lists that several backends share.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

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


def decode(source: str, data: bytes) -> Any:
    """Decode one JSON text.

    Raises:
        LoadError: it is not JSON, with the position where reading stopped.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LoadError(source, f"expected JSON: {error}") from None
    except RecursionError:
        raise LoadError(source, "expected JSON nested less deeply") from None


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
    """

    __slots__ = ("_owner", "_source", "values")

    def __init__(self, source: str, owner: str, values: Mapping[str, Any]) -> None:
        self._source = source
        self._owner = owner
        self.values = values

    @classmethod
    def of(cls, source: str, owner: str, value: object) -> "Fields":
        """The fields of `value`, which must be an object."""
        if not isinstance(value, dict):
            raise LoadError(source, f"expected a JSON object for {owner}, found {describe(value)}")
        return cls(source, owner, value)

    def error(self, key: str, expected: str) -> LoadError:
        """An error about a key: what was expected there, and what stood there instead."""
        found = describe(self.values.get(key, _MISSING))
        return LoadError(self._source, f"{self._owner}: expected {expected}, found {found}", field=key)

    def has(self, key: str) -> bool:
        """Whether the key is there and not null."""
        return self.values.get(key) is not None

    def text(self, key: str) -> str:
        """A string."""
        value = self.values.get(key, _MISSING)
        if type(value) is str:
            return value
        raise self.error(key, "a string")

    def integer(self, key: str) -> int:
        """A whole number of 64 bits."""
        value = whole(self.values.get(key, _MISSING))
        if value is None:
            raise self.error(key, "an integer of 64 bits")
        return value

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
        raise self.error(key, "a number")

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self.values.get(key, _MISSING)
        if type(value) is bool:
            return value
        raise self.error(key, "true or false")

    def items(self, key: str) -> list[Any]:
        """A list."""
        value = self.values.get(key, _MISSING)
        if type(value) is list:
            return value
        raise self.error(key, "a list")

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        value = self.items(key)
        for item in value:
            if type(item) is not str:
                raise self.error(key, "a list of strings")
        return tuple(value)

    def integers(self, key: str) -> list[int]:
        """A list of whole numbers of 64 bits."""
        found = [number for item in self.items(key) if (number := whole(item)) is not None]
        if len(found) < len(self.items(key)):
            raise self.error(key, "a list of integers of 64 bits")
        return found

    def integers_or_nulls(self, key: str) -> list[int | None]:
        """A list of whole numbers of 64 bits, any of which may be missing."""
        found = [whole(item) for item in self.items(key)]
        if any(number is None and item is not None for number, item in zip(found, self.items(key), strict=True)):
            raise self.error(key, "a list of integers of 64 bits or nulls")
        return found

    def inner(self, key: str) -> "Fields":
        """The fields of an object within."""
        value = self.values.get(key, _MISSING)
        if type(value) is dict:
            return Fields(self._source, f"{self._owner}, '{key}'", value)
        raise self.error(key, "a JSON object")

    def item(self, key: str, index: int) -> "Fields":
        """The fields of an object in a list within."""
        value = self.items(key)[index]
        if type(value) is dict:
            return Fields(self._source, f"{self._owner}, '{key}' {index + 1}", value)
        raise self.error(key, "a list of JSON objects")

    def choice(self, key: str, kind: type[_Choice]) -> _Choice:
        """One of the values of an enumeration."""
        value = self.values.get(key, _MISSING)
        try:
            return kind(value)
        except ValueError:
            allowed = ", ".join(member.value for member in kind)
            raise self.error(key, f"one of {allowed}") from None

    def choices(self, key: str, kind: type[_Choice]) -> tuple[_Choice, ...]:
        """A list of values of an enumeration."""
        allowed = [member.value for member in kind]
        value = self.items(key)
        if any(item not in allowed for item in value):
            raise self.error(key, f"a list of {', '.join(allowed)}")
        return tuple(map(kind, value))

    def place(self, key: str, known: Mapping[str, int], what: str) -> int:
        """The position of the thing that the key names."""
        value = self.text(key)
        position = known.get(value)
        if position is None:
            raise self.error(key, f"the name of a known {what}")
        return position

    def place_at(self, key: str, index: int, known: Mapping[str, int], what: str) -> int:
        """The position of the thing that an item of the key's list names."""
        value = self.items(key)[index]
        position = known.get(value) if type(value) is str else None
        if position is None:
            raise self.error(key, f"names of known {what}s")
        return position


def disks_of(sizes: Sequence[int], spindles: Sequence[int | None]) -> tuple[Disk, ...]:
    """The single disks, as many as both lists have."""
    return tuple(map(Disk, sizes, spindles))


def _ispec(fields: Fields) -> ISpec:
    return ISpec(*(fields.integer(key) for key in _ISPEC_KEYS))


def policy_of(fields: Fields, key: str) -> Policy:
    """An instance policy as Ganeti writes it in JSON."""
    policy = fields.inner(key)
    bounds = []
    for pair in policy.items("minmax"):
        if not isinstance(pair, dict):
            raise policy.error("minmax", "a list of objects with 'min' and 'max'")
        both = Fields(policy._source, f"{policy._owner}, 'minmax'", pair)  # noqa: SLF001 - same module
        bounds.append(Bounds(_ispec(both.inner("min")), _ispec(both.inner("max"))))
    templates = []
    for name in policy.texts("disk-templates"):
        if name not in DiskTemplate._value2member_map_:
            raise policy.error("disk-templates", f"a list of {', '.join(DiskTemplate)}")
        templates.append(DiskTemplate(name))
    return Policy(
        bounds=tuple(bounds),
        standard=_ispec(policy.inner("std")),
        disk_templates=tuple(templates),
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
