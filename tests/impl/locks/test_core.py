"""`impl.locks` and `spec.locks.rules` side by side on long random histories, in Ganeti's rule and in fair mode."""

from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from impl.locks import core, state, view
from impl.locks.blocking import EVERYBODY, first_block, free_for
from spec.locks import model, rules
from spec.locks.names import (
    BGL,
    CONFIG_LOCK,
    Level,
    Lock,
    LockError,
    Mode,
    Owner,
    Request,
    implied,
    job,
    lockset,
    other,
)
from spec.locks.properties import STATE_PROPERTIES, STEP_PROPERTIES
from tests import budget

OWNERS = [job(3), other("thread"), job(1), other("a"), job(20)]
NODES = [Lock(Level.NODE, 1, name) for name in ("n1", "n2")]
LOCKS = [
    lockset(Level.CLUSTER),
    BGL,
    Lock(Level.INSTANCE, 1, "i1"),
    lockset(Level.NODE),
    *NODES,
    lockset(Level.NETWORK),
    CONFIG_LOCK,
]
owners = st.sampled_from(OWNERS)
locks = st.one_of(st.sampled_from(LOCKS), st.sampled_from([lockset(Level.NODE), *NODES]))
modes = st.sampled_from([Mode.SHARED, Mode.EXCLUSIVE, Mode.EXCLUSIVE, Mode.RELEASE])
requests = st.lists(st.builds(Request, locks, modes), max_size=4).map(tuple)
wishes = st.lists(st.builds(Request, locks, st.sampled_from([Mode.SHARED, Mode.EXCLUSIVE])), max_size=4).map(tuple)
levels = st.sampled_from([Level.CLUSTER, Level.INSTANCE, Level.NODE, Level.CONFIG])
events = st.one_of(
    st.builds(model.Try, owners, requests),
    st.builds(model.Wait, owners, st.integers(-2, 2), requests),
    st.builds(model.Wait, owners, st.integers(-2, 2), requests),
    st.builds(model.Free, owners),
    st.builds(model.FreeLevel, owners, levels),
    st.builds(model.Downgrade, owners, levels),
    st.builds(model.Intersect, owners, st.frozensets(locks, max_size=3)),
    st.builds(model.Opportunistic, owners, wishes, st.integers(0, 3)),
)


def extension(fast: state.LockState) -> rules.LockState:
    """The specification's view of an implementation's state."""
    held = frozenset((lock, owner, mode) for owner, mine in view.holders(fast) for lock, mode in mine)
    pending = view.in_order_of_arrival(fast) if fast.fair else view.all_pending(fast)
    return rules.LockState(held, tuple(pending), fast.fair)


def check_indexes(fast: state.LockState) -> None:
    """The invariants between the indexes, as `impl.locks.state` states them."""
    for owner, mine in fast.held.items():
        assert list(mine.order) == sorted(mine.locks)
        assert mine.locks
        for lock, mode in mine.locks.items():
            assert fast.direct[lock][owner] == mode
    assert sum(len(mine.locks) for mine in fast.held.values()) == sum(len(who) for who in fast.direct.values())
    counted: dict[tuple[Lock, Owner], list[int]] = {}
    for owner, mine in fast.held.items():
        for lock, mode in mine.locks.items():
            group = implied(lock)
            if group is not None:
                counts = counted.setdefault((group, owner), [0, 0])
                counts[0] += 1
                counts[1] += mode == Mode.EXCLUSIVE
    found = {(group, owner): [count, 0] for group, who in fast.members.items() for owner, count in who.items()}
    for group, who in fast.exclusive_members.items():
        for owner, count in who.items():
            found[group, owner][1] = count
    assert found == counted
    assert sum(len(queue) for queue in fast.queues.values()) == len(fast.waiting)
    for waiting in fast.waiting.values():
        assert waiting.pending in fast.queues[waiting.place]
        if not fast.fair:
            assert first_block(fast, waiting.pending.owner, waiting.pending.requests) is not None
            assert not may_pass(fast, waiting)


def may_pass(fast: state.LockState, waiting: state.Waiting) -> bool:
    """Whether nothing is in the way of a request at the place where it waits."""
    free = free_for(fast, waiting.place)
    return free is EVERYBODY or free == waiting.pending.owner


T = TypeVar("T")


def attempt(do: Callable[[], T]) -> T | LockError:
    """What `do` returns, or how it is refused."""
    try:
        return do()
    except LockError as error:
        return error


class SideBySide(RuleBasedStateMachine):
    fair = False

    def __init__(self) -> None:
        super().__init__()
        self.plain = rules.LockState(fair=self.fair)
        self.clever = state.LockState(fair=self.fair)

    @rule(event=events)
    def both_do_the_same(self, event: model.Event) -> None:
        before = self.plain
        plain = attempt(lambda: rules.step(self.plain, event))
        clever = attempt(lambda: core.step(self.clever, event))
        if isinstance(plain, LockError) or isinstance(clever, LockError):
            assert (type(plain), str(plain)) == (type(clever), str(clever))
            return
        self.plain, expected = plain
        after, outcome = clever
        assert outcome.effects == expected
        self.changes_lead_to(after, outcome)
        self.clever = after
        for name, holds in STEP_PROPERTIES.items():
            assert holds(before, event, self.plain, expected) is None, name

    def changes_lead_to(self, after: state.LockState, outcome: core.Outcome) -> None:
        """What is said to have changed is what makes the old state the new one."""
        held = {(owner, lock): mode for owner, mine in view.holders(self.clever) for lock, mode in mine}
        for owner, lock, mode in outcome.held:
            held[owner, lock] = mode
        pending = {waiting.owner: waiting for waiting in view.all_pending(self.clever)}
        for owner, waiting_now in outcome.waiting:
            if waiting_now is None:
                del pending[owner]
            else:
                pending[owner] = waiting_now
        assert {key: mode for key, mode in held.items() if mode} == {
            (owner, lock): mode for owner, mine in view.holders(after) for lock, mode in mine
        }
        assert sorted(pending.values()) == view.all_pending(after)

    @invariant()
    def same_state(self) -> None:
        assert extension(self.clever) == self.plain
        check_indexes(self.clever)

    @invariant()
    def properties(self) -> None:
        for name, holds in STATE_PROPERTIES.items():
            assert holds(self.plain) is None, name


class FairSideBySide(SideBySide):
    fair = True


TestSideBySide = SideBySide.TestCase
TestSideBySide.settings = settings(max_examples=30, stateful_step_count=40)
TestFairSideBySide = FairSideBySide.TestCase
TestFairSideBySide.settings = settings(max_examples=20, stateful_step_count=40)


class SideBySideOften(SideBySide):
    """For the long test, which has settings of its own."""


class FairSideBySideOften(FairSideBySide):
    """For the long test in fair mode."""


TestSideBySideOften = pytest.mark.long(SideBySideOften.TestCase)
TestSideBySideOften.settings = settings(max_examples=budget.spent(ci=90, weekly=600), stateful_step_count=40)
TestFairSideBySideOften = pytest.mark.long(FairSideBySideOften.TestCase)
TestFairSideBySideOften.settings = settings(max_examples=budget.spent(ci=50, weekly=400), stateful_step_count=40)
