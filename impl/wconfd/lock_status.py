"""The locks for people and tools: who holds what, who waits for whom and how long; the text of a time-out. Pure."""

from collections.abc import Mapping
from typing import Any

from impl.locks.core import waiting_on
from impl.locks.state import LockState
from impl.locks.view import all_pending
from impl.wire import wconfd as codec
from impl.wire.messages import encode_error
from spec.locks.names import MODE_NAMES, Owner, lock_name


def describe(locks: LockState, since: Mapping[Owner, float], now: float) -> dict[str, Any]:
    """Describe the lock state for people and tools.

    Args:
        locks: the state.
        since: when each waiting owner began to wait (or the daemon was started), seconds since the epoch.
        now: seconds since the epoch.
    """
    graph = waiting_on(locks)
    return {
        "held": codec.owners_json(locks),
        "waiting": [
            {
                "owner": codec.owner_json(pending.owner),
                "priority": pending.priority,
                "requests": codec.locks_json(pending.requests),
                "blockers": [codec.owner_json(blocker) for blocker in graph[pending.owner]],
                "waited": max(0.0, now - since.get(pending.owner, now)),
            }
            for pending in all_pending(locks)
        ],
        "fair": locks.fair,
    }


def timed_out(locks: LockState, owner: Owner, waited: float) -> bytes:
    """Encode the answer to a wait that was given up: which locks, who has them, how many seconds."""
    requests = locks.waiting[owner].pending.requests
    blockers = waiting_on(locks).get(owner, ())
    wanted = ", ".join(f"{lock_name(lock)} ({MODE_NAMES[mode]})" for lock, mode in requests)
    theirs = ", ".join(str(blocker.ident) for blocker in blockers)
    text = f"waited {waited:.1f} s for {wanted}, held or claimed by {theirs}: the request stays pending"
    details = {
        "waited": waited,
        "locks": codec.locks_json(requests),
        "owners": [codec.owner_json(blocker) for blocker in blockers],
    }
    return encode_error("LockTimeoutError", text, details)
