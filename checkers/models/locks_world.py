"""`spec.locks` within bounds with the life of owners, as in `tla/Locks.tla`: death, clean-up, notifications.

The specification computes the steps of the locks; a label has the form of the TLA+ module, with the answer.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from checkers.models.locks import LOCKS, owner, request
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
from spec.locks.names import Level, Lock, LockError, Mode, Owner, Request
from spec.locks.rules import LockState, locks_of, pending_of, step

Rules = Callable[[LockState, Event], tuple[LockState, Effects]]
Label = Mapping[str, Any]
Entries = tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of the exploration; the fields are the constants of the TLA+ module, locks and owners by number."""

    owners: tuple[int, ...]
    locks: tuple[int, ...]
    requests: tuple[Entries, ...] = ()
    priorities: tuple[int, ...] = (0,)
    wishes: tuple[tuple[Entries, int], ...] = ()
    levels: tuple[int, ...] = ()
    keeps: tuple[frozenset[int], ...] = ()
    mortal: frozenset[int] = frozenset()
    rounds: int = 0
    upgrades: bool = True
    fair: bool = False


@dataclass(frozen=True, slots=True)
class Life:
    """A state: the locks, the living owners, those notified that have not reacted yet, and how often each asked."""

    locks: LockState
    alive: frozenset[int]
    notified: frozenset[int] = frozenset()
    asked: tuple[int, ...] = ()


def initial(bounds: Bounds) -> Life:
    """Return the state in which nobody holds anything."""
    return Life(LockState(fair=bounds.fair), frozenset(bounds.owners), asked=tuple(0 for _ in bounds.owners))


def number_of(who: Owner) -> int:
    """Return the number of an owner."""
    return int(who.ident)


def lock_number(lock: Lock) -> int:
    """Return the number of a lock."""
    return LOCKS.index(lock) + 1


def entries_value(entries: Iterable[Request]) -> dict[int, int]:
    """Convert a request to a function from locks to modes."""
    return {lock_number(lock): int(mode) for lock, mode in entries}


class System:
    """The life of locks within bounds, as a labelled system."""

    def __init__(self, bounds: Bounds, rules: Rules = step) -> None:
        self.bounds = bounds
        self.rules = rules

    def _asks(self, state: Life, who: int) -> Life | None:
        """Return the state in which an owner has asked once more, or None if it may not."""
        rounds = self.bounds.rounds
        if who not in state.alive:
            return None
        if not rounds:
            return state
        asked = state.asked[who - 1]
        if asked >= rounds:
            return None
        return replace(state, asked=(*state.asked[: who - 1], asked + 1, *state.asked[who:]))

    def _upgrades(self, state: Life, who: int, entries: Entries) -> bool:
        mine = locks_of(state.locks, owner(who))
        return any(mode == Mode.EXCLUSIVE and mine.get(lock) == Mode.SHARED for lock, mode in entries)

    def _events(self, state: Life, who: int) -> Iterator[tuple[str, tuple[Any, ...], Event, Life]]:
        """Yield what a living owner may do: the event's name, its argument, the event, and the state before it."""
        bounds, me = self.bounds, owner(who)
        waiting = pending_of(state.locks, me)
        asking = self._asks(state, who)
        for entries in bounds.requests:
            asked = entries_value(entries)
            if waiting is not None:
                for priority in bounds.priorities:
                    if waiting.requests == entries:
                        yield "Wait", (asked, priority), Wait(me, priority, entries), state
                continue
            if asking is None or (not bounds.upgrades and self._upgrades(state, who, entries)):
                continue
            yield "Try", (asked,), Try(me, entries), asking
            for priority in bounds.priorities:
                yield "Wait", (asked, priority), Wait(me, priority, entries), asking
        yield "Free", (), Free(me), state
        for level in bounds.levels:
            yield "FreeLevel", (level,), FreeLevel(me, Level(level)), state
            yield "Downgrade", (level,), Downgrade(me, Level(level)), state
        for keep in bounds.keeps:
            yield "Intersect", (keep,), Intersect(me, frozenset(LOCKS[lock - 1] for lock in keep)), state
        if asking is not None:
            for wishes, least in bounds.wishes:
                event = Opportunistic(me, wishes, least)
                yield "Opportunistic", (entries_value(wishes), least), event, asking

    def _after(self, state: Life, event: Event) -> tuple[Life, Effects] | None:
        try:
            locks, effects = self.rules(state.locks, event)
        except LockError:
            return None
        notified = state.notified | {number_of(granted) for granted in effects.granted}
        return replace(state, locks=locks, notified=notified), effects

    def successors(self, state: Life) -> Iterable[tuple[Label, Life]]:
        """Yield the labelled steps from a state."""
        for who in self.bounds.owners:
            if who not in state.alive:
                yield from self._sweep(state, who)
                continue
            for name, argument, event, met in self._events(state, who):
                done = self._after(met, event)
                if done is not None:
                    yield label(name, who, argument, done[1]), done[0]
            if who in state.notified:
                yield label("Notice", who), replace(state, notified=state.notified - {who})
            if who in self.bounds.mortal:
                yield label("Die", who), replace(state, alive=state.alive - {who})

    def _sweep(self, state: Life, who: int) -> Iterator[tuple[Label, Life]]:
        me = owner(who)
        if locks_of(state.locks, me) or pending_of(state.locks, me) or who in state.notified:
            done = self._after(state, Free(me))
            if done is not None:
                after, effects = done
                yield label("Sweep", who, (), effects), replace(after, notified=after.notified - {who})


def label(name: str, who: int, argument: tuple[Any, ...] = (), effects: Effects | None = None) -> Label:
    """Return a step in the form of the TLA+ module."""
    effects = effects or Effects()
    return {
        "event": name,
        "owner": who,
        "argument": argument,
        "blockers": frozenset(map(number_of, effects.blockers)),
        "taken": frozenset(map(lock_number, effects.taken)),
        "granted": frozenset(map(number_of, effects.granted)),
    }


def state_value(bounds: Bounds) -> Callable[[Life], dict[str, Any]]:
    """Convert a state, variable by variable, to the form of the TLA+ module."""

    def value(state: Life) -> dict[str, Any]:
        held = {}
        for who in bounds.owners:
            mine = locks_of(state.locks, owner(who))
            held[who] = {lock: int(mine.get(LOCKS[lock - 1], Mode.RELEASE)) for lock in bounds.locks}
        return {
            "held": held,
            "pending": [
                {
                    "owner": number_of(pending.owner),
                    "priority": pending.priority,
                    "request": entries_value(pending.requests),
                }
                for pending in state.locks.pending
            ],
            "alive": state.alive,
            "notified": state.notified,
            "asked": dict(zip(bounds.owners, state.asked, strict=True)),
        }

    return value


def bounds_of(constants: Mapping[str, Any]) -> Bounds:
    """Convert the constants of the TLA+ module to bounds."""

    def entries(function: Mapping[int, int] | tuple[int, ...]) -> Entries:
        pairs = enumerate(function, 1) if isinstance(function, tuple) else function.items()
        return request(*pairs)

    return Bounds(
        owners=tuple(sorted(constants["Owners"])),
        locks=tuple(sorted(constants["Locks"])),
        requests=tuple(sorted(entries(function) for function in constants["Requests"])),
        priorities=tuple(sorted(constants["Priorities"])),
        wishes=tuple(sorted((entries(wish["request"]), wish["least"]) for wish in constants["Wishes"])),
        levels=tuple(sorted(constants["Levels"])),
        keeps=tuple(constants["Keeps"]),
        mortal=frozenset(constants["Mortal"]),
        rounds=constants["Rounds"],
        upgrades=constants["Upgrades"],
        fair=constants["Fair"],
    )
