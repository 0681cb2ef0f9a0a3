"""The step of the lock core: `step(state, event) -> (state', outcome)`, the fast twin of `spec.locks.rules.step`.

One job has a node's lock, a second one waits for it and gets it as soon as the first one has dropped it:

>>> from spec.locks.names import job, parse_lock
>>> first, second = job(1, "/livelocks/job_1", 101), job(2, "/livelocks/job_2", 102)
>>> request = (Request(parse_lock("node/n1"), Mode.EXCLUSIVE),)
>>> state, outcome = step(LockState(), Try(first, request))
>>> outcome.effects.blockers
()
>>> state, outcome = step(state, Wait(second, priority=0, requests=request))
>>> [owner.ident for owner in outcome.effects.blockers]
[1]
>>> state, outcome = step(state, Free(first))
>>> [owner.ident for owner in outcome.effects.granted]
[2]
"""

from collections.abc import Iterable
from typing import NamedTuple

from impl.locks import fair
from impl.locks.blocking import blockers, first_block
from impl.locks.serving import serve
from impl.locks.state import EXCLUSIVE, RELEASE, SHARED, Draft, LockState, Place
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


class Outcome(NamedTuple):
    """What follows from a step.

    Attributes:
        effects: what is answered, and who is to be notified once the changes are durable.
        held: what changed of who holds what, in order (RELEASE for what was given up).
        waiting: whose pending request changed, and to what (None: nothing pending any more).
    """

    effects: Effects
    held: tuple[tuple[Owner, Lock, Mode], ...] = ()
    waiting: tuple[tuple[Owner, Pending | None], ...] = ()


NOTHING = Outcome(Effects())
_LEAST_URGENT = 1 << 62


def step(state: LockState, event: Event) -> tuple[LockState, Outcome]:
    """Perform one event.

    Raises:
        LockError: the event is refused; nothing has changed.
    """
    match event:
        case Try(owner, requests):
            return _update(state, owner, None, requests)
        case Wait(owner, priority, requests):
            mine = state.waiting.get(owner)
            if mine is not None and mine.pending.requests == requests:
                return state, Outcome(Effects(blockers=_blockers_of_pending(state, owner)))
            return _update(state, owner, priority, requests)
        case Free(owner):
            return _unconditional(state, owner, [Request(lock, RELEASE) for lock in state.locks_of(owner)])
        case FreeLevel(owner, level):
            there = [Request(lock, RELEASE) for lock in state.locks_of(owner) if lock.level == level]
            return _unconditional(state, owner, there)
        case Downgrade(owner, level):
            there = [Request(lock, SHARED) for lock in state.locks_of(owner) if lock.level == level]
            return _unconditional(state, owner, there)
        case Intersect(owner, locks):
            outside = [Request(lock, RELEASE) for lock in state.locks_of(owner) if lock not in locks]
            return _unconditional(state, owner, outside)
        case Opportunistic(owner, requests, at_least):
            return _opportunistic(state, owner, requests, at_least)


def check(state: LockState, owner: Owner, requests: tuple[Request, ...]) -> None:
    """Refuse what the lock order does not allow.

    Raises:
        LockError: the request may not be asked; see its subclasses.
    """
    if len(requests) > 1:
        _check_consistency(requests)
    mine = state.held.get(owner)
    highest = mine.order.last if mine is not None else None
    if mine is None or highest is None:
        return
    for lock, mode in requests:
        if mode != RELEASE and lock < highest:
            group = implied(lock)
            enough = max(mine.locks.get(lock, 0), mine.locks.get(group, 0) if group is not None else 0)
            if enough < mode:
                raise OrderViolationError(lock, highest)
    for lock, mode in requests:
        group = implied(lock)
        if mode == EXCLUSIVE and group is not None and mine.locks.get(group) == SHARED:
            raise SharedGroupLockError(lock, group)


def _check_consistency(requests: tuple[Request, ...]) -> None:
    """Refuse a request with two different entries for one lock: the first, in its order, that has them."""
    wanted: dict[Lock, Mode] = {}
    for lock, mode in requests:
        if wanted.setdefault(lock, mode) != mode:
            modes: dict[Lock, set[Mode]] = {}
            for known, its_mode in requests:
                modes.setdefault(known, set()).add(its_mode)
            raise InconsistentRequestError(next(known for known in modes if len(modes[known]) > 1))


def _update(
    state: LockState, owner: Owner, priority: int | None, requests: tuple[Request, ...]
) -> tuple[LockState, Outcome]:
    """Grant a request as a whole, or, with a priority, let it wait."""
    held = state.locks_of(owner)
    if owner in state.waiting:
        raise PendingRequestError(owner)
    for lock, mode in requests:
        if held.get(lock, RELEASE) != mode:
            break
    else:
        return state, NOTHING
    check(state, owner, requests)
    if state.fair:
        return _update_fairly(state, owner, priority, requests)
    blocked_at = first_block(state, owner, requests)
    if blocked_at is None:
        draft = Draft(state)
        draft.assign(owner, requests)
        granted = serve(draft) if draft.loosened else None
        return _finish(draft, granted=granted)
    blocked_on = tuple(sorted(blockers(state, owner, requests)))
    if priority is None:
        return state, Outcome(Effects(blockers=blocked_on))
    draft = Draft(state)
    draft.put_waiting(Pending(priority, owner, requests), blocked_at)
    return _finish(draft, blocked_on=blocked_on)


_ANYWHERE = Place(Lock(0, 0, ""), 0, EXCLUSIVE)  # type: ignore[arg-type]


def _update_fairly(
    state: LockState, owner: Owner, priority: int | None, requests: tuple[Request, ...]
) -> tuple[LockState, Outcome]:
    draft = Draft(state)
    draft.put_waiting(Pending(_LEAST_URGENT if priority is None else priority, owner, requests), _ANYWHERE)
    blocked_on = fair.wait_for(draft)[owner]
    if not blocked_on:
        draft = Draft(state)
        draft.assign(owner, requests)
        return _finish(draft, granted=fair.serve_fairly(draft))
    answer = tuple(sorted(blocked_on))
    if priority is None:
        return state, Outcome(Effects(blockers=answer))
    granted = fair.serve_fairly(draft)
    if owner in granted:
        granted.remove(owner)
        answer = ()
    return _finish(draft, blocked_on=answer, granted=granted)


def _blockers_of_pending(state: LockState, owner: Owner) -> tuple[Owner, ...]:
    """Return the owners that a pending request is blocked on now, sorted."""
    if state.fair:
        return tuple(sorted(fair.wait_for(Draft(state))[owner]))
    return tuple(sorted(blockers(state, owner, state.waiting[owner].pending.requests)))


def waiting_on(state: LockState) -> dict[Owner, tuple[Owner, ...]]:
    """Return the wait-for graph: every owner that waits, and whom it waits for."""
    if state.fair:
        return {owner: tuple(sorted(others)) for owner, others in fair.wait_for(Draft(state)).items()}
    return {owner: _blockers_of_pending(state, owner) for owner in state.waiting}


def _unconditional(state: LockState, owner: Owner, requests: Iterable[Request]) -> tuple[LockState, Outcome]:
    """Drop the owner's pending request and change what it holds; releasing and downgrading are never blocked."""
    draft = Draft(state)
    draft.drop_waiting(owner)
    draft.assign(owner, requests)
    if not draft.held_changes and not draft.waiting_changes:
        return state, NOTHING
    return _finish(draft, granted=fair.serve_fairly(draft) if state.fair else serve(draft))


def _opportunistic(
    state: LockState, owner: Owner, requests: tuple[Request, ...], at_least: int
) -> tuple[LockState, Outcome]:
    held = state.locks_of(owner)
    current = state
    taken: list[Lock] = []
    changes: list[tuple[Owner, Lock, Mode]] = []
    for request in sorted(request for request in requests if held.get(request.lock, RELEASE) < request.mode):
        try:
            after, outcome = _update(current, owner, None, (request,))
        except LockError:
            continue
        if not outcome.effects.blockers:
            current = after
            taken.append(request.lock)
            changes.extend(outcome.held)
    if len(taken) < at_least:
        return state, NOTHING
    return current, Outcome(Effects(taken=tuple(reversed(taken))), tuple(changes))


def _finish(
    draft: Draft, *, blocked_on: tuple[Owner, ...] = (), granted: list[Owner] | None = None
) -> tuple[LockState, Outcome]:
    effects = Effects(blocked_on, (), tuple(sorted(granted)) if granted else ())
    outcome = Outcome(effects, tuple(draft.held_changes), tuple(draft.waiting_changes.items()))
    return draft.finish(), outcome
