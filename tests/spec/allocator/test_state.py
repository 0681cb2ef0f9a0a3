"""Figures of a node's accounts."""

from dataclasses import replace

from spec.allocator.state import group_state
from tests.spec.allocator.small import instance, node, state


def test_memory_figures() -> None:
    """1000 MiB, of which the node uses 200 and an instance 100; 50 MiB are missing from what it reports."""
    it = state([node(node_memory=200, free_memory=750), node()], [instance(0, None)]).nodes[0]
    assert (it.recorded_free_memory, it.missing_memory, it.unallocated_memory) == (700, 50, 650)
    assert it.free_memory_fraction == 0.65
    assert replace(it, missing_memory=-50).unallocated_memory == 700, "what is reported beyond the records is no gain"


def test_the_reserve_is_the_largest_peers_need() -> None:
    instances = [instance(0, 2), instance(0, 2), instance(1, 2), instance(1, 2, auto_balance=False)]
    it = state([node(), node(), node()], instances).nodes[2]
    assert it.peers == ((0, 200), (1, 100))
    assert (it.reserved_memory, it.reserved_memory_fraction) == (200, 0.2)


def test_disk_cores_and_spindles() -> None:
    it = state([node(spindles=2), node()], [instance(0, 1)]).nodes[0]
    assert (it.free_disk_fraction(it.real), it.cpu_ratio(it.real)) == (0.9, 0.125)
    assert (it.high_spindles, it.high_cpus) == (64.0, 32)
    assert replace(it, node=node(total_disk=0.0)).free_disk_fraction(it.real) == 1.0


def test_a_groups_part_of_a_state() -> None:
    whole_state = state([node(), node(group=1)], [instance(0, None), instance(1, None)], groups=2)
    part = group_state(whole_state, 1)
    assert (list(part.nodes), list(part.instances)) == ([1], [1])
