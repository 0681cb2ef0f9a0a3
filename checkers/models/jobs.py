"""`spec.jobs` within bounds: a few jobs of a few kinds and everything that can happen to them; the sides for lock-step.

A label is an `Occurrence`: an event, or a restart of the daemon that finds some owners of live-locks dead. All events
have the same time, so that histories do not differ in time only.
"""

import copy
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from checkers.exploration.explore import Exploration, explore
from checkers.exploration.lockstep import Side
from impl.queue.queue import JobQueue, Snapshot
from impl.queue.status import job_status
from spec.jobs import queue as spec_queue
from spec.jobs.events import (
    Archive,
    AutoArchive,
    Cancel,
    Changed,
    ChangePriority,
    Configure,
    Died,
    Effect,
    Event,
    Move,
    NotStarted,
    Owned,
    SetDrain,
    Submit,
)
from spec.jobs.model import FilterRule, Job, Status, Timestamp
from spec.jobs.properties import STATE_PROPERTIES, STEP_PROPERTIES, lost
from spec.jobs.queue import Queue, recovered

NOW: Timestamp = (1, 0)
LUXID = "luxid"


@dataclass(frozen=True, slots=True)
class Restart:
    """The daemon was killed and starts again; the owners of these live-locks, and of its own, are dead."""

    dead: frozenset[str]


Occurrence = Event | Restart
Step = Callable[[Queue, Event, Timestamp], tuple[Queue, tuple[Effect, ...]]]


def job_of(priority: int = 0, depends: Any = None, label: str = "", opcodes: int = 1) -> tuple[dict[str, Any], ...]:
    """Make the opcodes of a job to submit; the first has the dependency and the label."""
    first = {
        "OP_ID": "OP_TEST_DELAY",
        "priority": priority,
        "depends": depends,
        "reason": [["user", f"rate-limit:{label}", 0]] if label else [],
    }
    rest = {"OP_ID": "OP_TEST_DUMMY", "priority": 0, "depends": None, "reason": []}
    return (first, *([rest] * (opcodes - 1)))


PLAIN = job_of()
URGENT = job_of(priority=-10)
AFTER = job_of(depends=[[-1, ["success"]]])
AFTER_ANY = job_of(depends=[[-1, []]])
LIMITED = job_of(label="1:a")
TWO_OPCODES = job_of(opcodes=2)

PAUSED = FilterRule("p", 0, 0, (("jobid", ["=", "id", 1]),), "PAUSE")
REJECTED = FilterRule("r", 1, 0, (("jobid", ["=", "id", 2]),), "REJECT")
ONE_AT_A_TIME = FilterRule("l", 0, 0, (("opcode", ["=", "OP_ID", "OP_TEST_DELAY"]),), "RATE_LIMIT", 1)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of the exploration.

    Attributes:
        jobs: how many ids are given out at most.
        submissions: the jobs that may be submitted together.
        settings: the cluster parameters that may be set.
        priorities: that a client may change to.
        outcomes: the statuses that an opcode may get in a changed file.
        restarts: whether the daemon may be killed.
        archives: whether jobs may be archived.
        drains: whether the queue may be drained.
        slots: `max_running` at the start.
    """

    jobs: int = 2
    submissions: tuple[tuple[tuple[dict[str, Any], ...], ...], ...] = ((PLAIN,), (PLAIN, AFTER))
    settings: tuple[tuple[int, tuple[FilterRule, ...]], ...] = ()
    priorities: tuple[int, ...] = ()
    outcomes: tuple[Status, ...] = (Status.WAITING, Status.RUNNING, Status.SUCCESS, Status.ERROR, Status.CANCELED)
    restarts: bool = True
    archives: bool = False
    drains: bool = False
    slots: int = 1

    def initial(self) -> Queue:
        """Return the empty queue."""
        return Queue(max_running=self.slots)

    def occurrences(self, queue: Queue) -> Iterable[Occurrence]:
        """Yield everything that can happen in a state."""
        for jobs in self.submissions:
            if queue.serial + len(jobs) <= self.jobs:
                yield Submit(jobs, NOW)
                if queue.drained:
                    yield Submit(jobs, NOW, force=True)
        for job in queue.running:
            if job.id in queue.starting:
                yield Owned(job.id, lock_of(job.id))
                yield NotStarted(job.id, NOW)
                yield NotStarted(job.id, NOW, "no memory")
            else:
                for outcome in self.outcomes:
                    if (changed := progressed(job, outcome)) != job:
                        yield Changed(changed)
                yield Died(job, NOW)
        for job_id in range(1, self.jobs + 1):
            yield Cancel(job_id, NOW)
            for priority in self.priorities:
                yield ChangePriority(job_id, priority)
            if self.archives:
                yield Archive(job_id)
        if self.archives:
            yield AutoArchive(None, 1)
        if self.drains:
            yield SetDrain(not queue.drained)
        for max_running, rules in self.settings:
            yield Configure(max_running, rules)
        if self.restarts:
            locks = [lock_of(job.id) for job in queue.running if job.id not in queue.starting]
            for count in range(len(locks) + 1):
                yield Restart(frozenset(locks[:count]))


def lock_of(job_id: int) -> str:
    """Return the live-lock of a job's process."""
    return f"/job-{job_id}"


_BACKWARDS = {Status.RUNNING: Status.WAITING}


def progressed(job: Job, outcome: Status) -> Job:
    """Set the first opcode that has not ended to a status, as the job's process would write it."""
    ops = list(job.ops)
    for index, op in enumerate(ops):
        if op.status.finalised:
            continue
        if _BACKWARDS.get(op.status) == outcome:
            break
        ops[index] = replace(op, status=outcome, end_timestamp=NOW if outcome.finalised else None)
        if outcome in {Status.ERROR, Status.CANCELED}:
            ops[index + 1 :] = [replace(rest, status=outcome) for rest in ops[index + 1 :]]
        break
    done = all(op.status.finalised for op in ops)
    return replace(job, ops=tuple(ops), process_id=1, end_timestamp=NOW if done else None)


# ---- the specification


def spec_step(rules: Step = spec_queue.step) -> Callable[[Queue, Occurrence], tuple[Queue, tuple[Any, ...]]]:
    """Return the specification's step over occurrences."""

    def step(queue: Queue, occurrence: Occurrence) -> tuple[Queue, tuple[Any, ...]]:
        if not isinstance(occurrence, Restart):
            return rules(queue, occurrence, NOW)
        empty = replace(queue, queued=(), running=(), starting=frozenset(), ended=(), max_running=0)
        found, rewritten = recovered(empty, queue.queued + queue.running + queue.ended, _dead(occurrence), NOW)
        after, effects = rules(found, Configure(queue.max_running, queue.rules), NOW)
        return after, (rewritten, *effects)

    return step


def _dead(occurrence: Restart) -> frozenset[str]:
    return occurrence.dead | {LUXID}


def key_of(queue: Queue) -> Hashable:
    """Return a key that distinguishes two states of the specification."""
    return msgspec.json.encode((replace(queue, starting=frozenset()), sorted(queue.starting)))


def wrong_state(queue: Queue) -> str | None:
    """Name the property that a state breaks; None if none."""
    return next((f"{name}: {text}" for name, holds in STATE_PROPERTIES.items() if (text := holds(queue))), None)


def wrong_step(before: Queue, occurrence: Occurrence, after: Queue, answer: Any) -> str | None:
    """Name the property that a step breaks; None if none."""
    if isinstance(occurrence, Restart):
        return wrong_restart(before, after)
    for name, holds in STEP_PROPERTIES.items():
        text = holds(before, occurrence, after, answer)
        if text is not None:
            return f"{name}: {text}"
    return None


def wrong_restart(before: Queue, after: Queue) -> str | None:
    """Say what a restart lost or ran again; None if nothing."""
    missing = lost(before, after)
    if missing is not None:
        return f"a restart loses nothing: {missing}"
    for job in before.running:
        if job in after.running and job.id in after.starting and any(op.status != Status.QUEUED for op in job.ops):
            return f"a restart runs nothing twice: job {job.id} is launched again"
    return None


def explored(bounds: Bounds, rules: Step = spec_queue.step, **how: Any) -> Exploration[Queue, Occurrence]:
    """Explore the specification within bounds, with every property checked on every state and step."""
    step = spec_step(rules)
    answers: dict[tuple[int, int], Any] = {}

    def successors(queue: Queue) -> Iterable[tuple[Occurrence, Queue]]:
        for occurrence in bounds.occurrences(queue):
            after, answer = step(queue, occurrence)
            answers[id(queue), id(after)] = answer
            yield occurrence, after

    def step_holds(before: Queue, occurrence: Occurrence, after: Queue) -> str | None:
        return wrong_step(before, occurrence, after, answers.pop((id(before), id(after))))

    return explore(
        [bounds.initial()],
        successors,
        holds={"state": wrong_state},
        steps_hold={"steps": step_holds},
        key=key_of,
        **how,
    )


# ---- the implementation


def _copied(value: Any) -> Any:
    """Copy a container with its inner containers; return other values unchanged. Faster than `copy.deepcopy`."""
    if isinstance(value, dict):
        inner = value.copy()  # keeps its class and its default for missing keys
        inner.update((key, _copied(part)) for key, part in value.items() if isinstance(part, dict | list | set))
        return inner
    if isinstance(value, list):
        return [_copied(part) for part in value]
    return value.copy() if isinstance(value, set) else value


class Clever:
    """The implementation's queue and the archive."""

    def __init__(self, kind: type[JobQueue], slots: int) -> None:
        self.archive: dict[int, Status] = {}
        self.kind = kind
        self.queue = self._made()
        self.queue.max_running = slots

    def _made(self) -> JobQueue:
        return self.kind(LUXID, self._status)

    def copied(self) -> "Clever":
        """Return a copy; it shares what is never changed in place (jobs, compiled rules)."""
        other, queue = copy.copy(self), copy.copy(self.queue)
        vars(queue).update((name, _copied(value)) for name, value in vars(self.queue).items())
        other.archive, other.queue = dict(self.archive), queue
        if queue._archived == self._status:  # noqa: SLF001 - a planted bug may ask another
            queue._archived = other._status  # noqa: SLF001
        return other

    def _status(self, job_id: int) -> Status | None:
        return self.archive.get(job_id)

    def take(self, occurrence: Occurrence, jobs: Iterable[Job]) -> tuple[Any, ...]:
        """Perform an occurrence; `jobs` are the contents of the files at a restart."""
        if isinstance(occurrence, Restart):
            old = self.queue
            self.queue = self._made()
            self.queue.serial, self.queue.drained, self.queue.max_running = old.serial, old.drained, 0
            rewritten = self.queue.recover(jobs, _dead(occurrence).__contains__, NOW)
            rules = old._rules.rules  # noqa: SLF001 - the checker looks inside
            return (rewritten, *self.queue.step(Configure(old.max_running, rules), NOW))
        before = {job_id: ended.status for job_id, ended in self.queue.ended.items()}
        effects = self.queue.step(occurrence, NOW)
        for effect in effects:
            if isinstance(effect, Move):
                self.archive.update({job_id: before[job_id] for job_id in effect.ids})
        return effects


@dataclass(frozen=True, slots=True)
class _State:
    """An implementation's state, and the files that a restart reads."""

    clever: Clever
    files: tuple[Job, ...]


def _after(state: _State, occurrence: Occurrence) -> tuple[_State, tuple[Any, ...]]:
    clever = state.clever.copied()
    answer = clever.take(occurrence, state.files)
    files = {job.id: job for job in state.files}
    written = [job for effect in answer if hasattr(effect, "jobs") for job in effect.jobs]
    if isinstance(occurrence, Restart):
        written = [*answer[0], *written]
    if isinstance(occurrence, Changed | Died) and occurrence.job.id in files:
        files[occurrence.job.id] = occurrence.job
    files.update({job.id: job for job in written})
    for job_id in clever.archive:
        files.pop(job_id, None)
    return _State(clever, tuple(files[job_id] for job_id in sorted(files))), answer


def _view(state: _State) -> Snapshot:
    return state.clever.queue.snapshot()


def _spec_view(queue: Queue) -> Snapshot:
    return Snapshot(
        queue.serial,
        queue.drained,
        queue.max_running,
        queue.queued,
        queue.running,
        queue.starting,
        tuple((job.id, job_status(job)) for job in queue.ended),
    )


def _indexes(state: _State) -> Hashable:
    """Return the implementation's indexes, without entries that are known to be stale."""
    q = state.clever.queue
    ready = sorted({key for key in q._ready if q._place.get(key[1]) == key})  # noqa: SLF001
    held = {
        bucket: sorted({key for key in heap if q._place.get(key[1]) == bucket})  # noqa: SLF001
        for bucket, heap in q._held.items()  # noqa: SLF001
    }
    parts = (
        ready,
        sorted(held.items()),
        sorted((job_id, str(place)) for job_id, place in q._place.items()),  # noqa: SLF001
        sorted((job_id, sorted(waits)) for job_id, waits in q._blocked.items()),  # noqa: SLF001
        sorted((job_id, sorted(rest)) for job_id, rest in q._dependents.items() if rest),  # noqa: SLF001
        sorted(q._buckets.items()),  # noqa: SLF001
        sorted((bucket, count) for bucket, count in q._taken.items() if count),  # noqa: SLF001
        sorted(q._paused),  # noqa: SLF001
        sorted(state.clever.archive),
    )
    return repr(parts)  # the view is the specification's, because both agree


def _unsound(state: _State) -> str | None:
    """Say which of the indexes' invariants, as stated in `impl.queue.queue`, is broken; None if none."""
    q = state.clever.queue
    if set(q._place) != set(q.queued):  # noqa: SLF001
        return "a queued job is in no index, or a job that is not queued is in one"
    for job_id, waits in q._blocked.items():  # noqa: SLF001
        if not waits or any(job_id not in q._dependents.get(target, ()) for target in waits):  # noqa: SLF001
            return f"job {job_id} waits for what does not know it"
    ready = {job_id for job_id, place in q._place.items() if isinstance(place, tuple) and isinstance(place[0], int)}  # noqa: SLF001
    if not ready <= {job_id for _, job_id in q._ready}:  # noqa: SLF001
        return "a ready job is not in the heap"
    for bucket, limit in q._limit.items():  # noqa: SLF001
        held = [job_id for job_id, place in q._place.items() if place == bucket]  # noqa: SLF001
        if held and q._taken[bucket] < limit and not any(bucket in q._buckets.get(j, ()) for j in ready):  # noqa: SLF001
            return f"{bucket} has room, and nobody of those it holds was invited"
    taken = sum(len(q._buckets.get(job_id, ())) for job_id in q.running)  # noqa: SLF001
    if taken != sum(q._taken.values()):  # noqa: SLF001
        return "the rate limits are miscounted"
    return None


def sides(
    bounds: Bounds | None = None, rules: Step = spec_queue.step, kind: type[JobQueue] = JobQueue
) -> tuple[Side[Queue, Occurrence], Side[_State, Occurrence]]:
    """Return both sides: the specification and the implementation."""
    slots = (bounds or Bounds()).slots
    plain: Side[Queue, Occurrence] = Side(
        "spec.jobs.queue", Queue(max_running=slots), spec_step(rules), _spec_view, key_of, wrong_state
    )
    clever: Side[_State, Occurrence] = Side(
        "impl.queue", _State(Clever(kind, slots), ()), _after, _view, _indexes, _unsound
    )
    return plain, clever
