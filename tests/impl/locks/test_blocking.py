"""What blocks a request, from the indexes, on small states: the owners as specified, and the first place."""

from collections.abc import Iterator
from itertools import product

import pytest

from impl.locks.blocking import EVERYBODY, blockers, first_block, free_for
from impl.locks.state import Draft, LockState, Place
from spec.locks import rules
from spec.locks.names import Level, Lock, Mode, Request, job, lockset

ALL, N1, N2 = lockset(Level.NODE), Lock(Level.NODE, 1, "n1"), Lock(Level.NODE, 1, "n2")
LOCKS = (ALL, N1, N2)
ASKING, FIRST, SECOND = job(1), job(2), job(3)


def states() -> Iterator[tuple[LockState, rules.LockState]]:
    """Yield states in which one owner holds two locks and another at most one, with its counterpart in `spec`."""
    choices = [Request(lock, mode) for lock in LOCKS for mode in (Mode.SHARED, Mode.EXCLUSIVE)]
    for one, other, another in product(choices, repeat=3):
        plain = rules.assign(rules.LockState(), FIRST, (one, other))
        if not rules.holders_in_the_way(plain.held, SECOND, (another,)):
            plain = rules.assign(plain, SECOND, (another,))
        draft = Draft(LockState())
        for lock, owner, mode in plain.held:
            draft.assign(owner, [Request(lock, mode)])
        yield draft.finish(), plain


REQUESTS = [(Request(lock, mode),) for lock in LOCKS for mode in Mode]


def test_all_blockers_are_those_of_the_specification() -> None:
    for state, plain in states():
        for owner, requests in product((ASKING, FIRST), REQUESTS):
            assert blockers(state, owner, requests) == rules.holders_in_the_way(plain.held, owner, requests)


def test_there_is_a_first_place_exactly_where_somebody_blocks() -> None:
    for state, plain in states():
        for owner, requests in product((ASKING, FIRST), REQUESTS):
            place = first_block(state, owner, requests)
            assert (place is not None) == bool(rules.holders_in_the_way(plain.held, owner, requests))
            if place is not None:
                assert free_for(state, place) not in {EVERYBODY, owner}


def held(*holdings: tuple[int, Lock, Mode]) -> LockState:
    draft = Draft(LockState())
    for ident, lock, mode in holdings:
        draft.assign(job(ident), [Request(lock, mode)])
    return draft.finish()


def test_the_first_place_follows_the_order_of_the_entries() -> None:
    state = held((2, N2, Mode.SHARED), (3, N1, Mode.SHARED))
    entries = [Request(N2, Mode.SHARED), Request(N1, Mode.EXCLUSIVE), Request(N2, Mode.EXCLUSIVE)]
    assert first_block(state, ASKING, entries) == Place(N1, 0, Mode.EXCLUSIVE)
    assert first_block(state, ASKING, entries[::-1]) == Place(N2, 0, Mode.EXCLUSIVE)


def test_a_lock_is_blocked_at_its_lockset() -> None:
    state = held((2, ALL, Mode.SHARED))
    assert first_block(state, ASKING, [Request(N1, Mode.EXCLUSIVE)]) == Place(ALL, 1, Mode.EXCLUSIVE)
    assert first_block(state, ASKING, [Request(N1, Mode.SHARED)]) is None
    assert first_block(state, ASKING, [Request(N1, Mode.RELEASE)]) is None


@pytest.mark.parametrize(
    ("holdings", "place", "free"),
    [
        ((), Place(N1, 0, Mode.EXCLUSIVE), EVERYBODY),
        (((2, N1, Mode.SHARED),), Place(N1, 0, Mode.SHARED), EVERYBODY),
        (((2, N1, Mode.SHARED),), Place(N1, 0, Mode.EXCLUSIVE), job(2)),
        (((2, N1, Mode.SHARED), (3, N1, Mode.SHARED)), Place(N1, 0, Mode.EXCLUSIVE), None),
        (((2, N1, Mode.SHARED), (2, ALL, Mode.SHARED)), Place(ALL, 0, Mode.EXCLUSIVE), job(2)),
        (((2, N1, Mode.SHARED), (3, ALL, Mode.SHARED)), Place(ALL, 0, Mode.EXCLUSIVE), None),
        (((2, N1, Mode.EXCLUSIVE), (3, N2, Mode.EXCLUSIVE)), Place(ALL, 0, Mode.SHARED), None),
        (((2, N1, Mode.EXCLUSIVE), (3, N2, Mode.SHARED)), Place(ALL, 0, Mode.SHARED), job(2)),
        # a request for a member looks at its lockset's own holders, not at those of other members
        (((2, N1, Mode.EXCLUSIVE),), Place(ALL, 1, Mode.EXCLUSIVE), EVERYBODY),
        (((2, N1, Mode.EXCLUSIVE),), Place(ALL, 1, Mode.SHARED), EVERYBODY),
    ],
)
def test_for_whom_a_place_is_free(holdings: tuple[tuple[int, Lock, Mode], ...], place: Place, free: object) -> None:
    assert free_for(held(*holdings), place) == free
