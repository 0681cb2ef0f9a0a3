"""Execute a plan: submit its sets of jobs one after the other, and wait for each set.

Between two sets the user may stop: the first SIGINT or SIGTERM lets the running set end and submits no more, the second
ends the program at once (the jobs that were submitted go on in the cluster). A set with a failed job ends the
execution. Waiting asks luxid to answer when a job changes; only where it cannot (the job is archived already, too many
wait) its state is polled. What may have been submitted is never submitted again. A set is not submitted if other jobs
moved its instances, or will move them: a fail-over done twice is undone.

Source: man hbal(1), man hsqueeze(1) on `--exec`; the reason trail and comments of the jobs that htools 3.0.2 submits.
"""

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, NoReturn

from htools.backends.luxi import Caller, Client, UnreachableError, connect
from htools.plan.opcodes import Opcode
from spec.errors import GantryError, PeerError

FINISHED = frozenset({"canceled", "success", "error"})
"""Final states of a job."""

UNFINISHED = ("queued", "waiting", "canceling", "running")
"""All other states."""

MOVING = frozenset(
    f"OP_INSTANCE_{what}"
    for what in ("FAILOVER", "MIGRATE", "MOVE", "RECREATE_DISKS", "REMOVE", "RENAME", "REPLACE_DISKS")
)
"""Opcodes that may move or remove an instance; for others hbal's jobs just wait for the locks."""

_WAIT = 30.0
"""Seconds after which luxid answers even without a change."""
_PATIENCE = 60.0
"""Seconds for which luxid may be unreachable (during a restart, for example) while jobs run."""
_PAUSE = 0.1
"""Seconds between two attempts to reach it."""
_INTERVAL = 2.0
"""Seconds between two queries of a job when luxid refuses to wait."""


class ExecutionError(GantryError):
    """Jobs were refused or did not succeed; `jobs` maps their ids to their last states."""

    def __init__(self, reason: str, jobs: dict[int, str] | None = None) -> None:
        self.reason = reason
        self.jobs = jobs or {}
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class JobSet:
    """Jobs that may run at the same time; each is a list of opcodes.

    Attributes:
        description: a text for people.
        jobs: the jobs.
        places: where instances must be for the jobs to have the planned effect: names of nodes, the primary first.
    """

    description: str
    jobs: tuple[tuple[Opcode, ...], ...]
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Annotation:
    """Added to every opcode: who submitted it and why.

    Attributes:
        tool: the program's name, first part of its entry in the reason trail.
        reason: the entry's text.
        comment: the opcode's comment.
        priority: number of the submission priority, None for the cluster's default.
    """

    tool: str
    reason: str
    comment: str
    priority: int | None = None

    def applied(self, opcode: Opcode, now: int) -> Opcode:
        """Return the annotated opcode. `now` is in ns since 1970."""
        trail = [*opcode.get("reason", []), [self.tool, self.reason, now]]
        annotated = opcode | {"comment": self.comment, "reason": trail}
        return annotated if self.priority is None else annotated | {"priority": self.priority}


class _Stop:
    """Counts the user's requests to stop."""

    def __init__(self) -> None:
        self.requested = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        if self.requested:
            self._now()
        self.requested = True
        _write_at_once("Cancel request registered, will exit at the end of the current job set...")

    @staticmethod
    def _now() -> NoReturn:
        _write_at_once("Double cancel request, exiting now...")
        os._exit(2)


def _write_at_once(text: str) -> None:
    """Write a line past the buffer of standard output, which the signal may have interrupted and locked.

    It is dropped when nobody reads: a full pipe would keep the second signal from ending the program.
    """
    with suppress(OSError, ValueError):
        if select.select([], [sys.stdout], [], 0)[1]:
            os.write(sys.stdout.fileno(), f"{text}\n".encode())


@contextmanager
def _stoppable() -> Iterator[_Stop]:
    stop = _Stop()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def submit(client: Caller, jobs: Sequence[Sequence[Opcode]]) -> list[int]:
    """Submit jobs together and return their ids.

    Raises:
        ExecutionError: luxid refused one of them (the others are submitted; the text names them), or stopped before
            it answered, so that the outcome is unknown.
    """
    try:
        answers = client.call("SubmitManyJobs", [list(job) for job in jobs])
    except PeerError as error:
        text = ", ".join(map(str, error.arguments))
        raise ExecutionError(f"Job submission error: {text}") from None
    except UnreachableError as error:
        fault = f"luxid went away while it was given {len(jobs)} jobs ({error.reason})"
        hint = "they may have been submitted: see 'gantry job list' before you start again"
        raise ExecutionError(f"Job submission error: {fault}; {hint}") from None
    submitted = [int(answer[1]) for answer in answers if answer[0]]
    refused = [str(answer[1]) for answer in answers if not answer[0]]
    if refused:
        others = f" (submitted: {', '.join(map(str, submitted))})" if submitted else ""
        raise ExecutionError(f"Job submission error: {'; '.join(refused)}{others}", dict.fromkeys(submitted, "queued"))
    return submitted


def _check(client: Caller, group: JobSet) -> None:
    """Refuse a set whose instances were moved, or will be moved by other jobs (of a killed run, for example).

    Running jobs are queried before the instances: a job that ends in between has made its changes.

    Raises:
        ExecutionError: with the jobs or the instances.
    """
    if not group.places:
        return
    unfinished = ["|", *(["=", "status", status] for status in UNFINISHED)]
    for (_, job), (_, ops) in client.call("Query", "job", ["id", "ops"], unfinished)["data"]:
        moving = [op for op in ops if op["OP_ID"] in MOVING]
        names = sorted({op["instance_name"] for op in moving if op.get("instance_name") in group.places})
        if names:
            hint = f"wait for it ('gantry job watch {job}') or cancel it, and plan again"
            raise ExecutionError(f"job {job} moves {', '.join(names)}, which would be moved twice: {hint}")
    wanted = ["|", *(["=", "name", name] for name in group.places)]
    rows = client.call("Query", "instance", ["name", "pnode", "snodes"], wanted)["data"]
    found = {name: (primary, *secondaries) for (_, name), (_, primary), (_, secondaries) in rows}
    moved = sorted(name for name, nodes in group.places.items() if found.get(name) != nodes)
    if moved:
        raise ExecutionError(f"{', '.join(moved)}: no longer on the nodes that the plan moves it from; plan again")


def _state(client: Caller, job: int) -> str:
    """Return the state of a job, also of an archived one.

    Raises:
        ExecutionError: there is no such job (any more).
    """
    ((state, _),) = client.call("QueryJobs", [job], ["status", "archived"])
    if not isinstance(state, str):
        raise ExecutionError(f"job {job} is gone; ask 'gantry job list' what became of it")
    return state


def wait(client: Caller, job: int) -> str:
    """Wait until a job has a final state, and return it.

    Raises:
        ExecutionError: there is no such job (any more).
    """
    last: list[Any] | None = None
    serial: int | None = None  # of the last log entry: without it, luxid answers at once for as long as there is one
    while True:
        asked = time.monotonic()
        try:
            answer = client.call("WaitForJobChange", job, ["status"], last, serial, _WAIT)
        except PeerError:
            answer = None
        if answer == "nochange":
            continue
        answered = bool(answer) and bool(answer[0]) and isinstance(answer[0][0], str)
        now = answer[0] if answered else [_state(client, job)]
        if now[0] in FINISHED:
            return str(now[0])
        newest = _newest(answer[1]) if answered else None
        if (now == last and newest is None and time.monotonic() - asked < _INTERVAL) or not answered:
            time.sleep(_INTERVAL)  # it should have waited
        last = now
        serial = serial if newest is None else max(serial or 0, newest)


def _newest(entries: Any) -> int | None:
    """Return the largest serial of log entries, None if there are none."""
    return max((entry[0] for entry in entries or ()), default=None)


@contextmanager
def _reached(socket: str, patience: float, stop: _Stop) -> Iterator[Client | None]:
    """Open a connection to luxid, waiting for a restart; give None once the user wants to stop.

    Raises:
        UnreachableError: luxid stayed away for longer than `patience` seconds.
    """
    give_up = time.monotonic() + patience
    while not stop.requested:
        try:
            client = connect(socket, timeout=None)
        except UnreachableError:
            if time.monotonic() > give_up:
                raise
            time.sleep(_PAUSE)
        else:
            with client:
                yield client
            return
    yield None


def wait_all(socket: str, jobs: Sequence[int], patience: float = _PATIENCE) -> dict[int, str]:
    """Wait for submitted jobs, even during a restart of luxid; return their states.

    Raises:
        ExecutionError: a job no longer exists.
        UnreachableError: luxid stayed away for longer than `patience` seconds.
    """
    states: dict[int, str] = {}
    away_since: float | None = None
    while len(states) < len(jobs):
        try:
            with connect(socket, timeout=None) as client:
                away_since = None
                for job in jobs:
                    if job not in states:
                        states[job] = wait(client, job)
        except UnreachableError:
            away_since = away_since or time.monotonic()
            if time.monotonic() - away_since > patience:
                raise
            time.sleep(_PAUSE)
    return states


def run(
    socket: str,
    sets: Sequence[JobSet],
    annotation: Annotation,
    *,
    say: Callable[[str], None] = print,
    clock: Callable[[], int] = time.time_ns,
) -> bool:
    """Execute the sets in order.

    Args:
        socket: luxid's socket.
        sets: what to do.
        annotation: added to every opcode.
        say: prints a line for the user.
        clock: ns since 1970.

    Returns:
        False when the user stopped it before the last set.

    Raises:
        ExecutionError: a job was refused or did not succeed, or instances are not where they should be; later sets
            were not submitted.
        UnreachableError: luxid went away.
    """
    now = clock()
    sys.stdout.flush()
    with _stoppable() as stop:
        for position, group in enumerate(sets):
            with _reached(socket, _PATIENCE if position else 0.0, stop) as client:
                if client is None or stop.requested:
                    _report_rest(sets, position, say)
                    return False
                _check(client, group)
                jobs = [[annotation.applied(opcode, now) for opcode in job] for job in group.jobs]
                ids = submit(client, jobs)
                say(f"Got job IDs {','.join(map(str, ids))}")
                sys.stdout.flush()
            states = wait_all(socket, ids)
            failed = {job: state for job, state in states.items() if state != "success"}
            if failed:
                summary = ", ".join(f"job {job}: {state}" for job, state in failed.items())
                raise ExecutionError(f"Not all jobs completed successfully: {summary}\nAborting.", states)
    return True


def _report_rest(sets: Sequence[JobSet], position: int, say: Callable[[str], None]) -> None:
    say("Exiting early due to user request,")
    say(f"{position} job set(s) submitted:")
    for group in sets[:position]:
        say(f"  {group.description}")
    say(f"{len(sets) - position} job set(s) not submitted:")
    for group in sets[position:]:
        say(f"  {group.description}")
