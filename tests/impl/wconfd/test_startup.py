"""What wconfd starts from: its store, Ganeti's files at the first start, an administrator's newer configuration."""

import contextlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from impl.config.model import from_value
from impl.locks.view import holders
from impl.paths import Root
from impl.store.port import Batch, StoreUnusableError
from impl.store.sqlite import SqliteStore
from impl.wconfd.core import State, restore
from impl.wconfd.startup import LogFile, take_in
from spec.locks.names import Mode, job, parse_lock
from tests.impl.config.values import VALUE

ALICE = job(7, "/livelocks/job_7", 107)
LOCKS = [[[[7, "/livelocks/job_7", 107], [["node/n1", "exclusive"]]]], []]


@pytest.fixture
def root(short_path: Path) -> Root:
    root = Root(str(short_path))
    root.make_directories()
    return root


@pytest.fixture
def store(root: Root) -> Iterator[SqliteStore]:
    found = SqliteStore(root.store)
    yield found
    found.close()


def write(path: str, value: object) -> None:
    Path(path).write_text(json.dumps(value))


def stored(store: SqliteStore) -> State:
    saved = store.load()
    assert saved is not None
    return restore(saved, fair=False)


def test_an_empty_root_is_an_empty_state_and_nothing_is_written(root: Root, store: SqliteStore) -> None:
    assert take_in(root, store, fair=False) == State()
    assert take_in(root, store, fair=True).locks.fair
    assert store.load() is None


def test_at_the_first_start_ganetis_files_are_taken_in_and_stored(root: Root, store: SqliteStore) -> None:
    write(root.config, VALUE)
    write(root.locks, LOCKS)
    write(root.reservations, {"mACs": [[[7, "/livelocks/job_7", 107], ["aa:bb"]]]})
    state = take_in(root, store, fair=False)
    assert holders(state.locks) == [(ALICE, [(parse_lock("node/n1"), Mode.EXCLUSIVE)])]
    assert state.reservations.of("mACs", ALICE) == {"aa:bb"}
    assert state.config.serial == 7
    again = stored(store)
    assert again.config.text() == state.config.text()
    assert (holders(again.locks), again.reservations) == (holders(state.locks), state.reservations)


def test_later_only_a_newer_configuration_counts(
    root: Root, store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    write(root.config, VALUE)
    take_in(root, store, fair=False)
    write(root.locks, LOCKS)
    write(root.config, {**VALUE, "nodes": {}})
    assert take_in(root, store, fair=False).config.text() == from_value(VALUE).text(), "of the same serial number"
    assert holders(stored(store).locks) == []
    assert caplog.messages == []
    newer = {**VALUE, "serial_no": 8, "nodes": {"n1": {"uuid": "n1"}}}
    write(root.config, newer)
    assert json.loads(take_in(root, store, fair=False).config.text()) == newer
    assert json.loads(stored(store).config.text()) == newer
    assert any("has serial number 8, newer than our 7" in text for text in caplog.messages)


def test_the_store_alone_is_enough(root: Root, store: SqliteStore) -> None:
    write(root.config, VALUE)
    take_in(root, store, fair=False)
    Path(root.config).unlink()
    assert take_in(root, store, fair=False).config.serial == 7


@pytest.mark.parametrize("damaged", [b"[", b'["\xff"]', b"[" * 500 + b"]" * 500, b"[" * 100_000])
def test_a_damaged_file_is_named(root: Root, store: SqliteStore, damaged: bytes) -> None:
    Path(root.locks).write_bytes(damaged)
    with pytest.raises(StoreUnusableError, match=r"locks\.data"):
        take_in(root, store, fair=False)
    assert store.load() is None
    store.commit(Batch())
    assert take_in(root, store, fair=False) == State(), "once there is a store the file is not read"


def test_a_log_on_a_full_disk_costs_nothing_and_says_later_what_was_lost(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    handler = LogFile(str(tmp_path / "log"))
    with open("/dev/full", "w", encoding="utf-8") as full:
        handler.stream, before = full, handler.stream
        for number in range(1000):
            handler.emit(logging.LogRecord("wconfd", logging.INFO, "", 0, "line %d", (number,), None))
        assert handler.lost == 1000
        handler.stream = before
        with contextlib.suppress(OSError):
            full.close()
    handler.emit(logging.LogRecord("wconfd", logging.INFO, "", 0, "after", (), None))
    handler.close()
    assert (tmp_path / "log").read_text().splitlines() == [
        "1000 lines of the log could not be written before this one",
        "after",
    ]
    assert capfd.readouterr() == ("", "")
