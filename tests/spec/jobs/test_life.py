"""The life of a job in its own process: every event in every status, and the properties of the steps."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.jobs.life import STEPS, after, wrong
from spec.jobs.model import Job, Opcode, Status
from spec.jobs.opcode_events import OpcodeEvent

START, GRANT, SUCCEED = OpcodeEvent.START, OpcodeEvent.GRANT, OpcodeEvent.SUCCEED
FAIL, CANCEL = OpcodeEvent.FAIL, OpcodeEvent.CANCEL
TWO = Job(1, (Opcode({}), Opcode({})))

ALLOWED = {
    ("queued", START): "waiting",
    ("waiting", START): "waiting",
    ("waiting", GRANT): "running",
    ("running", SUCCEED): "success",
    ("waiting", FAIL): "error",
    ("running", FAIL): "error",
    ("queued", CANCEL): "canceled",
    ("waiting", CANCEL): "canceled",
    ("canceling", CANCEL): "canceled",
}
"""What becomes of an opcode; every other event cannot happen."""


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("event", OpcodeEvent)
def test_the_table_of_an_opcodes_life(status: Status, event: OpcodeEvent) -> None:
    found = after(Job(1, (Opcode({}, status=status),)), event, (9, 0))
    assert (found and str(found.ops[0].status)) == ALLOWED.get((status.value, event))


def job_after(*events: tuple[OpcodeEvent, int]) -> Job:
    """The job of two opcodes after events at their seconds."""
    job = TWO
    for event, second in events:
        now = after(job, event, (second, 0), result=f"result of {second}")
        assert now is not None
        assert wrong(job, now) == []
        job = now
    return job


def test_a_life_that_succeeds() -> None:
    job = job_after((START, 1), (GRANT, 2), (SUCCEED, 3), (START, 4), (GRANT, 5), (SUCCEED, 6))
    stamps = [(op.start_timestamp, op.exec_timestamp, op.end_timestamp) for op in job.ops]
    assert stamps == [((1, 0), (2, 0), (3, 0)), ((4, 0), (5, 0), (6, 0))]
    assert (job.start_timestamp, job.end_timestamp) == ((1, 0), (6, 0))
    assert [op.result for op in job.ops] == ["result of 3", "result of 6"]


def test_a_failure_takes_the_later_opcodes_with_it() -> None:
    job = job_after((START, 1), (GRANT, 2), (FAIL, 3))
    assert [op.status for op in job.ops] == ["error", "error"]
    assert job.ops[1].result == ["OpExecError", ["Preceding opcode failed"]]
    assert (job.ops[1].start_timestamp, job.end_timestamp) == (None, (3, 0))


def test_a_cancel_between_two_opcodes_cancels_the_rest() -> None:
    job = job_after((START, 1), (GRANT, 2), (SUCCEED, 3), (CANCEL, 4))
    assert [op.status for op in job.ops] == ["success", "canceled"]
    assert job.ops[1].result == "Job canceled by request"


def test_a_restarted_opcode_keeps_its_first_start() -> None:
    assert job_after((START, 1), (START, 2)).ops[0].start_timestamp == (1, 0)


def test_nothing_happens_to_an_ended_job() -> None:
    ended = job_after((CANCEL, 1))
    assert [after(ended, event, (2, 0)) for event in OpcodeEvent] == [None] * len(OpcodeEvent)


@given(st.lists(st.sampled_from(OpcodeEvent), max_size=12))
def test_every_step_keeps_the_properties(events: list[OpcodeEvent]) -> None:
    job = Job(1, (Opcode({}), Opcode({}), Opcode({})))
    for second, event in enumerate(events):
        now = after(job, event, (second, 0))
        if now is not None:
            assert wrong(job, now) == []
            job = now


def with_statuses(*statuses: str) -> Job:
    """The job of two opcodes in these statuses, without stamps."""
    return replace(TWO, ops=tuple(replace(op, status=Status(s)) for op, s in zip(TWO.ops, statuses, strict=True)))


@pytest.mark.parametrize(
    ("name", "before", "now"),
    [
        ("ended_stays", with_statuses("success", "queued"), with_statuses("queued", "queued")),
        ("one_at_a_time", TWO, with_statuses("running", "waiting")),
        ("in_order", TWO, with_statuses("error", "queued")),
        ("in_order", TWO, with_statuses("queued", "running")),
        ("end_is_stamped", TWO, with_statuses("canceled", "canceled")),
        ("end_is_stamped", TWO, replace(TWO, end_timestamp=(1, 0))),
        ("runs_with_stamps", TWO, with_statuses("running", "queued")),
    ],
)
def test_each_property_finds_a_step_that_breaks_it(name: str, before: Job, now: Job) -> None:
    assert STEPS[name](before, now) is not None
