"""Checks a wconfd: generated histories over its socket, every answer and signal compared with the specification.

Each owner is a process that holds its live-lock and counts the signals it gets, which are read after every call. An
owner is killed by SIGKILL, and then the daemon is asked to clean up. A divergence is shrunk to a history from which no
call can be left out, and is shown as a transcript.

The expected answers come from `spec.locks.rules` (profiles `gantry` and, in fair mode, `gantry-fair`) or from the order
in which Ganeti 3.0 serves (profile `ganeti-3.0`, `spec.locks.ganeti_order`), and from `spec.reservations`.
"""

import contextlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from checkers.conformance.histories import (
    DISKS,
    OWNER_IDENTS,
    Action,
    Profile,
    generate,
    locks_json,
    owner_json,
    refused,
)
from checkers.verdict import Illegal, Ok, Unknown, Verdict
from impl.wire.client import Client, UnreachableError
from spec.errors import GantryError, PeerError
from spec.locks.names import LEVEL_NAMES, Level, Owner, Request, lock_name

# -- owners that are processes

_OWNER_PROGRAM = """
import fcntl, os, signal, sys
count = 0
def hangup(*_):
    global count
    count += 1
signal.signal(signal.SIGHUP, hangup)
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.lockf(descriptor, fcntl.LOCK_EX)
os.write(1, b"ready\\n")
while os.read(0, 1):
    os.write(1, b"%d\\n" % count)
"""


class OwnerProcess:
    """A process that holds a live-lock and counts its signals."""

    def __init__(self, ident: int | str, directory: str, number: int) -> None:
        self.path = os.path.join(directory, f"conform_{ident}_{os.getpid()}_{number}")
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-c", _OWNER_PROGRAM, self.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self._read_line()
        self.owner = Owner(0 if isinstance(ident, str) else 1, ident, self.path, self._process.pid)

    def _read_line(self) -> bytes:
        assert self._process.stdout is not None  # noqa: S101 - it was asked for above
        return self._process.stdout.readline()

    def signals(self) -> int:
        """Count the signals so far, including every one sent before this call."""
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.write(b"?")
        return int(self._read_line())

    def kill(self) -> None:
        """End the process; its live-lock file stays."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()


# -- driving


@dataclass(frozen=True, slots=True)
class Exchange:
    """One action of a history with the expected and the received answer."""

    request: str
    expected: Any
    got: Any

    @property
    def agrees(self) -> bool:
        """Whether the daemon did as expected."""
        return bool(self.expected == self.got)


@dataclass(frozen=True, slots=True)
class Divergence:
    """A history after which the daemon differs from the specification."""

    exchanges: tuple[Exchange, ...]

    def describe(self) -> str:
        """Return the transcript."""
        lines: list[str] = []
        for exchange in self.exchanges:
            lines.append(f"> {exchange.request}")
            if exchange.agrees:
                lines.append(f"< {json.dumps(exchange.got)}")
            else:
                lines += [f"expected {json.dumps(exchange.expected)}", f"but got  {json.dumps(exchange.got)}"]
        return "\n".join(lines)


class DriveError(GantryError):
    """The daemon cannot be used for a history."""


class Driver:
    """Performs histories on one daemon.

    Args:
        path: its socket.
        livelocks: the directory of its live-locks.
        profile: the rules that it must follow.
    """

    def __init__(self, path: str, livelocks: str, profile: Profile) -> None:
        self._client = Client(path, timeout=30)
        self._livelocks = livelocks
        self._profile = profile
        self._number = 0
        self._owners: list[OwnerProcess] = [self._new_owner(ident) for ident in OWNER_IDENTS]

    def _new_owner(self, ident: int | str) -> OwnerProcess:
        self._number += 1
        return OwnerProcess(ident, self._livelocks, self._number)

    def close(self) -> None:
        """Free the owners' locks, and end their processes."""
        with contextlib.suppress(GantryError):
            self._reset(())
        self._client.close()
        for owner in self._owners:
            owner.kill()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(owner.path)

    def _reset(self, dead: Sequence[Owner]) -> None:
        """Free everything that the last history left."""
        for owner in [*(process.owner for process in self._owners), *dead]:
            self._client.call("freeLocks", owner_json(owner))
            self._client.call("dropAllReservations", owner_json(owner))
        for disk in DISKS:
            self._client.call("releaseDRBDMinors", disk)

    def run(self, history: Sequence[Action]) -> Divergence | None:
        """Perform a history from a clean state; return its divergence, or None."""
        state = self._profile.start()
        exchanges: list[Exchange] = []
        buried: list[Owner] = []
        signals = [process.signals() for process in self._owners]
        for action in history:
            process = self._owners[action.owner]
            who = process.owner
            state, expected = self._profile.perform(state, who, action)
            if action.method == "die":
                process.kill()
                buried.append(who)
                result = self._call("cleanupLocks", ())
                self._owners[action.owner] = self._new_owner(OWNER_IDENTS[action.owner])
                signals[action.owner] = 0
                request = f"{who.ident} dies; cleanupLocks"
            else:
                arguments = wire_arguments(who, action)
                result = self._call(action.method, arguments)
                request = json.dumps({"method": action.method, "args": arguments})
            signalled: list[Any] = []
            self._call("echo", ("barrier",))
            for place, known in enumerate(self._owners):
                count = known.signals()
                signalled += [known.owner.ident] * (count - signals[place])
                signals[place] = count
            alive = {known.owner for known in self._owners}
            wanted = [owner.ident for owner in expected.granted if owner in alive]
            exchanges.append(
                Exchange(
                    request,
                    {"answer": expected.result, "signals": sorted(wanted, key=str)},
                    {"answer": result, "signals": sorted(signalled, key=str)},
                )
            )
            if not exchanges[-1].agrees:
                break
        self._reset(buried)
        return None if not exchanges or exchanges[-1].agrees else Divergence(tuple(exchanges))

    def _call(self, method: str, arguments: Sequence[Any]) -> Any:
        try:
            result = self._client.call(method, *arguments)
        except PeerError as error:
            return refused(error.error_class, str(error.arguments[0]) if error.arguments else "")
        if method == "lockConfig" and isinstance(result, dict):
            return "the configuration"
        return result


def wire_arguments(who: Owner, action: Action) -> list[Any]:
    """Encode a call's arguments for the wire."""
    sent: list[Any] = []
    for argument in action.arguments:
        if isinstance(argument, Level):
            sent.append(LEVEL_NAMES[argument])
        elif isinstance(argument, frozenset):
            sent.append([lock_name(lock) for lock in sorted(argument)])
        elif isinstance(argument, tuple) and all(isinstance(entry, Request) for entry in argument):
            sent.append(locks_json(argument))
        elif isinstance(argument, tuple):
            sent.append(list(argument))
        else:
            sent.append(argument)
    if action.method in {"listAllLocks", "listLocksWaitingStatus", "allocateDRBDMinor", "releaseDRBDMinors"}:
        return sent
    place = 1 if action.method == "guardedOpportunisticLockUnion" else 0
    return [*sent[:place], owner_json(who), *sent[place:]]


def shrink(driver: Driver, history: list[Action], found: Divergence) -> Divergence:
    """Shrink a divergence until no action, and no entry of a request, can be left out."""
    history = history[: len(found.exchanges)]
    size = max(1, len(history) // 2)
    while True:
        shorter = _without_some(driver, history, size)
        if shorter is not None:
            history, found = shorter
        elif size > 1:
            size = max(1, size // 2)
        else:
            break
    for place, action in enumerate(history):
        for slimmer in _slimmer(action):
            candidate = [*history[:place], slimmer, *history[place + 1 :]]
            divergence = driver.run(candidate)
            if divergence is not None:
                history, found = candidate[: len(divergence.exchanges)], divergence
                break
    return found


def _without_some(driver: Driver, history: list[Action], size: int) -> tuple[list[Action], Divergence] | None:
    for start in range(0, len(history), size):
        candidate = history[:start] + history[start + size :]
        divergence = driver.run(candidate)
        if divergence is not None:
            return candidate[: len(divergence.exchanges)], divergence
    return None


def _slimmer(action: Action) -> Iterator[Action]:
    for place, argument in enumerate(action.arguments):
        if isinstance(argument, tuple) and len(argument) > 1:
            for skipped in range(len(argument)):
                kept = argument[:skipped] + argument[skipped + 1 :]
                yield action._replace(arguments=(*action.arguments[:place], kept, *action.arguments[place + 1 :]))


def conform(path: str, livelocks: str, profile: str, seed: int, steps: int, length: int = 60) -> Verdict[Divergence]:
    """Perform generated histories of `length` calls on a daemon, `steps` calls in all."""
    chance = random.Random(seed)
    try:
        driver = Driver(path, livelocks, Profile(profile))
    except UnreachableError as error:
        return Unknown(str(error))
    done = 0
    try:
        while done < steps:
            history = generate(chance, min(length, steps - done))
            found = driver.run(history)
            if found is not None:
                return Illegal(shrink(driver, history, found))
            done += len(history)
    except UnreachableError as error:
        return Unknown(f"after {done} calls: {error}")
    finally:
        driver.close()
    return Ok(f"{done} calls, every answer and every signal as specified ({profile})")
