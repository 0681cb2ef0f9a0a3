"""The texts of refusals: Ganeti's clients look for them, an odd spelling included."""

from spec.locks.errors import (
    InconsistentRequestError,
    OrderViolationError,
    PendingRequestError,
    SharedGroupLockError,
)
from spec.locks.names import BGL, Level, Lock, job, lockset


def test_refusals_say_what_ganetis_clients_look_for() -> None:
    node, nodes = Lock(Level.NODE, 1, "a"), lockset(Level.NODE)
    assert str(InconsistentRequestError(node)) == 'Inconsitent requests for lock Node "a"'
    assert str(OrderViolationError(BGL, node)) == 'Order violation: requesting BGL while holding Node "a"'
    assert str(SharedGroupLockError(node, nodes)) == (
        'Order violation: requesting exclusively Node "a" while holding a shared lock on the group lock NodeLockSet '
        "it belongs to."
    )
    assert str(PendingRequestError(job(1))) == "cannot update locks while having pending requests"
