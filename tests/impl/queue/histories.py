"""Pieces of job histories for tests: opcodes, and jobs as their processes would have written them."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from spec.jobs.model import Job, Opcode, Status, Timestamp


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


STATUSES = st.sampled_from(Status)
OPS = st.builds(
    lambda status, priority, depends, reason, end: Opcode(
        op(priority, depends, reason), status=status, priority=priority, end_timestamp=end
    ),
    STATUSES,
    st.integers(-20, 19),
    st.none() | st.lists(st.tuples(st.integers(-3, 9), st.just(["success"])).map(list), max_size=2),
    st.sampled_from(["", "rate-limit:1:a", "rate-limit:0:b", "rate-limit:3", "other"]),
    st.none() | st.just((5, 6)),
)
JOBS = st.builds(lambda number, ops: Job(number, tuple(ops)), st.integers(1, 9), st.lists(OPS, max_size=4))
"""Any jobs, also those that no history leads to."""
