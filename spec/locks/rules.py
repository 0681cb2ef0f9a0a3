"""The rules of locks: conflicts, refusals, the effects of a step, and the order in which requests are granted.

These are slow and simple functions over an immutable state; `impl.locks` does the same with indexes. Processes,
signals, sockets and disks do not occur here: the death of an owner is a `Free` event.

Invariants (each is a function of `spec.locks.properties`): exclusion, with implication; a request is granted as a
whole or not at all; an owner has at most one pending request; no pending request could be granted.

Source: locks.md's rules as observed on Ganeti 3.0.2. Deviation: when pending requests that *release* something are
granted, further requests are served strictly in the order (priority, owner, request); Ganeti serves the consequences of
a grant before the rest of the round (`spec.locks.ganeti_order`). Requests that only acquire are served in the same
order; Ganeti's own clients leave no others pending.

>>> from spec.locks.model import Free, Try, Wait
>>> from spec.locks.names import Mode, Request, job, parse_lock
>>> node = parse_lock("node/n1")
>>> state, effects = step(LockState(), Try(job(1), (Request(node, Mode.SHARED),)))
>>> effects.blockers  # nobody: granted
()
>>> state, effects = step(state, Wait(job(2), 0, (Request(node, Mode.EXCLUSIVE),)))
>>> [owner.ident for owner in effects.blockers]  # job 2 waits for job 1
[1]
>>> state, effects = step(state, Free(job(1)))
>>> [owner.ident for owner in effects.granted]  # and is served when job 1 lets go
[2]
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from spec.locks.errors import (
    InconsistentRequestError,
    OrderViolationError,
    PendingRequestError,
    SharedGroupLockError,
)
from spec.locks.model import (
    Downgrade,
    Effects,
    Event,
    Free,
    FreeLevel,
    Intersect,
    Opportunistic,
    Pending,
    Try,
    Wait,
)
from spec.locks.names import Lock, LockError, Mode, Owner, Request, implied

Holding = tuple[Lock, Owner, Mode]


@dataclass(frozen=True, slots=True)
class LockState:
    """The locks that owners hold, and the requests that wait.

    Attributes:
        held: every lock that is held directly, with its owner and mode.
        pending: the waiting requests: in the order of serving, or, in fair mode, in the order of their arrival.
        fair: whether a waiting request blocks later conflicting ones that are not more urgent.
    """

    held: frozenset[Holding] = frozenset()
    pending: tuple[Pending, ...] = ()
    fair: bool = False


# -- reading the state


def locks_of(state: LockState, owner: Owner) -> dict[Lock, Mode]:
    """Return the locks that `owner` holds directly, in lock order."""
    return {lock: mode for lock, holder, mode in sorted(state.held) if holder == owner}


def pending_of(state: LockState, owner: Owner) -> Pending | None:
    """Return the owner's pending request."""
    return next((pending for pending in state.pending if pending.owner == owner), None)


def overlap(one: Lock, another: Lock) -> bool:
    """Return whether two locks overlap: they are the same, or one implies the other."""
    return one == another or implied(one) == another or implied(another) == one


def holders_in_the_way(held: Iterable[Holding], owner: Owner, requests: Iterable[Request]) -> frozenset[Owner]:
    """Return the other owners whose locks conflict with one of `requests`: overlapping, and not both shared."""
    return frozenset(
        holder
        for wanted, mode in requests
        for lock, holder, held_mode in held
        if holder != owner and mode != Mode.RELEASE and overlap(lock, wanted) and Mode.EXCLUSIVE in {mode, held_mode}
    )


# -- fairness


def claims(earlier: Pending, later: Pending) -> bool:
    """Return whether an earlier request conflicts with a later one, not more urgent: they overlap, not both shared.

    Shared requests claim as well as exclusive ones: otherwise owners that come before one in the order of serving could
    pass it for ever (shown by `tla/Locks.shared.cfg`).
    """
    return earlier.priority <= later.priority and any(
        Mode.RELEASE not in {mine.mode, yours.mode}
        and Mode.EXCLUSIVE in {mine.mode, yours.mode}
        and overlap(mine.lock, yours.lock)
        for mine in earlier.requests
        for yours in later.requests
    )


def wait_for(state: LockState) -> dict[Owner, frozenset[Owner]]:
    """Return the wait-for graph: for each owner that waits, the owners that block its pending request.

    These are the holders of conflicting locks and, in fair mode, the owners of earlier requests that conflict with it.
    A claim never blocks an owner for whom the claimant itself waits, directly or through others: that would be a
    deadlock. So claims are added one by one in order of arrival, each only if it closes no cycle.
    """
    graph = {
        pending.owner: holders_in_the_way(state.held, pending.owner, pending.requests) for pending in state.pending
    }
    if state.fair:
        for place, later in enumerate(state.pending):
            for earlier in state.pending[:place]:
                if claims(earlier, later) and not reaches(graph, earlier.owner, later.owner):
                    graph[later.owner] |= {earlier.owner}
    return graph


def reaches(graph: Mapping[Owner, frozenset[Owner]], start: Owner, goal: Owner) -> bool:
    """Return whether `start` waits for `goal`, directly or through others."""
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


LEAST_URGENT = 1 << 62
"""The priority of a request that cannot wait: every claim blocks it."""


def blockers(state: LockState, owner: Owner, priority: int, requests: tuple[Request, ...]) -> frozenset[Owner]:
    """Return the owners that block a request, whose owner has nothing pending; empty if it can be granted."""
    if not state.fair:
        return holders_in_the_way(state.held, owner, requests)
    arrived = replace(state, pending=(*state.pending, Pending(priority, owner, requests)))
    return wait_for(arrived)[owner]


# -- refusing


def check(state: LockState, owner: Owner, requests: tuple[Request, ...]) -> None:
    """Refuse a request that the lock order does not allow.

    Raises:
        LockError: the request is not allowed; see its subclasses.
    """
    for one in requests:
        for another in requests:
            if one.lock == another.lock and one.mode != another.mode:
                raise InconsistentRequestError(one.lock)
    mine = locks_of(state, owner)
    if mine:
        highest = max(mine)
        for lock, mode in requests:
            standing = [lock, implied(lock)]
            enough = max(
                (mine[known] for known in standing if known is not None and known in mine), default=Mode.RELEASE
            )
            if mode != Mode.RELEASE and lock < highest and enough < mode:
                raise OrderViolationError(lock, highest)
    for lock, mode in requests:
        group = implied(lock)
        if mode == Mode.EXCLUSIVE and group is not None and mine.get(group) == Mode.SHARED:
            raise SharedGroupLockError(lock, group)


# -- changing


def assign(state: LockState, owner: Owner, requests: Iterable[Request]) -> LockState:
    """Give `owner` the locks that `requests` ask for, without a check."""
    mine = locks_of(state, owner)
    for lock, mode in requests:
        if mode == Mode.RELEASE:
            mine.pop(lock, None)
        else:
            mine[lock] = mode
    others = {holding for holding in state.held if holding[1] != owner}
    return replace(state, held=frozenset(others | {(lock, owner, mode) for lock, mode in mine.items()}))


def enqueue(state: LockState, pending: Pending) -> LockState:
    """Add a pending request."""
    queue = (*state.pending, pending)
    return replace(state, pending=queue if state.fair else tuple(sorted(queue)))


def forget_pending(state: LockState, owner: Owner) -> LockState:
    """Remove the owner's pending request."""
    return replace(state, pending=tuple(pending for pending in state.pending if pending.owner != owner))


def serve(state: LockState) -> tuple[LockState, frozenset[Owner]]:
    """Grant pending requests, the first possible one in the order of serving each time, until none is possible."""
    graph = wait_for(state)
    for pending in sorted(state.pending):
        if not graph[pending.owner]:
            granted = assign(forget_pending(state, pending.owner), pending.owner, pending.requests)
            final, others = serve(granted)
            return final, others | {pending.owner}
    return state, frozenset()


def satisfied(state: LockState, owner: Owner, requests: Iterable[Request]) -> bool:
    """Return whether every entry has its effect already, and the owner waits for nothing."""
    mine = locks_of(state, owner)
    return pending_of(state, owner) is None and all(mine.get(lock, Mode.RELEASE) == mode for lock, mode in requests)


# -- the step


def step(state: LockState, event: Event) -> tuple[LockState, Effects]:
    """Perform one event.

    Raises:
        LockError: the event is refused; the state stays as it was.
    """
    match event:
        case Try(owner, requests):
            return _update(state, owner, LEAST_URGENT, requests, may_wait=False)
        case Wait(owner, priority, requests):
            mine = pending_of(state, owner)
            if mine is not None and mine.requests == requests:
                return state, Effects(blockers=tuple(sorted(wait_for(state)[owner])))
            return _update(state, owner, priority, requests, may_wait=True)
        case Free(owner):
            return _unconditional(state, owner, [Request(lock, Mode.RELEASE) for lock in locks_of(state, owner)])
        case FreeLevel(owner, level):
            mine_there = [lock for lock in locks_of(state, owner) if lock.level == level]
            return _unconditional(state, owner, [Request(lock, Mode.RELEASE) for lock in mine_there])
        case Downgrade(owner, level):
            mine_there = [lock for lock in locks_of(state, owner) if lock.level == level]
            return _unconditional(state, owner, [Request(lock, Mode.SHARED) for lock in mine_there])
        case Intersect(owner, locks):
            outside = [lock for lock in locks_of(state, owner) if lock not in locks]
            return _unconditional(state, owner, [Request(lock, Mode.RELEASE) for lock in outside])
        case Opportunistic(owner, wishes, at_least):
            return _opportunistic(state, owner, wishes, at_least)


def _update(
    state: LockState, owner: Owner, priority: int, requests: tuple[Request, ...], *, may_wait: bool
) -> tuple[LockState, Effects]:
    if satisfied(state, owner, requests):
        return state, Effects()
    if pending_of(state, owner) is not None:
        raise PendingRequestError(owner)
    check(state, owner, requests)
    blocked_on = blockers(state, owner, priority, requests)
    if not blocked_on:
        final, granted = serve(assign(state, owner, requests))
        return final, Effects(granted=tuple(sorted(granted)))
    if not may_wait:
        return state, Effects(blockers=tuple(sorted(blocked_on)))
    final, granted = serve(enqueue(state, Pending(priority, owner, requests)))
    still = () if owner in granted else tuple(sorted(blocked_on))
    return final, Effects(blockers=still, granted=tuple(sorted(granted - {owner})))


def _unconditional(state: LockState, owner: Owner, requests: list[Request]) -> tuple[LockState, Effects]:
    """Drop the owner's pending request and change what it holds; releasing and downgrading are never blocked."""
    final, granted = serve(assign(forget_pending(state, owner), owner, requests))
    return final, Effects(granted=tuple(sorted(granted)))


def _opportunistic(
    state: LockState, owner: Owner, wishes: tuple[Request, ...], at_least: int
) -> tuple[LockState, Effects]:
    mine = locks_of(state, owner)
    current, taken = state, list[Lock]()
    for wish in sorted(wish for wish in wishes if mine.get(wish.lock, Mode.RELEASE) < wish.mode):
        try:
            after, effects = step(current, Try(owner, (wish,)))
        except LockError:
            continue
        if not effects.blockers:
            current = after
            taken.insert(0, wish.lock)
    if len(taken) < at_least:
        return state, Effects()
    return current, Effects(taken=tuple(taken))
