"""The life of a job in its own process: a table of what each event makes of an opcode, and of the job. Pure.

    queued ──start──▶ waiting ──grant──▶ running ──succeed──▶ success
                         │                  └─────fail──────▶ error
                         ├──fail──▶ error        (a precondition failed, or a lock cannot be had)
                         └──cancel──▶ canceled   (a queued opcode too)

Invariants: opcodes run in order and one at a time; what has ended never changes; after an opcode that failed or was
canceled every later one ends likewise; an event that the table does not know raises and changes nothing.

The plain twin is `spec.jobs.life`. A step says what the process has to write to disk before anybody may see the change.

The first of two opcodes runs and fails, and the second one fails with it:

>>> job = Job(1, (Opcode({"OP_ID": "OP_TEST_DELAY"}), Opcode({"OP_ID": "OP_TEST_DELAY"})))
>>> job = advance(job, Event.START, (100, 0)).job
>>> step = advance(job, Event.GRANT, (101, 0))
>>> step.persist.name, [str(op.status) for op in step.job.ops]
('DURABLY', ['running', 'queued'])
>>> advance(step.job, Event.CANCEL, (102, 0))
Traceback (most recent call last):
impl.job.life.IllegalEventError: 'cancel' cannot happen to an opcode that is running: report this as a defect
>>> failed = advance(step.job, Event.FAIL, (103, 0), ["OpExecError", ["no luck"]]).job
>>> [(str(op.status), op.result) for op in failed.ops]
[('error', ['OpExecError', ['no luck']]), ('error', ['OpExecError', ['Preceding opcode failed']])]
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from impl.queue.status import job_status
from spec.errors import GantryError
from spec.jobs.model import Job, LogEntry, Opcode, Status, Timestamp
from spec.jobs.opcode_events import OpcodeEvent

PRECEDING_FAILED = ["OpExecError", ["Preceding opcode failed"]]
CANCELED_TEXT = "Job canceled by request"


Event = OpcodeEvent
"""What can happen to the opcode at hand."""

TRANSITIONS: dict[tuple[Status, Event], Status] = {
    (Status.QUEUED, Event.START): Status.WAITING,
    (Status.WAITING, Event.START): Status.WAITING,
    (Status.WAITING, Event.GRANT): Status.RUNNING,
    (Status.WAITING, Event.FAIL): Status.ERROR,
    (Status.RUNNING, Event.SUCCEED): Status.SUCCESS,
    (Status.RUNNING, Event.FAIL): Status.ERROR,
    (Status.QUEUED, Event.CANCEL): Status.CANCELED,
    (Status.WAITING, Event.CANCEL): Status.CANCELED,
    (Status.CANCELING, Event.CANCEL): Status.CANCELED,
}
"""Status and event to the next status."""


class Persist(Enum):
    """What must happen to the job file."""

    NOW = "readers must see it"
    DURABLY = "it must survive a power cut before anybody sees it"


class IllegalEventError(GantryError):
    """An event that cannot happen to an opcode in this status."""

    def __init__(self, status: Status, event: Event) -> None:
        self.status = status
        self.event = event
        super().__init__(f"'{event.value}' cannot happen to an opcode that is {status.value}: report this as a defect")


@dataclass(frozen=True, slots=True)
class Step:
    """What an event made of the job, and what the process has to do about it."""

    job: Job
    persist: Persist


def current(job: Job) -> int | None:
    """Return the index of the first opcode that has not ended; None if all have."""
    return next((index for index, op in enumerate(job.ops) if not op.status.finalised), None)


def _with(job: Job, index: int, op: Opcode) -> Job:
    return replace(job, ops=(*job.ops[:index], op, *job.ops[index + 1 :]))


def _index(job: Job) -> int:
    index = current(job)
    if index is None:
        raise IllegalEventError(job_status(job), Event.START)
    return index


def _rest(job: Job, index: int, status: Status, result: Any) -> tuple[Opcode, ...]:
    """Return the opcodes, those after `index` ended without having run."""
    return (*job.ops[: index + 1], *(replace(op, status=status, result=result) for op in job.ops[index + 1 :]))


def advance(job: Job, event: Event, now: Timestamp, result: Any = None) -> Step:
    """Apply an event to the opcode at hand.

    Args:
        job: the job.
        event: what happened.
        now: when.
        result: of an opcode that succeeded or failed.

    Raises:
        IllegalEventError: it cannot happen now.
    """
    index = _index(job)
    op = job.ops[index]
    status = TRANSITIONS.get((op.status, event))
    if status is None:
        raise IllegalEventError(op.status, event)
    if event is Event.START:
        started = op.start_timestamp or now
        job = replace(job, start_timestamp=job.start_timestamp or started)
        return Step(_with(job, index, replace(op, status=status, start_timestamp=started, result=None)), Persist.NOW)
    if event is Event.GRANT:
        # durable before anything is done: after a power cut a job that reads "queued" is started again
        return Step(_with(job, index, replace(op, status=status, exec_timestamp=now)), Persist.DURABLY)
    if event is Event.CANCEL:
        job = _with(job, index, replace(op, status=status, result=CANCELED_TEXT))
        ops = _rest(job, index, Status.CANCELED, CANCELED_TEXT)
        return Step(replace(job, ops=ops, end_timestamp=now), Persist.DURABLY)
    job = _with(job, index, replace(op, status=status, result=result, end_timestamp=now))
    if event is Event.FAIL:
        job = replace(job, ops=_rest(job, index, Status.ERROR, PRECEDING_FAILED))
    if current(job) is None:
        job = replace(job, end_timestamp=now)
    return Step(job, Persist.DURABLY)


def log(job: Job, now: Timestamp, kind: str, message: Any) -> Step:
    """Append to the log of the opcode at hand; serials count over the whole job."""
    index = _index(job)
    op = job.ops[index]
    serial = 1 + sum(len(other.log) for other in job.ops)
    return Step(_with(job, index, replace(op, log=(*op.log, LogEntry(serial, now, kind, message)))), Persist.NOW)


def reprioritise(job: Job, priority: int) -> Step:
    """Give every opcode that has not begun to run a new priority."""
    pending = {Status.QUEUED, Status.WAITING, Status.CANCELING}
    ops = tuple(replace(op, priority=priority) if op.status in pending else op for op in job.ops)
    return Step(replace(job, ops=ops), Persist.NOW)


def with_input(job: Job, op_input: dict[str, Any]) -> Job:
    """Return the job with names expanded in the opcode at hand."""
    index = _index(job)
    return _with(job, index, replace(job.ops[index], input=op_input))
