"""Address pools against a plain set of addresses."""

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.config import networks
from impl.config.errors import RefusedError, ReservationError
from impl.config.model import Value
from tests.impl.config.values import VALUE, config

NET: Value = VALUE["networks"]["net"]


def test_addresses_in_use_and_reserved_from_outside() -> None:
    whole = [str(address) for address in IPv4Network(NET["network"])]
    assert [ip for ip in whole if networks.is_used(NET, ip)] == ["192.0.2.2"]
    assert [ip for ip in whole if networks.is_external(NET, ip)] == ["192.0.2.0", "192.0.2.1", "192.0.2.7"]


@given(st.frozensets(st.integers(0, 7)), st.frozensets(st.integers(0, 7)), st.frozensets(st.integers(0, 7)))
def test_the_first_free_address_is_the_first_in_no_set(
    used: frozenset[int], external: frozenset[int], taken: frozenset[int]
) -> None:
    bits = ["".join("1" if number in some else "0" for number in range(8)) for some in (used, external)]
    network = {**NET, "reservations": bits[0], "ext_reservations": bits[1]}
    free = sorted(set(range(8)) - used - external - taken)
    expected = f"192.0.2.{free[0]}" if free else None
    assert networks.first_free(network, frozenset(f"192.0.2.{number}" for number in taken)) == expected


def test_marking_changes_one_address_and_not_the_network_itself() -> None:
    after = networks.marked(NET, "192.0.2.3", used=True)
    assert after["reservations"] == "00110000"
    assert NET["reservations"] == "00100000"
    assert networks.marked(after, "192.0.2.3", used=False) == NET


def test_what_is_so_already_is_refused() -> None:
    with pytest.raises(ReservationError, match=r"192\.0\.2\.2 is already used"):
        networks.marked(NET, "192.0.2.2", used=True)
    with pytest.raises(ReservationError, match=r"192\.0\.2\.3 is not used"):
        networks.marked(NET, "192.0.2.3", used=False)


@pytest.mark.parametrize("ip", ["192.0.1.255", "192.0.2.8"])
def test_an_address_outside_is_refused(ip: str) -> None:
    with pytest.raises(ReservationError, match="not in the network"):
        networks.is_used(NET, ip)


def test_a_network_without_pools_is_free() -> None:
    bare = {"network": "192.0.2.0/29", "reservations": None}
    assert networks.first_free(bare, frozenset()) == "192.0.2.0"
    assert networks.marked(bare, "192.0.2.7", used=True)["reservations"] == "00000001"


def test_names_of_networks_and_addresses() -> None:
    assert networks.find(config(), "net") == NET
    with pytest.raises(ReservationError, match="'other' not found"):
        networks.find(config(), "other")
    assert networks.address("192.0.2.9") == "192.0.2.9"
    for text in ("192.0.2", "192.0.2.300", "::1", ""):
        with pytest.raises(RefusedError, match="Invalid IPv4 address"):
            networks.address(text)
