"""Asynchronous copies of the configuration for master candidates: the port, targets that are directories, the sender.

Every change of the configuration is an entry from one serial number to a later one. A target is at the serial number
of what it holds; it takes an entry that begins there. Where entries are missing (it was away, or is new) it gets the
whole configuration instead. Nobody waits for a target: each has a thread of its own, and lags behind if it is slow.

What is promised (`spec.store.replica`): a target holds what the configuration was at its serial number.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec

from impl.config.model import Change, Config, Draft, parse
from impl.files import write_file
from spec.errors import GantryError

_log = logging.getLogger("wconfd")
KEPT_ENTRIES = 1024
MAX_LOG = 1 << 20
RETRY = (0.1, 2.0)


class ReplicaError(GantryError):
    """A target cannot be read or written; `name` is the target's."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"the copy {name} cannot be used ({reason}): repair it; it will catch up by itself")


class Entry(NamedTuple):
    """The changes that lead from the configuration's serial number `before` to `after`."""

    before: int
    after: int
    changes: list[Change]


class Target(Protocol):
    """A place that keeps a copy; every method may block, and raises `ReplicaError`."""

    name: str

    def position(self) -> int:
        """Return the serial number of what it holds; 0 for nothing."""

    def append(self, entry: Entry) -> None:
        """Take an entry that begins at its position."""

    def replace(self, serial: int, whole: bytes) -> None:
        """Hold a whole configuration from now on."""


class _LogLine(msgspec.Struct, array_like=True):
    before: int
    after: int
    changes: list[tuple[str, str, str | None]]


class DirectoryTarget:
    """A copy in a directory: `config.data`, and `config.log` with what changed since, one JSON line an entry."""

    def __init__(self, directory: str) -> None:
        self.name = directory
        self._snapshot = os.path.join(directory, "config.data")
        self._log = os.path.join(directory, "config.log")

    def position(self) -> int:
        """Return the serial number of what it holds; 0 for nothing."""
        return self.read().serial

    def read(self) -> Config:
        """Read the configuration that it holds (an empty one for nothing): the snapshot and the entries after it.

        Raises:
            ReplicaError: it cannot be read.
        """
        try:
            with open(self._snapshot, "rb") as file:
                config = parse(file.read())
        except FileNotFoundError:
            return Config()
        except (OSError, GantryError) as error:
            raise ReplicaError(self.name, str(error)) from error
        for line in self._lines():
            if line.before == config.serial:
                draft = Draft(config)
                for section, key, text in line.changes:
                    if text is None:
                        draft.remove(section, key)
                    else:
                        draft.put(section, key, msgspec.json.decode(text))
                config = draft.unbumped()
        return config

    def _lines(self) -> list[_LogLine]:
        try:
            with open(self._log, "rb") as file:
                whole, _, _cut_off = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ReplicaError(self.name, str(error)) from error
        lines: list[_LogLine] = []
        for raw in whole.split(b"\n") if whole else ():
            try:
                lines.append(msgspec.json.decode(raw, type=_LogLine))
            except msgspec.DecodeError:
                break
        return lines

    def append(self, entry: Entry) -> None:
        """Take an entry that begins at its position."""
        changes = [(section, key, None if text is None else text.decode()) for section, key, text in entry.changes]
        line = msgspec.json.encode(_LogLine(entry.before, entry.after, changes)) + b"\n"
        try:
            descriptor = os.open(self._log, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                size = os.fstat(descriptor).st_size
                if size > MAX_LOG:
                    raise ReplicaError(self.name, "its log is long: it gets the whole configuration")
                if size and os.pread(descriptor, 1, size - 1) != b"\n":
                    raise ReplicaError(self.name, "its log ends within a line: it gets the whole configuration")
                os.write(descriptor, line)
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise ReplicaError(self.name, str(error)) from error

    def replace(self, serial: int, whole: bytes) -> None:  # noqa: ARG002 - the serial number stands in the whole
        """Hold a whole configuration from now on."""
        try:
            os.makedirs(self.name, mode=0o750, exist_ok=True)
            write_file(self._snapshot, whole)
            write_file(self._log, b"")
        except OSError as error:
            raise ReplicaError(self.name, str(error)) from error


class Sender:
    """Keeps one target up to date, in a thread of its own.

    Args:
        target: the target.
        current: the durable configuration, asked from the sender's thread.
    """

    def __init__(self, target: Target, current: Callable[[], Config]) -> None:
        self.target = target
        self._current = current
        self._entries: deque[Entry] = deque(maxlen=KEPT_ENTRIES)
        self._wake = threading.Condition()
        self._stopping = False
        self._position: int | None = None
        self._wanted = current().serial
        self._behind_since: float | None = time.monotonic()
        self.failure: str | None = None
        self.repairs = 0
        self._thread = threading.Thread(target=self._run, name=f"replica {target.name}", daemon=True)
        self._thread.start()

    def put(self, entry: Entry) -> None:
        """Note that the configuration has changed; never waits for the target."""
        with self._wake:
            self._entries.append(entry)
            self._wanted = entry.after
            if self._behind_since is None:
                self._behind_since = time.monotonic()
            self._wake.notify()

    @property
    def lag(self) -> tuple[int, float]:
        """By how many serial numbers, and for how many seconds, the target has been behind."""
        with self._wake:
            missing = max(0, self._wanted - (self._position or 0))
            since = self._behind_since
            return missing, time.monotonic() - since if missing and since is not None else 0.0

    def _run(self) -> None:
        pause = RETRY[0]
        while True:
            with self._wake:
                while not self._stopping and self._position is not None and self._position >= self._wanted:
                    self._behind_since = None
                    self._wake.wait()
                if self._stopping and (self.failure is not None or self._position == self._wanted):
                    return
            try:
                self._catch_up()
            except ReplicaError as error:
                if self.failure is None:
                    _log.warning("%s", error)
                self.failure = error.reason
                self._position = None
                with self._wake:
                    if self._stopping:
                        return
                    self._wake.wait(pause)
                pause = min(RETRY[1], pause * 2)
            else:
                self.failure, pause = None, RETRY[0]

    def _catch_up(self) -> None:
        """Bring the target to what is wanted: by the entries that follow its position, else by the whole."""
        position = self.target.position() if self._position is None else self._position
        with self._wake:
            entries = [entry for entry in self._entries if entry.before >= position]
        if entries and entries[0].before == position and self._append(entries):
            return
        config = self._current()
        if config.serial != position:
            self.target.replace(config.serial, config.text())
            self.repairs += 1
        self._position = config.serial

    def _append(self, entries: list[Entry]) -> bool:
        for entry in entries:
            try:
                self.target.append(entry)
            except ReplicaError:
                return False
            self._position = entry.after
        return True

    def stop(self) -> None:
        """Let the target catch up if it can at once, and end the thread."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(timeout=5)
