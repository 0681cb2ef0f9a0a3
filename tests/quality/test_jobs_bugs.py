"""Bugs planted into the queue; the named check must find each.

`RULES` are bugs of the specification, found by its properties on bounds; `CORE` are bugs of the implementation, found
by lock-step with the (right) specification.
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from checkers.exploration.lockstep import lockstep
from checkers.models import jobs as model
from checkers.models.jobs import AFTER, LIMITED, ONE_AT_A_TIME, PAUSED, PLAIN, REJECTED, URGENT, Bounds, explored, sides
from checkers.verdict import Illegal, Ok
from impl.queue.queue import JobQueue
from impl.queue.status import job_priority
from spec.jobs import queue as rules
from spec.jobs.events import (
    Cancel,
    Changed,
    ChangePriority,
    CleanLocks,
    Died,
    Effect,
    Event,
    Launch,
    NotStarted,
    Owned,
    Persist,
    Reply,
    Submit,
)
from spec.jobs.model import Job, Status, Timestamp
from spec.jobs.queue import Queue

right_apply, right_fill, right_choose = rules._apply, rules.fill_slots, rules.choose
right_verdict, right_recovered, right_doomed = rules.dependency_verdict, rules.recovered, rules._doomed

Result = tuple[Queue, tuple[Effect, ...]]
LIFE = Bounds(jobs=2, submissions=((PLAIN,), (AFTER,)), outcomes=(Status.RUNNING, Status.SUCCESS))


# ---- bugs of the rules: each replaces one function of the specification


def youngest_first(queue: Queue) -> Job | None:
    able = [job for job in queue.queued if right_choose(replace(queue, queued=(job,))) is not None]
    return max(able, key=lambda job: job.id, default=None)


def least_urgent_first(queue: Queue) -> Job | None:
    able = [job for job in queue.queued if right_choose(replace(queue, queued=(job,))) is not None]
    return max(able, key=lambda job: (job_priority(job), -job.id), default=None)


def dependencies_ignored(queue: Queue) -> Job | None:
    return min(queue.queued, key=lambda job: (job_priority(job), job.id), default=None)


def rate_limits_ignored(queue: Queue) -> Job | None:
    return right_choose(replace(queue, running=()))


def pause_ignored(queue: Queue) -> Job | None:
    return right_choose(replace(queue, rules=tuple(rule for rule in queue.rules if rule.action != "PAUSE")))


def one_job_too_many(queue: Queue, now: Timestamp) -> Result:
    after, effects = right_fill(replace(queue, max_running=queue.max_running + 1), now)
    return replace(after, max_running=queue.max_running), effects


def starts_only_on_submission(queue: Queue, now: Timestamp) -> Result:
    return right_fill(queue, now) if queue.serial % 2 == 0 else (queue, ())


def launch_before_the_file(queue: Queue, now: Timestamp) -> Result:
    after, effects = right_fill(queue, now)
    return after, tuple(sorted(effects, key=lambda effect: isinstance(effect, Persist)))


def patched(kind: type, change: Callable[[Queue, Any, Result], Result]) -> Callable[[Queue, Event], Result]:
    def apply(queue: Queue, event: Event) -> Result:
        result = right_apply(queue, event)
        return change(queue, event, result) if isinstance(event, kind) else result

    return apply


def drain_ignored(queue: Queue, event: Event) -> Result:
    if not isinstance(event, Submit):
        return right_apply(queue, event)
    after, effects = right_apply(replace(queue, drained=False), event)
    return replace(after, drained=queue.drained), effects


def leaked_slot(queue: Queue, event: Died, result: Result) -> Result:
    return queue, (CleanLocks(),)


def death_kept_quiet(queue: Queue, event: Died, result: Result) -> Result:
    return result[0], tuple(effect for effect in result[1] if not isinstance(effect, CleanLocks))


def death_not_written(queue: Queue, event: Died, result: Result) -> Result:
    return result[0], (CleanLocks(),)


def cancel_that_lies(queue: Queue, event: Cancel, result: Result) -> Result:
    return queue, (Reply([True, "Dequeued"]),)


def cancel_not_written(queue: Queue, event: Cancel, result: Result) -> Result:
    return result[0], tuple(effect for effect in result[1] if not isinstance(effect, Persist))


def answer_before_the_file(queue: Queue, event: Submit, result: Result) -> Result:
    return result[0], tuple(reversed(result[1]))


def serial_forgotten(queue: Queue, event: Submit, result: Result) -> Result:
    return replace(result[0], serial=queue.serial), result[1]


def confirmed_before_the_file(queue: Queue, event: Owned, result: Result) -> Result:
    return result[0], tuple(effect for effect in result[1] if not isinstance(effect, Persist))


def given_up_job_dropped(queue: Queue, event: NotStarted, result: Result) -> Result:
    gone = replace(result[0], queued=tuple(job for job in result[0].queued if job.id != event.id))
    return gone, result[1]


def archive_of_anything(queue: Queue, event: Event) -> Result:
    job = rules.find(queue.queued, getattr(event, "id", 0)) if type(event).__name__ == "Archive" else None
    if job is None:
        return right_apply(queue, event)
    queued = tuple(other for other in queue.queued if other != job)
    return replace(queue, queued=queued, archived=rules._with(queue.archived, job)), (Reply(True),)


def late_change_of_an_ended_job(queue: Queue, event: Changed, result: Result) -> Result:
    ended = rules.find(result[0].ended, event.job.id)
    return (rules._archive(result[0], (ended,)), result[1]) if ended else result


def running_jobs_queued_again(queue: Queue, jobs: Any, dead: frozenset[str], now: Timestamp) -> Any:
    fresh = [
        replace(job, livelock=None, ops=tuple(replace(op, status=Status.QUEUED) for op in job.ops)) for job in jobs
    ]
    return right_recovered(queue, fresh, dead, now)


def started_jobs_forgotten(queue: Queue, jobs: Any, dead: frozenset[str], now: Timestamp) -> Any:
    return right_recovered(queue, [job for job in jobs if job.livelock is None], dead, now)


def own_live_lock_taken_for_alive(queue: Queue, jobs: Any, dead: frozenset[str], now: Timestamp) -> Any:
    return right_recovered(queue, jobs, dead - {"luxid"}, now)


RULES: dict[str, tuple[str, Any, str, Bounds]] = {
    "youngest first": ("choose", youngest_first, "urgent first", Bounds(jobs=3, submissions=((PLAIN,) * 3,))),
    "least urgent first": (
        "choose", least_urgent_first, "urgent first", Bounds(jobs=3, submissions=((PLAIN, PLAIN, URGENT),)),
    ),
    "dependencies ignored": ("choose", dependencies_ignored, "dependencies are kept", Bounds(slots=2)),
    "rate limits ignored": (
        "choose", rate_limits_ignored, "limits are kept", Bounds(slots=2, submissions=((LIMITED,),)),
    ),
    "pause ignored": (
        "choose", pause_ignored, "limits are kept", Bounds(settings=((1, (PAUSED,)),), submissions=((PLAIN,),)),
    ),
    "one job too many": ("fill_slots", one_job_too_many, "at most max_running", LIFE),
    "starts only on submission": ("fill_slots", starts_only_on_submission, "no slot is idle", LIFE),
    "launch before the file": ("fill_slots", launch_before_the_file, "seen only when durable", LIFE),
    "drained queue accepts": ("_apply", drain_ignored, "drained refuses", replace(LIFE, drains=True)),
    "slot leak after death": ("_apply", patched(Died, leaked_slot), "a death frees the slot", LIFE),
    "death kept quiet": ("_apply", patched(Died, death_kept_quiet), "a death frees the slot", LIFE),
    "death not written": ("_apply", patched(Died, death_not_written), "seen only when durable", LIFE),
    "cancel that lies": ("_apply", patched(Cancel, cancel_that_lies), "a cancel is true", LIFE),
    "cancel not written": ("_apply", patched(Cancel, cancel_not_written), "seen only when durable", LIFE),
    "answer before the file": ("_apply", patched(Submit, answer_before_the_file), "seen only when durable", LIFE),
    "serial forgotten": ("_apply", patched(Submit, serial_forgotten), "ids are unique", LIFE),
    "confirmed before the file": ("_apply", patched(Owned, confirmed_before_the_file), "seen only when durable", LIFE),
    "given-up job dropped": ("_apply", patched(NotStarted, given_up_job_dropped), "nothing is lost", LIFE),
    "queued job archived": ("_apply", archive_of_anything, "ended is final", replace(LIFE, archives=True)),
    "ended job archived unasked": (
        "_apply", patched(Changed, late_change_of_an_ended_job), "ended is final", LIFE,
    ),
    "running jobs queued again": ("recovered", running_jobs_queued_again, "a restart", LIFE),
    "started jobs forgotten": ("recovered", started_jobs_forgotten, "a restart loses nothing", LIFE),
    "own live-lock taken for alive": ("recovered", own_live_lock_taken_for_alive, "places fit", LIFE),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_a_bug_of_the_rules_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function, mutant, check, bounds = RULES[name]
    assert isinstance(explored(bounds, max_states=3000).verdict, Ok)
    monkeypatch.setattr(rules, function, mutant)
    if function == "recovered":
        monkeypatch.setattr(model, "recovered", mutant)
    verdict = explored(bounds, max_states=3000).verdict
    assert isinstance(verdict, Illegal), verdict
    assert check in verdict.witness.describe()


# ---- bugs of the core: each overrides one method of the implementation


class DependentsForgotten(JobQueue):
    def _end(self, job: Job) -> None:
        self._dependents.pop(job.id, None)
        super()._end(job)


class LimitNotGivenBack(JobQueue):
    def _release(self, job_id: int) -> None:
        self._buckets.pop(job_id, None)


class NobodyInvited(JobQueue):
    def _invite_from(self, bucket: tuple[str, str]) -> None:
        pass


class StaleEntriesStart(JobQueue):
    """Starts every entry of the heap, so a re-prioritised job may start twice, and a canceled one may start."""

    def _start(self, changed: list[Job]) -> list[Launch]:
        launches = []
        while self._ready and len(self.running) < self.max_running:
            job_id = heapq.heappop(self._ready)[1]
            self._place.pop(job_id, None)
            job = self.queued.pop(job_id, None) or self.running.get(job_id)
            if job is None:
                continue
            self.running[job_id] = replace(job, livelock=self.livelock)
            self.starting.add(job_id)
            changed.append(self.running[job_id])
            launches.append(Launch(job_id))
        return launches


class PriorityIgnoredOnceQueued(JobQueue):
    def _apply(self, event: Event) -> tuple[Effect, ...]:
        if isinstance(event, ChangePriority) and event.id in self.queued:
            ready, place = list(self._ready), dict(self._place)
            effects = super()._apply(event)
            self._ready, self._place = ready, place
            return effects
        return super()._apply(event)


class ArchivedDependencyUnknown(JobQueue):
    def __init__(self, livelock: str, _archived: Any) -> None:
        super().__init__(livelock)


class EndedKeepsItsSlot(JobQueue):
    def _end(self, job: Job) -> None:
        running = self.running.get(job.id)
        super()._end(job)
        if running is not None and job.ops[0].status is Status.ERROR:
            self.running[job.id] = running


class AdoptsTheDead(JobQueue):
    def recover(self, jobs: Iterable[Job], dead: Callable[[str], bool], now: Timestamp) -> tuple[Job, ...]:
        return super().recover(jobs, lambda _: False, now)


class PausedStarts(JobQueue):
    def _unblocked(self, job: Job) -> None:
        self._invite(job)


class SerialReused(JobQueue):
    def recover(self, jobs: Iterable[Job], dead: Callable[[str], bool], now: Timestamp) -> tuple[Job, ...]:
        self.serial = 0
        return super().recover(jobs, dead, now)


CORE: dict[str, tuple[type[JobQueue], Bounds]] = {
    "dependents forgotten": (DependentsForgotten, Bounds(jobs=2, submissions=((PLAIN, AFTER),))),
    "rate limit not given back": (LimitNotGivenBack, Bounds(jobs=2, slots=2, submissions=((LIMITED,),))),
    "nobody invited": (NobodyInvited, Bounds(jobs=2, slots=2, submissions=((LIMITED,),))),
    "double start from a stale entry": (
        StaleEntriesStart,
        Bounds(jobs=2, slots=2, submissions=((PLAIN,),), priorities=(-10,), settings=((0, ()), (2, ()))),
    ),
    "priority ignored once queued": (
        PriorityIgnoredOnceQueued, Bounds(jobs=3, submissions=((PLAIN,),), priorities=(-10,), restarts=False),
    ),
    "dependency on an archived job": (
        ArchivedDependencyUnknown,
        Bounds(jobs=3, submissions=((PLAIN,), (model.job_of(depends=[[1, []]]),)), archives=True, restarts=False),
    ),
    "an ended job keeps its slot": (EndedKeepsItsSlot, LIFE),
    "the dead are adopted": (AdoptsTheDead, LIFE),
    "a paused job starts": (
        PausedStarts,
        Bounds(jobs=2, submissions=((PLAIN,),), settings=((0, ()), (1, (PAUSED, REJECTED)), (1, (ONE_AT_A_TIME,))),
               restarts=False),
    ),
    "the serial is read from the files only": (
        SerialReused, Bounds(jobs=2, submissions=((PLAIN,),), archives=True, outcomes=(Status.SUCCESS,)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CORE)
def test_a_bug_of_the_core_is_found(name: str) -> None:
    kind, bounds = CORE[name]
    verdict = lockstep(
        *sides(bounds, kind=kind), bounds.occurrences, pair="checkers.models.jobs:sides", max_states=3000, max_depth=9
    )
    assert isinstance(verdict, Illegal), verdict
    assert "checkers.models.jobs" in verdict.witness.program()
