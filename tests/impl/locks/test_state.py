"""Drafts of lock states: what changed is noted, the indexes hold, and what they were made from stays as it was."""

from itertools import product

from impl.locks.state import NO_COUNTS, Draft, LockState, Place, exclusive_holder
from spec.locks import rules
from spec.locks.model import Pending
from spec.locks.names import Level, Lock, Mode, Request, job, lockset
from tests.impl.locks.test_core import check_indexes, extension

ALL, N1, N2 = lockset(Level.NODE), Lock(Level.NODE, 1, "n1"), Lock(Level.NODE, 1, "n2")
ONE, TWO = job(1), job(2)
X, S, FREE = Mode.EXCLUSIVE, Mode.SHARED, Mode.RELEASE


def test_assigning_is_that_of_the_specification_and_keeps_the_indexes() -> None:
    choices = [Request(lock, mode) for lock in (ALL, N1, N2) for mode in Mode]
    for entries in product(choices, repeat=3):
        draft, plain = Draft(LockState()), rules.LockState()
        for owner, requests in ((ONE, entries[:2]), (TWO, entries[2:]), (ONE, entries[1:])):
            draft.assign(owner, requests)
            plain = rules.assign(plain, owner, requests)
        state = draft.finish()
        assert extension(state) == plain
        check_indexes(state)


def test_only_changes_are_noted_and_only_releases_and_downgrades_loosen() -> None:
    draft = Draft(LockState())
    draft.assign(ONE, [Request(N1, X), Request(N2, S)])
    draft.assign(ONE, [Request(N1, X)])
    assert draft.loosened == []
    draft.assign(ONE, [Request(N1, S), Request(N2, X)])
    draft.assign(ONE, [Request(N2, FREE)])
    assert draft.held_changes == [(ONE, N1, X), (ONE, N2, S), (ONE, N1, S), (ONE, N2, X), (ONE, N2, FREE)]
    assert draft.loosened == [N1, N2]


def test_members_are_counted_with_their_lockset() -> None:
    draft = Draft(LockState())
    draft.assign(ONE, [Request(N1, X), Request(N2, S)])
    state = draft.finish()
    assert (state.members[ALL][ONE], state.exclusive_members[ALL][ONE]) == (2, 1)
    draft = Draft(state)
    draft.assign(ONE, [Request(N1, S)])
    state = draft.finish()
    assert (state.members[ALL][ONE], state.exclusive_members.get(ALL, NO_COUNTS)) == (2, NO_COUNTS)


def test_a_request_waits_at_one_place_and_keeps_its_arrival() -> None:
    draft = Draft(LockState())
    first, second = Pending(0, ONE, (Request(N1, X),)), Pending(-5, TWO, (Request(N1, X),))
    here, there = Place(N1, 0, X), Place(ALL, 1, X)
    draft.put_waiting(first, here)
    draft.put_waiting(second, here)
    draft.put_waiting(first, there)
    assert draft.waiting_changes == {ONE: first, TWO: second}
    assert sorted(waiting.arrival for waiting in draft.all_waiting()) == [0, 1]
    state = draft.finish()
    assert (state.waiting[ONE].arrival, state.waiting[ONE].place) == (0, there)
    assert {place: list(queue) for place, queue in state.queues.items()} == {here: [second], there: [first]}
    draft = Draft(state)
    draft.drop_waiting(ONE)
    draft.drop_waiting(job(7))
    assert draft.waiting_changes == {ONE: None}
    assert list(draft.finish().queues) == [here]
    assert list(state.queues) != [here]  # the state that the draft was made from is as before


def test_an_exclusive_holder_is_the_only_one() -> None:
    draft = Draft(LockState())
    draft.assign(ONE, [Request(N1, X), Request(N2, S)])
    draft.assign(TWO, [Request(N2, S)])
    state = draft.finish()
    assert exclusive_holder(state.direct[N1]) == ONE
    assert exclusive_holder(state.direct[N2]) is None
