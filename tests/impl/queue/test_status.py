"""What follows from a job's opcodes, beside the specification's plain rules."""

from hypothesis import given

from impl.queue import status as fast
from spec.jobs import rules as plain
from spec.jobs.model import Job, Opcode
from tests.impl.queue.histories import JOBS, op


@given(JOBS)
def test_every_job_reads_as_in_the_specification(job: Job) -> None:
    assert fast.job_status(job) is plain.job_status(job)
    assert fast.is_finalised(job) == plain.job_status(job).finalised
    assert fast.job_priority(job) == plain.job_priority(job)
    assert fast.dependencies(job) == plain.dependencies(job)


def test_malformed_dependencies_are_left_out() -> None:
    job = Job(1, (Opcode(op(depends=[[1], ["2", []], [3, ["success"]], [4, [], 5]])),))
    assert fast.dependencies(job) == ((3, ("success",)),)
