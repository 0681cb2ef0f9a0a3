import msgspec

from impl.locks.core import step
from impl.locks.state import LockState
from impl.wconfd.lock_status import describe, timed_out
from spec.locks.model import Try, Wait
from spec.locks.names import Mode, Request, job, parse_lock

ALICE, BOB, CAROL = (job(number, f"/l/{number}", 100 + number) for number in (1, 2, 3))


def busy() -> LockState:
    both = tuple(Request(parse_lock(f"node/{name}"), Mode.EXCLUSIVE) for name in ("a", "b"))
    state, _ = step(LockState(), Try(ALICE, both[:1]))
    state, _ = step(state, Try(CAROL, both[1:]))
    state, _ = step(state, Wait(BOB, 4, both))
    return state


def test_who_waits_for_whom_and_how_long() -> None:
    found = describe(busy(), {BOB: 90.0}, 100.0)
    (waiting,) = found["waiting"]
    assert waiting == {
        "owner": [2, "/l/2", 102], "priority": 4, "requests": [["node/a", "exclusive"], ["node/b", "exclusive"]],
        "blockers": [[1, "/l/1", 101], [3, "/l/3", 103]], "waited": 10.0,
    }  # fmt: skip
    assert (len(found["held"]), found["fair"]) == (3, False)
    assert describe(busy(), {}, 100.0)["waiting"][0]["waited"] == 0.0, "of one whose beginning is not known"
    assert describe(busy(), {BOB: 200.0}, 100.0)["waiting"][0]["waited"] == 0.0, "the clock was set back"


def test_a_time_out_says_what_was_wanted_and_who_has_it() -> None:
    answer = msgspec.json.decode(timed_out(busy(), BOB, 2.04))
    assert answer["success"] is False
    error_class, (text, details) = answer["result"]
    assert error_class == "LockTimeoutError"
    assert text == (
        "waited 2.0 s for node/a (exclusive), node/b (exclusive), held or claimed by 1, 3: the request stays pending"
    )
    assert details["owners"] == [[1, "/l/1", 101], [3, "/l/3", 103]]
