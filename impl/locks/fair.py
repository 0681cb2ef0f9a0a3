"""Fair mode: a waiting request blocks conflicting ones that come later and are no more urgent.

A claim never stops an owner for whom the claimant itself waits, directly or through others. Whether that is so can
change with every step, so here the whole queue is looked at after each change: a step costs time by the number of
requests that wait, unlike in Ganeti's rule.
"""

from collections import defaultdict

from impl.locks.blocking import blockers
from impl.locks.state import Draft, Waiting
from spec.locks.names import Lock, Mode, Owner, Request, implied, lockset


def wait_for(draft: Draft) -> dict[Owner, set[Owner]]:
    """Return, for each owner that waits, the owners that keep its request from being granted: holders and claimants."""
    queue = sorted(draft.all_waiting(), key=lambda waiting: waiting.arrival)
    graph = {
        waiting.pending.owner: blockers(draft, waiting.pending.owner, waiting.pending.requests) for waiting in queue
    }
    claimed: dict[Lock, list[tuple[Mode, Waiting]]] = defaultdict(list)
    for later in queue:
        mine = later.pending
        for earlier in _claimants(claimed, mine.requests):
            theirs = earlier.pending
            if theirs.priority <= mine.priority and not _reaches(graph, theirs.owner, mine.owner):
                graph[mine.owner].add(theirs.owner)
        for lock, mode in mine.requests:
            if mode != Mode.RELEASE:
                claimed[lock].append((mode, later))
    return graph


def _claimants(claimed: dict[Lock, list[tuple[Mode, Waiting]]], requests: tuple[Request, ...]) -> list[Waiting]:
    """Return the earlier requests that conflict with one of `requests`, in order of arrival."""
    found: dict[int, Waiting] = {}
    for lock, mode in requests:
        if mode == Mode.RELEASE:
            continue
        overlapping = [lock]
        group = implied(lock)
        if group is not None:
            overlapping.append(group)
        elif lock == lockset(lock.level):
            overlapping.extend(other for other in claimed if implied(other) == lock)
        for known in overlapping:
            for its_mode, waiting in claimed.get(known, ()):
                if Mode.EXCLUSIVE in {mode, its_mode}:
                    found[waiting.arrival] = waiting
    return [found[arrival] for arrival in sorted(found)]


def _reaches(graph: dict[Owner, set[Owner]], start: Owner, goal: Owner) -> bool:
    seen: set[Owner] = set()
    todo = [start]
    while todo:
        owner = todo.pop()
        if owner == goal:
            return True
        if owner not in seen:
            seen.add(owner)
            todo.extend(graph.get(owner, ()))
    return False


def serve_fairly(draft: Draft) -> list[Owner]:
    """Grant what is possible, the first possible request in the order of serving each time."""
    granted: list[Owner] = []
    draft.loosened.clear()
    while draft.waiting:
        graph = wait_for(draft)
        possible = [draft.waiting[owner].pending for owner, blocked_on in graph.items() if not blocked_on]
        if not possible:
            break
        pending = min(possible)
        draft.drop_waiting(pending.owner)
        draft.assign(pending.owner, pending.requests)
        draft.loosened.clear()
        granted.append(pending.owner)
    return granted
