import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.job.life import (
    CANCELED_TEXT,
    PRECEDING_FAILED,
    TRANSITIONS,
    Event,
    IllegalEventError,
    Persist,
    advance,
    log,
    reprioritise,
)
from spec.jobs.life import after, wrong
from spec.jobs.model import Job, Opcode, Status


def job(*statuses: Status) -> Job:
    return Job(1, tuple(Opcode({"OP_ID": "OP_TEST_DELAY"}, status) for status in statuses))


def play(start: Job, *events: Event) -> Job:
    for number, event in enumerate(events):
        start = advance(start, event, (number + 1, 0), result=number).job
    return start


def test_a_good_life_has_the_time_stamps_of_ganeti() -> None:
    done = play(job(Status.QUEUED), Event.START, Event.GRANT, Event.SUCCEED)
    op = done.ops[0]
    assert (op.status, op.start_timestamp, op.exec_timestamp, op.end_timestamp) == (
        Status.SUCCESS,
        (1, 0),
        (2, 0),
        (3, 0),
    )
    assert (done.start_timestamp, done.end_timestamp) == ((1, 0), (3, 0))


def test_after_a_failure_the_rest_fails_and_the_job_has_ended() -> None:
    done = play(job(Status.QUEUED, Status.QUEUED), Event.START, Event.FAIL)
    assert [op.status for op in done.ops] == [Status.ERROR, Status.ERROR]
    assert done.ops[1].result == PRECEDING_FAILED
    assert (done.ops[0].end_timestamp, done.ops[1].end_timestamp, done.end_timestamp) == ((2, 0), None, (2, 0))


def test_cancelled_while_waiting() -> None:
    done = play(job(Status.QUEUED, Status.QUEUED), Event.START, Event.CANCEL)
    assert [op.status for op in done.ops] == [Status.CANCELED] * 2
    assert {op.result for op in done.ops} == {CANCELED_TEXT}
    assert done.end_timestamp == (2, 0)


def test_what_is_not_in_the_table_raises() -> None:
    for status, event in itertools.product(Status, Event):
        if status.finalised or (status, event) not in TRANSITIONS:
            with pytest.raises(IllegalEventError):
                advance(job(status), event, (1, 0))


def test_a_running_opcode_cannot_be_cancelled() -> None:
    with pytest.raises(IllegalEventError):
        play(job(Status.QUEUED), Event.START, Event.GRANT, Event.CANCEL)


def reachable(count: int) -> list[Job]:
    """Every job of so many opcodes that a history can lead to, by the specification."""
    seen = [job(*[Status.QUEUED] * count)]
    for now in seen:
        for event in Event:
            new = after(now, event, (5, 0), result="r")
            if new is not None and new not in seen:
                seen.append(new)
    return seen


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_each_step_is_the_specification_s(count: int) -> None:
    """Exhaustive: every reachable job, every event."""
    for now, event in itertools.product(reachable(count), Event):
        expected = after(now, event, (7, 0), result="x")
        try:
            made = advance(now, event, (7, 0), result="x").job
        except IllegalEventError:
            made = None
        assert made == expected, (now, event)


@given(st.integers(1, 4), st.lists(st.sampled_from(Event), max_size=14))
def test_invariants_hold_on_every_history(count: int, events: list[Event]) -> None:
    """The specification's properties of each step; and every final result is made durable."""
    now = job(*[Status.QUEUED] * count)
    for number, event in enumerate(events):
        before = now
        try:
            step = advance(before, event, (number, 0), result=number)
        except IllegalEventError:
            continue
        now = step.job
        assert wrong(before, now) == []
        ended = [new for old, new in zip(before.ops, now.ops, strict=True) if new.status.finalised and old != new]
        assert not ended or step.persist is Persist.DURABLY


def test_serials_of_the_log_count_over_the_whole_job() -> None:
    now = log(play(job(Status.QUEUED, Status.QUEUED), Event.START, Event.GRANT), (9, 0), "message", "one").job
    now = play(now, Event.SUCCEED, Event.START, Event.GRANT)
    now = log(log(now, (9, 0), "message", "two").job, (9, 0), "message", "three").job
    assert [[entry.serial for entry in op.log] for op in now.ops] == [[1], [2, 3]]


def test_a_new_priority_is_for_what_has_not_begun() -> None:
    now = play(job(Status.QUEUED, Status.QUEUED), Event.START, Event.GRANT)
    assert [op.priority for op in reprioritise(now, -5).job.ops] == [0, -5]
