"""The queue's core: `JobQueue.step(event, now)` changes the queue and returns the effects. Twin of `spec.jobs.queue`.

It is deterministic and knows no clock, file or process. Unlike the specification's value it is changed in place, so
that a step costs by what changed and not by the queue's length: `snapshot` gives the value to compare.

With one slot the first of two jobs is started, and the second one when the first has ended:

>>> from spec.jobs.model import Opcode
>>> queue = JobQueue()
>>> queue.max_running = 1
>>> delay = {"OP_ID": "OP_TEST_DELAY", "duration": 1}
>>> effects = queue.step(Submit(((delay,), (delay,)), now=(0, 0)), now=(0, 0))
>>> [effect for effect in effects if isinstance(effect, Reply | Launch)]
[Reply(result=[[True, 1], [True, 2]]), Launch(id=1)]
>>> queue.step(Owned(1, "/livelocks/job_1"), now=(1, 0))[-1]
Confirm(id=1)
>>> ended = Job(1, (Opcode(delay, Status.SUCCESS),))
>>> queue.step(Changed(ended), now=(2, 0))[-1]
Launch(id=2)
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from impl.queue.filters import RuleSet
from impl.queue.indexes import Ended, Indexes, never_archived
from impl.queue.status import job_status
from impl.queue.submission import resolved
from impl.queue.transitions import canceled_job, dead_job, failed_job, new_job, reprioritised
from spec.jobs.events import (
    Abort,
    Archive,
    AutoArchive,
    Cancel,
    Changed,
    ChangePriority,
    CleanLocks,
    Configure,
    Confirm,
    Died,
    Effect,
    Event,
    Fail,
    Launch,
    Move,
    NotStarted,
    Owned,
    Persist,
    Refused,
    Reply,
    SetDrain,
    SetDrainFile,
    Signal,
    Submit,
)
from spec.jobs.model import QUEUE_LIMIT, Job, Status, Timestamp


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The queue as a value, for comparison with the specification and for reports."""

    serial: int
    drained: bool
    max_running: int
    queued: tuple[Job, ...]
    running: tuple[Job, ...]
    starting: frozenset[int]
    ended: tuple[tuple[int, Status], ...]


class JobQueue(Indexes):
    """The queue.

    Args:
        livelock: the daemon's own live-lock, named in the file of a job while it is handed over.
        archived: the final status of an archived job, None if there is no such job.
    """

    def __init__(self, livelock: str = "luxid", archived: Callable[[int], Status | None] = never_archived) -> None:
        self.livelock = livelock
        self.serial = 0
        self.drained = False
        self.max_running = 20
        super().__init__(archived)
        self._begin()

    # ---- reading

    def snapshot(self) -> Snapshot:
        """Return the queue's value; takes time linear in the number of its jobs."""
        return Snapshot(
            self.serial,
            self.drained,
            self.max_running,
            tuple(self.queued[job_id] for job_id in sorted(self.queued)),
            tuple(self.running[job_id] for job_id in sorted(self.running)),
            frozenset(self.starting),
            tuple((job_id, self.ended[job_id].status) for job_id in sorted(self.ended)),
        )

    def live(self, job_id: int) -> Job | None:
        """Return a job that has not ended; None if there is none."""
        return self.queued.get(job_id) or self.running.get(job_id)

    # ---- the step

    def step(self, event: Event, now: Timestamp) -> tuple[Effect, ...]:
        """Apply an event, end the jobs that can never run, fill the free slots.

        Args:
            event: what happened.
            now: the time, for jobs that end without having run.

        Returns:
            What the daemon has to do, in this order.

        Raises:
            Exception: a fault of ours; nothing changed.
        """
        self._begin()
        try:
            return self._step(event, now)
        except BaseException:
            self.undo()
            raise

    def _begin(self) -> None:
        for jobs in (self.queued, self.running, self.ended):
            jobs.begin()
        self._before = self.serial, self.drained, self.max_running, self._rules, set(self.starting)

    def undo(self) -> None:
        """Be again what it was before the last step: it raised, or nothing of it could be carried out."""
        for jobs in (self.queued, self.running, self.ended):
            jobs.undo()
        self.serial, self.drained, self.max_running, self._rules, starting = self._before
        self.starting = set(starting)
        self._reindex()

    def _step(self, event: Event, now: Timestamp) -> tuple[Effect, ...]:
        effects = self._apply(event)
        changed: list[Job] = []
        self._settle(changed, now)
        launches = self._start(changed)
        if changed:
            changed.sort(key=lambda job: job.id)
            return (*effects, Persist(tuple(changed)), *launches)
        return effects

    def _apply(self, event: Event) -> tuple[Effect, ...]:
        match event:
            case Submit():
                return self._submit(event)
            case Owned(job_id, livelock):
                if job_id not in self.starting:
                    return (Abort(job_id),)
                self.starting.discard(job_id)
                job = self.running[job_id] = replace(self.running[job_id], livelock=livelock)
                return (Persist((job,)), Confirm(job_id))
            case NotStarted(job_id, now, text):
                return self._not_started(job_id, now, text)
            case Changed(job):
                if job.id not in self.running or job.id in self.starting:
                    return ()
                if job_status(job).finalised:
                    self._end(job)
                else:
                    self.running[job.id] = job
                return ()
            case Died(job, now):
                if job.id not in self.running or job.id in self.starting:
                    return ()
                dead = dead_job(job, now)
                self._end(dead)
                return (CleanLocks(),) if dead is job else (Persist((dead,)), CleanLocks())
            case Cancel(job_id, now, kill):
                if job_id in self.queued:
                    canceled = canceled_job(self.queued[job_id], now)
                    self._end(canceled)
                    return (Persist((canceled,)), Reply([True, f"Dequeued job {job_id}"]))
                if job_id in self.running:
                    return (Signal(job_id, "kill" if kill else "cancel"),)
                return (Reply([False, f"Job {job_id} not found in queue"]),)
            case ChangePriority(job_id, priority):
                if job_id in self.queued:
                    job = self.queued[job_id] = reprioritised(self.queued[job_id], priority)
                    if job_id not in self._blocked and job_id not in self._paused:
                        self._invite(job)
                    text = f"Priorities of pending opcodes for job {job_id} have been changed to {priority}"
                    return (Persist((job,)), Reply([True, text]))
                if job_id in self.running:
                    return (Signal(job_id, "priority", priority),)
                return (Reply([False, f"Job {job_id} not found in queue"]),)
            case Archive(job_id):
                if self.ended.pop(job_id, None) is None:
                    return (Reply(False),)
                return (Move((job_id,)), Reply(True))
            case AutoArchive(before, limit):
                return self._auto_archive(before, limit)
            case SetDrain(drained):
                self.drained = drained
                return (SetDrainFile(drained), Reply(True))
            case Configure(max_running, rules):
                self.max_running = max_running
                compiled = RuleSet(rules)
                if compiled.rules != self._rules.rules:
                    self._rules = compiled
                    self._reindex()
                return ()

    def _submit(self, event: Submit) -> tuple[Effect, ...]:
        if self.drained and not event.force:
            return (Fail("GenericError", ("Queue drained",)),)
        if len(self.queued) + len(event.jobs) > QUEUE_LIMIT:
            return (Fail("JobQueueFull", (f"The job queue holds {len(self.queued)} jobs: try again later",)),)
        answers: list[list[Any]] = []
        ids: list[int | None] = []
        jobs: list[Job] = []
        for position, inputs in enumerate(event.jobs):
            found = resolved(inputs, position, ids)
            if isinstance(found, Refused):
                ids.append(None)
                answers.append([False, found.text])
                continue
            self.serial += 1
            jobs.append(new_job(self.serial, found, event.now))
            ids.append(self.serial)
            answers.append([True, self.serial])
        self._enqueue(jobs)
        return (Persist(tuple(jobs), self.serial), Reply(answers)) if jobs else (Reply(answers),)

    def _not_started(self, job_id: int, now: Timestamp, text: str | None) -> tuple[Effect, ...]:
        if job_id not in self.starting:
            return ()
        job = replace(self.running[job_id], livelock=None)
        if text is not None:
            reason = f"job {job_id} failed to start: {text}"
            failed = failed_job(job, "gnt:daemon:luxid:startjobs", reason, now)
            self._end(failed)
            return (Persist((failed,)),)
        self.starting.discard(job_id)
        self._release(job_id)
        del self.running[job_id]
        self._enqueue([job])
        return (Persist((job,)),)

    def _auto_archive(self, before: Timestamp | None, limit: int | None) -> tuple[Effect, ...]:
        found = sorted(
            job_id
            for job_id, ended in self.ended.items()
            if before is None or (ended.end is not None and ended.end < before)
        )
        left = 0 if limit is None else max(0, len(found) - limit)
        ids = tuple(found[: len(found) - left])
        for job_id in ids:
            del self.ended[job_id]
        return (*((Move(ids),) if ids else ()), Reply([len(ids), left]))

    # ---- entering and leaving

    def _enqueue(self, jobs: Iterable[Job]) -> None:
        """Add jobs; all are known before any dependency is looked at."""
        entered = []
        for job in jobs:
            if job.ops:
                self.queued[job.id] = job
                entered.append(job)
            else:
                self.ended[job.id] = Ended(Status.SUCCESS, None)
        for job in entered:
            self._index(job)

    def _end(self, job: Job) -> None:
        """Note that a job, queued or running, ended; `job` has its final state."""
        if job.id in self.running:
            self._release(job.id)
            del self.running[job.id]
            self.starting.discard(job.id)
        else:
            self._forget(job.id)
            del self.queued[job.id]
            for bucket in self._buckets.pop(job.id, ()):
                self._invite_from(bucket)
        self.ended[job.id] = Ended(job_status(job), job.end_timestamp or job.start_timestamp)
        for dependent in sorted(self._dependents.pop(job.id, ())):
            waits = self._blocked[dependent]
            waits.discard(job.id)
            if not waits:
                del self._blocked[dependent]
                self._unblocked(self.queued[dependent])

    # ---- choice

    def _settle(self, changed: list[Job], now: Timestamp) -> None:
        """End the queued jobs that a rule rejects or a dependency rules out."""
        while self._doomed:
            job = self.queued.get(self._doomed.pop())
            if job is None:
                continue
            rule = self._rules.applying(job)
            verdict = self._verdict(job)
            if rule is not None and rule.action == "REJECT":
                ended = canceled_job(job, now)
            elif verdict is not None and verdict[0] is Status.CANCELED:
                ended = canceled_job(job, now, verdict[1])
            elif verdict is not None:
                text = verdict[1]
                ended = failed_job(job, "gnt:daemon:luxid:dependency", text, now, ["OpExecError", [text]])
            else:
                continue
            self._end(ended)
            changed.append(ended)

    def _start(self, changed: list[Job]) -> list[Launch]:
        """Fill the free slots."""
        launches = []
        while self._ready and len(self.running) < self.max_running:
            key = heapq.heappop(self._ready)
            job_id = key[1]
            if self._place.get(job_id) != key:
                continue
            mine = self._buckets.get(job_id, ())
            full = next((bucket for bucket in mine if self._taken[bucket] >= self._limit[bucket]), None)
            if full is not None:
                self._place[job_id] = full
                heapq.heappush(self._held[full], key)
                for bucket in mine:
                    if bucket != full:
                        self._invite_from(bucket)
                continue
            del self._place[job_id]
            self._taken.update(mine)
            job = self.running[job_id] = replace(self.queued.pop(job_id), livelock=self.livelock)
            self.starting.add(job_id)
            changed.append(job)
            launches.append(Launch(job_id))
        return launches

    # ---- recovery

    def recover(self, jobs: Iterable[Job], dead: Callable[[str], bool], now: Timestamp) -> tuple[Job, ...]:
        """Take in what the live job files hold, as `spec.jobs.queue.recovered` says; `step` does the rest.

        Args:
            jobs: what the files hold; read one by one, so that they need not be in memory together.
            dead: whether the owner of a live-lock is dead.
            now: the time.

        Returns:
            The jobs whose files have to be written again.
        """
        rewritten = []
        for job in jobs:
            self.serial = max(self.serial, job.id)
            status = job_status(job)
            if status.finalised:
                self.ended[job.id] = Ended(status, job.end_timestamp or job.start_timestamp)
            elif job.livelock is not None and not dead(job.livelock):
                self.running[job.id] = job
            elif all(op.status is Status.QUEUED for op in job.ops):
                if job.livelock is not None or job.process_id is not None:
                    job = replace(job, livelock=None, process_id=None)  # noqa: PLW2901 - queued again
                    rewritten.append(job)
                self.queued[job.id] = job
            else:
                failed = dead_job(job, now)
                self.ended[job.id] = Ended(job_status(failed), failed.end_timestamp)
                rewritten.append(failed)
        self._reindex()
        return tuple(sorted(rewritten, key=lambda job: job.id))
