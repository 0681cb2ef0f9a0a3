"""Ganeti's own order of serving: the consequences of a grant come before the rest of the round."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.locks.errors import OrderViolationError, PendingRequestError
from spec.locks.ganeti_order import GanetiState, ganeti_step
from spec.locks.model import Effects, Event, Free, Intersect, Opportunistic, Try, Wait
from spec.locks.names import Level, Lock, LockError, Mode, Request, job, other
from spec.locks.rules import LockState, locks_of, step

A, MASTERD, ONE, THIRTY = other("a"), other("masterd"), job(1), job(30)
NODE = Lock(Level.NODE, 1, "n1")
X, Y = Lock(Level.NETWORK, 1, "x"), Lock(Level.NETWORK, 1, "y")
SHARED, EXCLUSIVE, RELEASE = Mode.SHARED, Mode.EXCLUSIVE, Mode.RELEASE

HISTORY: list[Event] = [
    Try(A, (Request(NODE, EXCLUSIVE),)),
    Try(THIRTY, (Request(X, EXCLUSIVE), Request(Y, EXCLUSIVE))),
    Wait(A, 0, (Request(NODE, RELEASE), Request(X, EXCLUSIVE))),
    Wait(MASTERD, 0, (Request(Y, EXCLUSIVE),)),
    Wait(ONE, 0, (Request(NODE, EXCLUSIVE), Request(Y, EXCLUSIVE))),
]
"""Granting a's request releases the node that job 1 waits for; masterd waits for what job 1 wants besides."""


def after(*events: Event) -> GanetiState:
    """Ganeti's state after some events."""
    state = GanetiState()
    for event in events:
        state, _ = ganeti_step(state, event)
    return state


def test_the_consequences_of_a_grant_come_first() -> None:
    assert ganeti_step(after(*HISTORY), Free(THIRTY))[1] == Effects(granted=(A, ONE))


def test_the_plain_rule_serves_by_priority_and_owner() -> None:
    state = LockState()
    for event in HISTORY:
        state, _ = step(state, event)
    assert step(state, Free(THIRTY))[1] == Effects(granted=(A, MASTERD))


def test_a_waiting_request_watches_the_least_of_its_blockers() -> None:
    sharers = [Try(owner, (Request(NODE, SHARED),)) for owner in (A, ONE)]
    state = after(*sharers, Wait(THIRTY, 0, (Request(NODE, EXCLUSIVE),)))
    assert state.watches == ((THIRTY, A),)
    state, effects = ganeti_step(state, Free(A))
    assert (state.watches, effects) == (((THIRTY, ONE),), Effects()), "tried again, it watches who blocks it now"
    assert ganeti_step(state, Free(ONE))[1] == Effects(granted=(THIRTY,))


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (Try(ONE, (Request(X, SHARED),)), PendingRequestError),
        (Try(THIRTY, (Request(NODE, EXCLUSIVE),)), OrderViolationError),
    ],
)
def test_refusals_are_those_of_the_plain_rule_and_change_nothing(event: Event, error: type[LockError]) -> None:
    state = before = after(*HISTORY)
    with pytest.raises(error):
        ganeti_step(state, event)
    assert state == before


owners = st.sampled_from([A, MASTERD, ONE])
locks = st.sampled_from([NODE, X, Y])
wanted = st.lists(st.builds(Request, locks, st.sampled_from([SHARED, EXCLUSIVE])), max_size=3).map(tuple)
events = st.one_of(
    st.builds(Try, owners, wanted),
    st.builds(Wait, owners, st.integers(0, 1), wanted),
    st.builds(Free, owners),
    st.builds(Intersect, owners, st.frozensets(locks)),
    st.builds(Opportunistic, owners, wanted),
)


@given(st.lists(events, max_size=15))
def test_requests_that_only_acquire_are_served_as_in_the_plain_rule(history: list[Event]) -> None:
    theirs, ours = GanetiState(), LockState()
    for event in history:
        try:
            now, expected = step(ours, event)
        except LockError as error:
            with pytest.raises(type(error)):
                ganeti_step(theirs, event)
            continue
        theirs, effects = ganeti_step(theirs, event)
        assert effects == expected
        assert theirs.locks == now
        assert all(locks_of(theirs.locks, owner) == locks_of(now, owner) for owner in (A, MASTERD, ONE))
        ours = now
