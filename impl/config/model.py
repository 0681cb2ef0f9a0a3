"""The configuration as a persistent value: every object with its JSON text, so that a change costs the objects changed.

Invariants: an object's `value` is never changed in place; `text` is the JSON of `value`; keys that we do not know, of
objects and of the whole, are kept as they came.

Source: Ganeti 3.0's config.data.

A draft is changed and finished; the configuration that it began with stays as it was:

>>> before = parse(b'{"version": 3000000, "cluster": {}, "serial_no": 7, "nodes": {"u1": {"name": "n1"}}}')
>>> draft = Draft(before)
>>> draft.put("nodes", "u1", {"name": "n1", "offline": True})
>>> after, changes = draft.finish(now=1700000000.0)
>>> before.serial, after.serial
(7, 8)
>>> changes[0]
Change(section='nodes', key='u1', text=b'{"name":"n1","offline":true}')
>>> before.get("nodes", "u1")
{'name': 'n1'}
"""

from typing import Any, NamedTuple

import msgspec
from immutables import Map

from impl.bounds import check_text, check_value, has_long_numbers
from impl.config.errors import ConfigurationError
from impl.config.shapes import check_object
from impl.limits import MAX_CONFIG_DEPTH, MAX_NAME_LENGTH, LimitError

SECTIONS = ("nodes", "instances", "nodegroups", "disks", "networks", "filters")
"""The parts of the configuration that map UUIDs to objects."""

TOP = ""
"""The section of everything else at the top: version, serial number, times, the cluster, and what we do not know."""

Value = dict[str, Any]
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


class Stored(NamedTuple):
    """A JSON value with its text."""

    value: Any
    text: bytes


class Change(NamedTuple):
    """One object's new text, or None for its removal."""

    section: str
    key: str
    text: bytes | None


def stored(value: Any) -> Stored:
    """Return a value with its encoded text, ready to be kept."""
    return Stored(value, _encoder.encode(value))


Objects = Map[str, Stored]
_NO_OBJECTS: Objects = Map()


class Config(NamedTuple):
    """A whole configuration; `sections` has an entry for `TOP` and for each of `SECTIONS`."""

    sections: "Map[str, Objects]" = Map()

    def objects(self, section: str) -> Objects:
        """Return the objects of one section, by key."""
        return self.sections.get(section, _NO_OBJECTS)

    def get(self, section: str, key: str) -> Value | None:
        """Return one object; None if there is none."""
        found = self.objects(section).get(key)
        return None if found is None else found.value

    def values(self, section: str) -> list[Value]:
        """Return the objects of one section."""
        return [known.value for known in self.objects(section).values()]

    @property
    def cluster(self) -> Value:
        """The cluster object (empty before there is a configuration)."""
        return self.get(TOP, "cluster") or {}

    @property
    def serial(self) -> int:
        """The configuration's serial number (0 before there is a configuration)."""
        number = self.get(TOP, "serial_no")
        return number if isinstance(number, int) else 0

    @property
    def empty(self) -> bool:
        """Whether there is no configuration yet."""
        return not self.objects(TOP)

    def text(self) -> bytes:
        """Return the configuration as one JSON object, built from the objects' texts in the order of their keys.

        The last one put together is remembered: readers ask for the same one again and again.
        """
        global _last_text  # noqa: PLW0603 - a memory of one, which changes no result
        known_sections, known_text = _last_text
        if known_sections is self.sections:
            return known_text
        text = self._put_together()
        _last_text = (self.sections, text)
        return text

    def _put_together(self) -> bytes:
        parts = [_member(key, known.text) for key, known in sorted(self.objects(TOP).items())]
        for section in SECTIONS:
            inner = b",".join(_member(key, known.text) for key, known in sorted(self.objects(section).items()))
            parts.append(_member(section, b"{" + inner + b"}"))
        return b"{" + b",".join(parts) + b"}"


_last_text: "tuple[Map[str, Objects] | None, bytes]" = (None, b"")


def _member(key: str, text: bytes) -> bytes:
    return _encoder.encode(key) + b":" + text


def parse(text: bytes) -> Config:
    """Read a config.data.

    Raises:
        ConfigurationError: it is no configuration.
    """
    try:
        check_text(text, MAX_CONFIG_DEPTH)
        value = _decoder.decode(text)
        if has_long_numbers(text):
            check_value(value, MAX_CONFIG_DEPTH)
    except (msgspec.DecodeError, UnicodeDecodeError, LimitError) as error:
        raise ConfigurationError(f"the configuration is not valid JSON ({error}): restore it from a copy") from None
    return from_value(value)


def from_value(value: Any) -> Config:
    """Make a configuration of a decoded JSON object.

    Raises:
        ConfigurationError: what every configuration has is missing, or something is of the wrong type.
    """
    if not isinstance(value, dict):
        raise ConfigurationError("the configuration is no JSON object")
    for key, kind in (("version", int), ("cluster", dict), ("serial_no", int)):
        if not isinstance(value.get(key), kind):
            raise ConfigurationError(f"key '{key}' not found in the configuration, or of the wrong type")
    check_object("cluster", value["cluster"])
    sections: dict[str, Objects] = {}
    for section in SECTIONS:
        objects = value.get(section, {})
        if not isinstance(objects, dict) or not all(isinstance(one, dict) for one in objects.values()):
            raise ConfigurationError(f"'{section}' of the configuration is no object of objects")
        for key, one in objects.items():
            if len(key) > MAX_NAME_LENGTH:
                raise ConfigurationError(f"a key of '{section}' has more than {MAX_NAME_LENGTH} characters")
            check_object(section, one)
        sections[section] = Map({key: stored(one) for key, one in objects.items()})
    sections[TOP] = Map({key: stored(one) for key, one in value.items() if key not in sections})
    return Config(Map(sections))


def from_rows(rows: list[Change]) -> Config:
    """Put a configuration together from its stored objects."""
    sections: dict[str, dict[str, Stored]] = {section: {} for section in (TOP, *SECTIONS)}
    for section, key, text in rows:
        if text is not None:
            sections.setdefault(section, {})[key] = Stored(_decoder.decode(text), text)
    return Config(Map({section: Map(objects) for section, objects in sections.items()}))


class Draft:
    """A configuration under change. `finish` bumps its serial number if anything changed."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._sections = dict(config.sections.items())
        self._changes: dict[tuple[str, str], bytes | None] = {}

    def get(self, section: str, key: str) -> Value | None:
        """Return one object as it is now; None if there is none."""
        found = self._sections.get(section, _NO_OBJECTS).get(key)
        return None if found is None else found.value

    def put(self, section: str, key: str, value: Any) -> None:
        """Add or replace one object."""
        new = stored(value)
        self._sections[section] = self._sections.get(section, _NO_OBJECTS).set(key, new)
        self._changes[section, key] = new.text

    def remove(self, section: str, key: str) -> None:
        """Remove one object, if it is there."""
        objects = self._sections.get(section, _NO_OBJECTS)
        if key in objects:
            self._sections[section] = objects.delete(key)
            self._changes[section, key] = None

    def touch_cluster(self, now: float) -> None:
        """Bump the cluster's serial number and modification time."""
        cluster = self.get(TOP, "cluster") or {}
        self.put(TOP, "cluster", bumped(cluster, now))

    def replace_all(self, config: Config) -> None:
        """Become another configuration; only what differs counts as changed."""
        for section in (TOP, *SECTIONS):
            mine, theirs = self._sections.get(section, _NO_OBJECTS), config.objects(section)
            for key, known in theirs.items():
                old = mine.get(key)
                if old is None or old.text != known.text:
                    self._changes[section, key] = known.text
            for key in mine:
                if key not in theirs:
                    self._changes[section, key] = None
            self._sections[section] = theirs

    def finish(self, now: float, *, always: bool = False) -> tuple[Config, list[Change]]:
        """Return the changed configuration, and what changed.

        Args:
            now: seconds since the epoch, the new modification time.
            always: bump the serial number even if nothing else changed.
        """
        if not self._changes and not always:
            return self.config, []
        serial = self.get(TOP, "serial_no")
        self.put(TOP, "serial_no", (serial if isinstance(serial, int) else 0) + 1)
        self.put(TOP, "mtime", now)
        return Config(Map(self._sections)), self.changes()

    def unbumped(self) -> Config:
        """Return the changed configuration, with the serial number that the changes themselves give it."""
        return Config(Map(self._sections))

    def changes(self) -> list[Change]:
        """Return what changed so far."""
        return [Change(section, key, text) for (section, key), text in self._changes.items()]


def changes_between(before: Config, after: Config) -> list[Change]:
    """Return what makes one configuration of another: the objects that differ."""
    draft = Draft(before)
    draft.replace_all(after)
    return draft.changes()


def bumped(value: Value, now: float) -> Value:
    """Return an object with its serial number one higher and its modification time set."""
    return {**value, "serial_no": value.get("serial_no", 0) + 1, "mtime": now}
