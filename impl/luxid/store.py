"""The queue's files: what luxid writes, made durable many jobs at a time.

A commit is one record appended to a journal and synced once, whatever number of jobs it holds; then the job files and
the serial are replaced without a sync of their own. So an answered commit survives a power cut by its record and a
SIGKILL by its files, and 200 jobs cost one sync. When a journal has grown, the next one is begun, the files
named in the old one are synced one by one in the background, and the old one is removed.

Recovery replays the journals: a record's job is written again where the file is missing (and not archived), damaged, or
older. Older is a file that no job process has touched (`process_id` absent) and that differs, or one that has not ended
while the record has. All else in the directory was written by a job's process, durably and later.

One instance has the directory at a time (`queue/lock`). Methods are called from one thread, one after the other;
`settle` may be called from another.
"""

import contextlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from impl.luxid.disk import Disk, RealDisk
from impl.queue.files import (
    JobFileError,
    archived_path,
    decode,
    encode,
    job_id_of,
    job_path,
    temporary_path,
)
from impl.queue.status import is_finalised, job_status
from spec.errors import GantryError
from spec.jobs.model import JOBS_PER_ARCHIVE_DIRECTORY, Job, Status

JOURNAL_LIMIT = 4 << 20
"""Bytes after which a journal is followed by the next."""


class QueueBusyError(GantryError):
    """Another process serves this queue; `path` is its lock file."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"{path} is locked: another luxid serves this queue, stop it first")


class QueueFullDiskError(GantryError):
    """The queue's files could not be written; `reason` is the system's. Nothing of the commit was kept."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"cannot write the job queue ({reason}): make room or repair the disk, then try again")


class _Record(msgspec.Struct):
    serial: int
    jobs: list[msgspec.Raw]


@dataclass(frozen=True, slots=True)
class Entry:
    """One job's new content, encoded when it was decided."""

    id: int
    data: bytes


def entry_of(job: Job) -> Entry:
    """Return the entry of a job."""
    return Entry(job.id, encode(job))


def encode_record(serial: int, entries: Sequence[Entry]) -> bytes:
    """Encode one line of the journal: a checksum, a blank, JSON."""
    payload = b'{"serial":%d,"jobs":[%b]}' % (serial, b",".join(entry.data for entry in entries))
    return b"%08x %b\n" % (zlib.crc32(payload), payload)


def decode_records(data: bytes) -> Iterator[_Record]:
    """Yield the whole records at the beginning of a journal; stop at a torn one, after which nothing was answered."""
    decoder = msgspec.json.Decoder(_Record)
    for line in data.split(b"\n"):
        checksum, _, payload = line.partition(b" ")
        try:
            if len(checksum) != 8 or int(checksum, 16) != zlib.crc32(payload):
                return
            yield decoder.decode(payload)
        except (ValueError, msgspec.DecodeError):
            return


class QueueFiles:
    """The queue's directory, read only.

    Args:
        directory: `queue` below the state directory.
        disk: where it lies.
    """

    def __init__(self, directory: str, disk: Disk | None = None) -> None:
        self.directory = directory
        self.disk: Disk = disk or RealDisk()

    @property
    def drained(self) -> bool:
        """Whether the queue is closed for new jobs."""
        return self.disk.exists(f"{self.directory}/drain")

    def job_ids(self) -> list[int]:
        """Return the ids of all live job files, in order."""
        return sorted(found for name in self.disk.names(self.directory) if (found := job_id_of(name)) is not None)

    def archived_ids(self) -> list[int]:
        """Return the ids of all archived jobs, in order."""
        archive = f"{self.directory}/archive"
        found = []
        for name in self.disk.names(archive):
            with contextlib.suppress(NotADirectoryError):
                found += [
                    number for job in self.disk.names(f"{archive}/{name}") if (number := job_id_of(job)) is not None
                ]
        return sorted(found)

    def _read(self, path: str) -> Job:
        try:
            return decode(self.disk.read(path))
        except JobFileError as error:
            raise JobFileError(error.reason, path) from None

    def read(self, job_id: int, *, archived: bool = True) -> tuple[Job, bool] | None:
        """Read a job and whether it is archived; None if there is no such job, or no readable one."""
        with contextlib.suppress(FileNotFoundError, JobFileError):
            return self._read(job_path(self.directory, job_id)), False
        if archived:
            with contextlib.suppress(FileNotFoundError, JobFileError):
                return self._read(archived_path(self.directory, job_id)), True
        return None

    def archived_status(self, job_id: int) -> Status | None:
        """Return the final status of an archived job; None if there is no such job, or no readable one."""
        try:
            return job_status(self._read(archived_path(self.directory, job_id)))
        except (FileNotFoundError, JobFileError):
            return None


class QueueStore(QueueFiles):
    """The queue's directory, with the right to write in it.

    Args:
        directory: `queue` below the state directory.
        disk: where it lies.

    Raises:
        QueueBusyError: another process has it.
    """

    def __init__(self, directory: str, disk: Disk | None = None) -> None:
        super().__init__(directory, disk)
        lock = self.disk.lock(f"{directory}/lock")
        if lock is None:
            raise QueueBusyError(f"{directory}/lock")
        self._lock = lock
        self.serial = self._read_serial()
        self.syncs = 0
        self._number = 0
        self._size: int | None = None
        self._in_journal: set[int] = set()
        if not self.disk.exists(f"{directory}/version"):
            self._replace_durably(f"{directory}/version", b"1\n")
        self._replay()

    def _read_serial(self) -> int:
        try:
            return int(self.disk.read(f"{self.directory}/serial").strip() or b"0")
        except (FileNotFoundError, ValueError):
            return 0

    # ---- writing

    def commit(self, entries: Sequence[Entry], serial: int | None = None) -> None:
        """Make these jobs' contents, and the serial, durable together.

        Raises:
            QueueFullDiskError: it failed, and nothing of it was kept.
        """
        number = self.serial if serial is None else serial
        files = {job_path(self.directory, entry.id): entry.data for entry in entries}
        if number != self.serial:
            files[f"{self.directory}/serial"] = b"%d\n" % number
        try:
            for path, data in files.items():
                self.disk.write(temporary_path(path), data)
            self._append(encode_record(number, entries))
        except OSError as error:
            for path in files:
                with contextlib.suppress(OSError):
                    self.disk.unlink(temporary_path(path))
            raise QueueFullDiskError(error.strerror or str(error)) from None
        for path in files:
            self.disk.rename(temporary_path(path), path)
        self.serial = number
        self._in_journal.update(entry.id for entry in entries)

    def _append(self, record: bytes) -> None:
        if self._size is None:
            self._begin_journal()
        size = self._size or 0
        self.disk.append(self._journal_path(self._number), record, size)
        self.syncs += 1
        self._size = size + len(record)

    def _replace_durably(self, path: str, data: bytes) -> None:
        temporary = temporary_path(path)
        self.disk.write(temporary, data)
        self.disk.sync(temporary)
        self.disk.rename(temporary, path)
        self.disk.sync_directory(self.directory)

    def set_drain(self, drained: bool) -> None:
        """Create or remove the drain mark, durably."""
        path = f"{self.directory}/drain"
        if drained:
            self.disk.write(path, b"")
        else:
            self.disk.unlink(path)
        self.disk.sync_directory(self.directory)

    def archive(self, ids: Sequence[int]) -> None:
        """Move ended jobs' files to the archive, durably."""
        for number in sorted({job_id // JOBS_PER_ARCHIVE_DIRECTORY for job_id in ids}):
            self.disk.make_directory(f"{self.directory}/archive/{number}")
        targets = set()
        for job_id in ids:
            target = archived_path(self.directory, job_id)
            with contextlib.suppress(FileNotFoundError):
                self.disk.sync(job_path(self.directory, job_id))
                self.disk.rename(job_path(self.directory, job_id), target)
            targets.add(target.rpartition("/")[0])
        for directory in (*sorted(targets), f"{self.directory}/archive", self.directory):
            self.disk.sync_directory(directory)

    # ---- journals

    def _journal_path(self, number: int) -> str:
        return f"{self.directory}/journal-{number}"

    def _journal_numbers(self) -> list[int]:
        names = self.disk.names(self.directory)
        numbers = (name.removeprefix("journal-") for name in names if name.startswith("journal-"))
        return sorted(int(number) for number in numbers if number.isdigit())

    def _begin_journal(self) -> None:
        self._number += 1
        self.disk.write(self._journal_path(self._number), b"")
        self._size = 0
        self.disk.sync_directory(self.directory)

    @property
    def journal_grown(self) -> bool:
        """Whether it is time to call `rotate`."""
        return (self._size or 0) > JOURNAL_LIMIT

    def rotate(self) -> tuple[int, tuple[int, ...]]:
        """End this journal: its number and jobs, to be `settle`d, from any thread; the next commit begins another."""
        old, ids = self._number, tuple(self._in_journal)
        self._size = None
        self._in_journal = set()
        return old, ids

    def settle(self, number: int, ids: Sequence[int]) -> None:
        """Sync the files named in a finished journal, then remove it."""
        for job_id in ids:
            if not self.disk.sync(job_path(self.directory, job_id)):
                self.disk.sync(archived_path(self.directory, job_id))
        self.disk.sync(f"{self.directory}/serial")
        self.disk.sync_directory(self.directory)
        self.disk.unlink(self._journal_path(number))

    def _replay(self) -> None:
        numbers = self._journal_numbers()
        last: dict[int, bytes] = {}
        serial = self.serial
        for number in numbers:
            for record in decode_records(self.disk.read(self._journal_path(number))):
                serial = max(serial, record.serial)
                for raw in record.jobs:
                    data = bytes(raw)
                    with contextlib.suppress(JobFileError):
                        last[decode(data).id] = data
        for job_id, data in last.items():
            if self._record_is_newer(job_id, data):
                path = job_path(self.directory, job_id)
                self.disk.write(temporary_path(path), data)
                self.disk.sync(temporary_path(path))
                self.disk.rename(temporary_path(path), path)
        if serial != self.serial:
            self._replace_durably(f"{self.directory}/serial", b"%d\n" % serial)
            self.serial = serial
        self._number = max(numbers, default=0)
        for number in numbers:
            self.settle(number, tuple(last))

    def _record_is_newer(self, job_id: int, data: bytes) -> bool:
        try:
            on_disk = self._read(job_path(self.directory, job_id))
        except FileNotFoundError:
            return not self.disk.exists(archived_path(self.directory, job_id))
        except JobFileError:
            return True
        record = decode(data)
        if on_disk == record:
            return False
        return on_disk.process_id is None or (is_finalised(record) and not is_finalised(on_disk))

    def close(self) -> None:
        """Leave only job files behind, and give the directory up."""
        if self._size is not None:
            number, ids = self.rotate()
            self.settle(number, ids)
        self.disk.unlock(self._lock)
