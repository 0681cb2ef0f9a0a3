"""Crashes: every point at which a program that writes files can stop, with every subset of what was not synced.

A recording is what a program did to its files, in order, with marks of what it promised to others. From it follow the
images that a stop may leave on the disk: everything synced, and any subset of the writes since, in any order that the
disk may have chosen (writes to the same place keep their order); the last write of a beginning also torn in half. Each
image is recovered by the program's own code and compared with the specification of durability.

Syncing a file makes its name durable with it; a rename or removal is durable once the directory is synced (or the
renamed file's new name is), and either way before. Where more writes are unsynced than `EVERY_SUBSET_UP_TO`, the
verdict says that subsets were sampled: beginnings, single writes, all but one, and random ones.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from checkers.verdict import Illegal, Ok, Verdict

EVERY_SUBSET_UP_TO = 10
SAMPLES = 60


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes written into a file."""

    file: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """A file cut, or grown with zeros, to a size."""

    file: str
    size: int


@dataclass(frozen=True, slots=True)
class Remove:
    """A file's name removed."""

    file: str


@dataclass(frozen=True, slots=True)
class Rename:
    """A file put in the place of another."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Sync:
    """A file's content made durable."""

    file: str


@dataclass(frozen=True, slots=True)
class SyncDirectory:
    """Names made durable."""


@dataclass(frozen=True, slots=True)
class Mark:
    """An event of the specification of durability, such as that a batch begins or was confirmed."""

    event: Any


Change = Write | Truncate | Remove | Rename
Step = Change | Sync | SyncDirectory | Mark
Image = dict[str, bytes]
"""Files by name, with their content."""


def applied(image: Image, changes: Sequence[Change]) -> Image:
    """Return an image after some changes."""
    result = dict(image)
    opened: dict[str, bytearray] = {}

    def content(file: str) -> bytearray:
        if file not in opened:
            opened[file] = bytearray(result.get(file, b""))
        return opened[file]

    for change in changes:
        match change:
            case Write(file, offset, data):
                written = content(file)
                written.extend(bytes(max(0, offset - len(written))))
                written[offset : offset + len(data)] = data
            case Truncate(file, size):
                cut = content(file)
                del cut[size:]
                cut.extend(bytes(size - len(cut)))
            case Remove(file):
                result.pop(file, None)
                opened.pop(file, None)
            case Rename(old, new):
                if old in opened or old in result:
                    opened[new] = content(old)
                    result.pop(old, None)
                    del opened[old]
    return {**result, **{file: bytes(data) for file, data in opened.items()}}


def _concerns(change: Change, file: str) -> bool:
    return file in ({change.old, change.new} if isinstance(change, Rename) else {change.file})


def _after_sync(unsynced: list[Change], step: Sync | SyncDirectory) -> tuple[list[Change], list[Change]]:
    """Return which changes a sync makes durable, and which stay unsynced."""
    if isinstance(step, Sync):
        durable = [change for change in unsynced if _concerns(change, step.file)]
    else:
        durable = [change for change in unsynced if isinstance(change, Remove | Rename)]
    return durable, [change for change in unsynced if change not in durable]


def subsets(changes: Sequence[Change], chance: random.Random) -> Iterator[list[Change]]:
    """Yield the subsets of unsynced changes that are tried, each in order."""
    count = len(changes)
    if count <= EVERY_SUBSET_UP_TO:
        for size in range(count + 1):
            for chosen in combinations(changes, size):
                yield list(chosen)
    else:
        for end in range(count + 1):
            yield list(changes[:end])
        for place in range(count):
            yield [changes[place]]
            yield [*changes[:place], *changes[place + 1 :]]
        for _ in range(SAMPLES):
            yield [change for change in changes if chance.random() < 0.5]
    for end, change in enumerate(changes):
        if isinstance(change, Write) and len(change.data) > 1:
            torn = Write(change.file, change.offset, change.data[: len(change.data) // 2])
            yield [*changes[:end], torn]


@dataclass(frozen=True, slots=True)
class Lost:
    """A stop after which the recovery finds what it must not.

    Attributes:
        place: after how many steps of the recording the program stopped.
        kept: the unsynced changes that reached the disk.
        reason: what is wrong with what was recovered.
    """

    place: int
    kept: tuple[Change, ...]
    reason: str

    def describe(self) -> str:
        """Describe the stop in prose."""
        kept = ", ".join(_shown(change) for change in self.kept) or "nothing"
        return f"stopped after step {self.place}, of the unsynced changes kept {kept}: {self.reason}"


def _shown(change: Change) -> str:
    if isinstance(change, Write):
        return f"{len(change.data)} bytes at {change.offset} of {change.file}"
    return str(change)


def explore_crashes(
    recording: Sequence[Step],
    allows: Callable[[Sequence[Any], Image], str | None],
    initial: Image | None = None,
    seed: int = 0,
) -> Verdict[Lost]:
    """Try every stop of a recording.

    Args:
        recording: what the program did.
        allows: recovers an image; given the events marked so far, returns what is wrong with it, or None.
        initial: what the disk held before.
        seed: for the subsets that are sampled.
    """
    chance = random.Random(seed)
    durable: Image = dict(initial or {})
    unsynced: list[Change] = []
    events: list[Any] = []
    images = stops = sampled = 0
    # a stop between two writes leaves what a stop after the later one may leave too: so it is enough to try the stops
    # before each sync, before each mark, and at the end
    for place, step in enumerate([*recording, Mark(None)]):
        if isinstance(step, Write | Truncate | Remove | Rename):
            unsynced.append(step)
            continue
        stops += 1
        sampled += len(unsynced) > EVERY_SUBSET_UP_TO
        seen: set[tuple[tuple[str, bytes], ...]] = set()
        for kept in subsets(unsynced, chance):
            image = applied(durable, kept)
            key = tuple(sorted(image.items()))
            if key in seen:
                continue
            seen.add(key)
            images += 1
            reason = allows(events, image)
            if reason is not None:
                return Illegal(Lost(place, tuple(kept), reason))
        if isinstance(step, Mark):
            events.append(step.event)
        else:
            made_durable, unsynced = _after_sync(unsynced, step)
            durable = applied(durable, made_durable)
    detail = f", subsets sampled at {sampled} of them" if sampled else ", every subset"
    return Ok(f"{len(recording)} steps, {stops} stops, {images} disks recovered{detail}")
