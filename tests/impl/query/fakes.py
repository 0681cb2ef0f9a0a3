"""A source of answers for the tests of queries, and what they ask of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from impl.cluster.view import ClusterView
from impl.hypervisor.facts import ConfiguredObserver
from impl.query import run_query
from impl.query.source import LockStatus
from spec.jobs.model import Job
from tests.impl.clusters import make_config


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


def office() -> FakeSource:
    """Four nodes, and three instances, one of which is not mirrored."""
    return FakeSource(make_config(instances={"web1.example.com": (1, 2), "web10.example.com": (2, 1), "db": (3, None)}))


def entries(source: FakeSource, what: str, fields: list[str], qfilter: Any = None) -> list[list[tuple[int, Any]]]:
    """Return statuses and values; an answer must be JSON."""
    answer = run_query(what, fields, qfilter, source)
    json.dumps(answer)
    return [[tuple(entry) for entry in row] for row in answer["data"]]


def rows(source: FakeSource, what: str, fields: list[str], qfilter: Any = None) -> list[list[Any]]:
    """Return the values."""
    return [[value for _, value in row] for row in entries(source, what, fields, qfilter)]
