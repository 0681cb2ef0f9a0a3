"""The order in which Ganeti 3.0 serves waiting requests, where it differs from `spec.locks.rules`.

Each waiting request watches one owner: the least of those that blocked it when it was last tried. When an owner's
locks change, the requests that watch it are removed and tried in order; the consequences of a grant are processed
before the next request of the round is tried. Only pending requests that release something make a difference (their
grant can make another one possible). Used by the conformance profile `ganeti-3.0` alone.

Source: Ganeti 3.0.2's waiting module.
"""

from dataclasses import dataclass, field, replace

from spec.locks.errors import PendingRequestError
from spec.locks.model import Effects, Event, Free, Opportunistic, Pending, Try, Wait
from spec.locks.names import Owner, Request
from spec.locks.rules import LockState, assign, check, holders_in_the_way, satisfied, step


@dataclass(frozen=True, slots=True)
class GanetiState:
    """A lock state, and for each owner that waits the owner that its request watches."""

    locks: LockState = field(default_factory=LockState)
    watches: tuple[tuple[Owner, Owner], ...] = ()


def ganeti_step(state: GanetiState, event: Event) -> tuple[GanetiState, Effects]:
    """Perform one event as Ganeti 3.0 does; raises as `spec.locks.rules.step` does."""
    if isinstance(event, Try | Wait):
        return _update(state, event)
    before = state.locks
    if isinstance(event, Opportunistic):
        after, effects = step(before, event)
        # no other owner is granted a request, but requests that watch this one may watch another owner afterwards
        final, granted = _revisit(
            replace(state, locks=after), frozenset(), frozenset({event.owner} if effects.taken else ())
        )
        return final, effects._replace(granted=tuple(sorted(granted - {event.owner})))
    quiet = _without(state, event.owner)
    # the owner holds the same as by `spec.locks.rules`; which requests are granted may differ
    changed, _ = step(replace(quiet.locks, pending=()), event)
    if changed.held == quiet.locks.held and not isinstance(event, Free):
        return quiet, Effects()
    unserved = replace(quiet, locks=replace(changed, pending=quiet.locks.pending))
    final, granted = _revisit(unserved, frozenset(), frozenset({event.owner}))
    return final, Effects(granted=tuple(sorted(granted - {event.owner})))


def _update(state: GanetiState, event: Try | Wait) -> tuple[GanetiState, Effects]:
    owner, requests = event.owner, event.requests
    mine = next((pending for pending in state.locks.pending if pending.owner == owner), None)
    if isinstance(event, Wait) and mine is not None and mine.requests == requests:
        in_the_way = holders_in_the_way(state.locks.held, owner, requests)
        return state, Effects(blockers=tuple(sorted(in_the_way)))
    if satisfied(state.locks, owner, requests):
        return state, Effects()
    if mine is not None:
        raise PendingRequestError(owner)
    check(state.locks, owner, requests)
    priority = event.priority if isinstance(event, Wait) else None
    final, in_the_way, granted = _attempt(state, priority, owner, requests)
    return final, Effects(blockers=tuple(sorted(in_the_way)), granted=tuple(sorted(granted - {owner})))


def _attempt(
    state: GanetiState, priority: int | None, owner: Owner, requests: tuple[Request, ...]
) -> tuple[GanetiState, frozenset[Owner], frozenset[Owner]]:
    """Grant a request and follow the consequences, or let it wait; return the blockers and the owners granted."""
    in_the_way = holders_in_the_way(state.locks.held, owner, requests)
    if not in_the_way:
        held = replace(state, locks=assign(state.locks, owner, requests))
        final, granted = _revisit(held, frozenset(), frozenset({owner}))
        return final, in_the_way, granted
    if priority is None:
        return state, in_the_way, frozenset()
    pending = tuple(sorted((*state.locks.pending, Pending(priority, owner, requests))))
    watches = (*state.watches, (owner, min(in_the_way)))
    return GanetiState(replace(state.locks, pending=pending), watches), in_the_way, frozenset()


def _revisit(
    state: GanetiState, done: frozenset[Owner], todo: frozenset[Owner]
) -> tuple[GanetiState, frozenset[Owner]]:
    """Try again the requests that watch an owner in `todo`; return every owner whose locks changed."""
    if not todo:
        return state, done
    watched = dict(state.watches)
    round_ = [pending for pending in state.locks.pending if watched[pending.owner] in todo]
    for pending in round_:
        state = _without(state, pending.owner)
    changed = done
    for pending in round_:
        state, _, granted = _attempt(state, pending.priority, pending.owner, pending.requests)
        changed |= granted
    return _revisit(state, done | todo, changed - (done | todo))


def _without(state: GanetiState, owner: Owner) -> GanetiState:
    pending = tuple(pending for pending in state.locks.pending if pending.owner != owner)
    watches = tuple(watch for watch in state.watches if watch[0] != owner)
    return GanetiState(replace(state.locks, pending=pending), watches)
