"""What must hold of the queue: each property finds a queue or a step that breaks it."""

from dataclasses import replace
from typing import Any

import pytest

from spec.jobs.events import (
    Archive,
    Cancel,
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
from spec.jobs.model import FilterRule, Job, Opcode, Status
from spec.jobs.properties import STATE_PROPERTIES, STEP_PROPERTIES, lost
from spec.jobs.queue import Queue

NOW = (1, 0)


def job(number: int, status: str = "queued", livelock: str | None = None, **values: Any) -> Job:
    """A job of one opcode."""
    return Job(number, (Opcode(values, status=Status(status)),), livelock=livelock)


WAITS, RUNS, ENDED = job(3), job(1, "running", "l1"), job(2, "success")
SOUND = Queue(serial=3, max_running=1, queued=(WAITS,), running=(RUNS,), ended=(ENDED,))


def test_a_sound_queue_breaks_none() -> None:
    assert [holds(SOUND) for holds in STATE_PROPERTIES.values()] == [None] * len(STATE_PROPERTIES)


@pytest.mark.parametrize(
    ("name", "queue", "text"),
    [
        ("ids are unique", replace(SOUND, archived=(ENDED,)), "a job is in two places"),
        ("ids are unique", replace(SOUND, serial=2), "job 3 is beyond the serial 2"),
        ("no slot is idle", replace(SOUND, max_running=2), "job 3 could take a free slot"),
        (
            "dependencies are kept",
            replace(SOUND, running=(job(1, "running", "l1", depends=[[3, []]]),)),
            "job 1 runs before its dependencies allow it",
        ),
        (
            "dependencies are kept",
            replace(SOUND, running=(job(1, "running", "l1", depends=[[2, ["error"]]]),)),
            "job 1 runs before its dependencies allow it",
        ),
        ("places fit", replace(SOUND, queued=(job(3, "running"),)), "job 3 is queued, but has begun or has an owner"),
        (
            "places fit",
            replace(SOUND, queued=(job(3, "queued", "l"),)),
            "job 3 is queued, but has begun or has an owner",
        ),
        ("places fit", replace(SOUND, ended=(job(2),)), "job 2 is out of the queue, but has not ended"),
        ("places fit", replace(SOUND, running=(job(1, "running"),)), "job 1 runs without an owner"),
        ("places fit", replace(SOUND, running=(job(1, "queued", "luxid"),)), "job 1 names the wrong owner"),
        ("places fit", replace(SOUND, starting=frozenset({1})), "job 1 names the wrong owner"),
    ],
)
def test_a_bad_queue_is_found(name: str, queue: Queue, text: str) -> None:
    assert STATE_PROPERTIES[name](queue) == text


STARTED = replace(
    SOUND,
    max_running=2,
    queued=(),
    running=(RUNS, replace(WAITS, livelock="luxid")),
    starting=frozenset({3}),
)
"""The sound queue after job 3 was started."""
START: tuple[Effect, ...] = (Persist((STARTED.running[1],)), Launch(3))
EVENT: Event = NotStarted(9, NOW)
PAUSE = FilterRule("u", 0, 0, (("jobid", ["=", "id", 3]),), "PAUSE")
LIMIT = FilterRule("u", 0, 0, (("jobid", [">", "id", 0]),), "RATE_LIMIT", 1)


def test_a_sound_step_breaks_none() -> None:
    for holds in STEP_PROPERTIES.values():
        assert holds(SOUND, EVENT, STARTED, START) is None


@pytest.mark.parametrize(
    ("name", "event", "now", "effects"),
    [
        ("at most max_running", EVENT, replace(STARTED, max_running=1), START),
        ("started once", EVENT, STARTED, (*START, Launch(3))),
        ("started once", EVENT, STARTED, ()),
        ("started once", EVENT, SOUND, (Launch(3),)),
        ("started once", EVENT, replace(SOUND, starting=frozenset({1})), (Launch(1),)),
        ("urgent first", EVENT, replace(STARTED, queued=(Job(4, (Opcode({}, priority=-1),)),)), START),
        ("limits are kept", EVENT, replace(STARTED, rules=(PAUSE,)), START),
        ("limits are kept", EVENT, replace(STARTED, rules=(LIMIT,)), START),
        ("nothing is lost", EVENT, replace(SOUND, queued=()), ()),
        ("nothing is lost", EVENT, replace(SOUND, serial=2), ()),
        ("ended is final", EVENT, replace(SOUND, ended=(job(2, "error"),)), ()),
        ("ended is final", Archive(3), replace(SOUND, queued=(), archived=(WAITS,)), ()),
        ("a cancel is true", Cancel(3, NOW), SOUND, (Reply([True, ""]),)),
        ("seen only when durable", EVENT, STARTED, tuple(reversed(START))),
        ("seen only when durable", EVENT, STARTED, (Confirm(3),)),
        ("seen only when durable", Submit((), NOW), SOUND, (Reply([[True, 4]]),)),
        ("seen only when durable", Cancel(3, NOW), SOUND, (Reply([True, ""]),)),
        ("seen only when durable", EVENT, replace(SOUND, queued=(Job(3, (Opcode({}, priority=1),)),)), ()),
        ("a death frees the slot", Died(RUNS, NOW), SOUND, ()),
        ("a death frees the slot", Died(RUNS, NOW), replace(SOUND, running=(), ended=(RUNS, ENDED)), ()),
        ("archived only when asked", EVENT, SOUND, (Move((2,)),)),
    ],
)
def test_a_bad_step_is_found(name: str, event: Event, now: Queue, effects: tuple[Effect, ...]) -> None:
    assert STEP_PROPERTIES[name](SOUND, event, now, effects) is not None


def test_a_drained_queue_that_takes_a_job_is_found() -> None:
    drained = replace(SOUND, drained=True)
    taken = replace(drained, serial=4, queued=(WAITS, job(4)))
    assert STEP_PROPERTIES["drained refuses"](drained, Submit((), NOW), taken, ()) == "a drained queue took a job"
    assert STEP_PROPERTIES["drained refuses"](drained, Submit((), NOW, force=True), taken, ()) is None


def test_what_a_restart_may_not_lose() -> None:
    ran = Job(1, (Opcode({}, status=Status.RUNNING),))
    ended = Job(2, (Opcode({}, status=Status.SUCCESS),))
    waiting = Job(3, (Opcode({}),))
    before = Queue(3, running=(ran,), ended=(ended,), queued=(waiting,))
    assert lost(before, before) is None
    assert lost(before, replace(before, queued=())) == "job 3 is gone"
    assert lost(before, replace(before, serial=2)) == "the serial fell from 3 to 2"
    assert (
        lost(before, replace(before, queued=(waiting, ran), running=())) == "job 1 had begun to run and is queued again"
    )
    failed = replace(ended, ops=(replace(ended.ops[0], status=Status.ERROR),))
    assert lost(before, replace(before, ended=(failed,))) == "job 2 had ended as success and is error"
