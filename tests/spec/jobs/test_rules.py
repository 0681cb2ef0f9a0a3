"""What follows from one job alone: status, priority, and how it reads when it is canceled, fails or dies."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.jobs.model import Job, Opcode, Status
from spec.jobs.rules import (
    archivable,
    canceled_job,
    dead_job,
    dependencies,
    failed_job,
    job_priority,
    job_status,
    nanoseconds,
    new_job,
    reprioritised,
)

NOW = (100, 7)


def job_in(*statuses: str) -> Job:
    """A job whose opcodes have these statuses."""
    return Job(5, tuple(Opcode({}, status=Status(status)) for status in statuses))


@pytest.mark.parametrize(
    ("opcodes", "expected"),
    [
        ([], "success"),
        (["queued", "queued"], "queued"),
        (["success", "success"], "success"),
        (["success", "queued"], "queued"),
        (["success", "waiting"], "waiting"),
        (["waiting", "running"], "running"),
        (["running", "waiting"], "waiting"),
        (["success", "error", "error"], "error"),
        (["canceled", "error"], "canceled"),
        (["success", "canceling", "queued"], "canceling"),
        (["error", "running"], "error"),
    ],
)
def test_the_opcodes_decide_the_jobs_status(opcodes: list[str], expected: str) -> None:
    assert job_status(job_in(*opcodes)) == expected


def test_the_most_urgent_opcode_that_has_not_ended_decides_the_priority() -> None:
    ops = (Opcode({}, status=Status.SUCCESS, priority=-10), Opcode({}, priority=10), Opcode({}, priority=5))
    assert job_priority(Job(1, ops)) == 5
    assert job_priority(Job(1, ops[:1])) == 0, "the default, once all have ended"


def test_dependencies_of_all_opcodes_count() -> None:
    job = Job(9, (Opcode({"depends": [[3, ["success"]]]}), Opcode({"depends": None}), Opcode({"depends": [[4, []]]})))
    assert dependencies(job) == ((3, ("success",)), (4, ()))


def test_a_new_jobs_reason_trail_says_which_job_it_became_part_of() -> None:
    job = new_job(
        12, [{"OP_ID": "OP_TEST_DELAY", "priority": 10, "reason": [["user", "test", 1]]}, {"OP_ID": "X"}], NOW
    )
    assert (job.id, job.received_timestamp, [op.priority for op in job.ops]) == (12, NOW, [10, 0])
    at = 100_000_007_000
    assert job.ops[0].input["reason"] == [["user", "test", 1], ["gnt:opcode:test_delay", "job=12;index=0", at]]
    assert job.ops[1].input["reason"] == [["gnt:opcode:x", "job=12;index=1", at]]


def test_reason_trails_count_nanoseconds() -> None:
    assert nanoseconds((2, 3)) == 2_000_003_000


def test_a_canceled_job_has_an_end_and_no_owner() -> None:
    job = canceled_job(replace(job_in("queued", "queued"), livelock="l"), NOW)
    assert job_status(job) == Status.CANCELED
    assert (job.end_timestamp, job.livelock) == (NOW, None)
    assert all(op.end_timestamp == NOW for op in job.ops)


def test_a_dead_jobs_remaining_opcodes_fail_and_the_others_stay() -> None:
    job = job_in("success", "running", "queued")
    dead = dead_job(job, NOW)
    assert [op.status for op in dead.ops] == ["success", "error", "error"]
    assert dead.ops[0] == job.ops[0]
    trail = ["gnt:daemon:luxid:deathdetection", "detected death of job 5", nanoseconds(NOW)]
    assert [op.input["reason"] for op in dead.ops[1:]] == [[trail], [trail]]
    assert dead.end_timestamp == NOW


def test_the_death_of_an_ended_job_changes_nothing() -> None:
    assert dead_job(job_in("success"), NOW) == job_in("success")


def test_a_failed_jobs_result_is_the_text_or_what_is_given() -> None:
    assert failed_job(job_in("queued"), "source", "why", NOW).ops[0].result == "why"
    assert (
        failed_job(job_in("queued"), "source", "why", NOW, ["OpExecError", ["why"]]).ops[0].result[0] == "OpExecError"
    )


def test_a_new_priority_leaves_ended_opcodes_alone() -> None:
    assert [op.priority for op in reprioritised(job_in("success", "running", "queued"), 7).ops] == [0, 7, 7]


def test_archivable_is_what_ended_before() -> None:
    ended = replace(job_in("success"), end_timestamp=(50, 0))
    assert archivable(ended, None)
    assert archivable(ended, (50, 1))
    assert not archivable(ended, (50, 0))
    assert not archivable(job_in("running"), None)
    assert archivable(replace(job_in("canceled"), start_timestamp=(40, 0)), (50, 0)), "without an end its start counts"


@given(st.lists(st.sampled_from([status.value for status in Status]), max_size=4))
def test_a_dead_job_is_final(statuses: list[str]) -> None:
    assert job_status(dead_job(job_in(*statuses), NOW)).finalised
