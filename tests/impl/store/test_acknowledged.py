"""The record of the last acknowledged batch: never too high, and harmless where it cannot be read or written."""

import errno
import os
from pathlib import Path

import pytest

from impl.config.model import Change
from impl.store.acknowledged import Acknowledged
from impl.store.port import Batch, StoreDamagedError
from impl.store.sqlite import SqliteStore


def test_each_commit_is_recorded_before_it_is_answered(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "db"))
    for number in (1, 2, 3):
        assert store.commit(Batch()) == Acknowledged.read(str(tmp_path / "db-acknowledged")) == number
    store.close()


@pytest.mark.parametrize("content", [b"", b"7\n", b"\0" * 21, b"x" * 21, b"-" + b"1" * 20])
def test_what_is_no_record_says_nothing(tmp_path: Path, content: bytes) -> None:
    store = SqliteStore(str(tmp_path / "db"))
    store.commit(Batch())
    store.close()
    (tmp_path / "db-acknowledged").write_bytes(content)
    again = SqliteStore(str(tmp_path / "db"))
    assert again.load() is not None
    again.close()


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("kept")
    os.symlink(tmp_path / "elsewhere", tmp_path / "record")
    with pytest.raises(OSError, match="symbolic"):
        Acknowledged(str(tmp_path / "record"))
    assert (tmp_path / "elsewhere").read_text() == "kept"


def test_a_full_disk_keeps_the_older_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Acknowledged(str(tmp_path / "record"))
    record.note(3)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    record.note(4)
    record.close()
    assert Acknowledged.read(record.path) == 3


def test_a_store_older_than_the_record_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "db"))
    store.commit(Batch(config=[Change("nodes", "a", b"1")]))
    store.close()
    older = (tmp_path / "db").read_bytes()
    store = SqliteStore(str(tmp_path / "db"))
    store.commit(Batch(config=[Change("nodes", "a", b"2")]))
    store.close()
    (tmp_path / "db").write_bytes(older)
    again = SqliteStore(str(tmp_path / "db"))
    with pytest.raises(StoreDamagedError, match="the last 1 of 2 acknowledged changes are missing") as caught:
        again.load()
    assert caught.value.saved is not None
    assert caught.value.saved.config == (Change("nodes", "a", b"1"),)
