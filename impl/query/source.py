"""What queries are answered from. The daemon supplies a `Source`; evaluation itself does no I/O of its own."""

from collections.abc import Sequence
from typing import Any, Protocol

from impl.cluster.view import ClusterView
from impl.hypervisor.facts import Observer
from spec.jobs.model import Job

LockStatus = tuple[Sequence[Any], Sequence[Any]]
"""wconfd's answer to `listLocksWaitingStatus`: locks with owners, and waiting requests."""


class Source(Protocol):
    """A consistent picture of the cluster, taken when the query came in.

    Only what `impl.query.needs` names for a query has to be there.
    """

    @property
    def view(self) -> ClusterView:
        """The configuration."""

    @property
    def observer(self) -> Observer:
        """Live facts about nodes and instances."""

    def job_ids(self, *, archived: bool) -> Sequence[int]:
        """Return the ids of the jobs in the queue, and of the archived ones too if asked for, in order."""

    def job(self, job_id: int, *, archived: bool) -> tuple[Job, bool] | None:
        """Return a job and whether it is archived; None if there is none, or only an unasked archived one."""

    def lock_status(self) -> LockStatus:
        """Return who owns and who waits for locks."""
