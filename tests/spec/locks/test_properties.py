"""Each property of the lock rules finds a state or a step that breaks it, and says so in prose."""

import pytest

from spec.locks.model import Effects, Event, Free, Pending, Try
from spec.locks.names import Level, Lock, Mode, Request, job, lockset
from spec.locks.properties import STATE_PROPERTIES, STEP_PROPERTIES
from spec.locks.rules import LockState

ANNE, BEN = job(1), job(2)
N1 = Lock(Level.NODE, 1, "n1")
ALONE = LockState(held=frozenset({(N1, ANNE, Mode.EXCLUSIVE)}))
WAITING = LockState(ALONE.held, (Pending(0, BEN, (Request(N1, Mode.SHARED),)),))


def test_a_sound_state_breaks_none() -> None:
    assert [holds(WAITING) for holds in STATE_PROPERTIES.values()] == [None] * len(STATE_PROPERTIES)


@pytest.mark.parametrize(
    ("name", "state", "text"),
    [
        (
            "exclusion",
            LockState(ALONE.held | {(lockset(Level.NODE), BEN, Mode.SHARED)}),
            "2 holds node/[lockset] and 1 holds node/n1",
        ),
        ("one mode", LockState(ALONE.held | {(N1, ANNE, Mode.SHARED)}), "1 holds node/n1 twice or in no mode"),
        ("one mode", LockState(frozenset({(N1, ANNE, Mode.RELEASE)})), "1 holds node/n1 twice or in no mode"),
        ("one pending request", LockState(ALONE.held, WAITING.pending * 2), "2 waits for two requests"),
        (
            "nothing grantable waits",
            LockState(pending=WAITING.pending),
            "the pending request of 2 is blocked on nobody",
        ),
    ],
)
def test_a_bad_state_is_found(name: str, state: LockState, text: str) -> None:
    assert STATE_PROPERTIES[name](state) == text


@pytest.mark.parametrize(
    ("name", "event", "now", "effects"),
    [
        ("all or nothing", Free(ANNE), LockState(), Effects(granted=(BEN,))),
        ("all or nothing", Free(BEN), LockState(pending=WAITING.pending), Effects()),
        ("each grant notified once", Free(ANNE), LockState(frozenset({(N1, BEN, Mode.SHARED)})), Effects()),
        (
            "a blocked request changes nothing",
            Try(ANNE, (Request(N1, Mode.SHARED),)),
            LockState(pending=WAITING.pending),
            Effects(blockers=(BEN,)),
        ),
        ("the dead leave nothing", Free(ANNE), WAITING, Effects()),
    ],
)
def test_a_bad_step_is_found(name: str, event: Event, now: LockState, effects: Effects) -> None:
    assert STEP_PROPERTIES[name](WAITING, event, now, effects) is not None


def test_a_sound_step_breaks_none() -> None:
    now = LockState(frozenset({(N1, BEN, Mode.SHARED)}))
    for holds in STEP_PROPERTIES.values():
        assert holds(WAITING, Free(ANNE), now, Effects(granted=(BEN,))) is None
