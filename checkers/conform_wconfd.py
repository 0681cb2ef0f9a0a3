"""Is a program a wconfd? Generated histories over its socket, every answer and every signal against the specification.

Owners are real: each has a process that holds its live-lock and counts the signals it gets. After every call each
owner's signals are asked for; a death is a kill, and the daemon is told to look for it. A divergence is shrunk to a
history from which no call can be left out, and is told as a transcript.

What is expected comes from `spec.locks.rules` (profile `gantry`) or from the order in which Ganeti 3.0 serves
(profile `peer-3.0`, `spec.locks.peer`), and from `spec.reservations`.
"""

import contextlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from checkers.verdict import Illegal, Ok, Unknown, Verdict
from impl.wire.client import Client, UnreachableError
from spec import reservations
from spec.errors import GantryError, PeerError
from spec.locks import model, rules
from spec.locks.errors import LockError
from spec.locks.names import (
    BGL,
    CONFIG_LOCK,
    LEVEL_NAMES,
    MODE_NAMES,
    Level,
    Lock,
    Mode,
    Owner,
    Request,
    implied,
    lock_name,
    lockset,
)
from spec.locks.peer import PeerState, peer_step

OWNER_IDENTS: tuple[int | str, ...] = (1, 9, "masterd", "a", 30)
LOCKS = (
    lockset(Level.CLUSTER),
    BGL,
    Lock(Level.INSTANCE, 1, "i1"),
    Lock(Level.NODEGROUP, 1, "g1"),
    lockset(Level.NODE),
    Lock(Level.NODE, 1, "n1"),
    Lock(Level.NODE, 1, "n2"),
    lockset(Level.NETWORK),
    CONFIG_LOCK,
)
MACS = ("aa:bb:cc:0f:00:01", "aa:bb:cc:0f:00:02")
VOLUMES = ("conformvg/lv1", "conformvg/lv2")
NODES = ("conform-node-a", "conform-node-b")
DISKS = ("conform-disk-1", "conform-disk-2")


class Action(NamedTuple):
    """One step of a history: a call in an owner's name, or the owner's death (`method` is "die")."""

    owner: int
    method: str
    arguments: tuple[Any, ...]


# -- generating


def generate(chance: random.Random, length: int) -> list[Action]:
    """A history. Arguments are in the specification's terms; a call's owner is put in when it is made."""
    return [_action(chance) for _ in range(length)]


def _requests(chance: random.Random, modes: Sequence[Mode]) -> tuple[Request, ...]:
    # few locks, so that owners meet; the node level most
    return tuple(
        Request(chance.choice(LOCKS if chance.random() < 0.4 else LOCKS[4:7]), chance.choice(modes))
        for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3)))
    )


def _action(chance: random.Random) -> Action:
    owner = chance.randrange(len(OWNER_IDENTS))
    every = (Mode.SHARED, Mode.EXCLUSIVE, Mode.EXCLUSIVE, Mode.RELEASE)
    taking = (Mode.SHARED, Mode.EXCLUSIVE)
    make: list[tuple[int, Callable[[], tuple[str, tuple[Any, ...]]]]] = [
        (18, lambda: ("tryUpdateLocks", (_requests(chance, every),))),
        (24, lambda: ("updateLocksWaiting", (chance.randint(-2, 2), _requests(chance, every)))),
        (6, lambda: ("freeLocks", ())),
        (4, lambda: ("freeLocksLevel", (chance.choice(list(Level)),))),
        (4, lambda: ("downGradeLocksLevel", (chance.choice(list(Level)),))),
        (4, lambda: ("intersectLocks", (frozenset(chance.sample(LOCKS, chance.randint(0, 4))),))),
        (6, lambda: ("opportunisticLockUnion", (_requests(chance, taking),))),
        (4, lambda: ("guardedOpportunisticLockUnion", (chance.randint(0, 3), _requests(chance, taking)))),
        (6, lambda: ("hasPendingRequest", ())),
        (6, lambda: ("listLocks", ())),
        (4, lambda: ("listLocksWaitingStatus", ())),
        (3, lambda: ("listAllLocks", ())),
        (3, lambda: ("lockConfig", (chance.random() < 0.5,))),
        (3, lambda: ("unlockConfig", ())),
        (3, lambda: ("reserveMAC", (chance.choice(MACS),))),
        (3, lambda: ("reserveLV", (chance.choice(VOLUMES),))),
        (2, lambda: ("dropAllReservations", ())),
        (2, lambda: ("allocateDRBDMinor", (chance.choice(DISKS), NODES[: chance.randint(1, 2)]))),
        (2, lambda: ("releaseDRBDMinors", (chance.choice(DISKS),))),
        (2, lambda: ("die", ())),
    ]
    _, chosen = chance.choices(make, weights=[weight for weight, _ in make])[0]
    return Action(owner, *chosen())


# -- what is expected


@dataclass(frozen=True, slots=True)
class Expected:
    """The specification's state."""

    locks: PeerState = field(default_factory=PeerState)
    reserved: reservations.Reserved = field(default_factory=reservations.Reserved)
    dead: frozenset[Owner] = frozenset()


class Answer(NamedTuple):
    """What a call answers, and who gets a signal."""

    result: Any
    granted: tuple[Owner, ...] = ()


def refused(error_class: str, text: str) -> dict[str, Any]:
    """How a refusal is written down."""
    return {"error": [error_class, text]}


class Profile:
    """What a daemon is held to.

    Args:
        name: `gantry` or `peer-3.0`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._as_peer = name == "peer-3.0"

    def _lock(self, state: Expected, event: model.Event) -> tuple[Expected, model.Effects]:
        if self._as_peer:
            peer, effects = peer_step(state.locks, event)
        else:
            plain, effects = rules.step(state.locks.locks, event)
            peer = PeerState(plain)
        return replace(state, locks=peer), effects

    def perform(self, state: Expected, who: Owner, action: Action) -> tuple[Expected, Answer]:
        """The state after an action, and what is expected of it."""
        try:
            return self._perform(state, who, action)
        except LockError as error:
            return state, Answer(refused("GenericError", str(error)))
        except reservations.DuplicateReservationError as error:
            return state, Answer(refused("ReservationError", str(error)))

    def _perform(self, state: Expected, who: Owner, action: Action) -> tuple[Expected, Answer]:
        event = lock_event(who, action)
        if event is not None:
            after, effects = self._lock(state, event)
            return after, Answer(_lock_result(event, effects), effects.granted)
        locks, arguments = state.locks.locks, action.arguments
        match action.method:
            case "hasPendingRequest":
                return state, Answer(rules.pending_of(locks, who) is not None)
            case "listLocks":
                return state, Answer(_locks_json(rules.locks_of(locks, who).items()))
            case "listAllLocks":
                return state, Answer([lock_name(lock) for lock in _in_use(locks)])
            case "listLocksWaitingStatus":
                return state, Answer([_owners_json(locks), [_pending_json(known) for known in sorted(locks.pending)]])
            case "lockConfig":
                mode = Mode.SHARED if arguments[0] else Mode.EXCLUSIVE
                if rules.locks_of(locks, who).get(CONFIG_LOCK, Mode.RELEASE) >= mode:
                    return state, Answer("the configuration")
                after, effects = self._lock(state, model.Try(who, (Request(CONFIG_LOCK, mode),)))
                return after, Answer(None if effects.blockers else "the configuration", effects.granted)
            case "die":
                return self._die(state, who)
        return self._reserve(state, who, action)

    def _reserve(self, state: Expected, who: Owner, action: Action) -> tuple[Expected, Answer]:
        kept, arguments = state.reserved, action.arguments
        result: Any = []
        match action.method:
            case "reserveMAC":
                kept = reservations.reserve(kept, "mac", arguments[0], who)
            case "reserveLV":
                kept = reservations.reserve(kept, "lv", arguments[0], who)
            case "dropAllReservations":
                kept = reservations.drop(kept, who)
            case "allocateDRBDMinor":
                kept, minors = reservations.allocate_minors(kept, arguments[0], arguments[1])
                result = list(minors)
            case "releaseDRBDMinors":
                kept = reservations.release_minors(kept, arguments[0])
        return replace(state, reserved=kept), Answer(result)

    def _die(self, state: Expected, who: Owner) -> tuple[Expected, Answer]:
        """The owner's process is killed and the daemon looks: Ganeti looks only at those who hold a lock."""
        state = replace(state, dead=state.dead | {who})
        holding = {owner for _, owner, _ in state.locks.locks.held}
        granted: set[Owner] = set()
        for owner in sorted(state.dead if not self._as_peer else state.dead & holding):
            state, effects = self._lock(state, model.Free(owner))
            granted |= set(effects.granted)
            state = replace(state, reserved=reservations.drop(state.reserved, owner), dead=state.dead - {owner})
        return state, Answer([], tuple(sorted(granted)))


def lock_event(who: Owner, action: Action) -> model.Event | None:
    """The lock core's event that a call is, if it is one."""
    arguments = action.arguments
    match action.method:
        case "tryUpdateLocks":
            return model.Try(who, arguments[0])
        case "updateLocksWaiting":
            return model.Wait(who, arguments[0], arguments[1])
        case "freeLocks":
            return model.Free(who)
        case "freeLocksLevel":
            return model.FreeLevel(who, arguments[0])
        case "unlockConfig":
            return model.FreeLevel(who, Level.CONFIG)
        case "downGradeLocksLevel":
            return model.Downgrade(who, arguments[0])
        case "intersectLocks":
            return model.Intersect(who, arguments[0])
        case "opportunisticLockUnion":
            return model.Opportunistic(who, arguments[0])
        case "guardedOpportunisticLockUnion":
            return model.Opportunistic(who, arguments[1], arguments[0])
    return None


def _lock_result(event: model.Event, effects: model.Effects) -> Any:
    if isinstance(event, model.Opportunistic):
        return [lock_name(lock) for lock in effects.taken]
    return [_owner_json(blocker) for blocker in effects.blockers]


def _owner_json(owner: Owner) -> list[Any]:
    return [owner.ident, owner.livelock, owner.pid]


def _locks_json(locks: Any) -> list[list[str]]:
    return [[lock_name(lock), MODE_NAMES[Mode(mode)]] for lock, mode in locks]


def _in_use(locks: rules.LockState) -> list[Lock]:
    direct = {lock for lock, _, _ in locks.held}
    return sorted(direct | {group for lock in direct if (group := implied(lock)) is not None})


def _owners_json(locks: rules.LockState) -> list[Any]:
    return [
        [
            lock_name(lock),
            [[_owner_json(owner), MODE_NAMES[mode]] for held, owner, mode in sorted(locks.held) if held == lock],
        ]
        for lock in _in_use(locks)
    ]


def _pending_json(pending: model.Pending) -> list[Any]:
    return [pending.priority, _owner_json(pending.owner), _locks_json(pending.requests)]


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
        """The signals so far: every one that was sent before this was asked."""
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
    """One action of a history with what was expected and what came."""

    request: str
    expected: Any
    got: Any

    @property
    def agrees(self) -> bool:
        """Whether it went as it should."""
        return bool(self.expected == self.got)


@dataclass(frozen=True, slots=True)
class Divergence:
    """A history at whose end the daemon differs from the specification."""

    exchanges: tuple[Exchange, ...]

    def told(self) -> str:
        """The transcript."""
        lines: list[str] = []
        for exchange in self.exchanges:
            lines.append(f"> {exchange.request}")
            if exchange.agrees:
                lines.append(f"< {json.dumps(exchange.got)}")
            else:
                lines += [f"expected {json.dumps(exchange.expected)}", f"but got  {json.dumps(exchange.got)}"]
        return "\n".join(lines)


class DriveError(GantryError):
    """The daemon cannot be driven."""


class Driver:
    """Drives one daemon through histories.

    Args:
        path: its socket.
        livelocks: the directory of its live-locks.
        profile: what it is held to.
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
        """Leave nothing behind."""
        with contextlib.suppress(GantryError):
            self._reset(())
        self._client.close()
        for owner in self._owners:
            owner.kill()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(owner.path)

    def _reset(self, dead: Sequence[Owner]) -> None:
        """Free everything that the last history left behind."""
        for owner in [*(process.owner for process in self._owners), *dead]:
            self._client.call("freeLocks", _owner_json(owner))
            self._client.call("dropAllReservations", _owner_json(owner))
        for disk in DISKS:
            self._client.call("releaseDRBDMinors", disk)

    def run(self, history: Sequence[Action]) -> Divergence | None:
        """Perform a history from a clean state; answers where it diverges, if it does."""
        state = Expected()
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
            told: list[Any] = []
            self._call("echo", ("barrier",))
            for place, known in enumerate(self._owners):
                count = known.signals()
                told += [known.owner.ident] * (count - signals[place])
                signals[place] = count
            alive = {known.owner for known in self._owners}
            wanted = [owner.ident for owner in expected.granted if owner in alive]
            exchanges.append(
                Exchange(
                    request,
                    {"answer": expected.result, "signals": sorted(wanted, key=str)},
                    {"answer": result, "signals": sorted(told, key=str)},
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
    """A call's arguments for the wire."""
    told: list[Any] = []
    for argument in action.arguments:
        if isinstance(argument, Level):
            told.append(LEVEL_NAMES[argument])
        elif isinstance(argument, frozenset):
            told.append([lock_name(lock) for lock in sorted(argument)])
        elif isinstance(argument, tuple) and all(isinstance(entry, Request) for entry in argument):
            told.append(_locks_json(argument))
        elif isinstance(argument, tuple):
            told.append(list(argument))
        else:
            told.append(argument)
    if action.method in {"listAllLocks", "listLocksWaitingStatus", "allocateDRBDMinor", "releaseDRBDMinors"}:
        return told
    place = 1 if action.method == "guardedOpportunisticLockUnion" else 0
    return [*told[:place], _owner_json(who), *told[place:]]


def shrink(driver: Driver, history: list[Action], found: Divergence) -> Divergence:
    """The divergence of a history from which no action, and no entry of a request, can be left out."""
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
    """Drive a daemon through generated histories of `length` calls, `steps` calls in all."""
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
