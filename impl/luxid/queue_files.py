"""The queue's directory for reading: jobs by id, live or archived, and what was set aside."""

import contextlib

from impl.files import UnusableFileError
from impl.luxid.aside import Aside
from impl.luxid.disk import Disk, RealDisk
from impl.queue.files import JobFileError, archived_path, decode, id_of, job_id_of, job_path
from impl.queue.status import job_status
from spec.jobs.model import Job, Status


class QueueFiles:
    """The queue's directory, read only.

    Args:
        directory: `queue` below the state directory.
        disk: where it lies.
    """

    def __init__(self, directory: str, disk: Disk | None = None) -> None:
        self.directory = directory
        self.disk: Disk = disk or RealDisk()
        self.aside = Aside(directory, self.disk)

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

    def highest_id(self) -> int:
        """Return the highest id that a file bears: of a job that is live, archived or set aside; 0 if there is none."""
        return max([*self.job_ids()[-1:], self._highest_archived(), self.aside.highest_id()])

    def _highest_archived(self) -> int:
        archive = f"{self.directory}/archive"
        with contextlib.suppress(OSError):
            numbers = [found for name in self.disk.names(archive) if (found := id_of(name)) is not None]
            for number in sorted(numbers, reverse=True):
                with contextlib.suppress(OSError):
                    ids = [job_id_of(name) or 0 for name in self.disk.names(f"{archive}/{number}")]
                    if any(ids):
                        return max(ids)
        return 0

    def _read(self, path: str) -> Job:
        try:
            job = decode(self.disk.read(path))
        except (JobFileError, UnusableFileError) as error:
            raise JobFileError(error.reason, path) from None
        if path.rpartition("/")[2] != f"job-{job.id}":
            raise JobFileError(f"it is of job {job.id}", path)
        return job

    def load(self, job_id: int) -> Job:
        """Return a job that is not archived.

        Raises:
            FileNotFoundError: there is no such job.
            JobFileError: its file cannot be used.
            OSError: the machine lacks something.
        """
        return self._read(job_path(self.directory, job_id))

    def read(self, job_id: int, *, archived: bool = True) -> tuple[Job, bool] | None:
        """Return a job and whether it is archived; None if there is no such job, or no readable one."""
        with contextlib.suppress(FileNotFoundError, JobFileError):
            return self.load(job_id), False
        if archived:
            with contextlib.suppress(FileNotFoundError, JobFileError):
                return self._read(archived_path(self.directory, job_id)), True
        return None

    def archived_status(self, job_id: int) -> Status | None:
        """Return the final status of an archived job, None if there is no such job."""
        try:
            return job_status(self._read(archived_path(self.directory, job_id)))
        except (FileNotFoundError, JobFileError):
            return None
