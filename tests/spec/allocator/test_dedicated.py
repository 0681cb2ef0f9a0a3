"""Dedicated clusters: where nodes hand out whole spindles, lost opportunities count."""

from dataclasses import replace

import pytest

from spec.allocator.candidates import Allocation
from spec.allocator.cluster import DEFAULT_POLICY, AllocPolicy, Bounds, Disk, Group, Instance, ISpec
from spec.allocator.dedicated import is_dedicated, on_one, opportunities, smallest_instances, try_all
from spec.allocator.placement import NEW, NoTargets
from spec.allocator.requests import Limits
from spec.allocator.state import NodeState, Placed, State
from tests.spec.allocator.small import instance, node, state

LARGEST = ISpec(32768, 8, 1024 * 1024, 16, 8, 12)
POLICY = replace(
    DEFAULT_POLICY,
    bounds=(Bounds(ISpec(100, 1, 1000, 1, 1, 1), LARGEST), Bounds(ISpec(400, 1, 4000, 1, 1, 1), LARGEST)),
)


def whole(memory: int = 1000) -> NodeState:
    """A node that hands out whole spindles."""
    it = state([node(exclusive_storage=True, spindles=10, free_spindles=10, free_memory=memory)], []).nodes[0]
    return replace(it, policy=POLICY)


def test_a_cluster_is_dedicated_if_all_groups_that_take_instances_are() -> None:
    groups = (Group("g0", "0"), Group("g1", "1", AllocPolicy.UNALLOCABLE))
    nodes = state([node(exclusive_storage=True), node(group=1)], [], groups=2).nodes.values()
    assert is_dedicated(nodes, groups, None)
    assert is_dedicated(nodes, groups, "g0")
    assert not is_dedicated(nodes, groups, "g1")


def test_the_smallest_instances_come_largest_disk_first() -> None:
    assert [one.instance.disk for one in smallest_instances(POLICY)] == [4000, 1000]


def test_opportunities_are_how_often_each_fits() -> None:
    """Memory must stay positive: 400 fit twice, 100 nine times into 1000 MiB."""
    assert opportunities(whole(), smallest_instances(POLICY)) == (2, 9)


def test_what_takes_nothing_is_no_opportunity() -> None:
    nothing = Placed(NEW, instance(0, None, memory=0, disk=0, vcpus=0))
    assert opportunities(whole(), [nothing]) == (0,)


def test_the_metric_is_what_is_lost_and_then_the_disk_that_is_left() -> None:
    found = on_one(State({0: whole()}, {}), Placed(NEW, wanted()), 0, Limits())
    assert isinstance(found, Allocation)
    assert found.metric == ((1, 2), 8000), "800 MiB are left: one of 400, seven of 100"


def wanted() -> Instance:
    """An instance of 200 MiB with one disk of 2000 MiB on one spindle."""
    return instance(0, None, memory=200, disk=2000, disks=(Disk(2000, 1),))


def test_without_nodes_nothing_is_tried() -> None:
    with pytest.raises(NoTargets, match="No online nodes"):
        try_all(State({}, {}), Placed(NEW, instance()), [], 1, Limits())
