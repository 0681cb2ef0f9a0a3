"""An instance in the working model: what it is counted for in each state, and copies on other nodes."""

import pytest

from htools.model.instance import NO_NODE, InstanceModel
from htools.model.node import NodeModel
from spec.allocator.cluster import Disk, DiskTemplate, InstanceStatus
from tests.spec.allocator.small import instance, node


def test_a_mirrored_instance_counts_on_both_nodes() -> None:
    vm = InstanceModel(3, instance(0, 1, memory=100, disk=1000, vcpus=2, spindle_use=4))
    assert (vm.index, vm.primary, vm.secondary, vm.mirrored, vm.local) == (3, 0, 1, True, True)
    assert (vm.memory, vm.used_memory, vm.failover_memory, vm.disk, vm.vcpus) == (100, 100, 100, 1000, 2)
    assert vm.spindle_use == 4


@pytest.mark.parametrize(
    ("status", "used", "kept", "cores"),
    [
        (InstanceStatus.RUNNING, 100, 100, 1),
        (InstanceStatus.ADMIN_DOWN, 0, 100, 1),
        (InstanceStatus.ADMIN_OFFLINE, 0, 0, 0),
    ],
)
def test_memory_and_cores_follow_the_status(status: InstanceStatus, used: int, kept: int, cores: int) -> None:
    made = instance(0, 1, status=status)
    vm = InstanceModel(0, made)
    assert (vm.memory, vm.used_memory, vm.failover_memory, vm.vcpus) == (100, used, kept, cores)
    assert (made.uses_memory, made.uses_secondary_memory, made.online) == (used > 0, kept > 0, cores > 0)


def test_shared_storage_takes_nothing_of_a_node_s_disk() -> None:
    vm = InstanceModel(0, instance(0, None, disk_template=DiskTemplate.RBD, spindle_use=4))
    assert (vm.secondary, vm.mirrored, vm.local, vm.disk, vm.spindle_use) == (NO_NODE, False, False, 0, 0)


def test_spindles_are_unknown_if_one_disk_does_not_say() -> None:
    assert InstanceModel(0, instance(disks=(Disk(10, 2), Disk(10, 3)))).spindles == 5
    assert InstanceModel(0, instance(disks=(Disk(10, 2), Disk(10)))).spindles is None


def test_a_copy_is_independent_and_complete() -> None:
    vm = InstanceModel(0, instance())
    vm.exclusion_tags, vm.location_score, vm.alias = ("svc:a",), 2, "short"
    copy = vm.copy()
    assert all(getattr(copy, name) == getattr(vm, name) for name in InstanceModel.__slots__)
    copy.primary = 9
    assert vm.primary == 0


def test_on_other_nodes_the_places_count_again_or_not() -> None:
    vm = InstanceModel(0, instance(0, 1))
    vm.location_score = 5
    primary, secondary = NodeModel(2, node()), NodeModel(3, node())
    primary.location_tags = frozenset({"rack:a", "room:1", "x"})
    secondary.location_tags = frozenset({"rack:a", "room:1", "y"})
    moved = vm.on(primary, secondary)
    assert (moved.primary, moved.secondary, moved.location_score) == (2, 3, 2)
    kept = vm.at(2, 3)
    assert (kept.primary, kept.secondary, kept.location_score) == (2, 3, 5)
    assert (vm.primary, vm.secondary, vm.location_score) == (0, 1, 5)


def test_the_present_value_names_the_present_nodes() -> None:
    vm = InstanceModel(0, instance(0, 1))
    assert vm.current() == vm.instance
    assert (vm.at(4, NO_NODE).current().primary, vm.at(4, NO_NODE).current().secondary) == (4, None)
