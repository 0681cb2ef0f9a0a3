"""wconfd's store confirms nothing that would go into a file without a name."""

import os
from pathlib import Path

import pytest

from impl.config.model import Change
from impl.process.ground import FRESH_SECONDS, Ground
from impl.store.port import Batch, StoreError
from impl.store.sqlite import SqliteStore
from impl.wconfd.grounded import GroundedStore


def test_nothing_is_committed_once_a_file_has_lost_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "wconfd.db")
    now = [100.0]
    monkeypatch.setattr("impl.process.ground.time.monotonic", lambda: now[0])
    opened = SqliteStore(path)
    files = Ground([path, f"{path}-wal"])
    store = GroundedStore(opened, (files,))
    assert store.load() is None
    assert store.commit(Batch(config=[Change("nodes", "u1", b"{}")])) == 1
    os.rename(path, f"{path}.aside")
    now[0] += 2 * FRESH_SECONDS
    with pytest.raises(StoreError, match=r"wconfd\.db is gone"):
        store.commit(Batch(config=[Change("nodes", "u2", b"{}")]))
    saved = store.load()
    assert saved is not None
    assert [change.key for change in saved.config] == ["u1"]
    store.close()
    files.close()


def test_the_log_of_the_store_is_there_to_be_watched_as_soon_as_it_is_open(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "wconfd.db"))
    assert os.path.exists(tmp_path / "wconfd.db-wal")
    store.close()
