"""The queue's directory on a disk: commits, archive, drain mark, journals, and what a restart finds."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from impl.luxid import store as module
from impl.luxid.disk import RealDisk
from impl.luxid.journal import entry_of
from impl.luxid.queue_errors import QueueBusyError, QueueFullDiskError
from impl.luxid.queue_files import QueueFiles
from impl.luxid.store import QueueStore
from impl.queue.files import archived_path, job_path, write_job
from spec.jobs.model import Job, Opcode, Status

QUEUED = Opcode({"OP_ID": "OP_TEST_DELAY"})
ENDED = replace(QUEUED, status=Status.SUCCESS)


@pytest.fixture
def directory(tmp_path: Path) -> str:
    (tmp_path / "archive").mkdir()
    return str(tmp_path)


@pytest.fixture
def store(directory: str) -> Iterator[QueueStore]:
    found = QueueStore(directory)
    yield found
    found.close()


def copy_of(directory: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a killed luxid leaves: the directory as it is, without its lock."""
    return str(shutil.copytree(directory, tmp_path_factory.mktemp("copy") / "queue"))


def test_a_commit_is_in_the_files_and_in_the_serial(store: QueueStore) -> None:
    jobs = [Job(1, (QUEUED,)), Job(2, (QUEUED,))]
    store.commit([entry_of(job) for job in jobs], 2)
    assert store.job_ids() == [1, 2]
    assert [store.read(number) for number in (1, 2, 3)] == [(jobs[0], False), (jobs[1], False), None]
    assert Path(store.directory, "serial").read_text() == "2\n"
    assert (store.serial, store.syncs) == (2, 1)


def test_one_process_has_the_directory(store: QueueStore) -> None:
    code = f"from impl.luxid.store import QueueStore; QueueStore({store.directory!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert QueueBusyError.__name__ in done.stderr


def test_a_restart_after_a_kill_finds_what_was_committed(
    store: QueueStore, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store.commit([entry_of(Job(1, (QUEUED,))), entry_of(Job(2, (QUEUED,)))], 2)
    store.commit([entry_of(Job(2, (ENDED,)))])
    killed = copy_of(store.directory, tmp_path_factory)
    os.unlink(job_path(killed, 1))
    Path(job_path(killed, 2)).write_bytes(b"torn")
    Path(killed, "serial").unlink()
    again = QueueStore(killed)
    assert again.read(1) == (Job(1, (QUEUED,)), False)
    assert again.read(2) == (Job(2, (ENDED,)), False)
    assert again.serial == 2
    assert not [name for name in os.listdir(killed) if name.startswith("journal")]
    again.close()


def test_a_record_never_replaces_what_a_job_process_wrote(
    store: QueueStore, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store.commit([entry_of(Job(1, (QUEUED,)))], 1)
    running = Job(1, (replace(QUEUED, status=Status.RUNNING),), livelock="/l", process_id=7)
    write_job(job_path(store.directory, 1), running)
    killed = QueueStore(copy_of(store.directory, tmp_path_factory))
    assert killed.read(1) == (running, False)
    killed.close()
    dead = Job(1, (replace(QUEUED, status=Status.ERROR),), livelock="/l", process_id=7)
    store.commit([entry_of(dead)])
    write_job(job_path(store.directory, 1), running)
    killed = QueueStore(copy_of(store.directory, tmp_path_factory))
    assert killed.read(1) == (dead, False), "an end is newer than anything that runs"
    killed.close()


def test_an_archived_job_does_not_come_back(store: QueueStore, tmp_path_factory: pytest.TempPathFactory) -> None:
    store.commit([entry_of(Job(1, (ENDED,))), entry_of(Job(20_001, (ENDED,)))], 20_001)
    store.archive([1, 20_001, 5])
    assert (store.job_ids(), store.archived_ids()) == ([], [1, 20_001])
    assert store.read(1) == (Job(1, (ENDED,)), True)
    assert store.read(1, archived=False) is None
    assert [store.archived_status(number) for number in (1, 5)] == [Status.SUCCESS, None]
    assert os.path.exists(archived_path(store.directory, 20_001))
    again = QueueStore(copy_of(store.directory, tmp_path_factory))
    assert again.job_ids() == []
    again.close()


def test_the_drain_mark(store: QueueStore) -> None:
    for drained in (True, True, False, False):
        store.set_drain(drained)
        assert store.drained == QueueFiles(store.directory).drained == drained


class FullDisk(RealDisk):
    """A disk on which nothing can be appended, once it is full."""

    full = False

    def append(self, path: str, data: bytes, size: int) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        super().append(path, data, size)


def test_of_a_commit_that_fails_nothing_is_kept(directory: str) -> None:
    disk = FullDisk()
    store = QueueStore(directory, disk)
    store.commit([entry_of(Job(1, (QUEUED,)))], 1)
    disk.full = True
    with pytest.raises(QueueFullDiskError, match="No space left"):
        store.commit([entry_of(Job(1, (ENDED,))), entry_of(Job(2, (QUEUED,)))], 2)
    assert (store.read(1), store.read(2), store.serial) == ((Job(1, (QUEUED,)), False), None, 1)
    assert not [name for name in os.listdir(directory) if name.endswith(".new")]
    disk.full = False
    store.commit([entry_of(Job(2, (QUEUED,)))], 2)
    assert store.job_ids() == [1, 2]
    store.close()


def test_a_grown_journal_is_followed_by_the_next(store: QueueStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "JOURNAL_LIMIT", 10)
    grown = [store.journal_grown]
    store.commit([entry_of(Job(1, (QUEUED,)))], 1)
    grown.append(store.journal_grown)
    number, ids = store.rotate()
    grown.append(store.journal_grown)
    assert (ids, grown) == ((1,), [False, True, False])
    store.commit([entry_of(Job(2, (QUEUED,)))], 2)
    journals = sorted(name for name in os.listdir(store.directory) if name.startswith("journal"))
    assert journals == [f"journal-{number}", f"journal-{number + 1}"]
    store.settle(number, ids)
    assert not os.path.exists(f"{store.directory}/journal-{number}")
