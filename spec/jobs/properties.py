"""What must hold of the queue: of every state, and of every step. Each property returns what is wrong, None if nothing.

They are stated independently of the definitions in `spec.jobs.queue`, so that a mistake there is found.
"""

# ruff: noqa: ARG001 - every step property has the same arguments

from collections.abc import Callable
from dataclasses import replace

from spec.jobs.events import (
    Archive,
    AutoArchive,
    Cancel,
    Changed,
    CleanLocks,
    Confirm,
    Died,
    Effect,
    Event,
    Launch,
    Move,
    NotStarted,
    Persist,
    Reply,
    Submit,
)
from spec.jobs.filters import applying, buckets
from spec.jobs.model import Job, Status
from spec.jobs.queue import Queue, choose, dependency_verdict, eligible, find, slots_left
from spec.jobs.rules import job_priority, job_status

StateProperty = Callable[[Queue], str | None]
StepProperty = Callable[[Queue, Event, Queue, tuple[Effect, ...]], str | None]


def everywhere(queue: Queue) -> tuple[Job, ...]:
    """Return all jobs that the queue knows."""
    return queue.queued + queue.running + queue.ended + queue.archived


# ---- of states


def ids_unique(queue: Queue) -> str | None:
    """Require that every job is in one place only, and no id is beyond the serial."""
    ids = [job.id for job in everywhere(queue)]
    if len(ids) != len(set(ids)):
        return "a job is in two places"
    if max(ids, default=0) > queue.serial:
        return f"job {max(ids)} is beyond the serial {queue.serial}"
    return None


def no_slot_idle(queue: Queue) -> str | None:
    """Require that a free slot and an eligible job that no rule holds back never stay together."""
    if len(queue.running) < queue.max_running and (job := choose(queue)) is not None:
        return f"job {job.id} could take a free slot"
    return None


def dependencies_kept(queue: Queue) -> str | None:
    """Require that the dependencies of every running job have ended in an accepted status."""
    for job in queue.running:
        if not eligible(queue, job) or dependency_verdict(queue, job) is not None:
            return f"job {job.id} runs before its dependencies allow it"
    return None


def places_fit(queue: Queue) -> str | None:
    """Require that a queued job has not begun, an ended one has a final status, a running one has an owner."""
    for job in queue.queued:
        if any(op.status != Status.QUEUED for op in job.ops) or job.livelock is not None:
            return f"job {job.id} is queued, but has begun or has an owner"
    for job in queue.ended + queue.archived:
        if not job_status(job).finalised:
            return f"job {job.id} is out of the queue, but has not ended"
    for job in queue.running:
        if job.livelock is None:
            return f"job {job.id} runs without an owner"
        if (job.livelock == queue.livelock) != (job.id in queue.starting):
            return f"job {job.id} names the wrong owner"
    return None


# ---- of steps


def at_most_max_running(before: Queue, event: Event, after: Queue, effects: tuple[Effect, ...]) -> str | None:
    """Require that no job is started beyond the slots there are; jobs that ran already may exceed a lowered limit."""
    started = {job.id for job in after.running} - {job.id for job in before.running}
    if started and len(after.running) > after.max_running:
        return f"{len(after.running)} jobs run, {after.max_running} may"
    return None


def started_once(before: Queue, event: Event, after: Queue, effects: tuple[Effect, ...]) -> str | None:
    """Require that a launched job was queued before (or by this step), and enters `running` once."""
    launched = [effect.id for effect in effects if isinstance(effect, Launch)]
    if len(launched) != len(set(launched)):
        return "a job is launched twice"
    for job_id in launched:
        if find(after.running, job_id) is None or job_id not in after.starting:
            return f"job {job_id} is launched, but does not run"
        returned = isinstance(event, NotStarted) and event.id == job_id
        if find(before.running, job_id) is not None and not returned:
            return f"job {job_id} is launched while it runs"
        if find(before.ended + before.archived, job_id) is not None:
            return f"job {job_id} is launched after it ended"
    entered = {job.id for job in after.running} - {job.id for job in before.running}
    if not entered <= set(launched):
        return "a job runs that was not launched"
    return None


def urgent_first(before: Queue, event: Event, after: Queue, effects: tuple[Effect, ...]) -> str | None:
    """Require that no job is launched while a more urgent one (or an older one as urgent) could have been."""
    for effect in effects:
        if not isinstance(effect, Launch) or (launched := find(after.running, effect.id)) is None:
            continue
        without = replace(after, running=tuple(job for job in after.running if job.id != launched.id))
        by_rule, by_label = slots_left(replace(without, queued=(*without.queued, launched)))
        for job in after.queued:
            if (job_priority(job), job.id) > (job_priority(launched), launched.id) or not eligible(after, job):
                continue
            rule = applying(after.rules, job)
            held = rule is not None and (
                rule.action in {"PAUSE", "REJECT"} or (rule.action == "RATE_LIMIT" and by_rule[rule.uuid] <= 0)
            )
            if not held and all(by_label[label] > 0 for label, _ in buckets(job)):
                return f"job {launched.id} was launched before job {job.id}"
    return None


def limits_kept(before: Queue, event: Event, after: Queue, effects: tuple[Effect, ...]) -> str | None:
    """Require that no job is launched that a rule holds back, or beyond a rate limit."""
    by_rule, by_label = slots_left(after)
    for effect in effects:
        if not isinstance(effect, Launch) or (job := find(after.running, effect.id)) is None:
            continue
        rule = applying(after.rules, job)
        if rule is not None and rule.action in {"PAUSE", "REJECT"}:
            return f"job {job.id} is launched though rule {rule.uuid} says {rule.action}"
        if rule is not None and rule.action == "RATE_LIMIT" and by_rule[rule.uuid] < 0:
            return f"job {job.id} is launched beyond the limit of rule {rule.uuid}"
        for label, _ in buckets(job):
            if by_label[label] < 0:
                return f"job {job.id} is launched beyond the rate limit {label}"
    return None


def nothing_lost(before: Queue, event: Event, after: Queue, effects: tuple[Effect, ...]) -> str | None:
    """Require that no job disappears and the serial never falls."""
    if after.serial < before.serial:
        return "the serial fell"
    missing = {job.id for job in everywhere(before)} - {job.id for job in everywhere(after)}
    return f"job {min(missing)} disappeared" if missing else None


def ended_is_final(before: Queue, event: Event, after: Queue, effects: tuple[Effect, ...]) -> str | None:
    """Require that an ended job never changes, and only ended jobs are archived."""
    for job in before.ended:
        if job not in after.ended and job not in after.archived:
            return f"job {job.id} had ended and was changed"
    if any(job not in after.archived for job in before.archived):
        return "an archived job was changed"
    ended = {job.id for job in before.ended}
    if any(job.id not in ended for job in after.archived if job not in before.archived):
        return "a job was archived that had not ended"
    return None


def seen_only_when_durable(before: Queue, event: Event, after: Queue, effects: tuple[Effect, ...]) -> str | None:
    """Require that a job is written in a `Persist` of this step before it is launched, confirmed or answered."""
    written: set[int] = set()
    for effect in effects:
        match effect:
            case Persist(jobs):
                written |= {job.id for job in jobs}
            case Launch(job_id) | Confirm(job_id) if job_id not in written:
                return f"job {job_id} is handed over before that is on disk"
            case Reply(answers) if isinstance(event, Submit):
                if any(good and job_id not in written for good, job_id in answers):
                    return "an id is answered before the job is on disk"
            case Reply([True, _]) if isinstance(event, Cancel) and event.id not in written:
                return "a cancel is answered before it is on disk"
    changed = [job for job in after.queued + after.ended if job not in everywhere(before)]
    read = event.job if isinstance(event, Changed | Died) else None
    forgotten = [job.id for job in changed if job.id not in written and job != read]
    return f"the change of job {forgotten[0]} is not written" if forgotten else None


def cancel_is_true(before: Queue, event: Event, after: Queue, effects: tuple[Effect, ...]) -> str | None:
    """Require that a job whose cancel is answered "done" is canceled and none of its opcodes has begun."""
    if not isinstance(event, Cancel):
        return None
    for effect in effects:
        if isinstance(effect, Reply) and effect.result[0] is True:
            job = find(after.ended, event.id)
            if job is None or any(op.status != Status.CANCELED for op in job.ops):
                return f"job {event.id} is said to be canceled and is not"
    return None


def drained_refuses(before: Queue, event: Event, after: Queue, effects: tuple[Effect, ...]) -> str | None:
    """Require that a drained queue accepts jobs only with `force`."""
    if isinstance(event, Submit) and before.drained and not event.force and after.serial != before.serial:
        return "a drained queue took a job"
    return None


def death_frees(before: Queue, event: Event, after: Queue, effects: tuple[Effect, ...]) -> str | None:
    """Require, when an owner's death is seen, that the slot is free, the job has ended, and wconfd is informed."""
    if not isinstance(event, Died) or find(before.running, event.job.id) is None or event.job.id in before.starting:
        return None
    if find(after.running, event.job.id) is not None or find(after.ended, event.job.id) is None:
        return f"job {event.job.id} is dead and keeps its slot"
    if CleanLocks() not in effects:
        return f"wconfd is not notified of the death of job {event.job.id}"
    return None


def archive_only_when_asked(before: Queue, event: Event, after: Queue, effects: tuple[Effect, ...]) -> str | None:
    """Require that files move to the archive only on request."""
    moved = any(isinstance(effect, Move) for effect in effects)
    if moved and not isinstance(event, Archive | AutoArchive):
        return "a job was archived unasked"
    return None


STATE_PROPERTIES: dict[str, StateProperty] = {
    "ids are unique": ids_unique,
    "no slot is idle": no_slot_idle,
    "dependencies are kept": dependencies_kept,
    "places fit": places_fit,
}

STEP_PROPERTIES: dict[str, StepProperty] = {
    "at most max_running": at_most_max_running,
    "started once": started_once,
    "urgent first": urgent_first,
    "limits are kept": limits_kept,
    "nothing is lost": nothing_lost,
    "ended is final": ended_is_final,
    "a cancel is true": cancel_is_true,
    "seen only when durable": seen_only_when_durable,
    "drained refuses": drained_refuses,
    "a death frees the slot": death_frees,
    "archived only when asked": archive_only_when_asked,
}


# ---- of restarts


def _ran(job: Job) -> bool:
    return any(op.status != Status.QUEUED for op in job.ops)


def lost(before: Queue, after: Queue) -> str | None:
    """Return in prose what a restart lost between the durable `before` and `after`; None if nothing.

    Args:
        before: the queue that was certainly on disk.
        after: the queue as the restart read it.
    """
    if after.serial < before.serial:
        return f"the serial fell from {before.serial} to {after.serial}"
    there = everywhere(after)
    for job in everywhere(before):
        found = find(there, job.id)
        if found is None:
            return f"job {job.id} is gone"
        status, now = job_status(job), job_status(found)
        if status.finalised and now != status:
            return f"job {job.id} had ended as {status} and is {now}"
        if _ran(job) and find(after.queued, job.id) is not None:
            return f"job {job.id} had begun to run and is queued again"
    return None
