"""What queries need of the process that answers them: the whole daemon, or a query-only one that reads the files."""

from collections.abc import Callable, Mapping, Sequence

from impl.luxid.metrics import Metrics
from impl.luxid.queue_files import QueueFiles
from impl.luxid.wconfd import Configuration, Wconfd
from impl.paths import Root
from spec.jobs.model import Job

Log = Callable[..., None]


class Context:
    """A query-only luxid: no queue, no job, no lock, no process of its own.

    Attributes:
        files: the queue's directory.
        wconfd: for questions about locks.
        configuration: the cluster's.
    """

    def __init__(self, root: Root, log: Log, files: QueueFiles) -> None:
        self.root = root
        self.log = log
        self.files = files
        self.metrics = Metrics()
        self.wconfd = Wconfd(root.wconfd_socket)
        self.configuration = Configuration(Wconfd(root.wconfd_socket), self._configured)

    def _configured(self) -> None:
        """Take note that the configuration changed."""

    async def wait_until_written(self) -> None:
        """Wait until what was decided is on disk."""

    def live_jobs(self) -> Mapping[int, Job]:
        """Return the jobs that have not ended, by id, as far as they are in memory."""
        return {}

    def live(self, job_id: int) -> Job | None:
        """Return a job that has not ended; None if it is not in memory."""
        return self.live_jobs().get(job_id)

    def ended_ids(self) -> Sequence[int]:
        """Return the ids of the other jobs that are not archived."""
        return self.files.job_ids()

    def gauges(self) -> Mapping[str, float]:
        """Return the values of the moment for the metrics."""
        return {
            "configuration_reads": self.configuration.reads,
            "queue_files_set_aside": len(self.files.aside.files()),
        }

    @property
    def drained(self) -> bool:
        """Whether the queue is closed for new jobs."""
        return self.files.drained
