"""What must hold in every reachable state of the lock rules, and what every step must keep. Plain predicates.

Each returns the first counter-example in prose, or None. The explorer, the state machines and the trace checker
evaluate them; `tests/quality` plants a bug for each.
"""

from collections.abc import Callable

from spec.locks.model import Effects, Event, Free, Opportunistic, Try, Wait
from spec.locks.names import Mode, lock_name
from spec.locks.rules import LockState, locks_of, overlap, pending_of, wait_for


def exclusion(state: LockState) -> str | None:
    """Require that no two owners hold overlapping locks of which one is exclusive (implication included)."""
    for lock, owner, mode in sorted(state.held):
        for other_lock, other, other_mode in sorted(state.held):
            if owner != other and overlap(lock, other_lock) and Mode.EXCLUSIVE in {mode, other_mode}:
                return f"{owner.ident} holds {lock_name(lock)} and {other.ident} holds {lock_name(other_lock)}"
    return None


def one_mode(state: LockState) -> str | None:
    """Require that an owner holds a lock in one mode, and never in the mode 'release'."""
    seen = set()
    for lock, owner, mode in state.held:
        if (lock, owner) in seen or mode == Mode.RELEASE:
            return f"{owner.ident} holds {lock_name(lock)} twice or in no mode"
        seen.add((lock, owner))
    return None


def one_pending(state: LockState) -> str | None:
    """Require that an owner waits for at most one request."""
    owners = [pending.owner for pending in state.pending]
    for owner in owners:
        if owners.count(owner) > 1:
            return f"{owner.ident} waits for two requests"
    return None


def nothing_grantable_waits(state: LockState) -> str | None:
    """Require that no pending request could be granted now: a wake-up is never lost."""
    for owner, blocked_on in wait_for(state).items():
        if not blocked_on:
            return f"the pending request of {owner.ident} is blocked on nobody"
    return None


STATE_PROPERTIES: dict[str, Callable[[LockState], str | None]] = {
    "exclusion": exclusion,
    "one mode": one_mode,
    "one pending request": one_pending,
    "nothing grantable waits": nothing_grantable_waits,
}


def all_or_nothing(before: LockState, event: Event, after: LockState, effects: Effects) -> str | None:
    """Require that an owner whose request is granted holds all of it, and any other owner holds what it held."""
    granted = set(effects.granted)
    for pending in before.pending:
        if pending.owner in granted:
            mine = locks_of(after, pending.owner)
            for lock, mode in pending.requests:
                if mine.get(lock, Mode.RELEASE) != mode:
                    return f"{pending.owner.ident} was granted a request, but {lock_name(lock)} is not as it asked"
    if isinstance(event, Try | Wait) and not effects.blockers:
        mine = locks_of(after, event.owner)
        for lock, mode in event.requests:
            if mine.get(lock, Mode.RELEASE) != mode:
                return f"{event.owner.ident} was granted a request, but {lock_name(lock)} is not as it asked"
    for lock, owner, mode in before.held ^ after.held:
        if owner != event.owner and owner not in granted:
            return f"{owner.ident}'s hold on {lock_name(lock)} ({mode.name}) changed without a grant"
    return None


def each_grant_notified_once(before: LockState, event: Event, after: LockState, effects: Effects) -> str | None:
    """Require that the owners to be notified are those whose pending request this step granted, each once."""
    ended = {pending.owner for pending in before.pending if pending_of(after, pending.owner) is None} - {event.owner}
    if sorted(ended) != list(effects.granted):
        return f"granted {[owner.ident for owner in sorted(ended)]}, notified {[o.ident for o in effects.granted]}"
    return None


def blocked_changes_nothing(before: LockState, event: Event, after: LockState, effects: Effects) -> str | None:
    """Require that a blocked request leaves what its owner holds as it was."""
    if isinstance(event, Try | Wait | Opportunistic) and (effects.blockers or isinstance(event, Opportunistic)):
        mine, then = locks_of(before, event.owner), locks_of(after, event.owner)
        for lock, mode in mine.items():
            if then.get(lock, Mode.RELEASE) < mode or (effects.blockers and then != mine):
                return f"{event.owner.ident} lost or gained {lock_name(lock)} by a blocked request"
    return None


def dead_leave_nothing(_before: LockState, event: Event, after: LockState, _effects: Effects) -> str | None:
    """Require that after `Free` (also a dead owner's) nothing of the owner is left."""
    if isinstance(event, Free) and (locks_of(after, event.owner) or pending_of(after, event.owner)):
        return f"{event.owner.ident} was freed and still holds or waits"
    return None


STEP_PROPERTIES: dict[str, Callable[[LockState, Event, LockState, Effects], str | None]] = {
    "all or nothing": all_or_nothing,
    "each grant notified once": each_grant_notified_once,
    "a blocked request changes nothing": blocked_changes_nothing,
    "the dead leave nothing": dead_leave_nothing,
}
