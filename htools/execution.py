"""Carrying out a plan: sets of jobs are submitted one after the other, each set together, and waited for.

Between two sets the user may stop: the first SIGINT or SIGTERM lets the running set end and submits no more, the second
ends the program at once (the jobs that were submitted go on in the cluster). A set with a failed job ends the
execution. Waiting asks luxid to answer when a job changes; nothing is polled.

Source: man hbal(1), man hsqueeze(1) on `--exec`; the reason trail and comments of the jobs that htools 3.0.2 submits.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn

from htools.backends.luxi import Caller, UnreachableError, connect
from htools.opcodes import Opcode
from spec.errors import GantryError

FINISHED = frozenset({"canceled", "success", "error"})
"""States in which a job stays."""

_WAIT = 30.0
"""Seconds after which luxid answers even without a change."""
_PATIENCE = 60.0
"""Seconds for which luxid may be away (it is being restarted, say) while its jobs are waited for."""
_PAUSE = 0.1
"""Seconds between two attempts to reach it."""


class ExecutionError(GantryError):
    """Jobs were refused or did not succeed; `jobs` maps their ids to their last states."""

    def __init__(self, reason: str, jobs: dict[int, str] | None = None) -> None:
        self.reason = reason
        self.jobs = jobs or {}
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class JobSet:
    """Jobs that may run at the same time; each is a list of opcodes. `description` is for people."""

    description: str
    jobs: tuple[tuple[Opcode, ...], ...]


@dataclass(frozen=True, slots=True)
class Annotation:
    """What is added to every opcode: who submitted it and why.

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
        """The opcode with it. `now` is in ns since 1970."""
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
        print("Cancel request registered, will exit at the end of the current job set...", flush=True)

    @staticmethod
    def _now() -> NoReturn:
        print("Double cancel request, exiting now...", flush=True)
        os._exit(2)


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
        ExecutionError: luxid refused one of them (those before it are submitted; the text names them).
    """
    answers = client.call("SubmitManyJobs", [list(job) for job in jobs])
    submitted = [int(answer[1]) for answer in answers if answer[0]]
    refused = [str(answer[1]) for answer in answers if not answer[0]]
    if refused:
        others = f" (submitted: {', '.join(map(str, submitted))})" if submitted else ""
        raise ExecutionError(f"Job submission error: {'; '.join(refused)}{others}", dict.fromkeys(submitted, "queued"))
    return submitted


def wait(client: Caller, job: int) -> str:
    """Wait until a job stays as it is, and return its state.

    Raises:
        ExecutionError: there is no such job (any more).
    """
    last: list[Any] | None = None
    while True:
        answer = client.call("WaitForJobChange", job, ["status"], last, None, _WAIT)
        if answer == "nochange":
            continue
        if not answer or not answer[0] or not isinstance(answer[0][0], str):
            raise ExecutionError(f"job {job} is gone; ask 'gantry job list' what became of it")
        last = answer[0]
        if last[0] in FINISHED:
            return str(last[0])


def wait_all(socket: str, jobs: Sequence[int], patience: float = _PATIENCE) -> dict[int, str]:
    """Wait for jobs that were submitted, also over a restart of luxid; return their states.

    Raises:
        ExecutionError: a job is gone.
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
    """Carry out the sets in order.

    Args:
        socket: luxid's socket.
        sets: what to do.
        annotation: added to every opcode.
        say: tells the user a line.
        clock: ns since 1970.

    Returns:
        False when the user stopped it before the last set.

    Raises:
        ExecutionError: a job was refused or did not succeed; later sets were not submitted.
        UnreachableError: luxid went away.
    """
    with _stoppable() as stop:
        for position, group in enumerate(sets):
            if stop.requested:
                _tell_rest(sets, position, say)
                return False
            with connect(socket, timeout=None) as client:
                now = clock()
                jobs = [[annotation.applied(opcode, now) for opcode in job] for job in group.jobs]
                ids = submit(client, jobs)
                say(f"Got job IDs {','.join(map(str, ids))}")
                sys.stdout.flush()
            states = wait_all(socket, ids)
            failed = {job: state for job, state in states.items() if state != "success"}
            if failed:
                told = ", ".join(f"job {job}: {state}" for job, state in failed.items())
                raise ExecutionError(f"Not all jobs completed successfully: {told}\nAborting.", states)
    return True


def _tell_rest(sets: Sequence[JobSet], position: int, say: Callable[[str], None]) -> None:
    say("Exiting early due to user request,")
    say(f"{position} job set(s) submitted:")
    for group in sets[:position]:
        say(f"  {group.description}")
    say(f"{len(sets) - position} job set(s) not submitted:")
    for group in sets[position:]:
        say(f"  {group.description}")
