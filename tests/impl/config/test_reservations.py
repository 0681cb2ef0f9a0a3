"""Temporary reservations beside the plain ones of the specification, and what only the configuration decides."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.config import reservations as fast
from impl.config.errors import RefusedError, ReservationError
from impl.config.model import Config, Draft, from_value
from impl.config.reservations import IPS, MACS, MINORS, SECRETS, VOLUMES, Outcome, Reservations
from spec import reservations as plain
from spec.locks.names import job
from tests.impl.config.values import VALUE, config

OWNERS = [job(number, f"/livelocks/{number}", 100 + number) for number in (1, 2, 3)]
ALICE, BOB, _ = OWNERS
EMPTY = Reservations()

steps = st.lists(
    st.one_of(
        st.tuples(st.just("mac"), st.sampled_from(OWNERS), st.sampled_from("ab")),
        st.tuples(st.just("lv"), st.sampled_from(OWNERS), st.sampled_from(["x/a", "x/b"])),
        st.tuples(st.just("drop"), st.sampled_from(OWNERS), st.none()),
        st.tuples(st.just("minors"), st.sampled_from(["d8", "d9"]), st.sampled_from([["n1"], ["n2", "n1"]])),
        st.tuples(st.just("release"), st.sampled_from(["d8", "d9"]), st.none()),
    ),
    max_size=20,
)


@given(steps)
def test_every_history_goes_as_in_the_specification(history: list[tuple[str, Any, Any]]) -> None:
    known = config()
    in_use = frozenset({("n1", 0), ("n2", 1)})
    state, wanted = EMPTY, plain.Reserved()
    changes: list[fast.ReservationChange] = []
    for what, who, item in history:
        made: list[fast.ReservationChange] = []
        if what in {"mac", "lv"}:
            try:
                wanted = plain.reserve(wanted, what, item, who)
            except plain.DuplicateReservationError as error:
                text = str(error)
                with pytest.raises(ReservationError, match=f"^{re.escape(text)}$"):
                    reserve(state, known, what, who, item)
                continue
            state, made = reserve(state, known, what, who, item)
        elif what == "drop":
            wanted = plain.drop(wanted, who)
            state, made = fast.drop_all(state, who)
        elif what == "minors":
            wanted, numbers = plain.allocate_minors(wanted, who, tuple(item), in_use)
            state, made, found = fast.allocate_minors(state, known, who, item)
            assert tuple(found) == numbers
        else:
            wanted = plain.release_minors(wanted, who)
            state, made = fast.release_minors(state, who)
        changes += made
        names = {MACS: "mac", VOLUMES: "lv"}
        assert {(names[kind], item, owner) for (kind, item), owner in state.reserved.items()} == wanted.items
        assert {(node, minor, disk) for (node, minor), disk in state.minors.items()} == wanted.minors
    present: dict[Any, fast.ReservationChange] = {}
    for change in changes:
        key = (change.kind, change.holder, change.item)
        present.pop(key, None)
        if change.present:
            present[key] = change
    assert fast.restore(present.values()) == state, "what was noted as changed leads to the same state"


def reserve(state: Reservations, known: Config, kind: str, who: Any, item: str) -> Outcome:
    if kind == "mac":
        return fast.reserve_mac(state, known, who, item)
    return fast.reserve_volume(state, known, who, item)


def test_what_the_configuration_uses_is_refused() -> None:
    with pytest.raises(ReservationError, match="MAC already in use"):
        fast.reserve_mac(EMPTY, config(), ALICE, "aa:bb:cc:00:00:01")
    with pytest.raises(ReservationError, match="LV already in use"):
        fast.reserve_volume(EMPTY, config(), ALICE, "xenvg/d2")
    for name in ("", "xenvg", "/d", "xenvg/"):
        with pytest.raises(RefusedError, match="Invalid LV name"):
            fast.reserve_volume(EMPTY, config(), ALICE, name)


def test_generated_addresses_have_the_prefix_and_differ_and_follow_from_the_draw() -> None:
    state, changes = fast.generate_mac(EMPTY, config(), ALICE, None, 5)
    (first,) = state.of(MACS, ALICE)
    assert changes == [fast.ReservationChange(MACS, ALICE, first, present=True)]
    assert first.startswith("aa:bb:cc:")
    state, (second,) = fast.generate_mac(state, config(), BOB, None, 5)
    assert second.item != first, "the same draw, but the first one is reserved"
    assert fast.generate_mac(EMPTY, config(), BOB, None, 5)[1][0].item == first
    assert fast.generate_mac(EMPTY, config(), BOB, "net", 5)[1][0].item == "aa:dd:ee" + first[8:]
    with pytest.raises(ReservationError, match="Network 'other' not found"):
        fast.generate_mac(EMPTY, config(), ALICE, "other", 5)


def test_secrets_are_of_twenty_bytes() -> None:
    state, (change,) = fast.generate_secret(EMPTY, config(), ALICE, 1)
    assert len(bytes.fromhex(change.item)) == 20
    assert state.of(SECRETS, ALICE) == {change.item}


def test_generation_ends_when_nothing_new_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    state, _ = fast.generate_secret(EMPTY, config(), ALICE, 1)
    monkeypatch.setattr(fast, "RETRIES", 1)
    with pytest.raises(ReservationError, match="Not able generate new resource"):
        fast.generate_secret(state, config(), BOB, 1)


def test_the_map_of_minors_has_both_kinds_and_finds_duplicates() -> None:
    state, _, minors = fast.allocate_minors(EMPTY, config(), "d9", ["n1", "n2"])
    assert minors == [1, 0]
    assert fast.drbd_map(state, config()) == [("n1", [(0, "d1"), (1, "d9")]), ("n2", [(0, "d9"), (1, "d1")])]
    twice = fast.restore([fast.ReservationChange(MINORS, "n1", (0, "d9"), present=True)])
    with pytest.raises(ReservationError, match="Duplicate DRBD ports detected"):
        fast.drbd_map(twice, config())
    with pytest.raises(ReservationError, match="Duplicate nodes"):
        fast.allocate_minors(EMPTY, config(), "d9", ["n1", "n1"])


def test_addresses_are_reserved_generated_and_committed() -> None:
    with pytest.raises(ReservationError, match="IP address already in use"):
        fast.reserve_ip(EMPTY, config(), ALICE, "net", "192.0.2.2", check_external=False)
    with pytest.raises(ReservationError, match="externally reserved"):
        fast.reserve_ip(EMPTY, config(), ALICE, "net", "192.0.2.1", check_external=True)
    state, _ = fast.reserve_ip(EMPTY, config(), ALICE, "net", "192.0.2.3", check_external=True)
    (state, _), ip = fast.generate_ip(state, config(), ALICE, "net")
    assert ip == "192.0.2.4"
    state, _ = fast.release_ip(state, ALICE, "net", "192.0.2.2")
    draft = Draft(config())
    fast.commit_ips(state, draft, BOB)
    assert draft.changes() == [], "nothing of the other owner's"
    fast.commit_ips(state, draft, ALICE)
    network = draft.get("networks", "net")
    assert network is not None
    assert network["reservations"] == "00011000"
    assert len(state.of(IPS, ALICE)) == 3, "committed reservations stay until they are dropped"


def test_a_full_network_gives_no_address() -> None:
    value = {**VALUE, "networks": {"net": {**VALUE["networks"]["net"], "reservations": "1" * 8}}}
    with pytest.raises(ReservationError, match="Network is full"):
        fast.generate_ip(EMPTY, from_value(value), ALICE, "net")


def test_an_instance_gives_its_addresses_back() -> None:
    draft = Draft(config())
    fast.release_instance_ips(draft, "i1")
    network = draft.get("networks", "net")
    assert network is not None
    assert network["reservations"] == "0" * 8
    fast.release_instance_ips(draft, "nobody")


def test_a_duplicate_address_is_shown_as_ganeti_does() -> None:
    state, _ = fast.reserve_ip(EMPTY, config(), ALICE, "net", "192.0.2.3", check_external=True)
    with pytest.raises(ReservationError) as refused:
        fast.reserve_ip(state, config(), BOB, "net", "192.0.2.3", check_external=True)
    assert str(refused.value) == (
        "Duplicate reservation for resource 'IPv4Res {ipv4ResAction = IPv4Reserve, "
        'ipv4ResNetwork = "net", ipv4ResAddr = 192.0.2.3}\''
    )


def test_everybody_who_reserved_something_is_an_owner() -> None:
    state, _ = fast.reserve_mac(EMPTY, config(), ALICE, "a")
    state, _ = fast.generate_secret(state, config(), BOB, 1)
    assert fast.owners(state) == {ALICE, BOB}
    assert fast.owners(fast.drop_all(state, ALICE)[0]) == {BOB}
