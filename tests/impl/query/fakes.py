from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from impl.cluster.view import ClusterView
from impl.hypervisor.facts import ConfiguredObserver
from impl.query.source import LockStatus
from spec.jobs.model import Job


@dataclass
class FakeSource:
    config: dict[str, Any]
    live: dict[int, Job] = field(default_factory=dict)
    archive: dict[int, Job] = field(default_factory=dict)
    locks: LockStatus = ((), ())
    observer: ConfiguredObserver = field(default_factory=ConfiguredObserver)

    @property
    def view(self) -> ClusterView:
        return ClusterView(self.config)

    def job_ids(self, *, archived: bool) -> Sequence[int]:
        return sorted([*self.live, *(self.archive if archived else ())])

    def job(self, job_id: int, *, archived: bool) -> tuple[Job, bool] | None:
        if job_id in self.live:
            return self.live[job_id], False
        return (self.archive[job_id], True) if archived and job_id in self.archive else None

    def lock_status(self) -> LockStatus:
        return self.locks
