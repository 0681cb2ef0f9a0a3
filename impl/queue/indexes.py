"""Indexes of the queue: which job is next, which job waits for which, which limits are full.

The indexes, and what keeps them true:
* `_ready` is a heap of (priority, id) of jobs that nothing but a slot keeps from starting, as far as is known. Entries
  may be stale; an entry counts only if `_place[id]` equals it.
* `_blocked` maps a job to the unfinished jobs that it waits for, `_dependents` is the reverse. A job leaves both when
  the last of them ends.
* `_held` has one heap for each exhausted rate limit ("bucket"). While a bucket has room, its best held jobs have been
  invited back into `_ready`: one for each slot given back or invitation not used.
* `_paused` are jobs that a PAUSE rule holds; only new rules free them.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from impl.queue.filters import RuleSet, buckets
from impl.queue.recorded import Recorded
from impl.queue.status import dependencies, job_priority
from spec.jobs.model import Job, Status, Timestamp

Bucket = tuple[str, str]
"""A rate limit: ("rule", uuid of a filter) or ("label", label of a reason trail)."""

Key = tuple[int, int]
"""Priority and id: the order of choice."""

READY, BLOCKED, PAUSED = "ready", "blocked", "paused"


@dataclass(frozen=True, slots=True)
class Ended:
    """What is kept of a job that has ended: the file has the rest."""

    status: Status
    end: Timestamp | None


def never_archived(_: int) -> Status | None:
    """Return None: the archive of a queue that has none."""
    return None


class Indexes:
    """The jobs, and where each stands.

    Args:
        archived: the final status of an archived job, None if there is no such job.
    """

    def __init__(self, archived: Callable[[int], Status | None]) -> None:
        self.queued: Recorded[Job] = Recorded()
        self.running: Recorded[Job] = Recorded()
        self.starting: set[int] = set()
        self.ended: Recorded[Ended] = Recorded()
        self._archived = archived
        self._rules = RuleSet(())
        self._ready: list[Key] = []
        self._place: dict[int, Key | str | Bucket] = {}
        self._blocked: dict[int, set[int]] = {}
        self._dependents: dict[int, set[int]] = defaultdict(set)
        self._buckets: dict[int, tuple[Bucket, ...]] = {}
        self._limit: dict[Bucket, int] = {}
        self._taken: Counter[Bucket] = Counter()
        self._held: dict[Bucket, list[Key]] = defaultdict(list)
        self._paused: set[int] = set()
        self._doomed: list[int] = []

    def _index(self, job: Job) -> None:
        """File a queued job under what keeps it from starting."""
        rule = self._rules.applying(job)
        mine: list[Bucket] = []
        if rule is not None and rule.action == "RATE_LIMIT":
            mine.append(("rule", rule.uuid))
            self._limit["rule", rule.uuid] = rule.limit
        for label, limit in buckets(job).items():
            mine.append(("label", label))
            self._limit["label", label] = limit
        if mine:
            self._buckets[job.id] = tuple(mine)
        if job.id in self.running:
            self._taken.update(mine)
            return
        if rule is not None and rule.action == "REJECT":
            self._doomed.append(job.id)
            return
        if rule is not None and rule.action == "PAUSE":
            self._paused.add(job.id)
        waits = {
            target
            for target, _ in dependencies(job)
            if target != job.id and (target in self.queued or target in self.running)
        }
        if waits:
            self._blocked[job.id] = waits
            self._place[job.id] = BLOCKED
            for target in waits:
                self._dependents[target].add(job.id)
        else:
            self._unblocked(job)

    def _unblocked(self, job: Job) -> None:
        """Note that a queued job's dependencies have all ended: it can start, is paused, or can never start."""
        if self._verdict(job) is not None:
            self._doomed.append(job.id)
        elif job.id in self._paused:
            self._place[job.id] = PAUSED
        else:
            self._invite(job)

    def _invite(self, job: Job) -> None:
        key = (job_priority(job), job.id)
        self._place[job.id] = key
        heapq.heappush(self._ready, key)

    def _forget(self, job_id: int) -> None:
        """Take a job out of every index of queued jobs."""
        self._place.pop(job_id, None)
        self._paused.discard(job_id)
        for target in self._blocked.pop(job_id, ()):
            self._dependents[target].discard(job_id)

    def _release(self, job_id: int) -> None:
        """Give a running job's rate-limit slots back."""
        for bucket in self._buckets.pop(job_id, ()):
            self._taken[bucket] -= 1
            self._invite_from(bucket)

    def _invite_from(self, bucket: Bucket) -> None:
        held = self._held.get(bucket)
        if held is None or self._taken[bucket] >= self._limit[bucket]:
            return
        while held:
            priority, job_id = heapq.heappop(held)
            if self._place.get(job_id) == bucket and job_priority(self.queued[job_id]) == priority:
                self._invite(self.queued[job_id])
                break
        if not held:
            del self._held[bucket]

    def _reindex(self) -> None:
        """Index every job again: the rules changed, or the queue was just read."""
        self._ready.clear()
        self._place.clear()
        self._blocked.clear()
        self._dependents.clear()
        self._buckets.clear()
        self._limit.clear()
        self._taken.clear()
        self._held.clear()
        self._paused.clear()
        self._doomed.clear()
        for job in self.running.values():
            self._index(job)
        for job in list(self.queued.values()):
            self._index(job)

    def _verdict(self, job: Job) -> tuple[Status, str] | None:
        """Return how ended dependencies end a job, as its status and the reason; None if all are fulfilled."""
        for target, accepted in dependencies(job):
            if target == job.id:
                return Status.ERROR, "Job can't depend on itself"
            known = self.ended.get(target)
            status = known.status if known is not None else self._archived(target)
            if status is None:
                return Status.ERROR, f"Dependency error: Job {target} not found"
            if status is Status.CANCELED and status not in accepted:
                return Status.CANCELED, f"Dependency job {target} was cancelled"
            if accepted and status not in accepted:
                text = (
                    f"Dependency job {target} finished with status '{status}',"
                    f" not one of '{', '.join(accepted)}' as required"
                )
                return Status.ERROR, text
        return None
