"""How a job reads after luxid changed it: submitted, canceled, failed, re-prioritised. Twins of `spec.jobs.rules`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from impl.queue.status import is_finalised
from spec.jobs.model import DEFAULT_PRIORITY, Job, Opcode, Reason, Status, Timestamp


def nanoseconds(now: Timestamp) -> int:
    """Return a timestamp in nanoseconds since the epoch, as reason trails carry it."""
    return now[0] * 1_000_000_000 + now[1] * 1000


def extended(op_input: Mapping[str, Any], reason: Reason) -> dict[str, Any]:
    """Return an opcode's input with one more step in its reason trail."""
    return {**op_input, "reason": [*(op_input.get("reason") or ()), list(reason)]}


def new_job(job_id: int, inputs: Sequence[Mapping[str, Any]], now: Timestamp) -> Job:
    """Make a job as it enters the queue."""
    stamp = nanoseconds(now)
    return Job(
        job_id,
        tuple(
            Opcode(
                extended(
                    value,
                    ("gnt:opcode:" + value["OP_ID"].removeprefix("OP_").lower(), f"job={job_id};index={n}", stamp),
                ),
                priority=value.get("priority", DEFAULT_PRIORITY),
            )
            for n, value in enumerate(inputs)
        ),
        received_timestamp=now,
    )


def canceled_job(job: Job, now: Timestamp, result: Any = None) -> Job:
    """Return the job, which never started, canceled."""
    ops = tuple(replace(op, status=Status.CANCELED, result=result, end_timestamp=now) for op in job.ops)
    return replace(job, ops=ops, end_timestamp=now, livelock=None)


def failed_job(job: Job, source: str, text: str, now: Timestamp, result: Any = None) -> Job:
    """Return the job with every opcode that had not ended failed, and the reason in its trail."""
    reason = (source, text, nanoseconds(now))
    outcome = text if result is None else result
    ops = tuple(
        op
        if op.status.finalised
        else replace(op, input=extended(op.input, reason), status=Status.ERROR, result=outcome, end_timestamp=now)
        for op in job.ops
    )
    return replace(job, ops=ops, end_timestamp=now)


def dead_job(job: Job, now: Timestamp) -> Job:
    """Return the job failed because its process died; unchanged if it has ended."""
    if is_finalised(job):
        return job
    return failed_job(job, "gnt:daemon:luxid:deathdetection", f"detected death of job {job.id}", now)


def reprioritised(job: Job, priority: int) -> Job:
    """Return the job with another priority on every opcode that has not ended."""
    return replace(job, ops=tuple(op if op.status.finalised else replace(op, priority=priority) for op in job.ops))
