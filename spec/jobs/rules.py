"""Rules on a single job: its status, its priority, and the contents of its file when it ends.

Source: design-daemons, design-chained-jobs, observed behaviour of the queue of Ganeti 3.0.2. Deviation: a dead job's
opcodes that had ended stay unchanged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from spec.jobs.model import DEFAULT_PRIORITY, Dependency, Job, Opcode, Reason, Status, Timestamp


def job_status(job: Job) -> Status:
    """Derive a job's status from its opcodes.

    The first opcode that is an error, canceling or canceled decides; otherwise the last one that waits or runs; if all
    succeeded (or there are none), success; otherwise queued.
    """
    for op in job.ops:
        if op.status in {Status.ERROR, Status.CANCELING, Status.CANCELED}:
            return op.status
    if all(op.status == Status.SUCCESS for op in job.ops):
        return Status.SUCCESS
    under_way = [op.status for op in job.ops if op.status in {Status.WAITING, Status.RUNNING}]
    return under_way[-1] if under_way else Status.QUEUED


def job_priority(job: Job) -> int:
    """Return the most urgent priority among the opcodes that have not ended."""
    priorities = [op.priority for op in job.ops if not op.status.finalised]
    return min(priorities) if priorities else DEFAULT_PRIORITY


def dependencies(job: Job) -> tuple[Dependency, ...]:
    """Return every dependency that an opcode names, in order."""
    return tuple((entry[0], tuple(entry[1])) for op in job.ops for entry in op.input.get("depends") or ())


def with_reason(op: Opcode, reason: Reason) -> Opcode:
    """Return the opcode with one more step in its reason trail."""
    return replace(op, input={**op.input, "reason": [*(op.input.get("reason") or ()), list(reason)]})


def nanoseconds(now: Timestamp) -> int:
    """Convert a timestamp to nanoseconds, as in reason trails."""
    return now[0] * 10**9 + now[1] * 1000


def new_job(job_id: int, inputs: Sequence[Mapping[str, Any]], now: Timestamp) -> Job:
    """Make a job for the queue; each opcode's reason trail names the job."""
    ops = []
    for index, value in enumerate(inputs):
        name = str(value.get("OP_ID", "")).removeprefix("OP_").lower()
        reason = (f"gnt:opcode:{name}", f"job={job_id};index={index}", nanoseconds(now))
        ops.append(with_reason(Opcode(value, priority=value.get("priority", DEFAULT_PRIORITY)), reason))
    return Job(job_id, tuple(ops), received_timestamp=now)


def canceled_job(job: Job, now: Timestamp, result: Any = None) -> Job:
    """Cancel a job that never started."""
    ops = tuple(replace(op, status=Status.CANCELED, result=result, end_timestamp=now) for op in job.ops)
    return replace(job, ops=ops, end_timestamp=now, livelock=None)


def failed_job(job: Job, source: str, text: str, now: Timestamp, result: Any = None) -> Job:
    """Let a job's remaining opcodes fail; their reason trails name the source and the text."""
    ops = []
    for op in job.ops:
        if op.status.finalised:
            ops.append(op)
            continue
        explained = with_reason(op, (source, text, nanoseconds(now)))
        ops.append(
            replace(explained, status=Status.ERROR, result=text if result is None else result, end_timestamp=now)
        )
    return replace(job, ops=tuple(ops), end_timestamp=now)


def dead_job(job: Job, now: Timestamp) -> Job:
    """Let a job fail whose process died; if all its opcodes have ended, it stays unchanged."""
    if job_status(job).finalised:
        return job
    return failed_job(job, "gnt:daemon:luxid:deathdetection", f"detected death of job {job.id}", now)


def reprioritised(job: Job, priority: int) -> Job:
    """Set the priority of every opcode of a job that has not ended."""
    return replace(job, ops=tuple(op if op.status.finalised else replace(op, priority=priority) for op in job.ops))


def archivable(job: Job, before: Timestamp | None) -> bool:
    """Return whether a job has ended, before a time if one is given."""
    end = job.end_timestamp or job.start_timestamp
    return job_status(job).finalised and (before is None or (end is not None and end < before))
