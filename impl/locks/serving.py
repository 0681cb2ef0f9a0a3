"""Serving waiting requests after locks were released, without a look at those that cannot have become possible.

A blocked request waits at one place where it is blocked, so only the queues of places that were loosened can hold a
request that became possible. They are merged in the order of serving; a queue is left as soon as its place is in
everybody's way again. So the cost follows the requests that are granted or that come to wait at another place.
"""

from heapq import heappop, heappush

from impl.locks.blocking import EVERYBODY, first_block, free_for
from impl.locks.state import NO_QUEUE, Draft, Place
from spec.locks.model import Pending
from spec.locks.names import Lock, Mode, Owner, implied

_MODES = (Mode.EXCLUSIVE, Mode.SHARED)


def serve(draft: Draft) -> list[Owner]:
    """Grant what became possible, the first possible request in the order of serving each time.

    Returns:
        The owners whose pending request was granted.
    """
    granted: list[Owner] = []
    if not draft.queues:
        draft.loosened.clear()
        return granted
    heap: list[tuple[Pending, Place, bool]] = []
    _look_at_loosened(draft, heap)
    while heap:
        pending, place, goes_on = heappop(heap)
        waiting = draft.waiting.get(pending.owner)
        if waiting is not None and waiting.pending == pending and waiting.place == place:
            blocked_at = first_block(draft, pending.owner, pending.requests)
            if blocked_at is None:
                draft.drop_waiting(pending.owner)
                draft.assign(pending.owner, pending.requests)
                granted.append(pending.owner)
                _look_at_loosened(draft, heap)
            elif blocked_at != place:
                draft.put_waiting(pending, blocked_at)
        if goes_on:
            _look_at(draft, heap, place, pending)
    return granted


def _look_at_loosened(draft: Draft, heap: list[tuple[Pending, Place, bool]]) -> None:
    for lock in draft.loosened:
        for place in _places(lock):
            _look_at(draft, heap, place, None)
    draft.loosened.clear()


def _places(lock: Lock) -> list[Place]:
    """Return the places where the release of `lock` may matter."""
    group = implied(lock)
    places = [Place(lock, via, mode) for mode in _MODES for via in (0, 1)]
    return places if group is None else places + [Place(group, 0, mode) for mode in _MODES]


def _look_at(draft: Draft, heap: list[tuple[Pending, Place, bool]], place: Place, after: Pending | None) -> None:
    """Enter the next request of a place's queue that may be possible."""
    queue = draft.queues.get(place, NO_QUEUE)
    if not queue:
        return
    free = free_for(draft, place)
    if free is EVERYBODY:
        following = queue.first if after is None else queue.after(after)
        if following is not None:
            heappush(heap, (following, place, True))
    elif free is not None:
        waiting = draft.waiting.get(free)  # type: ignore[call-overload]
        if waiting is not None and waiting.place == place:
            heappush(heap, (waiting.pending, place, False))
