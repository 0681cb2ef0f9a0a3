"""The lock rules on small cases: conflicts, refusals, waiting, serving, the opportunistic union, the fair mode."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.locks.errors import (
    InconsistentRequestError,
    OrderViolationError,
    PendingRequestError,
    SharedGroupLockError,
)
from spec.locks.model import Downgrade, Effects, Event, Free, FreeLevel, Intersect, Opportunistic, Try, Wait
from spec.locks.names import BGL, CONFIG_LOCK, Level, Lock, LockError, Mode, Owner, Request, job, lockset
from spec.locks.properties import STATE_PROPERTIES, STEP_PROPERTIES
from spec.locks.rules import LockState, locks_of, pending_of, step, wait_for

ANNE, BEN, CLEO = job(1), job(2), job(3)
NODES = lockset(Level.NODE)
N1, N2 = Lock(Level.NODE, 1, "n1"), Lock(Level.NODE, 1, "n2")
VM = Lock(Level.INSTANCE, 1, "vm")
SHARED, EXCLUSIVE, RELEASE = Mode.SHARED, Mode.EXCLUSIVE, Mode.RELEASE


def ask(owner: Owner, *entries: tuple[Lock, Mode]) -> Try:
    """A request that does not wait."""
    return Try(owner, tuple(Request(lock, mode) for lock, mode in entries))


def wait(owner: Owner, *entries: tuple[Lock, Mode], priority: int = 0) -> Wait:
    """A request that waits."""
    return Wait(owner, priority, tuple(Request(lock, mode) for lock, mode in entries))


def after(*events: Event, fair: bool = False) -> LockState:
    """The state after some events."""
    state = LockState(fair=fair)
    for event in events:
        state, _ = step(state, event)
    return state


# -- who is in the way


@pytest.mark.parametrize(
    ("held", "wanted", "granted"),
    [
        ((N1, SHARED), (N1, SHARED), True),
        ((N1, SHARED), (N1, EXCLUSIVE), False),
        ((N1, EXCLUSIVE), (N1, SHARED), False),
        ((N1, EXCLUSIVE), (N2, EXCLUSIVE), True),
        ((NODES, SHARED), (N1, SHARED), True),
        ((NODES, SHARED), (N1, EXCLUSIVE), False),
        ((NODES, EXCLUSIVE), (N1, SHARED), False),
        ((N1, SHARED), (NODES, EXCLUSIVE), False),
        ((N1, EXCLUSIVE), (NODES, SHARED), False),
        ((N1, EXCLUSIVE), (lockset(Level.NODE_RES), EXCLUSIVE), True),
        ((BGL, EXCLUSIVE), (CONFIG_LOCK, EXCLUSIVE), True),
        ((BGL, EXCLUSIVE), (lockset(Level.CLUSTER), SHARED), False),
    ],
)
def test_conflicts(held: tuple[Lock, Mode], wanted: tuple[Lock, Mode], granted: bool) -> None:
    before = after(ask(ANNE, held))
    state, effects = step(before, ask(BEN, wanted))
    if granted:
        assert (effects, locks_of(state, BEN)) == (Effects(), dict([wanted]))
    else:
        assert (effects, state) == (Effects(blockers=(ANNE,)), before)


def test_nobody_is_in_ones_own_way() -> None:
    state = after(ask(ANNE, (N1, SHARED)), ask(ANNE, (N1, EXCLUSIVE)))
    assert locks_of(state, ANNE) == {N1: EXCLUSIVE}


def test_a_request_is_granted_as_a_whole_or_not_at_all() -> None:
    before = after(ask(ANNE, (N2, EXCLUSIVE)))
    state, effects = step(before, ask(BEN, (N1, SHARED), (N2, SHARED)))
    assert (state, effects.blockers) == (before, (ANNE,))


# -- what is refused


@pytest.mark.parametrize(
    ("history", "event", "error"),
    [
        ([], ask(ANNE, (N1, SHARED), (N1, EXCLUSIVE)), InconsistentRequestError),
        ([ask(ANNE, (N1, SHARED))], ask(ANNE, (VM, SHARED)), OrderViolationError),
        ([ask(ANNE, (N2, SHARED))], ask(ANNE, (N1, SHARED)), OrderViolationError),
        ([ask(ANNE, (N1, SHARED), (N2, SHARED))], ask(ANNE, (N1, EXCLUSIVE)), OrderViolationError),
        ([ask(ANNE, (NODES, SHARED))], ask(ANNE, (N1, EXCLUSIVE)), SharedGroupLockError),
        ([ask(BEN, (N1, SHARED)), wait(ANNE, (N1, EXCLUSIVE))], ask(ANNE, (N2, SHARED)), PendingRequestError),
        ([ask(BEN, (N1, SHARED)), wait(ANNE, (N1, EXCLUSIVE))], wait(ANNE, (N1, SHARED)), PendingRequestError),
    ],
)
def test_what_is_refused_changes_nothing(history: list[Event], event: Event, error: type[LockError]) -> None:
    state = before = after(*history)
    with pytest.raises(error):
        step(state, event)
    assert state == before


def test_a_smaller_lock_may_be_asked_for_again_by_who_holds_it_or_its_lockset() -> None:
    state = after(ask(ANNE, (NODES, EXCLUSIVE), (N2, EXCLUSIVE)), ask(ANNE, (N1, EXCLUSIVE)))
    assert locks_of(state, ANNE)[N1] == EXCLUSIVE


def test_releasing_needs_no_order() -> None:
    assert locks_of(after(ask(ANNE, (VM, SHARED), (N1, SHARED)), ask(ANNE, (VM, RELEASE))), ANNE) == {N1: SHARED}


# -- waiting and being served


def test_a_blocked_request_waits_and_is_granted_when_it_can_be() -> None:
    state, effects = step(after(ask(ANNE, (N1, SHARED))), wait(BEN, (N1, EXCLUSIVE)))
    assert effects == Effects(blockers=(ANNE,))
    assert pending_of(state, BEN) is not None
    state, effects = step(state, Free(ANNE))
    assert effects == Effects(granted=(BEN,))
    assert (pending_of(state, BEN), locks_of(state, BEN)) == (None, {N1: EXCLUSIVE})


def test_repeating_the_pending_request_answers_who_blocks_it_now() -> None:
    state = after(ask(ANNE, (N1, SHARED)), ask(CLEO, (N1, SHARED)), wait(BEN, (N1, EXCLUSIVE)), Free(ANNE))
    assert step(state, wait(BEN, (N1, EXCLUSIVE))) == (state, Effects(blockers=(CLEO,)))


def test_what_is_already_so_is_granted_without_a_change() -> None:
    state = after(ask(ANNE, (N1, SHARED)))
    assert step(state, wait(ANNE, (N1, SHARED), (N2, RELEASE))) == (state, Effects())


def test_the_more_urgent_request_is_served_first() -> None:
    state = after(
        ask(ANNE, (N1, EXCLUSIVE)), wait(BEN, (N1, EXCLUSIVE), priority=1), wait(CLEO, (N1, EXCLUSIVE), priority=0)
    )
    state, effects = step(state, Free(ANNE))
    assert effects.granted == (CLEO,)
    assert pending_of(state, BEN) is not None


def test_one_release_may_serve_several() -> None:
    state = after(ask(ANNE, (N1, EXCLUSIVE)), wait(BEN, (N1, SHARED)), wait(CLEO, (N1, SHARED)))
    assert step(state, Free(ANNE))[1].granted == (BEN, CLEO)


def test_the_caller_is_not_among_those_to_be_notified() -> None:
    """Its own request is granted by the answer."""
    state = after(ask(ANNE, (N1, EXCLUSIVE)), wait(BEN, (N1, SHARED)))
    assert step(state, ask(ANNE, (N1, SHARED)))[1] == Effects(granted=(BEN,))


# -- giving up


def test_freeing_drops_locks_and_the_pending_request() -> None:
    state = after(ask(ANNE, (N1, EXCLUSIVE)), ask(BEN, (VM, SHARED)), wait(BEN, (N1, SHARED)), Free(BEN))
    assert (locks_of(state, BEN), pending_of(state, BEN)) == ({}, None)


def test_freeing_a_level_leaves_the_others() -> None:
    state = after(ask(ANNE, (VM, SHARED), (N1, EXCLUSIVE), (N2, SHARED)), FreeLevel(ANNE, Level.NODE))
    assert locks_of(state, ANNE) == {VM: SHARED}


def test_downgrading_a_level_makes_its_locks_shared_and_serves_sharers() -> None:
    state = after(ask(ANNE, (VM, EXCLUSIVE), (N1, EXCLUSIVE)), wait(BEN, (N1, SHARED)))
    state, effects = step(state, Downgrade(ANNE, Level.NODE))
    assert (locks_of(state, ANNE), effects.granted) == ({VM: EXCLUSIVE, N1: SHARED}, (BEN,))


def test_intersecting_keeps_the_named_locks_only() -> None:
    state = after(ask(ANNE, (VM, SHARED), (N1, SHARED), (N2, SHARED)), Intersect(ANNE, frozenset({N1, BGL})))
    assert locks_of(state, ANNE) == {N1: SHARED}


# -- the opportunistic union


def wishes(owner: Owner, *locks: Lock, at_least: int = 0) -> Opportunistic:
    """A wish for some locks, exclusively."""
    return Opportunistic(owner, tuple(Request(lock, EXCLUSIVE) for lock in locks), at_least)


def test_the_opportunistic_union_takes_what_is_free() -> None:
    state, effects = step(after(ask(ANNE, (N1, SHARED))), wishes(BEN, N2, N1, VM))
    assert (effects, locks_of(state, BEN)) == (Effects(taken=(N2, VM)), {VM: EXCLUSIVE, N2: EXCLUSIVE})


def test_the_guarded_union_takes_nothing_rather_than_too_little() -> None:
    before = after(ask(ANNE, (N1, SHARED)))
    assert step(before, wishes(BEN, N1, N2, at_least=2)) == (before, Effects())
    assert step(before, wishes(BEN, N1, N2, at_least=1))[1] == Effects(taken=(N2,))


def test_what_is_held_already_is_not_newly_taken() -> None:
    assert step(after(ask(BEN, (N1, EXCLUSIVE))), wishes(BEN, N1, N2))[1] == Effects(taken=(N2,))


# -- fairness


def test_in_ganetis_rule_sharers_pass_an_exclusive_waiter() -> None:
    state = after(ask(ANNE, (N1, SHARED)), wait(BEN, (N1, EXCLUSIVE)))
    assert step(state, ask(CLEO, (N1, SHARED)))[1] == Effects()


def test_in_fair_mode_they_do_not() -> None:
    state = after(ask(ANNE, (N1, SHARED)), wait(BEN, (N1, EXCLUSIVE)), fair=True)
    assert step(state, ask(CLEO, (N1, SHARED)))[1] == Effects(blockers=(BEN,))
    assert step(state, wait(CLEO, (N1, SHARED)))[1] == Effects(blockers=(BEN,))


def test_in_fair_mode_a_more_urgent_request_passes_all_the_same() -> None:
    state = after(ask(ANNE, (N1, SHARED)), wait(BEN, (N1, EXCLUSIVE), priority=5), fair=True)
    assert step(state, wait(CLEO, (N1, SHARED), priority=4))[1] == Effects()


def test_in_fair_mode_a_claim_never_stops_whom_the_claimant_waits_for() -> None:
    """Anne holds what Ben waits for; if Ben's claim on n2 stopped her, both would wait for ever."""
    state = after(ask(ANNE, (N1, SHARED)), wait(BEN, (N1, EXCLUSIVE), (N2, EXCLUSIVE)), fair=True)
    state, effects = step(state, wait(ANNE, (N2, SHARED)))
    assert effects == Effects()
    assert locks_of(state, ANNE) == {N1: SHARED, N2: SHARED}


def test_the_graph_of_waits_names_who_is_in_the_way_of_whom() -> None:
    state = after(ask(ANNE, (N1, SHARED)), wait(BEN, (N1, EXCLUSIVE)), wait(CLEO, (N1, EXCLUSIVE)), fair=True)
    assert wait_for(state) == {BEN: {ANNE}, CLEO: {ANNE, BEN}}


# -- what must hold, on random histories

owners = st.sampled_from([ANNE, BEN, CLEO])
locks = st.sampled_from([VM, NODES, N1, N2])
requests = st.lists(st.builds(Request, locks, st.sampled_from(Mode)), max_size=3).map(tuple)
wanted = st.lists(st.builds(Request, locks, st.sampled_from([SHARED, EXCLUSIVE])), max_size=3).map(tuple)
events = st.one_of(
    st.builds(Try, owners, requests),
    st.builds(Wait, owners, st.integers(0, 1), requests),
    st.builds(Free, owners),
    st.builds(FreeLevel, owners, st.just(Level.NODE)),
    st.builds(Downgrade, owners, st.just(Level.NODE)),
    st.builds(Intersect, owners, st.frozensets(locks)),
    st.builds(Opportunistic, owners, wanted, st.integers(0, 2)),
)


@given(st.booleans(), st.lists(events, max_size=15))
def test_every_history_keeps_the_properties(fair: bool, history: list[Event]) -> None:
    state = LockState(fair=fair)
    for event in history:
        try:
            now, effects = step(state, event)
        except LockError:
            continue
        assert [text for holds in STATE_PROPERTIES.values() if (text := holds(now))] == []
        assert [text for holds in STEP_PROPERTIES.values() if (text := holds(state, event, now, effects))] == []
        state = now


@given(st.lists(events, max_size=15))
def test_an_owner_that_is_freed_leaves_nothing(history: list[Event]) -> None:
    state = LockState()
    for event in history:
        try:
            state, _ = step(state, event)
        except LockError:
            continue
    for owner in (ANNE, BEN, CLEO):
        state, _ = step(state, Free(owner))
    assert state == LockState()
