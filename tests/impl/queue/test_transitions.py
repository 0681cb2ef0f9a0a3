"""How a job reads after luxid changed it, beside the specification's plain rules."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from impl.queue import transitions as fast
from spec.jobs import rules as plain
from spec.jobs.model import Job
from tests.impl.queue.histories import JOBS, op

NOW = (1_700_000_000, 123_456)
RESULTS = st.none() | st.just(["OpExecError", ["why"]])


@given(JOBS, RESULTS)
def test_canceled_failed_dead_and_reprioritised_jobs_are_the_specification_s(job: Job, result: Any) -> None:
    assert fast.canceled_job(job, NOW, result) == plain.canceled_job(job, NOW, result)
    assert fast.failed_job(job, "source", "text", NOW, result) == plain.failed_job(job, "source", "text", NOW, result)
    assert fast.dead_job(job, NOW) == plain.dead_job(job, NOW)
    assert fast.reprioritised(job, 7) == plain.reprioritised(job, 7)


@given(st.lists(st.builds(op, st.integers(-20, 19), reason=st.sampled_from(["", "why"])), max_size=3))
def test_a_new_job_is_the_specification_s(inputs: list[dict[str, Any]]) -> None:
    assert fast.new_job(4, inputs, NOW) == plain.new_job(4, inputs, NOW)
    without = [{key: value for key, value in one.items() if key != "priority"} for one in inputs]
    assert fast.new_job(4, without, NOW) == plain.new_job(4, without, NOW)


def test_time_in_reason_trails_is_in_nanoseconds() -> None:
    assert fast.nanoseconds(NOW) == plain.nanoseconds(NOW) == 1_700_000_000_123_456_000
