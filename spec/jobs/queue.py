"""How the queue behaves: submission, eligibility, choice, cancel, priority, death, archive, drain.

`step(queue, event, now)` is the definition; `impl.queue.queue` is the fast twin. A step applies the event, ends the
jobs that can never run, and then fills the free slots.

`spec.jobs.properties` states what must hold of every state and step.

Source: design-daemons, design-chained-jobs, design-optables, observed behaviour of the queue of Ganeti 3.0.2.
Deviations: relative dependencies refer only to the same submission; a job whose dependency failed ends as a whole,
without a process; one whose dependency was cancelled names it.

>>> from spec.jobs.events import Owned, Submit
>>> delay = {"OP_ID": "OP_TEST_DELAY"}
>>> queue, effects = step(Queue(max_running=1), Submit(((delay,), (delay,)), now=(100, 0)), now=(100, 0))
>>> [type(effect).__name__ for effect in effects]  # to be done in this order
['Persist', 'Reply', 'Persist', 'Launch']
>>> effects[1].result  # the ids
[[True, 1], [True, 2]]
>>> [job.id for job in queue.running], [job.id for job in queue.queued]
([1], [2])
>>> queue, effects = step(queue, Owned(1, "/run/job1.lock"), now=(101, 0))
>>> queue.running[0].livelock
'/run/job1.lock'
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

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
from spec.jobs.filters import applying, buckets
from spec.jobs.model import QUEUE_LIMIT, FilterRule, Job, Status, Timestamp
from spec.jobs.rules import (
    archivable,
    canceled_job,
    dead_job,
    dependencies,
    failed_job,
    job_priority,
    job_status,
    new_job,
    reprioritised,
)


@dataclass(frozen=True, slots=True)
class Queue:
    """The whole queue. Every tuple of jobs is in the order of ids.

    Attributes:
        serial: the last id that was given out.
        running: jobs that were chosen and have not ended; each takes a slot.
        starting: those among `running` whose hand-over is not confirmed.
        livelock: path of the daemon's own; the file of a job in `starting` names it.
    """

    serial: int = 0
    drained: bool = False
    max_running: int = 20
    livelock: str = "luxid"
    rules: tuple[FilterRule, ...] = ()
    queued: tuple[Job, ...] = ()
    running: tuple[Job, ...] = ()
    starting: frozenset[int] = frozenset()
    ended: tuple[Job, ...] = ()
    archived: tuple[Job, ...] = ()


# ---- submission


def resolved(
    inputs: Sequence[Mapping[str, Any]], position: int, ids: Sequence[int | None]
) -> tuple[Mapping[str, Any], ...] | Refused:
    """Make relative dependencies of opcodes absolute, or return why that is impossible.

    Args:
        inputs: the opcodes of the job at `position` of its submission.
        position: counted from 0.
        ids: the ids of the submission's jobs before it; None for a refused one.
    """
    result = []
    for value in inputs:
        depends = value.get("depends")
        if not depends:
            result.append(value)
            continue
        absolute = []
        for target, statuses in depends:
            if target >= 0:
                absolute.append([target, statuses])
                continue
            where = position + target
            if where < 0:
                return Refused(f"Relative dependency {target} points before the first job of the submission")
            found = ids[where]
            if found is None:
                return Refused(f"Relative dependency {target} points to a job that was refused")
            absolute.append([found, statuses])
        result.append({**value, "depends": absolute})
    return tuple(result)


def _submit(queue: Queue, event: Submit) -> tuple[Queue, tuple[Effect, ...]]:
    if queue.drained and not event.force:
        return queue, (Fail("GenericError", ("Queue drained",)),)
    if len(queue.queued) + len(event.jobs) > QUEUE_LIMIT:
        return queue, (Fail("JobQueueFull", (f"The job queue holds {len(queue.queued)} jobs: try again later",)),)
    serial = queue.serial
    answers: list[list[Any]] = []
    ids: list[int | None] = []
    jobs = []
    for position, inputs in enumerate(event.jobs):
        found = resolved(inputs, position, ids)
        if isinstance(found, Refused):
            ids.append(None)
            answers.append([False, found.text])
            continue
        serial += 1
        jobs.append(new_job(serial, found, event.now))
        ids.append(serial)
        answers.append([True, serial])
    ended = tuple(job for job in jobs if not job.ops)
    waiting = tuple(job for job in jobs if job.ops)
    queue = replace(queue, serial=serial, queued=queue.queued + waiting, ended=queue.ended + ended)
    effects: tuple[Effect, ...] = (Persist(tuple(jobs), serial),) if jobs else ()
    return queue, (*effects, Reply(answers))


# ---- choice


def find(jobs: Sequence[Job], job_id: int) -> Job | None:
    """Return the job with that id, or None."""
    return next((job for job in jobs if job.id == job_id), None)


def eligible(queue: Queue, job: Job) -> bool:
    """Return whether no other job that it depends on is still queued or running."""
    unfinished = {other.id for other in queue.queued + queue.running} - {job.id}
    return not any(target in unfinished for target, _ in dependencies(job))


def dependency_verdict(queue: Queue, job: Job) -> tuple[Status, str] | None:
    """Return how a job ends without having run, since a dependency is not fulfilled, and why; None if all are."""
    for target, accepted in dependencies(job):
        if target == job.id:
            return Status.ERROR, "Job can't depend on itself"
        found = find(queue.ended, target) or find(queue.archived, target)
        if found is None:
            return Status.ERROR, f"Dependency error: Job {target} not found"
        status = job_status(found)
        if status == Status.CANCELED and status not in accepted:
            return Status.CANCELED, f"Dependency job {target} was cancelled"
        if accepted and status not in accepted:
            wanted = ", ".join(accepted)
            text = f"Dependency job {target} finished with status '{status}', not one of '{wanted}' as required"
            return Status.ERROR, text
    return None


def slots_left(queue: Queue) -> tuple[dict[str, int], dict[str, int]]:
    """Count how many more jobs each RATE_LIMIT rule, and each ad-hoc label, lets run."""
    by_rule = {rule.uuid: rule.limit for rule in queue.rules if rule.action == "RATE_LIMIT"}
    by_label = {label: limit for job in queue.queued + queue.running for label, limit in buckets(job)}
    for job in queue.running:
        rule = applying(queue.rules, job)
        if rule is not None and rule.uuid in by_rule:
            by_rule[rule.uuid] -= 1
        for label, _ in buckets(job):
            by_label[label] -= 1
    return by_rule, by_label


def choose(queue: Queue) -> Job | None:
    """Choose the next job to start: the first by (priority, id) that is eligible, fulfilled and not held back, or None.

    Whether a slot is free is not checked.
    """
    by_rule, by_label = slots_left(queue)
    for job in sorted(queue.queued, key=lambda job: (job_priority(job), job.id)):
        if not eligible(queue, job):
            continue
        rule = applying(queue.rules, job)
        if rule is not None and rule.action in {"PAUSE", "REJECT"}:
            continue
        if rule is not None and rule.action == "RATE_LIMIT" and by_rule[rule.uuid] <= 0:
            continue
        if any(by_label[label] <= 0 for label, _ in buckets(job)):
            continue
        return job
    return None


def _without(jobs: tuple[Job, ...], job_id: int) -> tuple[Job, ...]:
    return tuple(job for job in jobs if job.id != job_id)


def _with(jobs: tuple[Job, ...], job: Job) -> tuple[Job, ...]:
    return tuple(sorted((*_without(jobs, job.id), job), key=lambda job: job.id))


def _end(queue: Queue, job: Job) -> Queue:
    """End a job as `job`, whether it was queued or running."""
    return replace(
        queue,
        queued=_without(queue.queued, job.id),
        running=_without(queue.running, job.id),
        starting=queue.starting - {job.id},
        ended=_with(queue.ended, job),
    )


def _doomed(queue: Queue, now: Timestamp) -> Job | None:
    """Return the first queued job, by id, that ends without running, as it ends; None if there is none."""
    for job in queue.queued:
        rule = applying(queue.rules, job)
        if rule is not None and rule.action == "REJECT":
            return canceled_job(job, now)
        if not eligible(queue, job):
            continue
        verdict = dependency_verdict(queue, job)
        if verdict is None:
            continue
        status, text = verdict
        if status == Status.CANCELED:
            return canceled_job(job, now, text)
        return failed_job(job, "gnt:daemon:luxid:dependency", text, now, ["OpExecError", [text]])
    return None


def fill_slots(queue: Queue, now: Timestamp) -> tuple[Queue, tuple[Effect, ...]]:
    """End every job that cannot run, then start jobs while slots are free."""
    ended = []
    while (job := _doomed(queue, now)) is not None:
        queue = _end(queue, job)
        ended.append(job)
    started = []
    while len(queue.running) < queue.max_running and (job := choose(queue)) is not None:
        job = replace(job, livelock=queue.livelock)
        queue = replace(
            queue,
            queued=_without(queue.queued, job.id),
            running=_with(queue.running, job),
            starting=queue.starting | {job.id},
        )
        started.append(job)
    if not ended and not started:
        return queue, ()
    persist = Persist(tuple(sorted(ended + started, key=lambda job: job.id)))
    return queue, (persist, *(Launch(job.id) for job in started))


# ---- events


def _cancel(queue: Queue, event: Cancel) -> tuple[Queue, tuple[Effect, ...]]:
    job = find(queue.queued, event.id)
    if job is not None:
        canceled = canceled_job(job, event.now)
        return _end(queue, canceled), (Persist((canceled,)), Reply([True, f"Dequeued job {event.id}"]))
    if find(queue.running, event.id) is None:
        return queue, (Reply([False, f"Job {event.id} not found in queue"]),)
    return queue, (Signal(event.id, "kill" if event.kill else "cancel"),)


def _change_priority(queue: Queue, event: ChangePriority) -> tuple[Queue, tuple[Effect, ...]]:
    job = find(queue.queued, event.id)
    if job is not None:
        changed = reprioritised(job, event.priority)
        text = f"Priorities of pending opcodes for job {event.id} have been changed to {event.priority}"
        return replace(queue, queued=_with(queue.queued, changed)), (Persist((changed,)), Reply([True, text]))
    if find(queue.running, event.id) is None:
        return queue, (Reply([False, f"Job {event.id} not found in queue"]),)
    return queue, (Signal(event.id, "priority", event.priority),)


def _archive(queue: Queue, jobs: tuple[Job, ...]) -> Queue:
    ids = {job.id for job in jobs}
    archived = queue.archived
    for job in jobs:
        archived = _with(archived, job)
    return replace(queue, ended=tuple(job for job in queue.ended if job.id not in ids), archived=archived)


def _apply(queue: Queue, event: Event) -> tuple[Queue, tuple[Effect, ...]]:
    match event:
        case Submit():
            return _submit(queue, event)
        case Owned(job_id, livelock):
            job = find(queue.running, job_id)
            if job is None or job_id not in queue.starting:
                return queue, (Abort(job_id),)
            owned = replace(job, livelock=livelock)
            queue = replace(queue, running=_with(queue.running, owned), starting=queue.starting - {job_id})
            return queue, (Persist((owned,)), Confirm(job_id))
        case NotStarted(job_id, now, text):
            job = find(queue.running, job_id)
            if job is None or job_id not in queue.starting:
                return queue, ()
            if text is not None:
                reason_text = f"job {job_id} failed to start: {text}"
                failed = failed_job(replace(job, livelock=None), "gnt:daemon:luxid:startjobs", reason_text, now)
                return _end(queue, failed), (Persist((failed,)),)
            back = replace(job, livelock=None)
            queue = replace(
                queue,
                running=_without(queue.running, job_id),
                starting=queue.starting - {job_id},
                queued=_with(queue.queued, back),
            )
            return queue, (Persist((back,)),)
        case Changed(job):
            if find(queue.running, job.id) is None or job.id in queue.starting:
                return queue, ()
            if job_status(job).finalised:
                return _end(queue, job), ()
            return replace(queue, running=_with(queue.running, job)), ()
        case Died(job, now):
            if find(queue.running, job.id) is None or job.id in queue.starting:
                return queue, ()
            dead = dead_job(job, now)
            persist = () if dead == job else (Persist((dead,)),)
            return _end(queue, dead), (*persist, CleanLocks())
        case Cancel():
            return _cancel(queue, event)
        case ChangePriority():
            return _change_priority(queue, event)
        case Archive(job_id):
            job = find(queue.ended, job_id)
            if job is None:
                return queue, (Reply(False),)
            return _archive(queue, (job,)), (Move((job_id,)), Reply(True))
        case AutoArchive(before, limit):
            jobs = tuple(job for job in queue.ended if archivable(job, before))
            left = 0 if limit is None else max(0, len(jobs) - limit)
            jobs = jobs[: len(jobs) - left]
            move = (Move(tuple(job.id for job in jobs)),) if jobs else ()
            return _archive(queue, jobs), (*move, Reply([len(jobs), left]))
        case SetDrain(drained):
            return replace(queue, drained=drained), (SetDrainFile(drained), Reply(True))
        case Configure(max_running, rules):
            return replace(queue, max_running=max_running, rules=rules), ()


def step(queue: Queue, event: Event, now: Timestamp) -> tuple[Queue, tuple[Effect, ...]]:
    """Apply an event, then fill the free slots.

    Args:
        queue: the state before.
        event: what happened.
        now: the time, for jobs that end without having run.

    Returns:
        The state after, and what the daemon has to do, in this order.
    """
    queue, effects = _apply(queue, event)
    queue, more = fill_slots(queue, now)
    return queue, effects + more


# ---- recovery


def recovered(queue: Queue, jobs: Sequence[Job], dead: frozenset[str], now: Timestamp) -> tuple[Queue, tuple[Job, ...]]:
    """Return the queue as a restarted daemon finds it, and the jobs whose files it has to write again.

    An ended job stays as it is. A started job whose live-lock is held is adopted; one whose owner is dead fails. A job
    of which nothing ran (all opcodes queued), without a living owner, is queued again.

    Args:
        queue: serial, drained, parameters and archived jobs; without live jobs.
        jobs: what the live job files hold.
        dead: the live-locks whose owners are dead.
        now: the time.
    """
    rewritten = []
    for job in sorted(jobs, key=lambda job: job.id):
        status = job_status(job)
        alive = job.livelock is not None and job.livelock not in dead
        if status.finalised:
            queue = replace(queue, ended=_with(queue.ended, job))
        elif alive:
            queue = replace(queue, running=_with(queue.running, job))
        elif status == Status.QUEUED and all(op.status == Status.QUEUED for op in job.ops):
            back = replace(job, livelock=None, process_id=None)
            queue = replace(queue, queued=_with(queue.queued, back))
            if back != job:
                rewritten.append(back)
        else:
            failed = dead_job(job, now)
            queue = replace(queue, ended=_with(queue.ended, failed))
            rewritten.append(failed)
    serial = max([queue.serial, *(job.id for job in jobs)])
    return replace(queue, serial=serial), tuple(rewritten)
