"""The crash explorer: our store, snapshots and copies survive every stop; planted bugs do not."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from checkers.crashes.store import crash_copies, crash_snapshots, crash_store
from checkers.verdict import Illegal, Ok
from impl import files as files_on_disk
from impl.store.port import Batch
from impl.store.sqlite import SqliteStore
from tests import budget


@pytest.mark.parametrize("seed", [1, 2])
def test_the_store_survives_every_stop(seed: int) -> None:
    verdict = crash_store(3, seed)
    assert isinstance(verdict, Ok), verdict


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_store_survives_every_stop_of_long_histories() -> None:
    for seed in budget.seeds(ci=1, weekly=4):
        verdict = crash_store(20, seed)
        assert isinstance(verdict, Ok), verdict


def test_snapshots_and_copies_survive_every_stop() -> None:
    for verdict in (crash_snapshots(4), crash_copies(4)):
        assert isinstance(verdict, Ok), verdict


class Unsynced(SqliteStore):
    """Does not wait for the disk."""

    def __init__(self, path: str, open_connection: Callable[[str], Any]) -> None:
        super().__init__(path, open_connection)
        self._connection.execute("PRAGMA synchronous=OFF").fetchall()


class Sloppy(SqliteStore):
    """Syncs at checkpoints only: consistent, but what was confirmed may be lost."""

    def __init__(self, path: str, open_connection: Callable[[str], Any]) -> None:
        super().__init__(path, open_connection)
        self._connection.execute("PRAGMA synchronous=NORMAL").fetchall()


class Halved(SqliteStore):
    """Writes a batch in two transactions."""

    def commit(self, batch: Batch) -> int:
        super().commit(Batch(held=batch.held))
        return super().commit(Batch([], batch.waiting, batch.config, batch.reservations))


class JournalComesBack(SqliteStore):
    """Does not sync the directory after the change to WAL."""

    def __init__(self, path: str, open_connection: Callable[[str], Any]) -> None:
        class Forgetful:
            def __init__(self, connection: Any) -> None:
                self._connection = connection

            def execute(self, statement: str, *bindings: Any) -> Any:
                return self._connection.execute(statement.replace("=EXTRA", "=FULL"), *bindings)

            def __getattr__(self, name: str) -> Any:
                return getattr(self._connection, name)

        super().__init__(path, lambda name: Forgetful(open_connection(name)))  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("bug", [Unsynced, Sloppy, Halved, JournalComesBack])
def test_stores_that_break_their_promise_are_caught(bug: Any) -> None:
    verdict = crash_store(4, 1, bug)
    assert isinstance(verdict, Illegal)
    assert "none of the states" in verdict.witness.describe() or "recovery failed" in verdict.witness.describe()


class Files:
    """The module `os` as `impl.files` sees it, which the recording replaces."""

    class _Os:
        def __getattr__(self, name: str) -> Any:
            return getattr(vars(files_on_disk)["os"], name)

    os_ = _Os()


def unsynced_rename(path: str, data: bytes) -> None:
    descriptor = Files.os_.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    Files.os_.write(descriptor, data)
    Files.os_.close(descriptor)
    Files.os_.rename(path + ".new", path)


def in_place(path: str, data: bytes) -> None:
    descriptor = Files.os_.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    Files.os_.write(descriptor, data)
    Files.os_.fsync(descriptor)
    Files.os_.close(descriptor)


def unsynced_directory(path: str, data: bytes) -> None:
    descriptor = Files.os_.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    Files.os_.write(descriptor, data)
    Files.os_.fsync(descriptor)
    Files.os_.close(descriptor)
    Files.os_.rename(path + ".new", path)


@pytest.mark.parametrize("bug", [unsynced_rename, in_place, unsynced_directory])
def test_snapshots_that_break_their_promise_are_caught(bug: Callable[[str, bytes], None]) -> None:
    assert isinstance(crash_snapshots(3, bug), Illegal)
