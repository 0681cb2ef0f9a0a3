"""The lock state and its indexes, and drafts that change it. Pure: states are immutable values that share structure.

Invariants between the indexes, for every lock L, lockset G and owner o:

* `held[o].locks[L]` is the mode in which o holds L directly, and `direct[L][o]` says the same from the lock's side;
* `members[G][o]` counts the locks implying G that o holds, `exclusive_members[G][o]` those of them held exclusively;
* `waiting[o]` is o's pending request with the place where it waits, and `queues[place]` holds it: a request waits at
  one place only, at which it is blocked.

Empty maps and queues are never kept.
"""

from collections.abc import Iterable
from typing import NamedTuple

from immutables import Map

from impl.locks.sortedset import SortedSet
from spec.locks.model import Pending
from spec.locks.names import Lock, Mode, Owner, Request, implied

RELEASE, SHARED, EXCLUSIVE = Mode.RELEASE, Mode.SHARED, Mode.EXCLUSIVE
"""The modes, looked up once: an enumeration's attributes cost four times a variable's."""


class Place(NamedTuple):
    """Where a blocked request waits: it can move on only when somebody lets go of something there.

    Attributes:
        lock: the lock at which it is blocked.
        via: 0 if an entry asks for `lock` itself, 1 if for a lock that implies it and `lock` is in the way.
        mode: the mode that the blocked entry asks for.
    """

    lock: Lock
    via: int
    mode: Mode


class Held(NamedTuple):
    """What one owner holds; `order` has the same locks, sorted."""

    locks: "Map[Lock, Mode]"
    order: SortedSet[Lock]


class Waiting(NamedTuple):
    """A pending request, the place at which it waits, and its number in the order of arrival."""

    pending: Pending
    place: Place
    arrival: int


Counts = Map[Owner, int]
NOBODY: "Map[Owner, Mode]" = Map()
NO_COUNTS: Counts = Map()
NOTHING_HELD = Held(Map(), SortedSet())
NO_QUEUE: SortedSet[Pending] = SortedSet()


class LockState(NamedTuple):
    """Who holds what and who waits for what; see the module's invariants."""

    held: "Map[Owner, Held]" = Map()
    direct: "Map[Lock, Map[Owner, Mode]]" = Map()
    members: "Map[Lock, Counts]" = Map()
    exclusive_members: "Map[Lock, Counts]" = Map()
    waiting: "Map[Owner, Waiting]" = Map()
    queues: "Map[Place, SortedSet[Pending]]" = Map()
    arrivals: int = 0
    fair: bool = False

    def locks_of(self, owner: Owner) -> "Map[Lock, Mode]":
        """Return the locks that `owner` holds directly."""
        return self.held.get(owner, NOTHING_HELD).locks


def exclusive_holder(holders: "Map[Owner, Mode]") -> Owner | None:
    """Return the exclusive one of a lock's direct owners, who is then the only one; None if there is none."""
    if len(holders) == 1:
        for owner, mode in holders.items():
            if mode == EXCLUSIVE:
                return owner
    return None


class Draft:
    """A lock state under change; `finish` makes a state of it again.

    Attributes:
        loosened: locks that somebody released or downgraded since they were last looked at.
        held_changes: what changed of who holds what, in order (RELEASE for what was given up).
        waiting_changes: whose pending request changed, and to what.
    """

    def __init__(self, state: LockState) -> None:
        self.held = state.held.mutate()
        self.direct = state.direct.mutate()
        self.members = state.members.mutate()
        self.exclusive_members = state.exclusive_members.mutate()
        self.waiting = state.waiting.mutate()
        self.queues = state.queues.mutate()
        self.arrivals = state.arrivals
        self.fair = state.fair
        self.loosened: list[Lock] = []
        self.held_changes: list[tuple[Owner, Lock, Mode]] = []
        self.waiting_changes: dict[Owner, Pending | None] = {}

    def finish(self) -> LockState:
        """Return the changed state."""
        return LockState(
            self.held.finish(),
            self.direct.finish(),
            self.members.finish(),
            self.exclusive_members.finish(),
            self.waiting.finish(),
            self.queues.finish(),
            self.arrivals,
            self.fair,
        )

    def all_waiting(self) -> list[Waiting]:
        """Return every waiting request; takes time linear in their number."""
        waiting = self.waiting.finish()
        self.waiting = waiting.mutate()
        return list(waiting.values())

    def assign(self, owner: Owner, requests: Iterable[Request]) -> None:
        """Let `owner` hold what `requests` ask for; the caller checks whether it may."""
        mine = self.held.get(owner, NOTHING_HELD)
        locks = mine.locks.mutate()
        gained: list[Lock] = []
        lost: list[Lock] = []
        for lock, mode in requests:
            before = locks.get(lock, RELEASE)
            if before == mode:
                continue
            self.held_changes.append((owner, lock, mode))
            if mode < before:
                self.loosened.append(lock)
            holders = self.direct.get(lock, NOBODY)
            if mode == RELEASE:
                del locks[lock]
                lost.append(lock)
                _put(self.direct, lock, holders.delete(owner))
            else:
                locks[lock] = mode
                if before == RELEASE:
                    gained.append(lock)
                self.direct[lock] = holders.set(owner, mode)
            group = implied(lock)
            if group is not None:
                _count(self.members, group, owner, (mode > RELEASE) - (before > RELEASE))
                _count(self.exclusive_members, group, owner, (mode == EXCLUSIVE) - (before == EXCLUSIVE))
        held = locks.finish()
        if not held:
            self.held.pop(owner, None)
        elif gained or lost:
            self.held[owner] = Held(held, mine.order.change(gained, lost))
        else:
            self.held[owner] = Held(held, mine.order)

    def put_waiting(self, pending: Pending, place: Place) -> None:
        """Let `pending` wait at `place`; it may be new or come from another place."""
        known = self.waiting.get(pending.owner)
        if known is None:
            self.waiting_changes[pending.owner] = pending
            self.waiting[pending.owner] = Waiting(pending, place, self.arrivals)
            self.arrivals += 1
        else:
            self._leave_queue(known)
            self.waiting[pending.owner] = Waiting(pending, place, known.arrival)
        self.queues[place] = self.queues.get(place, NO_QUEUE).add(pending)

    def drop_waiting(self, owner: Owner) -> None:
        """Let `owner` wait for nothing."""
        known = self.waiting.pop(owner, None)
        if known is not None:
            self._leave_queue(known)
            self.waiting_changes[owner] = None

    def _leave_queue(self, known: Waiting) -> None:
        _put(self.queues, known.place, self.queues[known.place].discard(known.pending))


def _put(table: object, key: object, value: object) -> None:
    if value:
        table[key] = value  # type: ignore[index]
    else:
        table.pop(key, None)  # type: ignore[attr-defined]


def _count(table: object, group: Lock, owner: Owner, difference: int) -> None:
    if difference:
        counts: Counts = table.get(group, NO_COUNTS)  # type: ignore[attr-defined]
        count = counts.get(owner, 0) + difference
        _put(table, group, counts.set(owner, count) if count else counts.delete(owner))
