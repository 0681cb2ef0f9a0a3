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
from collections.abc import Sequence

from impl.files import UnusableFileError
from impl.luxid.disk import Disk, UnknownContentError
from impl.luxid.journal import Entry, Record, decode_records, encode_record
from impl.luxid.queue_errors import (
    JobIdTakenError,
    QueueBusyError,
    QueueFullDiskError,
    QueueUnknownError,
    SerialLostError,
)
from impl.luxid.queue_files import QueueFiles
from impl.queue.files import JobFileError, archived_path, decode, id_of, job_path, temporary_path
from impl.queue.status import is_finalised
from spec.jobs.model import JOBS_PER_ARCHIVE_DIRECTORY

JOURNAL_LIMIT = 4 << 20
"""Bytes after which a journal is followed by the next."""


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
        self.serial = 0
        self.serial_lost = False
        self.syncs = 0
        self._number = 0
        self._size: int | None = None
        self._in_journal: set[int] = set()
        self._unsettled: set[int] = set()
        if not self.disk.exists(f"{directory}/version"):
            if self._read_serial() is None and not self.highest_id():
                self._replace_durably(f"{directory}/serial", b"0\n")  # a queue that was never used
            self._replace_durably(f"{directory}/version", b"1\n")
        self.recover()

    def recover(self) -> None:
        """Make the files what was committed, and find the last id that was given out; after a broken write, too.

        Raises:
            OSError: the disk cannot be read or written.
        """
        self._size = None
        self._in_journal = set()
        self._unsettled = set()
        in_file = self._read_serial()
        self.serial = 0 if in_file is None else in_file
        in_journals = self._replay()
        known = [number for number in (in_file, in_journals) if number is not None]
        self.serial_lost = not known
        self.serial = max([self.highest_id(), *known])
        if known and self.serial != in_file:
            self._replace_durably(f"{self.directory}/serial", b"%d\n" % self.serial)

    def _read_serial(self) -> int | None:
        try:
            return id_of(self.disk.read(f"{self.directory}/serial").decode("ascii", "replace").strip())
        except (FileNotFoundError, UnusableFileError):
            return None

    def check_serial(self) -> None:
        """Check that new ids can be given out; where it was not known, the serial is read again.

        Raises:
            SerialLostError: they cannot.
        """
        if self.serial_lost:
            found = self._read_serial()
            if found is None:
                raise SerialLostError(f"{self.directory}/serial", self.serial)
            self.serial = max(found, self.serial)
            self.serial_lost = False

    # ---- writing

    def commit(self, entries: Sequence[Entry], serial: int | None = None) -> None:
        """Make these jobs' contents, and the serial, durable together.

        Raises:
            QueueRefusedError: it failed, and nothing of it was kept.
            QueueUnknownError: it broke off; `recover` finds out whether it was kept.
        """
        number = self.serial if serial is None else serial
        files = {job_path(self.directory, entry.id): entry.data for entry in entries}
        if number != self.serial:
            self._check_new([entry.id for entry in entries if entry.id > self.serial])
            files[f"{self.directory}/serial"] = b"%d\n" % number
        try:
            for path, data in files.items():
                self.disk.write(temporary_path(path), data)
            self._append(encode_record(number, entries))
        except UnknownContentError as error:
            raise QueueUnknownError(error.reason) from None
        except OSError as error:
            for path in files:
                with contextlib.suppress(OSError):
                    self.disk.unlink(temporary_path(path))
            raise QueueFullDiskError(error.strerror or str(error)) from None
        try:
            for path in files:
                self.disk.rename(temporary_path(path), path)
        except OSError as error:  # the record stands: the next recovery does it
            raise QueueUnknownError(error.strerror or str(error)) from None
        self.serial = number
        self._in_journal.update(entry.id for entry in entries)

    def _check_new(self, ids: Sequence[int]) -> None:
        for job_id in ids:
            for path in (job_path(self.directory, job_id), archived_path(self.directory, job_id)):
                if self.disk.exists(path):
                    raise JobIdTakenError(path)

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
        """Create or remove the drain mark, durably.

        Raises:
            QueueUnknownError: it broke off.
        """
        path = f"{self.directory}/drain"
        try:
            if drained:
                self.disk.write(path, b"")
            else:
                self.disk.unlink(path)
            self.disk.sync_directory(self.directory)
        except OSError as error:
            raise QueueUnknownError(error.strerror or str(error)) from None

    def archive(self, ids: Sequence[int]) -> None:
        """Move ended jobs' files to the archive, durably; a job whose place there is taken is set aside instead.

        Raises:
            QueueUnknownError: it broke off; a part may be done.
        """
        try:
            for number in sorted({job_id // JOBS_PER_ARCHIVE_DIRECTORY for job_id in ids}):
                self.disk.make_directory(f"{self.directory}/archive/{number}")
            targets = set()
            for job_id in ids:
                target = archived_path(self.directory, job_id)
                self._archive(job_path(self.directory, job_id), target)
                targets.add(target.rpartition("/")[0])
            for directory in (*sorted(targets), f"{self.directory}/archive", self.directory):
                self.disk.sync_directory(directory)
            self._note_archived(ids)
        except UnknownContentError as error:
            raise QueueUnknownError(error.reason) from None
        except OSError as error:
            raise QueueUnknownError(error.strerror or str(error)) from None

    def _note_archived(self, ids: Sequence[int]) -> None:
        """Let no journal bring archived jobs back, once their files are removed from the archive."""
        if self._in_journal.isdisjoint(ids) and self._unsettled.isdisjoint(ids):
            return
        try:
            self._append(encode_record(self.serial, (), ids))
        except OSError:  # a full disk: do without the journal
            self.settle(*self.rotate())

    def _archive(self, path: str, target: str) -> None:
        if self.disk.exists(target):
            self.aside.keep(path, f"the archive holds another file of that name: {target}")
            return
        with contextlib.suppress(FileNotFoundError):
            self.disk.sync(path)
            self.disk.rename(path, target)

    # ---- journals

    def _journal_path(self, number: int) -> str:
        return f"{self.directory}/journal-{number}"

    def _journal_numbers(self) -> list[int]:
        names = self.disk.names(self.directory)
        numbers = (name.removeprefix("journal-") for name in names if name.startswith("journal-"))
        return sorted(found for number in numbers if (found := id_of(number)) is not None)

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
        self._unsettled |= self._in_journal
        self._size = None
        self._in_journal = set()
        return old, ids

    def settle(self, number: int, ids: Sequence[int]) -> None:
        """Sync the files named in a finished journal, then remove it."""
        self._sync_files(ids)
        self.disk.unlink(self._journal_path(number))
        self._unsettled = self._unsettled.difference(ids)

    def _sync_files(self, ids: Sequence[int]) -> None:
        for job_id in ids:
            if not self.disk.sync(job_path(self.directory, job_id)):
                self.disk.sync(archived_path(self.directory, job_id))
        if not self.serial_lost:
            self.disk.sync(f"{self.directory}/serial")
        self.disk.sync_directory(self.directory)

    def _replay(self) -> int | None:
        """Write again what the journals have and the files have not; returns the last serial in the journals."""
        numbers = self._journal_numbers()
        last: dict[int, bytes] = {}
        serials: list[int] = []
        damaged: set[int] = set()
        for number in numbers:
            records, broken = self._records(self._journal_path(number))
            damaged |= {number} if broken else set()
            for record in records:
                serials.append(record.serial)
                for raw in record.jobs:
                    data = bytes(raw)
                    with contextlib.suppress(JobFileError):
                        last[decode(data).id] = data
                for job_id in record.archived:
                    last.pop(job_id, None)
        for job_id, data in last.items():
            if self._record_is_newer(job_id, data):
                path = job_path(self.directory, job_id)
                self.disk.write(temporary_path(path), data)
                self.disk.sync(temporary_path(path))
                self.disk.rename(temporary_path(path), path)
        serial = max(serials, default=None)
        if serial is not None and serial > self.serial:
            self._replace_durably(f"{self.directory}/serial", b"%d\n" % serial)
            self.serial = serial
        self._number = max(numbers, default=0)
        for number in numbers:
            if number in damaged:
                self._sync_files(tuple(last))
                reason = "a record in its middle is damaged: jobs that were answered may be missing"
                self.aside.keep(self._journal_path(number), reason)
            else:
                self.settle(number, tuple(last))
        return serial

    def _records(self, path: str) -> tuple[list[Record], bool]:
        try:
            return decode_records(self.disk.read(path))
        except FileNotFoundError:  # just settled
            return [], False
        except UnusableFileError as error:
            self.aside.keep(path, error.reason)
            return [], False

    def _record_is_newer(self, job_id: int, data: bytes) -> bool:
        path = job_path(self.directory, job_id)
        try:
            on_disk = self._read(path)
        except FileNotFoundError:
            return not self.disk.exists(archived_path(self.directory, job_id))
        except JobFileError as error:
            if not self._is_file(path):
                self.aside.keep(path, error.reason)
            return True
        record = decode(data)
        if on_disk == record:
            return False
        return on_disk.process_id is None or (is_finalised(record) and not is_finalised(on_disk))

    def _is_file(self, path: str) -> bool:
        try:
            self.disk.read(path)
        except UnusableFileError:
            return False
        return True

    def close(self) -> None:
        """Leave only job files behind, and give the directory up."""
        if self._size is not None:
            number, ids = self.rotate()
            self.settle(number, ids)
        self.disk.unlock(self._lock)
