"""Events and effects of the lock core, and requests that wait. Vocabulary only.

`step(state, event) -> (state', effects)` is written twice: in `spec.locks.rules` and in `impl.locks`. An event that the
rules refuse raises a `LockError` and changes nothing.
"""

from dataclasses import dataclass
from typing import NamedTuple

from spec.locks.names import Level, Lock, Owner, Request


class Pending(NamedTuple):
    """A request that waits; compares in the order in which waiting requests are served.

    Attributes:
        priority: smaller is more urgent.
        owner: who waits; an owner has at most one pending request.
        requests: its entries, as they were given.
    """

    priority: int
    owner: Owner
    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Try:
    """Grant `requests` at once and as a whole, or change nothing and return the owners that block (TryUpdateLocks)."""

    owner: Owner
    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """As `Try`; what is blocked becomes the owner's pending request (UpdateLocksWaiting)."""

    owner: Owner
    priority: int
    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Free:
    """Drop the owner's pending request and all its locks (FreeLocks); also used when the owner dies."""

    owner: Owner


@dataclass(frozen=True, slots=True)
class FreeLevel:
    """Drop the owner's pending request and its locks of one level (FreeLocksLevel)."""

    owner: Owner
    level: Level


@dataclass(frozen=True, slots=True)
class Downgrade:
    """Drop the owner's pending request and hold its locks of one level shared from now on (DownGradeLocksLevel)."""

    owner: Owner
    level: Level


@dataclass(frozen=True, slots=True)
class Intersect:
    """Drop the owner's pending request and its locks outside `locks` (IntersectLocks)."""

    owner: Owner
    locks: frozenset[Lock]


@dataclass(frozen=True, slots=True)
class Opportunistic:
    """Take those of `wishes` that are free now, entry by entry in lock order; none if fewer than `at_least` are.

    No wish is a release. (OpportunisticLockUnion, GuardedOpportunisticLockUnion.)
    """

    owner: Owner
    wishes: tuple[Request, ...]
    at_least: int = 0


Event = Try | Wait | Free | FreeLevel | Downgrade | Intersect | Opportunistic


class Effects(NamedTuple):
    """The results of a step besides the new state.

    Attributes:
        blockers: the owners that block a `Try` or a `Wait`, ascending; empty if granted.
        taken: the locks that an `Opportunistic` newly acquired or upgraded, descending.
        granted: the owners (never the caller) whose pending request was granted, ascending: each is to be notified
            once the new state is durable.
    """

    blockers: tuple[Owner, ...] = ()
    taken: tuple[Lock, ...] = ()
    granted: tuple[Owner, ...] = ()
