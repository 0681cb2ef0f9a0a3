"""Generates histories for a wconfd, and the answers that the specification expects. Pure.

Used by `checkers.conformance.wconfd`, which performs them. Arguments are in the specification's terms; owners are
added when a history is performed, because each death makes a new one.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from spec import reservations
from spec.locks import model, rules
from spec.locks.ganeti_order import GanetiState, ganeti_step
from spec.locks.names import (
    BGL,
    CONFIG_LOCK,
    MODE_NAMES,
    Level,
    Lock,
    LockError,
    Mode,
    Owner,
    Request,
    implied,
    lock_name,
    lockset,
)

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
    """Generate a history. Arguments are in the specification's terms; a call's owner is added when it is made."""
    return [_action(chance) for _ in range(length)]


def _requests(chance: random.Random, modes: Sequence[Mode]) -> tuple[Request, ...]:
    # few locks, so that owners conflict; most of the node level
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


# -- expected answers


@dataclass(frozen=True, slots=True)
class Expected:
    """The specification's state."""

    locks: GanetiState = field(default_factory=GanetiState)
    reserved: reservations.Reserved = field(default_factory=reservations.Reserved)
    dead: frozenset[Owner] = frozenset()


class Answer(NamedTuple):
    """A call's result, and the owners that get a signal."""

    result: Any
    granted: tuple[Owner, ...] = ()


def refused(error_class: str, text: str) -> dict[str, Any]:
    """Return the form in which a refusal is recorded."""
    return {"error": [error_class, text]}


PROFILES = ("gantry", "gantry-fair", "ganeti-3.0")
"""Ours, ours in fair mode, and Ganeti's."""


class Profile:
    """The rules that a daemon must follow.

    Args:
        name: one of `PROFILES`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._as_ganeti = name == "ganeti-3.0"

    def start(self) -> "Expected":
        """Return the state in which nobody holds or waits for anything."""
        return Expected(GanetiState(rules.LockState(fair=self.name == "gantry-fair")))

    def _lock(self, state: Expected, event: model.Event) -> tuple[Expected, model.Effects]:
        if self._as_ganeti:
            locks, effects = ganeti_step(state.locks, event)
        else:
            plain, effects = rules.step(state.locks.locks, event)
            locks = GanetiState(plain)
        return replace(state, locks=locks), effects

    def perform(self, state: Expected, who: Owner, action: Action) -> tuple[Expected, Answer]:
        """Return the state after an action, and the expected answer."""
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
                return state, Answer(locks_json(rules.locks_of(locks, who).items()))
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
        """Kill the owner and let the daemon clean up: Ganeti checks only owners that hold a lock."""
        state = replace(state, dead=state.dead | {who})
        holding = {owner for _, owner, _ in state.locks.locks.held}
        granted: set[Owner] = set()
        for owner in sorted(state.dead if not self._as_ganeti else state.dead & holding):
            state, effects = self._lock(state, model.Free(owner))
            granted |= set(effects.granted)
            state = replace(state, reserved=reservations.drop(state.reserved, owner), dead=state.dead - {owner})
        return state, Answer([], tuple(sorted(granted)))


def lock_event(who: Owner, action: Action) -> model.Event | None:
    """Return the lock core's event for a call, if there is one."""
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
    return [owner_json(blocker) for blocker in effects.blockers]


def owner_json(owner: Owner) -> list[Any]:
    """Encode an owner for the wire."""
    return [owner.ident, owner.livelock, owner.pid]


def locks_json(locks: Any) -> list[list[str]]:
    """Encode locks with their modes for the wire."""
    return [[lock_name(lock), MODE_NAMES[Mode(mode)]] for lock, mode in locks]


def _in_use(locks: rules.LockState) -> list[Lock]:
    direct = {lock for lock, _, _ in locks.held}
    return sorted(direct | {group for lock in direct if (group := implied(lock)) is not None})


def _owners_json(locks: rules.LockState) -> list[Any]:
    return [
        [
            lock_name(lock),
            [[owner_json(owner), MODE_NAMES[mode]] for held, owner, mode in sorted(locks.held) if held == lock],
        ]
        for lock in _in_use(locks)
    ]


def _pending_json(pending: model.Pending) -> list[Any]:
    return [pending.priority, owner_json(pending.owner), locks_json(pending.requests)]
