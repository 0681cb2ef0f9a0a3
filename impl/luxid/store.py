"""The queue's files: what luxid writes, made durable many jobs at a time.

A commit is one record appended to a journal and synced once, whatever number of jobs it holds; then the job files and
the serial are replaced without a sync of their own. So an answered commit survives a power cut by its record and a
SIGKILL by its files, and 200 jobs cost one sync. When a journal has grown, the next one is begun, the files that the
old one speaks of are synced one by one beside the running business, and the old one is removed.

Recovery replays the journals: a record's job is written again where the file is missing (and not archived), damaged, or
older. Older is a file that no job process has touched (`process_id` absent) and that differs, or one that has not ended
while the record has. All else in the directory was written by a job's process, durably and later.

One instance has the directory at a time (`queue/lock`). Methods are called from one thread, one after the other.
"""

import contextlib
import fcntl
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from impl.jobs.files import (
    JobFileError,
    archived_path,
    decode,
    encode,
    job_id_of,
    job_path,
    read_job,
    sync_directory,
    temporary_path,
    write_file,
)
from impl.jobs.status import is_finalised, job_status
from spec.errors import GantryError
from spec.jobs.model import Job, Status

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
    """The entry of a job."""
    return Entry(job.id, encode(job))


def encode_record(serial: int, entries: Sequence[Entry]) -> bytes:
    """One line of the journal: a checksum, a blank, JSON."""
    payload = b'{"serial":%d,"jobs":[%b]}' % (serial, b",".join(entry.data for entry in entries))
    return b"%08x %b\n" % (zlib.crc32(payload), payload)


def decode_records(data: bytes) -> Iterator[_Record]:
    """The whole records at the beginning of a journal; what follows a torn one was never answered."""
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
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory

    @property
    def drained(self) -> bool:
        """Whether the queue is closed for new jobs."""
        return os.path.exists(f"{self.directory}/drain")

    def job_ids(self) -> list[int]:
        """The ids of all live job files, in order."""
        with os.scandir(self.directory) as entries:
            return sorted(found for entry in entries if (found := job_id_of(entry.name)) is not None)

    def read(self, job_id: int, *, archived: bool = True) -> tuple[Job, bool] | None:
        """A job and whether it is archived; None if there is no such job, or no readable one."""
        with contextlib.suppress(FileNotFoundError, JobFileError):
            return read_job(job_path(self.directory, job_id)), False
        if archived:
            with contextlib.suppress(FileNotFoundError, JobFileError):
                return read_job(archived_path(self.directory, job_id)), True
        return None

    def archived_status(self, job_id: int) -> Status | None:
        """The final status of an archived job, None if there is no such job."""
        try:
            return job_status(read_job(archived_path(self.directory, job_id)))
        except (FileNotFoundError, JobFileError):
            return None


class QueueStore(QueueFiles):
    """The queue's directory, with the right to write in it.

    Args:
        directory: `queue` below the state directory.

    Raises:
        QueueBusyError: another process has it.
    """

    def __init__(self, directory: str) -> None:
        super().__init__(directory)
        self._lock = os.open(f"{directory}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise QueueBusyError(f"{directory}/lock") from None
        if not os.path.exists(f"{directory}/version"):
            write_file(f"{directory}/version", b"1\n")
        self.serial = self._read_serial()
        self.syncs = 0
        self._number = 0
        self._journal = -1
        self._size = 0
        self._in_journal: set[int] = set()
        self._replay()

    def _read_serial(self) -> int:
        try:
            with open(f"{self.directory}/serial", "rb") as file:
                return int(file.read().strip() or b"0")
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
                _write_beside(path, data)
            self._append(encode_record(number, entries))
        except OSError as error:
            for path in files:
                with contextlib.suppress(OSError):
                    os.unlink(temporary_path(path))
            raise QueueFullDiskError(error.strerror or str(error)) from None
        for path in files:
            os.rename(temporary_path(path), path)
        self.serial = number
        self._in_journal.update(entry.id for entry in entries)

    def _append(self, record: bytes) -> None:
        if self._journal < 0:
            self._begin_journal()
        try:
            view = memoryview(record)
            while view:
                view = view[os.write(self._journal, view) :]
            os.fdatasync(self._journal)
            self.syncs += 1
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._journal, self._size)
                os.lseek(self._journal, self._size, os.SEEK_SET)
            raise
        self._size += len(record)

    def set_drain(self, drained: bool) -> None:
        """Create or remove the drain mark, durably."""
        path = f"{self.directory}/drain"
        if drained:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640))
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        sync_directory(self.directory)

    def archive(self, ids: Sequence[int]) -> None:
        """Move ended jobs' files to the archive, durably."""
        targets = set()
        for job_id in ids:
            target = archived_path(self.directory, job_id)
            directory = os.path.dirname(target)
            if directory not in targets:
                os.makedirs(directory, mode=0o750, exist_ok=True)
                targets.add(directory)
            with contextlib.suppress(FileNotFoundError):
                os.rename(job_path(self.directory, job_id), target)
        for directory in (*targets, f"{self.directory}/archive", self.directory):
            sync_directory(directory)

    # ---- journals

    def _journal_path(self, number: int) -> str:
        return f"{self.directory}/journal-{number}"

    def _journal_numbers(self) -> list[int]:
        names = (name.removeprefix("journal-") for name in os.listdir(self.directory) if name.startswith("journal-"))
        return sorted(int(name) for name in names if name.isdigit())

    def _begin_journal(self) -> None:
        self._number += 1
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self._journal = os.open(self._journal_path(self._number), flags, 0o640)
        self._size = 0
        sync_directory(self.directory)

    @property
    def journal_grown(self) -> bool:
        """Whether it is time to call `rotate`."""
        return self._size > JOURNAL_LIMIT

    @property
    def journal_in_use(self) -> bool:
        """Whether a journal holds anything."""
        return self._size > 0

    def rotate(self) -> tuple[int, tuple[int, ...]]:
        """Begin the next journal; the old one's number and jobs are then `settle`d, from any thread."""
        old, ids = self._number, tuple(self._in_journal)
        if self._journal >= 0:
            os.close(self._journal)
            self._journal = -1
        self._size = 0
        self._in_journal = set()
        return old, ids

    def settle(self, number: int, ids: Sequence[int]) -> None:
        """Sync the files that a finished journal speaks of, then remove it."""
        for job_id in ids:
            for path in (job_path(self.directory, job_id), archived_path(self.directory, job_id)):
                if _sync_file(path):
                    break
        _sync_file(f"{self.directory}/serial")
        sync_directory(self.directory)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._journal_path(number))

    def _replay(self) -> None:
        numbers = self._journal_numbers()
        last: dict[int, bytes] = {}
        serial = self.serial
        for number in numbers:
            with open(self._journal_path(number), "rb") as file:
                for record in decode_records(file.read()):
                    serial = max(serial, record.serial)
                    for raw in record.jobs:
                        data = bytes(raw)
                        with contextlib.suppress(JobFileError):
                            last[decode(data).id] = data
        for job_id, data in last.items():
            if self._record_is_newer(job_id, data):
                write_file(job_path(self.directory, job_id), data, durable=False)
        if serial != self.serial:
            write_file(f"{self.directory}/serial", b"%d\n" % serial)
            self.serial = serial
        self._number = max(numbers, default=0)
        for number in numbers:
            self.settle(number, tuple(last))

    def _record_is_newer(self, job_id: int, data: bytes) -> bool:
        try:
            on_disk = read_job(job_path(self.directory, job_id))
        except FileNotFoundError:
            return not os.path.exists(archived_path(self.directory, job_id))
        except JobFileError:
            return True
        record = decode(data)
        if on_disk == record:
            return False
        return on_disk.process_id is None or (is_finalised(record) and not is_finalised(on_disk))

    def close(self) -> None:
        """Leave only job files behind, and give the directory up."""
        if self._journal >= 0:
            os.close(self._journal)
            self._journal = -1
            self.settle(self._number, tuple(self._in_journal))
        os.close(self._lock)


def _write_beside(path: str, data: bytes) -> None:
    """Write the content that a file will take by a rename."""
    descriptor = os.open(temporary_path(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)


def _sync_file(path: str) -> bool:
    """Sync a file if it is there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
    return True
