"""Fields of jobs; the thing asked about is a job's id. Source: Ganeti 3.0.2's job query."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from impl.opcodes import summary
from impl.query.model import UNAVAILABLE_ENTRY, Compare, Entry, Field, Kind, field_map, normal, or_unavailable
from impl.query.source import Source
from impl.queue.status import job_priority, job_status
from spec.jobs.model import HIGHEST_PRIORITY, LOWEST_PRIORITY, Job, Opcode

ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A job's id with the job, if there is one."""

    id: int
    job: Job | None
    archived: bool = False


def _of_job(function: Callable[[Job], Any]) -> Callable[[Source, Any], Entry]:
    def get(_: Source, item: Loaded) -> Entry:
        return UNAVAILABLE_ENTRY if item.job is None else normal(function(item.job))

    return get


def _ops_field(name: str, title: str, doc: str, function: Callable[[Opcode], Any]) -> Field:
    return Field(name, title, Kind.OTHER, doc, _of_job(lambda job: [function(op) for op in job.ops]))


def _stamp_field(name: str, title: str, event: str, function: Callable[[Job], Any]) -> Field:
    def get(_: Source, item: Loaded) -> Entry:
        return UNAVAILABLE_ENTRY if item.job is None else or_unavailable(function(item.job))

    doc = f"When the job {event} (seconds and microseconds)"
    return Field(name, title, Kind.OTHER, doc, get, Compare.TIMESTAMP)


def _archived(_: Source, item: Loaded) -> Entry:
    return UNAVAILABLE_ENTRY if item.job is None else normal(item.archived)


FIELDS = field_map(
    Field("id", "ID", Kind.NUMBER, "Job ID", lambda _, item: normal(item.id)),
    Field("status", "Status", Kind.TEXT, "Job status", _of_job(lambda job: job_status(job).value)),
    Field(
        "priority",
        "Priority",
        Kind.NUMBER,
        f"Current job priority ({LOWEST_PRIORITY} to {HIGHEST_PRIORITY})",
        _of_job(job_priority),
    ),
    Field(ARCHIVED, "Archived", Kind.BOOL, "Whether job is archived", _archived),
    _ops_field("ops", "OpCodes", "List of all opcodes", lambda op: op.input),
    _ops_field("opresult", "OpCode_result", "Results of the opcodes", lambda op: op.result),
    _ops_field("opstatus", "OpCode_status", "Statuses of the opcodes", lambda op: op.status.value),
    _ops_field("oplog", "OpCode_log", "Logs of the opcodes", lambda op: op.log),
    _ops_field("opstart", "OpCode_start", "When the opcodes began to wait for locks", lambda op: op.start_timestamp),
    _ops_field("opexec", "OpCode_exec", "When the opcodes had their locks", lambda op: op.exec_timestamp),
    _ops_field("opend", "OpCode_end", "When the opcodes ended", lambda op: op.end_timestamp),
    _ops_field("oppriority", "OpCode_prio", "Priorities of the opcodes", lambda op: op.priority),
    _ops_field("summary", "Summary", "One line per opcode", lambda op: summary(dict(op.input))),
    _stamp_field("received_ts", "Received", "was received", lambda job: job.received_timestamp),
    _stamp_field("start_ts", "Start", "started", lambda job: job.start_timestamp),
    _stamp_field("end_ts", "End", "ended", lambda job: job.end_timestamp),
)
"""Every field of jobs."""
