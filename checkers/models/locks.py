"""`spec.locks` within bounds: a few owners, a lockset, its members and a second level; also the sides for lock-step.

The locks are numbered in lock order, as the TLA+ module numbers them: 1 is the lockset, 2 and 3 are its members, and 4
is the configuration lock, the second level, which implies nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from checkers.exploration.explore import Exploration, explore
from checkers.exploration.lockstep import Side
from impl.locks import core, state, view
from impl.locks.blocking import EVERYBODY, first_block, free_for
from spec.locks.model import (
    Downgrade,
    Effects,
    Event,
    Free,
    FreeLevel,
    Intersect,
    Opportunistic,
    Try,
    Wait,
)
from spec.locks.names import CONFIG_LOCK, Level, Lock, LockError, Mode, Owner, Request, implied, job, lockset
from spec.locks.properties import STATE_PROPERTIES, STEP_PROPERTIES
from spec.locks.rules import LockState, step

LOCKS = (lockset(Level.NODE), Lock(Level.NODE, 1, "a"), Lock(Level.NODE, 1, "b"), CONFIG_LOCK)


def owner(number: int) -> Owner:
    """Return the owner with a number, from 1; owners have the order of their numbers."""
    return job(number)


def request(*entries: tuple[int, int]) -> tuple[Request, ...]:
    """Make a request for locks by number, in modes by number (0 release, 1 shared, 2 exclusive)."""
    return tuple(Request(LOCKS[lock - 1], Mode(mode)) for lock, mode in sorted(entries))


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of the exploration.

    Attributes:
        owners: how many there are.
        requests: the requests that they try and wait for.
        priorities: the priorities that they wait with.
        wishes: opportunistic requests, each with the least number of locks.
        levels: the levels that they free and downgrade.
        keep: the sets of locks that they intersect theirs with.
        fair: whether the fair mode is on.
    """

    owners: int = 3
    requests: tuple[tuple[Request, ...], ...] = ()
    priorities: tuple[int, ...] = (0,)
    wishes: tuple[tuple[tuple[Request, ...], int], ...] = ()
    levels: tuple[Level, ...] = ()
    keep: tuple[frozenset[Lock], ...] = ()
    fair: bool = False

    def events(self) -> tuple[Event, ...]:
        """Return every event within the bounds."""
        found: list[Event] = []
        for who in map(owner, range(1, self.owners + 1)):
            found.extend(Try(who, asked) for asked in self.requests)
            found.extend(Wait(who, priority, asked) for priority in self.priorities for asked in self.requests)
            found.append(Free(who))
            for level in self.levels:
                found.extend((FreeLevel(who, level), Downgrade(who, level)))
            found.extend(Intersect(who, locks) for locks in self.keep)
            found.extend(Opportunistic(who, wishes, at_least) for wishes, at_least in self.wishes)
        return tuple(found)


def singles(locks: Iterable[int], modes: Sequence[int] = (0, 1, 2)) -> tuple[tuple[Request, ...], ...]:
    """Return every request of one entry."""
    return tuple(request((lock, mode)) for lock, mode in product(locks, modes))


def pairs(locks: Iterable[int], modes: Sequence[int] = (0, 1, 2)) -> tuple[tuple[Request, ...], ...]:
    """Return every request of two entries."""
    return tuple(
        request((one, mode), (another, other))
        for one, another in combinations(locks, 2)
        for mode, other in product(modes, modes)
    )


def successors(bounds: Bounds) -> Any:
    """Return the specification's labelled steps: a label is an event with its effects; refusals are not steps."""
    events = bounds.events()

    def after(state_: LockState) -> Iterable[tuple[tuple[Event, Effects], LockState]]:
        for event in events:
            try:
                then, effects = step(state_, event)
            except LockError:
                continue
            yield (event, effects), then

    return after


def explored(bounds: Bounds, **how: Any) -> Exploration[LockState, tuple[Event, Effects]]:
    """Explore the specification within bounds, with every property checked on every state and step."""
    return explore(
        [LockState(fair=bounds.fair)],
        successors(bounds),
        holds=STATE_PROPERTIES,
        steps_hold={
            "steps": lambda before, label, after: wrong_step(before, label[0], after, label[1]),
        },
        **how,
    )


def wrong_state(state_: LockState) -> str | None:
    """Name the property that a state of the specification breaks; None if none."""
    return next((f"{name}: {text}" for name, holds in STATE_PROPERTIES.items() if (text := holds(state_))), None)


def wrong_step(before: LockState, event: Event, after: LockState, effects: Effects) -> str | None:
    """Name the property that a step of the specification breaks; None if none."""
    for name, holds in STEP_PROPERTIES.items():
        text = holds(before, event, after, effects)
        if text is not None:
            return f"{name}: {text}"
    return None


# -- the sides for lock-step


def extension(indexed: state.LockState) -> LockState:
    """Convert an implementation's state to the specification's."""
    held = frozenset((lock, who, mode) for who, mine in view.holders(indexed) for lock, mode in mine)
    pending = view.in_order_of_arrival(indexed) if indexed.fair else view.all_pending(indexed)
    return LockState(held, tuple(pending), indexed.fair)


def unsound(indexed: state.LockState) -> str | None:
    """Say which of the indexes' invariants, as stated in `impl.locks.state`, is broken; None if none."""
    direct = {(lock, who): mode for lock, holders in indexed.direct.items() for who, mode in holders.items()}
    held = {(lock, who): mode for who, mine in indexed.held.items() for lock, mode in mine.locks.items()}
    if direct != held:
        return "'held' and 'direct' differ"
    if any(list(mine.order) != sorted(mine.locks) or not mine.locks for mine in indexed.held.values()):
        return "'order' does not list what is held"
    for name, counts, least in (
        ("members", indexed.members, Mode.SHARED),
        ("exclusive_members", indexed.exclusive_members, Mode.EXCLUSIVE),
    ):
        expected: dict[tuple[Lock, Owner], int] = {}
        for (lock, who), mode in held.items():
            group = implied(lock)
            if group is not None and mode >= least:
                expected[group, who] = expected.get((group, who), 0) + 1
        if expected != {(group, who): count for group, found in counts.items() for who, count in found.items()}:
            return f"'{name}' miscounts"
    queued = sorted(pending for queue in indexed.queues.values() for pending in queue)
    if queued != sorted(waiting.pending for waiting in indexed.waiting.values()) or not all(indexed.queues.values()):
        return "'queues' and 'waiting' differ"
    if not indexed.fair:
        for waiting in indexed.waiting.values():
            if waiting.pending not in indexed.queues[waiting.place]:
                return "a request waits at another place than it says"
            free = free_for(indexed, waiting.place)
            if free is EVERYBODY or free == waiting.pending.owner:
                return "a request waits where nothing is in its way"
            if first_block(indexed, waiting.pending.owner, waiting.pending.requests) is None:
                return "a request that could be granted waits"
    return None


def _key(indexed: state.LockState) -> Any:
    # held and pending locks are the specification's state, because both agree; `unsound` checks the rest
    return frozenset((who, waiting.place) for who, waiting in indexed.waiting.items())


def _effects_only(indexed: state.LockState, event: Event) -> tuple[state.LockState, Effects]:
    after, outcome = core.step(indexed, event)
    return after, outcome.effects


def sides(*, fair: bool = False) -> tuple[Side[LockState, Event], Side[state.LockState, Event]]:
    """Return both sides: the specification and the implementation."""
    plain: Side[LockState, Event] = Side("spec.locks.rules", LockState(fair=fair), step, sound=wrong_state)
    clever: Side[state.LockState, Event] = Side(
        "impl.locks", state.LockState(fair=fair), _effects_only, extension, _key, unsound
    )
    return plain, clever


def fair_sides() -> tuple[Side[LockState, Event], Side[state.LockState, Event]]:
    """Return both sides in fair mode."""
    return sides(fair=True)
