"""What luxid counts about its queue, as Prometheus reads it."""

from typing import Any

from impl.luxid.metrics import Metrics
from spec.jobs.events import Died, Fail, Reply, SetDrain, Submit
from spec.jobs.model import Job, Opcode, Status
from tests.impl.queue.histories import op


def figures(metrics: Metrics, **gauges: float) -> dict[str, float]:
    """Return every figure by its name and labels."""
    lines = [line for line in metrics.render(gauges).splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_submissions_refusals_and_deaths() -> None:
    metrics = Metrics()
    submit = Submit(((op(),), (op(),)), (1, 0))
    metrics.count(submit, [Reply([])])
    metrics.count(submit, [Fail("GenericError", ("drained",))])
    metrics.count(Died(Job(1), (2, 0)), [])
    metrics.count(SetDrain(drained=True), [Reply(result=True)])
    found = figures(metrics)
    assert found["gantry_jobs_submitted_total"] == 2
    assert found["gantry_requests_refused_total"] == 1
    assert found["gantry_job_deaths_total"] == 1
    assert metrics.events == {"Submit": 2, "Died": 1, "SetDrain": 1}


def ended(**times: Any) -> Job:
    first = Opcode(op(), status=Status.SUCCESS, exec_timestamp=(10, 0), end_timestamp=(10, 400_000))
    second = Opcode(op(name="OP_TEST_DUMMY"), status=Status.ERROR, exec_timestamp=None, end_timestamp=(11, 0))
    return Job(1, (first, second), **times)


def test_waits_and_runs_are_seconds() -> None:
    metrics = Metrics()
    metrics.count_end(ended(received_timestamp=(5, 500_000), start_timestamp=(9, 0)))
    metrics.count_start(0.25)
    found = figures(metrics)
    assert found['gantry_jobs_ended_total{status="error"}'] == 1
    assert (found["gantry_job_wait_seconds_sum"], found["gantry_job_start_seconds_sum"]) == (3.5, 0.25)
    assert found['gantry_opcode_run_seconds_sum{opcode="OP_TEST_DELAY"}'] == 0.4
    assert 'gantry_opcode_run_seconds_sum{opcode="OP_TEST_DUMMY"}' not in found  # it never ran


def test_a_job_that_never_started_has_no_wait_and_clocks_may_go_back() -> None:
    metrics = Metrics()
    metrics.count_end(ended(received_timestamp=(5, 0)))
    assert figures(metrics)["gantry_job_wait_seconds_count"] == 0
    metrics.count_end(ended(received_timestamp=(5, 0), start_timestamp=(4, 0)))
    found = figures(metrics)
    assert (found["gantry_job_wait_seconds_count"], found["gantry_job_wait_seconds_sum"]) == (1, 0.0)


def test_gauges_have_their_latest_value() -> None:
    metrics = Metrics()
    assert figures(metrics, jobs_queued=3)["gantry_jobs_queued"] == 3
    assert figures(metrics, jobs_queued=5)["gantry_jobs_queued"] == 5
    assert figures(metrics)["gantry_jobs_queued"] == 5
