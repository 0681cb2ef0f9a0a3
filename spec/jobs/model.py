"""The vocabulary of jobs: statuses, priorities, timestamps, opcodes and jobs. Behaviour is in `rules`.

Invariants: a status is one of seven and they are ordered; a priority lies between -20 (most urgent) and
19; attribute names are those of the queue's files, so that a file and a value read alike.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Timestamp = tuple[int, int]
"""Seconds since the epoch, and microseconds."""

Reason = tuple[str, str, int]
"""One step of a reason trail: who, why, and when in nanoseconds since the epoch."""

Dependency = tuple[int, tuple[str, ...]]
"""A job's id, and the final statuses that are accepted of it (none named: any final status but canceled)."""

HIGHEST_PRIORITY = -20
LOWEST_PRIORITY = 19
DEFAULT_PRIORITY = 0

SUBMIT_PRIORITIES = (-10, 0, 10)
"""The priorities that a client may submit an opcode with: high, normal, low.

Source: constants opPrioHigh, opPrioNormal, opPrioLow of Ganeti; observed refusals of every other value.
"""

JOBS_PER_ARCHIVE_DIRECTORY = 10_000

QUEUE_LIMIT = 100_000
"""Jobs that may be queued at the same time; more are refused."""


class Status(enum.StrEnum):
    """The status of an opcode or of a whole job; the order of declaration is the order of the statuses.

    Source: design-daemons; the order decides what counts as finalised.
    """

    QUEUED = "queued"
    WAITING = "waiting"
    CANCELING = "canceling"
    RUNNING = "running"
    CANCELED = "canceled"
    SUCCESS = "success"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """The position in the order, from 0 (queued) to 6 (error)."""
        return _RANK[self]

    @property
    def finalised(self) -> bool:
        """Whether it is final: canceled, success or error."""
        return self in FINAL_STATUSES

    def __lt__(self, other: str) -> bool:
        return self.rank < Status(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Status(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Status(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Status(other).rank


_RANK: dict[Status, int] = {status: rank for rank, status in enumerate(Status)}

FINAL_STATUSES = frozenset({Status.CANCELED, Status.SUCCESS, Status.ERROR})


class LogEntry(NamedTuple):
    """One line of an opcode's log; serials count from 1 over the whole job."""

    serial: int
    timestamp: Timestamp
    kind: str
    message: Any


@dataclass(frozen=True, slots=True)
class Opcode:
    """One opcode of a job: its input and its result.

    Attributes:
        input: the opcode as submitted, defaults filled in: `OP_ID`, its parameters, and the common ones
            (`dry_run`, `debug_level`, `priority`, `depends`, `comment`, `reason`). Never modified in place.
        result: any JSON value; of a failed opcode `[error class, [arguments]]` or a plain string.
        start_timestamp: when it began to wait for its locks.
        exec_timestamp: when it got them.
        end_timestamp: when it ended.
    """

    input: Mapping[str, Any]
    status: Status = Status.QUEUED
    result: Any = None
    log: tuple[LogEntry, ...] = ()
    priority: int = DEFAULT_PRIORITY
    start_timestamp: Timestamp | None = None
    exec_timestamp: Timestamp | None = None
    end_timestamp: Timestamp | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job: an ordered list of opcodes with an id that is never used again.

    Attributes:
        livelock: path of its owner's live-lock: absent while it is queued, luxid's while it is handed over, the job
            process's own from then on.
        process_id: of the job process, written by itself.
    """

    id: int
    ops: tuple[Opcode, ...] = field(default_factory=tuple)
    received_timestamp: Timestamp | None = None
    start_timestamp: Timestamp | None = None
    end_timestamp: Timestamp | None = None
    livelock: str | None = None
    process_id: int | None = None


FILTER_ACTIONS = ("ACCEPT", "PAUSE", "REJECT", "CONTINUE", "RATE_LIMIT")


@dataclass(frozen=True, slots=True)
class FilterRule:
    """One job filter.

    Attributes:
        priority: 0 or more; smaller ones are evaluated first.
        watermark: the queue's serial when the filter was made.
        predicates: pairs of a kind (`jobid`, `opcode`, `reason`) and a filter expression; all must match. What of a
            stored rule cannot be read is a pair of another kind and of what is wrong.
        action: one of `FILTER_ACTIONS`.
        limit: with RATE_LIMIT, how many matching jobs may run at once.
    """

    uuid: str
    priority: int
    watermark: int
    predicates: tuple[tuple[str, Any], ...]
    action: str
    limit: int = 0

    @property
    def order(self) -> tuple[int, int, str]:
        """The key by which filters are ordered."""
        return (self.priority, self.watermark, self.uuid)
