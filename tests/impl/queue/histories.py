"""Pieces of job histories for tests: opcodes, and jobs as their processes would have written them."""

from dataclasses import replace
from typing import Any

from spec.jobs.model import Job, Status, Timestamp


def op(
    priority: int = 0, depends: list[Any] | None = None, reason: str = "", name: str = "OP_TEST_DELAY"
) -> dict[str, Any]:
    """An opcode's input, as validated."""
    return {
        "OP_ID": name,
        "priority": priority,
        "depends": depends,
        "reason": [["test", reason, 1]] if reason else [],
    }


def advanced(job: Job, status: Status, now: Timestamp) -> Job:
    """The job with its first unfinished opcode (all of them, if that ends the job badly) at a status."""
    ops = list(job.ops)
    for index, one in enumerate(ops):
        if one.status.finalised:
            continue
        ops[index] = replace(one, status=status, end_timestamp=now if status.finalised else None)
        if status in {Status.ERROR, Status.CANCELED}:
            ops[index + 1 :] = [replace(rest, status=status) for rest in ops[index + 1 :]]
        break
    return replace(job, ops=tuple(ops), end_timestamp=now, process_id=1)
