"""The queue's store survives a power cut at every point; stores with planted bugs do not."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from checkers.crashes.queue import QUEUE, Recoveries, Scenario, brief, check, cleaned, life
from checkers.crashes.simulated_disk import SimulatedDisk
from checkers.verdict import Illegal, Ok
from impl.luxid.journal import Entry
from impl.luxid.store import QueueStore
from impl.queue.files import archived_path, job_path, temporary_path
from spec.jobs.model import Job, Opcode, Status


def touched(scenario: Scenario) -> None:
    """Luxid and a job's process write the same file, one after the other."""
    queued, running = Opcode({"OP_ID": "OP_TEST_DELAY"}), Opcode({"OP_ID": "OP_TEST_DELAY"}, status=Status.RUNNING)
    scenario.commit(Job(1, (queued,)), Job(2, (queued,)), serial=2)
    scenario.commit(Job(1, (queued,), livelock="/one"))
    scenario.process_writes(Job(1, (running,), livelock="/one", process_id=7))
    scenario.commit(Job(2, (replace(queued, status=Status.CANCELED),)))


def settled(scenario: Scenario) -> None:
    """A job changes whose former content is in no journal any more."""
    queued = Opcode({"OP_ID": "OP_TEST_DELAY"})
    scenario.commit(Job(1, (queued,)), serial=1)
    scenario.settle()
    scenario.commit(Job(1, (replace(queued, status=Status.CANCELED),)))


@pytest.mark.parametrize(("run", "cuts"), [(life, 60), (brief, 20), (touched, 20), (cleaned, 20), (settled, 15)])
def test_no_cut_breaks_a_promise(run: Callable[[Scenario], None], cuts: int) -> None:
    verdict = check(run)
    assert isinstance(verdict, Ok), verdict.witness.describe() if isinstance(verdict, Illegal) else verdict
    assert int(verdict.covered.split()[0]) > cuts


@pytest.mark.long
@pytest.mark.timeout(900)
def test_no_cut_of_a_recovery_breaks_a_promise() -> None:
    verdict = check(twice=True)
    assert isinstance(verdict, Ok), verdict.witness.describe() if isinstance(verdict, Illegal) else verdict


def test_each_disk_is_recovered_once() -> None:
    made = []

    class Counted(QueueStore):
        def __init__(self, directory: str, disk: SimulatedDisk) -> None:
            made.append(disk)
            super().__init__(directory, disk)

    disk = SimulatedDisk((QUEUE, f"{QUEUE}/archive"))
    touched(Scenario(disk, QueueStore))
    recoveries = Recoveries(Counted, twice=True)
    found = recoveries.of(disk.killed())
    once = len(made)
    assert once > 2  # the recovery itself was cut, too
    assert recoveries.of(disk.killed()) is found
    assert len(made) == once
    disk.write(f"{QUEUE}/serial", b"7\n")
    assert recoveries.of(disk.killed())[0][1].serial == 7
    assert len(made) > once


class SerialNotInTheRecord(QueueStore):
    def _append(self, record: bytes) -> None:
        payload = record.partition(b" ")[2].rstrip(b"\n")
        changed = b'{"serial":0,' + payload[payload.index(b'"jobs"') :]
        super()._append(b"%08x %b\n" % (zlib.crc32(changed), changed))


class JournalNotSynced(QueueStore):
    def _append(self, record: bytes) -> None:
        if self._size is None:
            self._begin_journal()
        path = self._journal_path(self._number)
        self.disk.write(path, self.disk.read(path) + record)
        self._size = (self._size or 0) + len(record)


class JournalsNameNotSynced(QueueStore):
    def _begin_journal(self) -> None:
        self._number += 1
        self.disk.write(self._journal_path(self._number), b"")
        self._size = 0


class FilesAlwaysRight(QueueStore):
    def _record_is_newer(self, job_id: int, data: bytes) -> bool:
        return self.read(job_id) is None


class RecordsAlwaysRight(QueueStore):
    def _record_is_newer(self, job_id: int, data: bytes) -> bool:
        return not self.disk.exists(archived_path(self.directory, job_id))


class ArchivedComesBack(QueueStore):
    def _record_is_newer(self, job_id: int, data: bytes) -> bool:
        return not self.disk.exists(job_path(self.directory, job_id)) or super()._record_is_newer(job_id, data)


class JournalRemovedFirst(QueueStore):
    def settle(self, number: int, ids: Sequence[int]) -> None:
        self.disk.unlink(self._journal_path(number))
        self.disk.sync_directory(self.directory)
        super().settle(number, ids)


class SettledWithoutSync(QueueStore):
    def settle(self, number: int, ids: Sequence[int]) -> None:
        super().settle(number, ())


class ArchiveNotSynced(QueueStore):
    def archive(self, ids: Sequence[int]) -> None:
        for job_id in ids:
            self.disk.make_directory(f"{self.directory}/archive/0")
            self.disk.rename(job_path(self.directory, job_id), archived_path(self.directory, job_id))


class DrainNotSynced(QueueStore):
    def set_drain(self, drained: bool) -> None:
        if drained:
            self.disk.write(f"{self.directory}/drain", b"")
        else:
            self.disk.unlink(f"{self.directory}/drain")


class FileBeforeRecord(QueueStore):
    """Replaces a file by one that is not synced before the record is."""

    def commit(self, entries: Sequence[Entry], serial: int | None = None) -> None:
        for entry in entries:
            path = job_path(self.directory, entry.id)
            self.disk.write(temporary_path(path), entry.data)
            self.disk.rename(temporary_path(path), path)
        super().commit(entries, serial)

    def _check_new(self, ids: Sequence[int]) -> None:
        """The files are there already."""


class ArchivedNotNoted(QueueStore):
    def _note_archived(self, ids: Sequence[int]) -> None:
        """Leave the job in the journal."""


BUGS: dict[str, tuple[type[QueueStore], str]] = {
    "serial not in the record": (SerialNotInTheRecord, "serial"),
    "journal not synced": (JournalNotSynced, ""),
    "journal's name not synced": (JournalsNameNotSynced, ""),
    "files are always right": (FilesAlwaysRight, "was answered"),
    "records are always right": (RecordsAlwaysRight, "was answered"),
    "archived jobs come back": (ArchivedComesBack, "archive"),
    "journal removed before the files are synced": (JournalRemovedFirst, ""),
    "settled without a sync": (SettledWithoutSync, ""),
    "archive not synced": (ArchiveNotSynced, "archive"),
    "drain not synced": (DrainNotSynced, "the queue is"),
    "file before record": (FileBeforeRecord, ""),
    "archived jobs stay in the journal": (ArchivedNotNoted, "removed from the archive"),
}
SCENARIOS = {"files are always right": touched, "records are always right": touched,
             "file before record": settled,
             "serial not in the record": cleaned, "archived jobs stay in the journal": cleaned}  # fmt: skip


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_of_the_store_is_found(name: str) -> None:
    kind, words = BUGS[name]
    verdict = check(SCENARIOS.get(name, brief), kind)
    assert isinstance(verdict, Illegal), verdict
    assert words in verdict.witness.describe()
