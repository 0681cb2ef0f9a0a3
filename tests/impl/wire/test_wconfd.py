"""wconfd's values on the wire: every one that is written reads back, and every wrong one has Ganeti's refusal."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.config.reservations import IPS, MACS, MINORS, ReservationChange, restore
from impl.limits import MAX_JOB_ID, MAX_NAME_LENGTH, MAX_PATH_BYTES, MAX_PROCESS_ID
from impl.locks import view
from impl.locks.core import step
from impl.locks.state import LockState
from impl.wire import wconfd as codec
from impl.wire.wconfd import InputError
from spec.locks.model import Try, Wait
from spec.locks.names import LockError, Mode, Owner, Request, job, other, parse_lock

ALICE, BOB = job(7, "/livelocks/job_7", 107), other("tester", "/livelocks/tester", 108)
NODE = parse_lock("node/n1")

paths = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
owners = st.one_of(
    st.builds(job, st.integers(0, MAX_JOB_ID), paths, st.integers(0, MAX_PROCESS_ID)),
    st.builds(other, st.text(max_size=5), paths, st.integers(0, MAX_PROCESS_ID)),
)


@given(owners)
def test_an_owner_reads_back(owner: Owner) -> None:
    assert codec.owner(codec.owner_json(owner)) == owner


names = st.sampled_from(["cluster/BGL", "instance/web1", "node/n1", "node/[lockset]", "nodegroup/g", "network/x"])
modes = st.sampled_from(["shared", "exclusive", "release"])


@given(st.lists(st.tuples(names, modes).map(list), max_size=5))
def test_a_request_reads_back(value: list[list[str]]) -> None:
    found = codec.requests(value)
    assert codec.locks_json((request.lock, request.mode) for request in found) == value
    assert codec.requests(value) == found


def test_the_quick_and_the_slow_way_read_the_same() -> None:
    value = [["node/n1", "shared"], ["instance/web1", "exclusive"]]
    assert codec.requests(value) == tuple(codec._request(entry) for entry in value)


REFUSALS: list[tuple[Callable[[Any], Any], Any, str]] = [
    (codec.text, 1, "Unable to read String"),
    (codec.boolean, 0, "Unable to read Bool"),
    (codec.integer, True, "Unable to read Integer"),
    (codec.integer, "1", "Unable to read Integer"),
    (codec.integer, 1.5, "Unable to read Integer"),
    (codec.integer, 1 << 62, "Unable to read Integer"),
    (codec.array, {}, "Unable to read list"),
    (codec.mapping, [], "Unable to read object"),
    (codec.owner, [1, "/l"], "malformed client id"),
    (codec.owner, [1, None, 5], "malformed client id"),
    (codec.owner, "x", "malformed client id"),
    (codec.owner, [1, "/l\0", 5], "no path"),
    (codec.owner, [1, "/" * (MAX_PATH_BYTES + 1), 5], "no path"),
    (codec.owner, ["x" * (MAX_NAME_LENGTH + 1), "/l", 5], "a client's name has at most"),
    (codec.owner, [MAX_JOB_ID + 1, "/l", 5], "Invalid value for job ID"),
    (codec.owner, [1, "/l", -1], "a process id is 0 to"),
    (codec.owner, ["me", "/l", MAX_PROCESS_ID + 1], "a process id is 0 to"),
    (codec.name, "x" * (MAX_NAME_LENGTH + 1), "a name has at most"),
    (codec.lock, "node/" + "1" * 5000, "a name has at most"),
    (codec.requests, [["node/" + "1" * 5000, "shared"]], "a name has at most"),
    (codec.acquisitions, [["node/n1", ["shared"]]], "Owner type not encoded as a string"),
    (codec.port, 0, "a port is 1 to 65535"),
    (codec.port, 65_536, "a port is 1 to 65535"),
    (codec.integer, 1e300, "Unable to read Integer"),
    (codec.bounded_mapping, {"a": 10**19}, "a whole number of more than 19 digits"),
    (codec.owner, [-1, "/l", 5], "Invalid value for job ID ' -1'"),
    (codec.owner, [True, "/l", 5], "Wrong type/value for job id: True"),
    (codec.owner, [None, "/l", 5], "Wrong type/value for job id: None"),
    (codec.owner, ["me", "/l", "5"], "Unable to read Integer"),
    (codec.owner, [1, "/l", True], "Unable to read Integer"),
    (codec.lock, 5, "Wrong JSON type"),
    (codec.lock, "nonsense", "nonsense"),
    (codec.level, "nonsense", "nonsense"),
    (codec.level, 5, "Unable to read String"),
    (codec.requests, None, "Unable to read list"),
    (codec.requests, [["node/n1"]], "Unable to read Pair"),
    (codec.requests, [["node/n1", 1]], "Update requests need to be strings"),
    (codec.requests, [["node/n1", "owned"]], "owned"),
    (codec.requests, [["nonsense", "shared"]], "nonsense"),
    (codec.acquisitions, [["node/n1", "release"]], "Unknown owner type release"),
    (codec.acquisitions, [["node/n1", 1]], "Owner type not encoded as a string"),
    (lambda value: codec.read_locks_file(value, fair=False), [[]], "Unable to read Pair"),
    (codec.read_reservations_file, [], "Unable to read object"),
    (codec.read_reservations_file, {MACS: [[["x"], []]]}, "malformed client id"),
    (codec.read_reservations_file, {MINORS: [["n1", [["1", "disk"]]]]}, "Unable to read Integer"),
]


@pytest.mark.parametrize(("read", "value", "said"), REFUSALS)
def test_wrong_values_are_refused_in_ganetis_words(read: Callable[[Any], Any], value: Any, said: str) -> None:
    with pytest.raises(InputError) as refused:
        read(value)
    assert str(refused.value).startswith("RPC input: ")
    assert said in str(refused.value)


def test_whole_numbers_may_be_written_with_a_point() -> None:
    assert codec.integer(5.0) == 5
    assert type(codec.integer(5.0)) is int


def busy() -> LockState:
    state, _ = step(
        LockState(), Try(ALICE, (Request(NODE, Mode.EXCLUSIVE), Request(parse_lock("instance/i"), Mode.SHARED)))
    )
    state, _ = step(state, Wait(BOB, 5, (Request(NODE, Mode.SHARED),)))
    return state


def test_the_lock_file_reads_back() -> None:
    state = busy()
    again = codec.read_locks_file(codec.locks_file(state), fair=False)
    assert view.holders(again) == view.holders(state)
    assert view.all_pending(again) == view.all_pending(state)
    assert codec.locks_file(again) == codec.locks_file(state)


def test_a_lock_file_that_contradicts_itself_is_refused() -> None:
    both = [[codec.owner_json(who), [["node/n1", "exclusive"]]] for who in (ALICE, BOB)]
    with pytest.raises(view.InconsistentStateError, match="tester"):
        codec.read_locks_file([both, []], fair=False)


def test_locks_with_their_owners_and_pending_requests_for_the_wire() -> None:
    mine = [7, "/livelocks/job_7", 107]
    assert codec.owners_json(busy()) == [
        ["instance/[lockset]", []],
        ["instance/i", [[mine, "shared"]]],
        ["node/[lockset]", []],
        ["node/n1", [[mine, "exclusive"]]],
    ]
    (pending,) = view.all_pending(busy())
    assert codec.pending_json(pending) == [5, ["tester", "/livelocks/tester", 108], [["node/n1", "shared"]]]


def test_the_file_of_reservations_reads_back() -> None:
    rows = [
        ReservationChange(MACS, ALICE, "aa:bb", present=True),
        ReservationChange(IPS, BOB, ("reserve", "net", "192.0.2.1"), present=True),
        ReservationChange(MINORS, "n1", (3, "disk"), present=True),
        ReservationChange(MINORS, "n1", (4, "disk"), present=True),
    ]
    state = restore(rows)
    written = codec.reservations_file(state)
    assert written[IPS] == [[codec.owner_json(BOB), [["reserve", "192.0.2.1", "net"]]]], "address before network"
    assert restore(codec.read_reservations_file(written)) == state
    assert codec.read_reservations_file({}) == []


def test_refusals_are_no_lock_errors() -> None:
    assert not issubclass(InputError, LockError)
