"""What happens to the queue, and what the queue wants done: the vocabulary of its step function.

An event carries everything that comes from outside the queue: the time, a file's contents, a dead process. An effect is
a task for the daemon. It performs the effects of one step in their order, and nothing that a client or a process can
see (`Reply`, `Launch`, `Signal`) before the `Persist` of the same or an earlier step is on disk.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spec.jobs.model import FilterRule, Job, Timestamp


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a job of a submission is not taken."""

    text: str


@dataclass(frozen=True, slots=True)
class Submit:
    """A client submits jobs together; opcodes include their defaults, relative dependencies are not resolved yet.

    Attributes:
        jobs: for each job its opcodes.
        force: submit into a drained queue too.
    """

    jobs: tuple[tuple[Mapping[str, Any], ...], ...]
    now: Timestamp
    force: bool = False


@dataclass(frozen=True, slots=True)
class Owned:
    """The process of a job being handed over has reported its live-lock, and waits for the confirmation."""

    id: int
    livelock: str


@dataclass(frozen=True, slots=True)
class NotStarted:
    """A hand-over failed before it was confirmed: nothing of the job ran. With `text`, the job is given up."""

    id: int
    now: Timestamp
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """The new contents of a running job's file."""

    job: Job


@dataclass(frozen=True, slots=True)
class Died:
    """The owner of a running job is proved dead, and this is what its file holds."""

    job: Job
    now: Timestamp


@dataclass(frozen=True, slots=True)
class Cancel:
    """A client wants a job canceled; with `kill`, by SIGKILL."""

    id: int
    now: Timestamp
    kill: bool = False


@dataclass(frozen=True, slots=True)
class ChangePriority:
    """A client wants a job's priority changed."""

    id: int
    priority: int


@dataclass(frozen=True, slots=True)
class Archive:
    """A client wants one job archived."""

    id: int


@dataclass(frozen=True, slots=True)
class AutoArchive:
    """A client wants every job archived that ended before a time; None: every job that ended."""

    before: Timestamp | None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class SetDrain:
    """A client closes or opens the queue."""

    drained: bool


@dataclass(frozen=True, slots=True)
class Configure:
    """The cluster's parameters were read or changed."""

    max_running: int
    rules: tuple[FilterRule, ...]


Event = (
    Submit
    | Owned
    | NotStarted
    | Changed
    | Died
    | Cancel
    | ChangePriority
    | Archive
    | AutoArchive
    | SetDrain
    | Configure
)


@dataclass(frozen=True, slots=True)
class Persist:
    """Make these jobs' files, and the serial where given, durable together."""

    jobs: tuple[Job, ...]
    serial: int | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """Start a process for this job: it was chosen to run, and its file names the daemon's own live-lock."""

    id: int


@dataclass(frozen=True, slots=True)
class Confirm:
    """Notify the job's process that it owns the job file now."""

    id: int


@dataclass(frozen=True, slots=True)
class Abort:
    """Stop the hand-over: close the pipe; the process then ends by itself."""

    id: int


@dataclass(frozen=True, slots=True)
class Signal:
    """Signal the job's process: `cancel` (SIGTERM), `kill` (SIGKILL) or `priority` (a message, SIGUSR1)."""

    id: int
    kind: str
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """Move these jobs' files to the archive."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SetDrainFile:
    """Create or remove the mark of a drained queue."""

    drained: bool


@dataclass(frozen=True, slots=True)
class CleanLocks:
    """Notify wconfd at once that an owner of locks died."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to the client."""

    result: Any


@dataclass(frozen=True, slots=True)
class Fail:
    """The client's request is refused, with an error class of the wire and its arguments."""

    error_class: str
    arguments: tuple[Any, ...]


Effect = (
    Persist | Launch | Confirm | Abort | Signal | Move | SetDrainFile | CleanLocks | Reply | Fail
)  # fmt: skip
