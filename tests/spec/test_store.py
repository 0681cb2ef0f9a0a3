"""Durability: when a change is answered, what a failure undoes, what survives a crash, how copies follow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.store import (
    PROPERTIES,
    Ask,
    Begin,
    Crash,
    Deliver,
    Effects,
    Empty,
    Event,
    Failed,
    Lose,
    Message,
    Ping,
    Recover,
    Send,
    StoreState,
    StoreStepError,
    Target,
    Written,
    confirmed_is_durable,
    copies_are_of_the_disk,
    disk_is_behind_memory,
    nothing_is_forgotten,
    one_answer,
    replica,
    step,
    undone_is_gone,
)


def after(*events: Event, state: StoreState | None = None) -> StoreState:
    """The state after some events."""
    state = state or StoreState()
    for event in events:
        state, _ = step(state, event)
    return state


# -- batches and answers


def test_a_change_is_seen_at_once_and_answered_when_it_is_on_disk() -> None:
    state, effects = step(StoreState(), Ask())
    assert (state.memory, state.disk, effects) == ((1,), (), Effects())
    state, effects = step(state, Begin())
    assert effects == Effects()
    state, effects = step(state, Written())
    assert (state.disk, effects) == ((1,), Effects(done=(1,)))


def test_what_is_asked_for_during_a_write_waits_for_the_next_batch() -> None:
    state = after(Ask(), Ask(), Begin(), Ask())
    assert (state.writing, state.memory) == ((1, 2), (1, 2, 3))
    state, effects = step(state, Written())
    assert effects == Effects(done=(1, 2))
    state, effects = step(after(Begin(), state=state), Written())
    assert (state.disk, effects) == ((1, 2, 3), Effects(done=(3,)))


def test_a_failed_write_undoes_its_batch_and_what_gathered_on_top_of_it() -> None:
    state, effects = step(after(Ask(), Begin(), Written(), Ask(), Begin(), Ask()), Failed())
    assert (state.memory, state.disk, state.writing) == ((1,), (1,), None)
    assert effects == Effects(undone=(2, 3))


# -- crashes


@pytest.mark.parametrize(("landed", "found"), [(True, (1, 2)), (False, (1,))])
def test_a_crash_during_a_write_leaves_the_whole_batch_or_nothing_of_it(landed: bool, found: tuple[int, ...]) -> None:
    crashed, effects = step(after(Ask(), Begin(), Written(), Ask(), Begin()), Crash(landed))
    assert (crashed.up, crashed.memory, effects) == (False, (), Effects())
    assert crashed.silent == {2}, "nobody will be answered about change 2"
    assert after(Recover(), state=crashed).memory == found


def test_a_change_that_survived_unanswered_is_never_answered() -> None:
    state, effects = step(after(Ask(), Begin(), Crash(landed=True), Recover(), Ask(), Begin()), Written())
    assert (state.disk, effects) == ((1, 2), Effects(done=(2,)))


# -- copies

ONE_ON_DISK = after(Ask(), Begin(), Written(), state=StoreState(targets=(Target(),)))


def test_a_target_of_which_nothing_is_known_gets_everything() -> None:
    sent = after(Send(1), state=ONE_ON_DISK)
    assert sent.targets[0].message == Message(0, 1)
    delivered = after(Deliver(1), state=sent)
    assert (delivered.targets[0], replica(delivered, 1)) == (Target(copy=1, believed=1), (1,))


def test_after_a_lost_message_the_next_does_not_fit_and_everything_is_sent_again() -> None:
    state = after(Send(1), Deliver(1), Ask(), Begin(), Written(), Send(1), Lose(1), Ask(), Begin(), Written(), Send(1),
                  state=ONE_ON_DISK)  # fmt: skip
    assert state.targets[0].message == Message(2, 3), "the daemon believes that the target has two changes"
    state = after(Deliver(1), state=state)
    assert state.targets[0] == Target(copy=1, believed=0)
    assert after(Send(1), Deliver(1), state=state).targets[0].copy == 3


def test_a_ping_reports_an_emptied_target_to_the_daemon() -> None:
    state = after(Send(1), Deliver(1), Empty(1), state=ONE_ON_DISK)
    assert state.targets[0] == Target(copy=0, believed=1)
    assert after(Ping(1), state=state).targets[0].believed == 0


def test_a_killed_daemon_forgets_what_its_targets_have() -> None:
    assert after(Send(1), Deliver(1), Crash(landed=False), state=ONE_ON_DISK).targets[0] == Target(copy=1)


# -- what cannot happen


@pytest.mark.parametrize(
    ("history", "event", "reason"),
    [
        ((), Begin(), "there is nothing to write"),
        ((Ask(), Begin()), Begin(), "another batch is being written, or the daemon is away"),
        ((Ask(),), Written(), "nothing is being written"),
        ((Ask(),), Failed(), "nothing is being written"),
        ((), Crash(landed=True), "nothing is being written"),
        ((Crash(landed=False),), Ask(), "the daemon does not run"),
        ((Crash(landed=False),), Crash(landed=False), "the daemon does not run"),
        ((), Recover(), "the daemon runs"),
        ((), Send(1), "the target is believed to have everything"),
        ((), Deliver(1), "nothing is under way"),
        ((), Lose(1), "nothing is under way"),
        ((Ask(), Begin(), Written(), Send(1)), Send(1), "a message is under way, or the daemon is away"),
        ((Ask(), Begin(), Written(), Send(1)), Ping(1), "a message is under way, or the daemon is away"),
    ],
)
def test_what_cannot_happen_raises_and_changes_nothing(history: tuple[Event, ...], event: Event, reason: str) -> None:
    state = before = after(*history, state=StoreState(targets=(Target(),)))
    with pytest.raises(StoreStepError, match=reason) as refused:
        step(state, event)
    assert refused.value.event == event
    assert state == before


# -- what must hold

EVENTS: list[Event] = [
    Ask(), Begin(), Written(), Failed(), Crash(landed=False), Crash(landed=True), Recover(),
    *(kind(target) for kind in (Send, Deliver, Lose, Ping, Empty) for target in (1, 2)),
]  # fmt: skip


@given(st.lists(st.sampled_from(EVENTS), max_size=60))
def test_every_history_keeps_the_properties(history: list[Event]) -> None:
    state = StoreState(targets=(Target(), Target()))
    for event in history:
        try:
            now, _ = step(state, event)
        except StoreStepError:
            continue
        assert [text for holds in PROPERTIES.values() if (text := holds(now))] == []
        assert nothing_is_forgotten(state, now) is None
        state = now


def test_each_property_finds_a_state_that_breaks_it() -> None:
    lost = StoreState(memory=(1,), disk=(), issued=1, done=frozenset({1}))
    assert confirmed_is_durable(lost) == "change 1 was confirmed and is lost"
    back = StoreState(memory=(1,), disk=(1,), issued=1, undone=frozenset({1}))
    assert undone_is_gone(back) == "change 1 was refused and is there all the same"
    assert one_answer(StoreState(done=frozenset({1}), silent=frozenset({1}))) == "change 1 was answered in two ways"
    assert disk_is_behind_memory(StoreState(memory=(2,), disk=(1,), issued=2)) is not None
    assert disk_is_behind_memory(StoreState(memory=(1,), writing=(2,), issued=2)) is not None
    assert disk_is_behind_memory(StoreState(memory=(1,), disk=(1,), issued=0)) is not None
    assert copies_are_of_the_disk(StoreState(targets=(Target(copy=1),))) == "target 1 has 1 changes, the disk 0"
    assert nothing_is_forgotten(StoreState(disk=(1,)), StoreState()) is not None
