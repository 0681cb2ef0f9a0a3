"""Reading the lock state: the listings, and the extensional form that is saved and compared. Pure."""

from collections.abc import Iterable

from impl.locks.blocking import first_block
from impl.locks.core import _ANYWHERE
from impl.locks.state import NOBODY, Draft, LockState
from spec.errors import GantryError
from spec.locks.model import Pending
from spec.locks.names import Lock, LockError, Mode, Owner, Request


class InconsistentStateError(GantryError):
    """Saved locks contradict each other; `owner` cannot hold what is said of it."""

    def __init__(self, owner: Owner, reason: str) -> None:
        self.owner = owner
        self.reason = reason
        super().__init__(
            f"the saved locks of {owner.ident} cannot be held ({reason}): repair or remove the saved locks"
        )


def held_locks(state: LockState, owner: Owner) -> list[tuple[Lock, Mode]]:
    """Return the locks that `owner` holds directly, in lock order."""
    return sorted(state.locks_of(owner).items())


def all_locks(state: LockState) -> list[Lock]:
    """Return every lock in use, in lock order: held directly, or a lockset that a held lock implies."""
    return sorted({*state.direct, *state.members})


def all_owners(state: LockState) -> list[tuple[Lock, list[tuple[Owner, Mode]]]]:
    """Return every lock in use with its direct owners."""
    return [(lock, sorted(state.direct.get(lock, NOBODY).items())) for lock in all_locks(state)]


def all_pending(state: LockState) -> list[Pending]:
    """Return every pending request, in the order of serving."""
    return sorted(waiting.pending for waiting in state.waiting.values())


def in_order_of_arrival(state: LockState) -> list[Pending]:
    """Return every pending request, the oldest first."""
    return [waiting.pending for waiting in sorted(state.waiting.values(), key=lambda waiting: waiting.arrival)]


def holders(state: LockState) -> list[tuple[Owner, list[tuple[Lock, Mode]]]]:
    """Return every owner of a lock with its locks."""
    return [(owner, sorted(held.locks.items())) for owner, held in sorted(state.held.items())]


def restore(
    held: Iterable[tuple[Owner, Iterable[tuple[Lock, Mode]]]],
    pending: Iterable[tuple[int, Pending]],
    *,
    fair: bool = False,
) -> LockState:
    """Build the state that holds exactly this; requests that wait come with their numbers of arrival, ascending.

    Raises:
        InconsistentStateError: two owners hold what excludes one another.
    """
    draft = Draft(LockState(fair=fair))
    for owner, locks in held:
        requests = [Request(lock, mode) for lock, mode in locks]
        try:
            blocked_at = first_block(draft, owner, requests)
        except LockError as error:
            raise InconsistentStateError(owner, str(error)) from error
        if blocked_at is not None:
            raise InconsistentStateError(owner, "another owner is in the way")
        draft.assign(owner, requests)
    for arrival, waiting in pending:
        draft.arrivals = arrival
        place = first_block(draft, waiting.owner, waiting.requests)
        draft.put_waiting(waiting, place if place is not None else _ANYWHERE)
    return draft.finish()
