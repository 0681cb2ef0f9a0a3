"""What blocks a request, from the indexes: the whole set of owners, or only the first place at which it is blocked."""

from collections.abc import Iterable
from typing import Protocol

from immutables import Map

from impl.locks.state import EXCLUSIVE, NO_COUNTS, NOBODY, RELEASE, SHARED, Counts, Place, exclusive_holder
from spec.locks.names import Lock, Mode, Owner, Request, implied


class LockTable(Protocol):
    """One of the indexes, of a state or of a draft."""

    def get(self, key: Lock, default: "Map[Owner, Mode]", /) -> "Map[Owner, Mode]": ...  # noqa: D102


class CountTable(Protocol):
    """One of the counting indexes."""

    def get(self, key: Lock, default: Counts, /) -> Counts: ...  # noqa: D102


class Indexes(Protocol):
    """What blocking is decided from: a `LockState` or a `Draft`."""

    @property
    def direct(self) -> LockTable: ...  # noqa: D102
    @property
    def members(self) -> CountTable: ...  # noqa: D102
    @property
    def exclusive_members(self) -> CountTable: ...  # noqa: D102


EVERYBODY = object()
"""Answer of `free_for`: nothing is in anybody's way."""


def blockers(indexes: Indexes, owner: Owner, requests: Iterable[Request]) -> set[Owner]:
    """Return all other owners whose locks are in the way of `requests`."""
    found: set[Owner] = set()
    for lock, mode in requests:
        group = implied(lock)
        if mode == EXCLUSIVE:
            found.update(indexes.direct.get(lock, NOBODY))
            found.update(indexes.members.get(lock, NO_COUNTS))
            if group is not None:
                found.update(indexes.direct.get(group, NOBODY))
        elif mode == SHARED:
            found.update(indexes.exclusive_members.get(lock, NO_COUNTS))
            for known in (lock, group):
                holder = exclusive_holder(indexes.direct.get(known, NOBODY)) if known is not None else None
                if holder is not None:
                    found.add(holder)
    found.discard(owner)
    return found


def first_block(indexes: Indexes, owner: Owner, requests: Iterable[Request]) -> Place | None:
    """Return the first place at which a request is blocked; None if it can be granted."""
    direct, members = indexes.direct, indexes.members
    for lock, mode in requests:
        if mode == RELEASE:
            continue
        group = implied(lock)
        if not direct.get(lock, NOBODY) and (
            not members.get(lock, NO_COUNTS) if group is None else not direct.get(group, NOBODY)
        ):
            continue  # nobody holds anything here: a member has no members
        if _in_the_way(indexes, Place(lock, 0, mode), owner):
            return Place(lock, 0, mode)
        if group is not None and _in_the_way(indexes, Place(group, 1, mode), owner):
            return Place(group, 1, mode)
    return None


def _in_the_way(indexes: Indexes, place: Place, owner: Owner) -> bool:
    free = free_for(indexes, place)
    return free is not EVERYBODY and free != owner


def free_for(indexes: Indexes, place: Place) -> object:
    """Return who is not blocked at a place: `EVERYBODY`, the one owner that alone is in the way, or None."""
    holders = indexes.direct.get(place.lock, NOBODY)
    if place.mode == EXCLUSIVE:
        counts = NO_COUNTS if place.via else indexes.members.get(place.lock, NO_COUNTS)
        if not holders and not counts:
            return EVERYBODY
        if len(holders) > 1 or len(counts) > 1:
            return None
        owners = {*holders, *counts}
        return owners.pop() if len(owners) == 1 else None
    holder = exclusive_holder(holders)
    exclusive = NO_COUNTS if place.via else indexes.exclusive_members.get(place.lock, NO_COUNTS)
    if holder is None:
        if not exclusive:
            return EVERYBODY
        return next(iter(exclusive)) if len(exclusive) == 1 else None
    return holder if all(owner == holder for owner in exclusive) else None
