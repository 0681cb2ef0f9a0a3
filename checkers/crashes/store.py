"""Crashes of wconfd's store, its snapshots and its copies: what they wrote is recorded, every stop is recovered.

SQLite's writes are recorded by a file system layer of its own between SQLite and the disk (APSW's VFS); the store's
statements and SQLite's log, checkpoints and recovery run unchanged. What is recovered is compared with
`spec.store`: the state after a batch that was confirmed, or after the one that was being written, and nothing else.
"""

import contextlib
import os
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import apsw
import msgspec

from checkers.crashes.crash_points import (
    Image,
    Lost,
    Mark,
    Remove,
    Rename,
    Step,
    Sync,
    SyncDirectory,
    Truncate,
    Write,
    explore_crashes,
)
from checkers.verdict import Verdict
from impl import files
from impl.config.model import Change, Config, Draft, from_value
from impl.config.reservations import MACS, MINORS, ReservationChange
from impl.store import replicas
from impl.store.port import Batch, HeldChange, Saved, Store, WaitingChange
from impl.store.replicas import DirectoryTarget, Entry
from impl.store.sqlite import SqliteStore
from spec.errors import GantryError
from spec.locks.model import Pending
from spec.locks.names import Level, Lock, Mode, Request, job
from spec.store import Ask, Begin, Crash, StoreState, Written, step

FILE = "wconfd.db"
Opener = Callable[[str, Callable[[str], Any]], Store]


class _RecordingFile(apsw.VFSFile):
    def __init__(self, name: Any, flags: list[int], steps: list[Step]) -> None:
        super().__init__("", name, flags)
        self._steps = steps
        self._name = os.path.basename(name if isinstance(name, str) else name.filename())

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802 - APSW's name
        self._steps.append(Write(self._name, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._steps.append(Truncate(self._name, size))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._steps.append(Sync(self._name))
        super().xSync(flags)


class _RecordingVFS(apsw.VFS):
    def __init__(self, name: str, steps: list[Step]) -> None:
        super().__init__(name, "")
        self._steps = steps

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802
        return _RecordingFile(name, flags, self._steps)

    def xDelete(self, name: str, sync: bool) -> None:  # noqa: N802
        self._steps.append(Remove(os.path.basename(name)))
        if sync:
            self._steps.append(SyncDirectory())
        super().xDelete(name, sync)


@contextlib.contextmanager
def recorded_sqlite(steps: list[Step]) -> Iterator[Callable[[str], Any]]:
    """Give a way to open SQLite files whose writes are appended to `steps`."""
    name = f"recorded-{id(steps)}"
    vfs = _RecordingVFS(name, steps)
    opened: list[Any] = []

    def connect(path: str) -> Any:
        opened.append(apsw.Connection(path, vfs=name))
        # small logs, so that short histories have checkpoints in them
        opened[-1].wal_autocheckpoint(6)
        return opened[-1]

    try:
        yield connect
    finally:
        for connection in opened:
            connection.close()
        vfs.unregister()


# -- the store


def batches(count: int, seed: int) -> list[Batch]:
    """Draw a history of batches over a few owners, locks, objects and reservations."""
    chance = random.Random(seed)
    owners = [job(number, f"/livelock/{number}", 100 + number) for number in range(1, 4)]
    locks = [Lock(Level.NODE, 1, name) for name in "abcd"]
    result: list[Batch] = []
    for number in range(count):
        batch = Batch()
        for owner in chance.sample(owners, chance.randint(1, 2)):
            for lock in chance.sample(locks, chance.randint(1, 2)):
                batch.held.append(HeldChange(owner, lock, chance.choice(list(Mode))))
        if chance.random() < 0.5:
            owner = chance.choice(owners)
            pending = Pending(0, owner, (Request(locks[0], Mode.EXCLUSIVE),)) if chance.random() < 0.6 else None
            batch.waiting.append(WaitingChange(owner, pending, number))
        text = b'{"n":' + str(number).encode() + b',"pad":"' + b"x" * chance.choice((10, 3000, 9000)) + b'"}'
        batch.config.append(Change("nodes", f"n{number % 3}", text if chance.random() < 0.8 else None))
        if chance.random() < 0.4:
            batch.reservations.append(ReservationChange(MACS, owners[0], "aa:00", present=chance.random() < 0.5))
            batch.reservations.append(ReservationChange(MINORS, "n1", (0, "d"), present=chance.random() < 0.5))
        result.append(batch)
    return result


def content(saved: Saved | None) -> Any:
    """Return what a store holds, without the number of batches."""
    if saved is None:
        return ({}, (), {}, frozenset())
    held = {(owner, lock): mode for owner, locks in saved.held for lock, mode in locks}
    config = {(change.section, change.key): change.text for change in saved.config}
    kept = frozenset((change.kind, str(change.holder), str(change.item)) for change in saved.reservations)
    return (held, tuple(pending for _, pending in saved.waiting), config, kept)


def after(before: Any, batch: Batch) -> Any:
    """Return what a store must hold after one more batch, computed plainly."""
    held, waiting, config, kept = dict(before[0]), {p.owner: p for p in before[1]}, dict(before[2]), set(before[3])
    for owner, lock, mode in batch.held:
        held[owner, lock] = mode
    for owner, pending, _ in batch.waiting:
        waiting.pop(owner, None)
        if pending is not None:
            waiting[owner] = pending
    for section, key, text in batch.config:
        config[section, key] = text
    for kind, holder, item, present in batch.reservations:
        entry = (kind, str(holder), str(item))
        (kept.add if present else kept.discard)(entry)
    return (
        {key: mode for key, mode in held.items() if mode},
        tuple(waiting.values()),
        {key: text for key, text in config.items() if text is not None},
        frozenset(kept),
    )


def state_after(events: Sequence[Any]) -> StoreState:
    """Return the specification's state after the marked events."""
    state = StoreState()
    for event in events:
        for one in (Ask(), Begin()) if event == "begin" else (Written(),):
            state, _ = step(state, one)
    return state


def allowed(events: Sequence[Any]) -> set[int]:
    """Return how many batches a recovery may find now."""
    state = state_after(events)
    possible = {len(step(state, Crash(landed=False))[0].disk)}
    if state.writing is not None:
        possible.add(len(step(state, Crash(landed=True))[0].disk))
    return possible


def record_store(history: Sequence[Batch], open_store: Opener = SqliteStore) -> list[Step]:
    """Write a history into a new store and record what it does to its files."""
    steps: list[Step] = []
    with tempfile.TemporaryDirectory() as directory, recorded_sqlite(steps) as connect:
        store = open_store(os.path.join(directory, FILE), connect)
        for batch in history:
            steps.append(Mark("begin"))
            store.commit(batch)
            steps.append(Mark("written"))
    return steps


def crash_store(count: int, seed: int, open_store: Opener = SqliteStore) -> Verdict[Lost]:
    """Try every stop of a store that takes a history of `count` batches."""
    history = batches(count, seed)
    contents = [content(None)]
    for batch in history:
        contents.append(after(contents[-1], batch))
    recording = record_store(history, open_store)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as directory:  # noqa: S108

        def allows(events: Sequence[Any], image: Image) -> str | None:
            try:
                found = content(_recovered(directory, image))
            except GantryError as error:
                return f"the recovery failed: {error}"
            possible = allowed(events)
            if any(found == contents[number] for number in possible):
                return None
            return f"the recovery found what is none of the states after {sorted(possible)} batches"

        return explore_crashes(recording, allows, seed=seed)


def _recovered(directory: str, image: Image) -> Saved | None:
    for name in os.listdir(directory):
        os.unlink(os.path.join(directory, name))
    for name, data in image.items():
        with open(os.path.join(directory, name), "wb") as file:
            file.write(data)
    store = SqliteStore(os.path.join(directory, FILE))
    try:
        return store.load()
    finally:
        store.close()


# -- snapshots and copies


class _RecordingOS:
    """Stands in for the module `os` where files are written; everything else is passed on."""

    def __init__(self, steps: list[Step]) -> None:
        self._steps = steps
        self._names: dict[int, str] = {}
        self._ends: dict[int, int] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: str, flags: int, mode: int = 0o777) -> int:
        descriptor = os.open(path, flags, mode)
        if not os.path.isdir(path):
            name = os.path.basename(path)
            self._names[descriptor] = name
            if flags & os.O_TRUNC:
                self._steps.append(Truncate(name, 0))
            self._ends[descriptor] = os.fstat(descriptor).st_size
        return descriptor

    def write(self, descriptor: int, data: Any) -> int:
        written = os.write(descriptor, data)
        self._steps.append(Write(self._names[descriptor], self._ends[descriptor], bytes(data[:written])))
        self._ends[descriptor] += written
        return written

    def fsync(self, descriptor: int) -> None:
        name = self._names.get(descriptor)
        self._steps.append(SyncDirectory() if name is None else Sync(name))
        os.fsync(descriptor)

    fdatasync = fsync

    def close(self, descriptor: int) -> None:
        self._names.pop(descriptor, None)
        os.close(descriptor)

    def rename(self, old: str, new: str) -> None:
        self._steps.append(Rename(os.path.basename(old), os.path.basename(new)))
        os.rename(old, new)

    def unlink(self, path: str) -> None:
        self._steps.append(Remove(os.path.basename(path)))
        os.unlink(path)


@contextlib.contextmanager
def recorded_files(steps: list[Step]) -> Iterator[None]:
    """Record what `impl.files` and `impl.store.replicas` do to files."""
    modules: list[Any] = [files, replicas]
    recording = _RecordingOS(steps)
    for module in modules:
        module.os = recording
    try:
        yield
    finally:
        for module in modules:
            module.os = os


def crash_snapshots(count: int, write: Callable[[str, bytes], None] | None = None) -> Verdict[Lost]:
    """Try every stop of a file that is replaced `count` times: it is always an old one or the new one, and whole."""
    contents = [bytes([65 + number]) * (1000 + number) for number in range(count)]
    steps: list[Step] = []
    with tempfile.TemporaryDirectory() as directory, recorded_files(steps):
        for data in contents:
            steps.append(Mark("begin"))
            (write or files.write_file)(os.path.join(directory, "config.data"), data)
            steps.append(Mark("written"))

    def allows(events: Sequence[Any], image: Image) -> str | None:
        found = image.get("config.data")
        possible = [None if number == 0 else contents[number - 1] for number in allowed(events)]
        return None if found in possible else f"config.data holds {len(found or b'')} bytes that are no whole snapshot"

    return explore_crashes(steps, allows)


def crash_copies(count: int) -> Verdict[Lost]:
    """Try every stop of a copy that takes the whole configuration once and `count` entries: it is a former state."""
    config = from_value({"version": 1, "cluster": {}, "serial_no": 1, "nodes": {"n": {"uuid": "n"}}})
    history: list[Config] = [config]
    steps: list[Step] = []
    with tempfile.TemporaryDirectory() as directory, recorded_files(steps):
        target = DirectoryTarget(directory)
        steps.append(Mark("begin"))
        target.replace(config.serial, config.text())
        steps.append(Mark("written"))
        for number in range(count):
            draft = Draft(history[-1])
            draft.put("nodes", "n", {"uuid": "n", "number": number})
            changed, changes = draft.finish(float(number))
            steps.append(Mark("begin"))
            target.append(Entry(history[-1].serial, changed.serial, changes))
            steps.append(Mark("written"))
            history.append(changed)
    contents = [{}] + [msgspec.json.decode(known.text()) for known in history]
    with tempfile.TemporaryDirectory() as directory:

        def allows(events: Sequence[Any], image: Image) -> str | None:
            for name in ("config.data", "config.log"):
                path = os.path.join(directory, name)
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
                if name in image:
                    with open(path, "wb") as file:
                        file.write(image[name])
            try:
                read = DirectoryTarget(directory).read()
            except GantryError as error:
                return f"the copy cannot be read: {error}"
            found = {} if read.empty else msgspec.json.decode(read.text())
            return (
                None if any(found == contents[number] for number in allowed(events)) else "the copy is no former state"
            )

        return explore_crashes(steps, allows)
