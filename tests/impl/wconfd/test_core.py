"""A call of wconfd on a plain state: what it notes to be written, and the way to the store and back."""

from typing import Any

import pytest

from impl.config.errors import ConfigurationError
from impl.config.model import Change, from_value
from impl.config.reservations import MACS, MINORS, ReservationChange, allocate_minors, reserve_mac
from impl.locks.state import LockState
from impl.locks.view import holders
from impl.store.port import Batch, HeldChange, Saved, WaitingChange
from impl.wconfd.core import Call, State, as_batch, known_owners, restore
from spec.locks.errors import OrderViolationError
from spec.locks.model import Free, Pending, Try, Wait
from spec.locks.names import CONFIG_LOCK, Mode, Request, job, other, parse_lock
from tests.impl.config.values import VALUE

ME = other("wconfd", "/livelocks/wconfd", 1)
ALICE, BOB = job(1, "/livelocks/1", 101), job(2, "/livelocks/2", 102)
NODE = parse_lock("node/n1")


def new_call(state: State | None = None) -> Call:
    return Call(state or State(config=from_value(VALUE)), 9.0, 5, ME)


def exclusive(*names: str) -> tuple[Request, ...]:
    return tuple(Request(parse_lock(name), Mode.EXCLUSIVE) for name in names)


def busy() -> Call:
    call = new_call()
    call.lock(Try(ALICE, exclusive("node/n1")))
    call.lock(Wait(BOB, 3, exclusive("node/n1")))
    call.put_reservations(*reserve_mac(call.state.reservations, call.config, BOB, "aa"))
    state, changes, _ = allocate_minors(call.state.reservations, call.config, "d9", ["n1"])
    call.put_reservations(state, changes)
    return call


def test_what_changes_is_noted_to_be_written() -> None:
    call = busy()
    assert call.batch.held == [HeldChange(ALICE, NODE, Mode.EXCLUSIVE)]
    assert call.batch.waiting == [WaitingChange(BOB, Pending(3, BOB, exclusive("node/n1")), 0)]
    assert call.batch.reservations == [
        ReservationChange(MACS, BOB, "aa", present=True), ReservationChange(MINORS, "n1", (1, "d9"), present=True)
    ]  # fmt: skip
    call.lock(Free(ALICE))
    assert call.batch.held[1:] == [HeldChange(ALICE, NODE, Mode.RELEASE), HeldChange(BOB, NODE, Mode.EXCLUSIVE)]
    assert call.batch.waiting[1:] == [WaitingChange(BOB, None, 0)]


def test_what_changes_nothing_leaves_nothing_to_write() -> None:
    call = new_call()
    before = call.state
    call.lock(Free(ALICE))
    call.change_config(lambda draft: draft.remove("nodes", "nobody"))
    assert (call.state, bool(call.batch)) == (before, False)
    assert len(call.steps) == 1


def test_a_refusal_of_the_lock_core_is_a_step_too() -> None:
    call = new_call()
    call.lock(Try(ALICE, exclusive("node/n2")))
    with pytest.raises(OrderViolationError):
        call.lock(Try(ALICE, exclusive("instance/i")))
    assert [type(result).__name__ for _, result in call.steps] == ["Effects", "OrderViolationError"]
    assert len(call.batch.held) == 1


def test_a_change_of_the_configuration_that_raises_leaves_it() -> None:
    call = new_call()
    before = call.state

    def change(draft: Any) -> None:
        draft.put("nodes", "n9", {"uuid": "n9"})
        raise ConfigurationError("no")

    with pytest.raises(ConfigurationError):
        call.change_config(change)
    assert (call.state, bool(call.batch)) == (before, False)
    call.change_config(lambda draft: draft.put("nodes", "n9", {}))
    assert Change("nodes", "n9", b"{}") in call.batch.config
    assert call.config.serial == 8


def test_the_configuration_lock() -> None:
    call = new_call()
    locked = [call.config_is_locked]
    call.lock(Try(ALICE, (Request(CONFIG_LOCK, Mode.SHARED),)))
    assert [*locked, call.config_is_locked] == [False, True]
    assert [call.holds_config(ALICE, mode) for mode in (Mode.SHARED, Mode.EXCLUSIVE)] == [True, False]
    assert not call.holds_config(BOB, Mode.SHARED)


def test_without_a_configuration_there_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="create the cluster first"):
        _ = new_call(State()).config


def test_the_dead_leave_nothing() -> None:
    call = busy()
    assert known_owners(call.state) == {ALICE, BOB}
    call.bury(ALICE)
    call.bury(BOB)
    assert known_owners(call.state) == set()
    assert call.state.reservations.minors, "minors belong to disks"


def saved(batch: Batch) -> Saved:
    """What a store holds after a first batch."""
    held: dict[Any, list[Any]] = {}
    for owner, lock, mode in batch.held:
        held.setdefault(owner, []).append((lock, mode))
    waiting = tuple((change.arrival, change.pending) for change in batch.waiting if change.pending is not None)
    everybody = tuple((owner, tuple(mine)) for owner, mine in held.items())
    return Saved(1, everybody, waiting, tuple(batch.config), tuple(batch.reservations))


@pytest.mark.parametrize("fair", [False, True])
def test_a_whole_state_written_as_a_batch_is_the_state_again(fair: bool) -> None:
    call = new_call(State(LockState(fair=fair), from_value(VALUE)))
    call.lock(Try(ALICE, exclusive("node/n1")))
    call.lock(Wait(BOB, 3, exclusive("node/n1")))
    call.put_reservations(*reserve_mac(call.state.reservations, call.config, BOB, "aa"))
    again = restore(saved(as_batch(call.state)), fair=fair)
    assert again.config.text() == call.config.text()
    assert again.reservations == call.state.reservations
    assert holders(again.locks) == holders(call.state.locks)
    assert again.locks.fair == fair
    assert [waiting.pending for waiting in again.locks.waiting.values()] == [Pending(3, BOB, exclusive("node/n1"))]
    assert as_batch(again) == as_batch(call.state)


def test_an_empty_state_is_an_empty_batch() -> None:
    assert not as_batch(State())
    assert restore(Saved(1, (), (), (), ()), fair=False) == State()
