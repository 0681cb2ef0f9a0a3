"""Serving after a release: who gets the lock, in which order, and whose request waits on at another place."""

from itertools import product

from impl.locks.blocking import first_block
from impl.locks.serving import serve
from impl.locks.state import Draft, LockState, Place
from spec.locks import rules
from spec.locks.model import Pending
from spec.locks.names import Level, Lock, Mode, Request, job, lockset
from tests.impl.locks.test_core import check_indexes, extension

ALL, N1, N2 = lockset(Level.NODE), Lock(Level.NODE, 1, "n1"), Lock(Level.NODE, 1, "n2")
X, S, FREE = Mode.EXCLUSIVE, Mode.SHARED, Mode.RELEASE
HOLDER = job(1)


def waiting(*queue: tuple[int, int, tuple[Request, ...]]) -> LockState:
    """Job 1 holds both locks exclusively; others (number, priority, entries) wait, each where it is blocked."""
    draft = Draft(LockState())
    draft.assign(HOLDER, [Request(N1, X), Request(N2, X)])
    for ident, priority, requests in queue:
        place = first_block(draft, job(ident), requests)
        assert place is not None
        draft.put_waiting(Pending(priority, job(ident), requests), place)
    return draft.finish()


def released(before: LockState, *requests: Request) -> tuple[list[int | str], LockState]:
    """Let job 1 release or downgrade, and serve as the specification does; return who was granted, in order."""
    draft = Draft(before)
    draft.assign(HOLDER, requests)
    granted = serve(draft)
    assert draft.loosened == []
    state = draft.finish()
    check_indexes(state)
    plain, owners = rules.serve(rules.assign(extension(before), HOLDER, requests))
    assert (extension(state), frozenset(granted)) == (plain, owners)
    return [owner.ident for owner in granted], state


def test_the_most_urgent_comes_first_and_the_others_wait_on() -> None:
    before = waiting((2, 5, (Request(N1, X),)), (3, -5, (Request(N1, X),)), (4, 0, (Request(N2, X),)))
    granted, state = released(before, Request(N1, FREE))
    assert granted == [3]
    assert sorted(owner.ident for owner in state.waiting) == [2, 4]


def test_shared_requests_are_granted_together() -> None:
    queue = [(ident, 0, (Request(N1, S),)) for ident in (4, 2, 3)]
    assert released(waiting(*queue), Request(N1, S))[0] == [2, 3, 4]
    assert released(waiting(*queue, (5, -1, (Request(N1, X),))), Request(N1, FREE))[0] == [5]


def test_who_is_blocked_elsewhere_waits_there_now() -> None:
    both = (Request(N1, X), Request(N2, X))
    granted, state = released(waiting((2, 0, both), (3, 1, (Request(N1, X),))), Request(N1, FREE))
    assert granted == [3]
    assert state.waiting[job(2)].place == Place(N2, 0, X)
    assert released(state, Request(N2, FREE))[0] == []  # job 3 has the other one
    assert released(waiting((2, 0, both)), Request(N1, FREE), Request(N2, FREE))[0] == [2]


def test_a_lockset_is_granted_when_its_last_member_is_free() -> None:
    before = waiting((2, 0, (Request(ALL, X),)))
    granted, state = released(before, Request(N1, FREE))
    assert granted == []
    assert released(state, Request(N2, FREE))[0] == [2]
    assert released(waiting((2, 0, (Request(ALL, S),))), Request(N1, S), Request(N2, S))[0] == [2]


def test_what_a_granted_request_releases_is_served_too() -> None:
    """Job 2 has one more lock, for which job 3 waits, and gives it up when it gets the first one."""
    third = Lock(Level.NODE, 1, "n0")
    draft = Draft(waiting())
    draft.assign(job(2), [Request(third, X)])
    draft.put_waiting(Pending(0, job(2), (Request(third, FREE), Request(N1, X))), Place(N1, 0, X))
    draft.put_waiting(Pending(1, job(3), (Request(third, S),)), Place(third, 0, S))
    assert released(draft.finish(), Request(N1, FREE))[0] == [2, 3]


def test_who_waits_for_a_member_is_served_when_the_lockset_is_free() -> None:
    draft = Draft(LockState())
    draft.assign(HOLDER, [Request(ALL, S)])
    draft.put_waiting(Pending(0, job(2), (Request(N1, X),)), Place(ALL, 1, X))
    assert released(draft.finish(), Request(ALL, FREE))[0] == [2]


def test_every_short_queue_is_served_as_specified() -> None:
    entries: list[tuple[Request, ...]] = [(Request(lock, mode),) for lock in (ALL, N1, N2) for mode in (X, S)]
    entries += [(Request(N1, X), Request(N2, X)), (Request(N1, S), Request(N2, X))]
    changes = [(Request(N1, FREE),), (Request(N1, S),), (Request(N1, FREE), Request(N2, FREE)), (Request(N2, S),)]
    granted = 0
    for one, other, third in product(entries, entries, entries[:3]):
        before = waiting((2, 0, one), (3, 0, other), (4, -1, third))
        for change in changes:
            granted += len(released(before, *change)[0])
    assert granted > 400
