"""The embedded store against a plain dictionary, and over closings, failures and files that are no store."""

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impl.config.model import Change
from impl.config.reservations import IPS, MACS, MINORS, ReservationChange
from impl.store.port import Batch, HeldChange, Saved, StoreError, StoreUnusableError, WaitingChange
from impl.store.sqlite import SCHEMA, SqliteStore, connect
from spec.locks.model import Pending
from spec.locks.names import Mode, Request, job, other, parse_lock

OWNERS = [job(7, "/livelocks/job_7", 107), other("tester", "/livelocks/tester", 108)]
LOCKS = [parse_lock(name) for name in ("cluster/BGL", "node/n1", "node/[lockset]")]

held = st.builds(HeldChange, st.sampled_from(OWNERS), st.sampled_from(LOCKS), st.sampled_from(Mode))
pending = st.builds(
    lambda owner, priority, mode: Pending(priority, owner, (Request(LOCKS[1], mode),)),
    st.sampled_from(OWNERS), st.integers(-20, 19), st.sampled_from([Mode.SHARED, Mode.EXCLUSIVE]),
)  # fmt: skip
objects = st.builds(
    Change, st.sampled_from(["", "nodes"]), st.sampled_from("ab"), st.none() | st.sampled_from([b"{}", b'{"v":1}'])
)
reservations = st.one_of(
    st.builds(
        ReservationChange, st.just(MACS), st.sampled_from(OWNERS), st.sampled_from("xy"), present=st.booleans()
    ),
    st.builds(
        ReservationChange, st.just(IPS), st.sampled_from(OWNERS), st.just(("reserve", "net", "192.0.2.1")),
        present=st.booleans(),
    ),
    st.builds(ReservationChange, st.just(MINORS), st.just("n1"), st.just((3, "disk")), present=st.booleans()),
)  # fmt: skip


@st.composite
def batches(draw: st.DrawFn) -> list[Batch]:
    found = []
    arrival = 0
    for _ in range(draw(st.integers(1, 4))):
        batch = Batch(draw(st.lists(held, max_size=4)), [], draw(st.lists(objects, max_size=4)))
        batch.reservations = draw(st.lists(reservations, max_size=4))
        for one in draw(st.lists(pending, max_size=2)):
            arrival += 1
            gone = draw(st.booleans())
            batch.waiting.append(WaitingChange(one.owner, None if gone else one, arrival))
        found.append(batch)
    return found


class Plain:
    """What the store must hold, in dictionaries."""

    def __init__(self) -> None:
        self.held: dict[Any, Any] = {}
        self.waiting: dict[Any, tuple[int, Pending]] = {}
        self.config: dict[Any, bytes] = {}
        self.reservations: dict[Any, ReservationChange] = {}

    def commit(self, batch: Batch) -> None:
        for owner, lock, mode in batch.held:
            put(self.held, (owner, lock), mode or None)
        for who, waiting, arrival in batch.waiting:
            put(self.waiting, who, None if waiting is None else (arrival, waiting))
        for section, key, text in batch.config:
            put(self.config, (section, key), text)
        for change in batch.reservations:
            put(self.reservations, change[:3], change if change.present else None)

    def check(self, saved: Saved) -> None:
        assert {(owner, lock): mode for owner, mine in saved.held for lock, mode in mine} == self.held
        assert list(saved.waiting) == sorted(self.waiting.values())
        assert {(section, key): text for section, key, text in saved.config} == self.config
        assert {change[:3]: change for change in saved.reservations} == self.reservations


def put(table: dict[Any, Any], key: Any, value: Any) -> None:
    table.pop(key, None)
    if value is not None:
        table[key] = value


@given(batches())
@settings(max_examples=40, deadline=None)
def test_what_is_committed_is_loaded_also_by_the_next_process(history: list[Batch]) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as directory:
        check_history(os.path.join(directory, "db"), history)


def check_history(path: str, history: list[Batch]) -> None:
    plain = Plain()
    store = SqliteStore(path)
    for number, batch in enumerate(history, 1):
        assert store.commit(batch) == number
        plain.commit(batch)
        saved = store.load()
        assert saved is not None
        assert saved.number == number
        plain.check(saved)
    store.close()
    again = SqliteStore(path)
    saved = again.load()
    assert saved is not None
    plain.check(saved)
    assert again.commit(Batch()) == len(history) + 1
    again.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    found = SqliteStore(str(tmp_path / "db"))
    yield found
    found.close()


def test_a_new_store_holds_nothing_and_is_private(store: SqliteStore) -> None:
    assert store.load() is None
    assert Path(store.path).stat().st_mode & 0o777 == 0o600
    store.commit(Batch())
    assert store.load() == Saved(1, (), (), (), ())


def test_objects_keep_the_order_in_which_they_came(store: SqliteStore) -> None:
    store.commit(Batch(config=[Change("nodes", key, b"1") for key in "cab"]))
    store.commit(Batch(config=[Change("nodes", "a", b"2")]))
    saved = store.load()
    assert saved is not None
    assert saved.config == (Change("nodes", "c", b"1"), Change("nodes", "a", b"2"), Change("nodes", "b", b"1"))


def test_it_syncs_every_commit(store: SqliteStore) -> None:
    found = [store._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert found == ["wal", 2]


class Failing:
    """A connection whose statements that begin with a given word fail."""

    def __init__(self, connection: sqlite3.Connection, word: str) -> None:
        self._connection = connection
        self.word = word

    def execute(self, statement: str, *values: Any) -> Any:
        if self.word and statement.startswith(self.word):
            raise sqlite3.OperationalError("database or disk is full")
        return self._connection.execute(statement, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@pytest.mark.parametrize("word", ["COMMIT", "INSERT INTO objects", "INSERT OR REPLACE INTO meta", "BEGIN"])
def test_of_a_batch_that_fails_nothing_is_kept(tmp_path: Path, word: str) -> None:
    connections: list[Failing] = []

    def open_failing(path: str) -> Any:
        connections.append(Failing(connect(path), ""))
        return connections[-1]

    store = SqliteStore(str(tmp_path / "db"), open_failing)
    store.commit(Batch(config=[Change("nodes", "a", b"1")]))
    connections[0].word = word
    with pytest.raises(StoreError, match="disk is full"):
        store.commit(Batch([HeldChange(OWNERS[0], LOCKS[0], Mode.SHARED)], config=[Change("nodes", "a", b"2")]))
    connections[0].word = ""
    saved = store.load()
    assert saved is not None
    assert (saved.number, saved.held, saved.config) == (1, (), (Change("nodes", "a", b"1"),))
    assert store.commit(Batch()) == 2
    store.close()


def test_two_stores_never_share_a_file(store: SqliteStore) -> None:
    store.commit(Batch())
    with pytest.raises(StoreUnusableError, match="locked"):
        SqliteStore(store.path, lambda path: sqlite3.connect(path, isolation_level=None, timeout=0.01))


def test_what_is_no_store_of_ours_is_refused(tmp_path: Path) -> None:
    noise = tmp_path / "noise"
    noise.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreUnusableError, match="noise"):
        SqliteStore(str(noise))
    with pytest.raises(StoreUnusableError, match="No such file"):
        SqliteStore(str(tmp_path / "missing" / "db"))
    newer = SqliteStore(str(tmp_path / "newer"))
    newer._connection.execute("INSERT INTO meta VALUES ('schema', ?)", (SCHEMA + 1,))
    newer.close()
    with pytest.raises(StoreUnusableError, match=f"its schema is {SCHEMA + 1}"):
        SqliteStore(str(tmp_path / "newer"))


def test_rows_that_are_damaged_are_named_with_the_file(store: SqliteStore) -> None:
    store.commit(Batch([HeldChange(OWNERS[0], LOCKS[0], Mode.SHARED)]))
    store._connection.execute("UPDATE held SET owner = '['")
    with pytest.raises(StoreUnusableError, match="db"):
        store.load()


def test_owners_and_items_stand_in_it_as_json(store: SqliteStore) -> None:
    store.commit(Batch(reservations=[ReservationChange(MINORS, "n1", (3, "disk"), present=True)]))
    row = store._connection.execute("SELECT kind, holder, item FROM reservations").fetchone()
    assert (row[0], json.loads(row[1]), json.loads(row[2])) == (MINORS, "n1", [3, "disk"])
