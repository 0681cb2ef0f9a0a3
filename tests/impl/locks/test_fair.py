"""Fair mode: who waits for whom, and who is served, as in the specification and in cases worked out by hand."""

from itertools import product

from impl.locks.fair import serve_fairly, wait_for
from impl.locks.state import Draft, LockState, Place
from spec.locks import rules
from spec.locks.model import Pending
from spec.locks.names import Level, Lock, Mode, Owner, Request, job, lockset
from tests.impl.locks.test_core import check_indexes, extension

ALL, N1, N2 = lockset(Level.NODE), Lock(Level.NODE, 1, "n1"), Lock(Level.NODE, 1, "n2")
X, S, FREE = Mode.EXCLUSIVE, Mode.SHARED, Mode.RELEASE
ANYWHERE = Place(N1, 0, X)

Holdings = tuple[tuple[int, Lock, Mode], ...]
Queue = tuple[tuple[int, int, tuple[Request, ...]], ...]


def state_of(holdings: Holdings, queue: Queue) -> LockState:
    """Return a state in which jobs hold locks, and others (number, priority, entries) wait, in order of arrival."""
    draft = Draft(LockState(fair=True))
    for ident, lock, mode in holdings:
        draft.assign(job(ident), [Request(lock, mode)])
    for ident, priority, requests in queue:
        draft.put_waiting(Pending(priority, job(ident), requests), ANYWHERE)
    return draft.finish()


def graph(holdings: Holdings, queue: Queue) -> dict[int | str, list[int | str]]:
    """Return who waits for whom, by number; it is the specification's graph."""
    state = state_of(holdings, queue)
    found = wait_for(Draft(state))
    assert found == rules.wait_for(extension(state))
    return {owner.ident: numbers(others) for owner, others in found.items()}


def numbers(owners: set[Owner]) -> list[int | str]:
    return [owner.ident for owner in sorted(owners)]


def test_an_earlier_request_claims_against_later_ones_that_conflict() -> None:
    queue = ((2, 0, (Request(N1, X),)), (3, 0, (Request(N1, S),)), (4, 0, (Request(N2, X),)))
    assert graph(((1, N1, X),), queue) == {2: [1], 3: [1, 2], 4: []}


def test_no_claim_against_a_more_urgent_request_or_between_shared_ones() -> None:
    assert graph((), ((2, 0, (Request(N1, X),)), (3, -1, (Request(N1, X),)))) == {2: [], 3: []}
    assert graph((), ((2, 0, (Request(N1, S),)), (3, 0, (Request(N1, S),)))) == {2: [], 3: []}
    assert graph((), ((2, 0, (Request(N1, S),)), (3, 0, (Request(N1, X),)))) == {2: [], 3: [2]}


def test_claims_reach_from_a_lockset_to_its_members_and_back() -> None:
    assert graph((), ((2, 0, (Request(ALL, X),)), (3, 0, (Request(N1, S),)))) == {2: [], 3: [2]}
    assert graph((), ((2, 0, (Request(N1, S),)), (3, 0, (Request(ALL, X),)))) == {2: [], 3: [2]}
    assert graph((), ((2, 0, (Request(N1, FREE),)), (3, 0, (Request(ALL, X),)))) == {2: [], 3: []}


def test_a_claim_that_would_close_a_circle_does_not_count() -> None:
    """Job 2 waits for what job 3 holds: it cannot keep job 3 waiting."""
    holdings = ((3, N1, S),)
    queue = ((2, 0, (Request(N1, X), Request(N2, X))), (3, 0, (Request(N2, S),)))
    assert graph(holdings, queue) == {2: [3], 3: []}


def test_graphs_and_grants_are_the_specification_s_on_every_short_queue() -> None:
    entries = [(Request(lock, mode),) for lock in (ALL, N1) for mode in (X, S)] + [(Request(N1, S), Request(N2, X))]
    granted = 0
    for one, other, third in product(entries, repeat=3):
        for priority, holdings in product((-1, 0, 1), ((), ((1, N1, S),), ((3, N2, X),))):
            state = state_of(holdings, ((2, 0, one), (3, priority, other), (4, 0, third)))
            assert wait_for(Draft(state)) == rules.wait_for(extension(state))
            draft = Draft(state)
            owners = serve_fairly(draft)
            after = draft.finish()
            check_indexes(after)
            assert (extension(after), frozenset(owners)) == rules.serve(extension(state))
            granted += len(owners)
    assert granted > 1000


def test_the_most_urgent_possible_request_is_served_first() -> None:
    queue = ((2, 5, (Request(N1, S),)), (3, -5, (Request(N2, S),)), (4, 0, (Request(N1, S),)))
    draft = Draft(state_of((), queue))
    assert [owner.ident for owner in serve_fairly(draft)] == [3, 4, 2]
    assert draft.all_waiting() == []
    assert draft.loosened == []
