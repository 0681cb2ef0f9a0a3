"""What queries are answered from: live jobs in memory, ended ones in their files, the configuration, the locks."""

from collections.abc import Mapping, Sequence

from impl.cluster.view import ClusterView
from impl.hypervisor.facts import ConfiguredObserver, Observer
from impl.luxid.queue_files import QueueFiles
from impl.query.source import LockStatus
from spec.errors import GantryError
from spec.jobs.model import Job


class MissingPartError(GantryError):
    """A query asks for something that was not fetched for it; `part` names it."""

    def __init__(self, part: str) -> None:
        self.part = part
        super().__init__(f"the query needs the {part}, which was not fetched: report this as a bug")


class QuerySource:
    """A picture of the moment; may be used in a thread.

    Args:
        store: where the files are.
        live: the jobs that have not ended.
        ended: ids of the ended jobs that are not archived.
        view: the configuration, if the query needs it.
        locks: wconfd's locks, if the query needs them.
    """

    def __init__(
        self,
        store: QueueFiles,
        live: Mapping[int, Job],
        ended: Sequence[int] = (),
        view: ClusterView | None = None,
        locks: LockStatus | None = None,
    ) -> None:
        self._store = store
        self._live = live
        self._ended = ended
        self._view = view
        self._locks = locks

    @property
    def view(self) -> ClusterView:
        """The configuration."""
        if self._view is None:
            raise MissingPartError("configuration")
        return self._view

    @property
    def observer(self) -> Observer:
        """Live facts about nodes and instances, by the embedded default."""
        return ConfiguredObserver()

    def lock_status(self) -> LockStatus:
        """Return who owns and who waits for locks."""
        if self._locks is None:
            raise MissingPartError("locks")
        return self._locks

    def job_ids(self, *, archived: bool) -> Sequence[int]:
        """Return all ids, in order."""
        ids = {*self._live, *self._ended}
        if archived:
            ids.update(self._store.archived_ids())
        return sorted(ids)

    def job(self, job_id: int, *, archived: bool) -> tuple[Job, bool] | None:
        """Return a job and whether it is archived; None if there is no such job."""
        found = self._live.get(job_id)
        return (found, False) if found is not None else self._store.read(job_id, archived=archived)
