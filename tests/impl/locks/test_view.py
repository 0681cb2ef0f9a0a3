"""Listings of the lock state, and the way from them back to a state."""

import pytest

from impl.locks import view
from impl.locks.core import step, waiting_on
from impl.locks.state import LockState
from impl.locks.view import InconsistentStateError, restore
from spec.locks.model import Event, Free, Pending, Try, Wait
from spec.locks.names import Mode, Request, job, parse_lock

ALICE, BOB, CAROL = (job(number, f"/livelocks/{number}", 100 + number) for number in (1, 2, 3))
N1, N2, ALL = (parse_lock(name) for name in ("node/n1", "node/n2", "node/[lockset]"))


def after(*events: Event, fair: bool = False) -> LockState:
    state = LockState(fair=fair)
    for event in events:
        state, _ = step(state, event)
    return state


def exclusive(*names: str) -> tuple[Request, ...]:
    return tuple(Request(parse_lock(name), Mode.EXCLUSIVE) for name in names)


@pytest.fixture(params=[False, True])
def busy(request: pytest.FixtureRequest) -> LockState:
    """One holds a node, a second wants all nodes, urgently, a third that node."""
    return after(
        Try(ALICE, (*exclusive("node/n1"), Request(parse_lock("instance/i"), Mode.SHARED))),
        Wait(BOB, -5, exclusive("node/[lockset]")),
        Wait(CAROL, 5, exclusive("node/n1")),
        fair=request.param,
    )


def test_listings_are_in_lock_order(busy: LockState) -> None:
    instance, instances = parse_lock("instance/i"), parse_lock("instance/[lockset]")
    assert view.all_locks(busy) == sorted([instances, instance, ALL, N1])
    assert view.held_locks(busy, ALICE) == [(instance, Mode.SHARED), (N1, Mode.EXCLUSIVE)]
    assert view.held_locks(busy, BOB) == []
    assert dict(view.all_owners(busy)) == {
        instances: [], instance: [(ALICE, Mode.SHARED)], ALL: [], N1: [(ALICE, Mode.EXCLUSIVE)]
    }  # fmt: skip
    assert view.holders(busy) == [(ALICE, view.held_locks(busy, ALICE))]


def test_pending_requests_by_urgency_and_by_arrival() -> None:
    state = after(
        Try(ALICE, exclusive("node/n1")), Wait(CAROL, 5, exclusive("node/n1")), Wait(BOB, -5, exclusive("node/n1"))
    )
    assert [pending.owner for pending in view.all_pending(state)] == [BOB, CAROL]
    assert [pending.owner for pending in view.in_order_of_arrival(state)] == [CAROL, BOB]


def again(state: LockState) -> LockState:
    pending = [(waiting.arrival, waiting.pending) for waiting in state.waiting.values()]
    return restore(view.holders(state), sorted(pending), fair=state.fair)


def test_a_restored_state_goes_on_as_the_one_before(busy: LockState) -> None:
    one, two = busy, again(busy)
    for event in (Free(ALICE), Free(BOB), Free(CAROL)):
        assert view.holders(one) == view.holders(two)
        assert view.in_order_of_arrival(one) == view.in_order_of_arrival(two)
        assert waiting_on(one) == waiting_on(two)
        one, outcome = step(one, event)
        two, other = step(two, event)
        assert (outcome.effects, set(outcome.held)) == (other.effects, set(other.held))
    assert (one.held, one.waiting) == (LockState().held, LockState().waiting)


def test_saved_locks_that_exclude_each_other_are_refused() -> None:
    held = [(ALICE, [(N1, Mode.EXCLUSIVE)]), (BOB, [(ALL, Mode.SHARED)])]
    with pytest.raises(InconsistentStateError, match="saved locks of 2 cannot be held") as refused:
        restore(held, [])
    assert refused.value.owner == BOB


def test_a_request_that_could_be_granted_may_wait_after_a_restore() -> None:
    """A daemon that was killed before it served: the next release serves."""
    state = restore([(ALICE, [(N2, Mode.EXCLUSIVE)])], [(4, Pending(0, BOB, exclusive("node/n1")))])
    assert view.all_pending(state) == [Pending(0, BOB, exclusive("node/n1"))]
