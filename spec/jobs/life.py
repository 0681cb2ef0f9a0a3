"""The life of a job in its own process: the job after each event, and what must hold of every step.

Opcodes run in order, one at a time. If one fails or is canceled, so do all later ones. Source: the job
files of Ganeti 3.0.2 (when each stamp is set, the results of the later opcodes), design-daemons.

>>> job = Job(1, (Opcode({"OP_ID": "OP_TEST_DELAY"}), Opcode({"OP_ID": "OP_TEST_DELAY"})))
>>> job = after(job, OpcodeEvent.START, (100, 0))
>>> [str(op.status) for op in job.ops]
['waiting', 'queued']
>>> job = after(job, OpcodeEvent.GRANT, (101, 0))
>>> after(job, OpcodeEvent.CANCEL, (102, 0)) is None  # too late
True
>>> failed = after(job, OpcodeEvent.FAIL, (103, 0), result=["OpExecError", ["no luck"]])
>>> [str(op.status) for op in failed.ops], wrong(job, failed)
(['error', 'error'], [])
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from spec.jobs.model import Job, Opcode, Status, Timestamp
from spec.jobs.opcode_events import OpcodeEvent
from spec.jobs.rules import job_status


def after(job: Job, event: OpcodeEvent, now: Timestamp, result: Any = None) -> Job | None:
    """Return the job after an event; None if that event cannot happen now.

    Args:
        job: before.
        event: what happens to its first opcode that has not ended.
        now: when.
        result: of an opcode that succeeds or fails.
    """
    done = [op for op in job.ops if op.status.finalised]
    left = [op for op in job.ops if not op.status.finalised]
    if not left or list(job.ops) != done + left:
        return None
    op, later = left[0], left[1:]
    if event is OpcodeEvent.START and op.status in {Status.QUEUED, Status.WAITING}:
        begun = op.start_timestamp or now
        new = replace(op, status=Status.WAITING, start_timestamp=begun, result=None)
        return replace(job, ops=(*done, new, *later), start_timestamp=job.start_timestamp or begun)
    if event is OpcodeEvent.GRANT and op.status is Status.WAITING:
        return replace(job, ops=(*done, replace(op, status=Status.RUNNING, exec_timestamp=now), *later))
    if event is OpcodeEvent.SUCCEED and op.status is Status.RUNNING:
        new = replace(op, status=Status.SUCCESS, result=result, end_timestamp=now)
        return replace(job, ops=(*done, new, *later), end_timestamp=job.end_timestamp if later else now)
    if event is OpcodeEvent.FAIL and op.status in {Status.WAITING, Status.RUNNING}:
        new = replace(op, status=Status.ERROR, result=result, end_timestamp=now)
        never_run = [_ended(other, Status.ERROR, ["OpExecError", ["Preceding opcode failed"]]) for other in later]
        return replace(job, ops=(*done, new, *never_run), end_timestamp=now)
    if event is OpcodeEvent.CANCEL and op.status in {Status.QUEUED, Status.WAITING, Status.CANCELING}:
        canceled = [_ended(other, Status.CANCELED, "Job canceled by request") for other in left]
        return replace(job, ops=(*done, *canceled), end_timestamp=now)
    return None


def _ended(op: Opcode, status: Status, result: Any) -> Opcode:
    """End an opcode that did not run; it keeps the stamps that it has."""
    return replace(op, status=status, result=result)


# --- what must hold of a step, stated independently


def ended_stays(before: Job, now: Job) -> str | None:
    """Require that an opcode that has ended never changes."""
    for number, (old, new) in enumerate(zip(before.ops, now.ops, strict=True)):
        if old.status.finalised and new != old:
            return f"opcode {number} had ended and was changed"
    return None


def one_at_a_time(_: Job, now: Job) -> str | None:
    """Require that at most one opcode waits or runs."""
    under_way = [op for op in now.ops if op.status in {Status.WAITING, Status.RUNNING}]
    return f"{len(under_way)} opcodes are under way" if len(under_way) > 1 else None


def in_order(_: Job, now: Job) -> str | None:
    """Require, until a job ends, that all opcodes before the current one succeeded and none after it has begun."""
    left = [number for number, op in enumerate(now.ops) if not op.status.finalised]
    if left:
        if any(op.status is not Status.SUCCESS for op in now.ops[: left[0]]):
            return "an opcode is left after one that did not succeed"
        if any(op.status is not Status.QUEUED for op in now.ops[left[0] + 1 :]):
            return "an opcode has begun before its turn"
    return None


def end_is_stamped(_: Job, now: Job) -> str | None:
    """Require that a job has an end when all its opcodes have, and not before."""
    ended = job_status(now).finalised and all(op.status.finalised for op in now.ops)
    if ended != (now.end_timestamp is not None):
        return "the job has ended and has no end, or the other way round"
    return None


def runs_with_stamps(_: Job, now: Job) -> str | None:
    """Require that an opcode that ran has the time when it got its locks, and one that succeeded ran."""
    for number, op in enumerate(now.ops):
        if op.status in {Status.RUNNING, Status.SUCCESS} and (op.start_timestamp is None or op.exec_timestamp is None):
            return f"opcode {number} runs without its stamps"
    return None


STEPS: dict[str, Callable[[Job, Job], str | None]] = {
    rule.__name__: rule for rule in (ended_stays, one_at_a_time, in_order, end_is_stamped, runs_with_stamps)
}
"""Every property of a step, by name."""


def wrong(before: Job, now: Job) -> list[str]:
    """Return all that is wrong with a step; empty if it is right."""
    return [f"{name}: {text}" for name, rule in STEPS.items() if (text := rule(before, now)) is not None]
