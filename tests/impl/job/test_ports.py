"""Ports, compared with the plain set of those that are free."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from impl.config.facts import FIRST_PORT, LAST_PORT
from impl.job.ports import PortTakenError, free_ports, is_free, with_ports_taken

PORTS = st.integers(FIRST_PORT, FIRST_PORT + 12)


def free_set(cluster: dict[str, Any]) -> set[int]:
    """What is free, said plainly."""
    return {*cluster["tcpudp_port_pool"], *range(cluster["highest_used_port"] + 1, LAST_PORT + 1)}


@given(
    highest=st.integers(FIRST_PORT - 1, FIRST_PORT + 12) | st.integers(LAST_PORT - 3, LAST_PORT),
    pool=st.sets(PORTS),
    wanted=st.lists(PORTS | st.integers(LAST_PORT - 5, LAST_PORT + 2), unique=True, max_size=4),
)
def test_what_is_taken_is_free_before_and_not_after_and_nothing_else_changes(
    highest: int, pool: set[int], wanted: list[int]
) -> None:
    cluster = {"highest_used_port": highest, "tcpudp_port_pool": [port for port in pool if port <= highest]}
    before = free_set(cluster)
    assert list(free_ports(cluster))[:20] == sorted(before)[:20]
    assert all(is_free(cluster, port) == (port in before) for port in wanted)
    try:
        after = {**cluster, **with_ports_taken(cluster, wanted)}
    except PortTakenError as error:
        assert error.port not in before  # noqa: PT017 - the other outcome is as good
        return
    assert set(wanted) <= before
    assert free_set(after) == before - set(wanted)
    assert len(after["tcpudp_port_pool"]) == len(set(after["tcpudp_port_pool"]))


def test_taking_nothing_changes_nothing() -> None:
    assert with_ports_taken({"highest_used_port": 5, "tcpudp_port_pool": [1]}, []) == {}
