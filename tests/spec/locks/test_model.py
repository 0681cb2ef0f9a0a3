"""The vocabulary of the lock core: how waiting requests compare."""

from spec.locks.model import Effects, Pending
from spec.locks.names import BGL, Mode, Request, job, other


def test_waiting_requests_are_served_by_priority_then_owner() -> None:
    entry = (Request(BGL, Mode.SHARED),)
    urgent, first, second = Pending(-1, job(9), entry), Pending(0, other("z"), entry), Pending(0, job(1), entry)
    assert sorted([second, first, urgent]) == [urgent, first, second]


def test_no_effects_mean_granted() -> None:
    assert Effects().blockers == ()
