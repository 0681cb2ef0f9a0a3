"""The vocabulary of clusters: what a template, a run state and an instance's disks imply."""

import pytest

from spec.allocator.cluster import MIRROR_TYPE, Disk, DiskTemplate, InstanceStatus, MirrorType
from tests.spec.allocator.small import DRBD, PLAIN, RBD, instance


def test_every_template_is_mirrored_somehow() -> None:
    assert set(MIRROR_TYPE) == set(DiskTemplate)
    internal = [template for template in DiskTemplate if MIRROR_TYPE[template] is MirrorType.INTERNAL]
    assert internal == [DRBD], "only DRBD has a secondary node"


def test_diskless_instances_are_mirrored_externally_and_yet_not_balanced() -> None:
    diskless = instance(disk_template=DiskTemplate.DISKLESS)
    assert (diskless.mirror_type, diskless.movable) == (MirrorType.EXTERNAL, False)


@pytest.mark.parametrize(
    ("status", "memory", "running", "online"),
    [
        ("running", True, True, True),
        ("ERROR_up", True, True, True),
        ("ERROR_nodedown", True, False, True),
        ("ADMIN_down", False, False, True),
        ("ADMIN_offline", False, False, False),
    ],
)
def test_run_states(status: str, memory: bool, running: bool, online: bool) -> None:
    it = instance(status=InstanceStatus(status))
    assert (it.uses_memory, it.running, it.online) == (memory, running, online)


def test_failover_memory_is_kept_for_balanced_instances_that_may_run() -> None:
    assert instance().uses_secondary_memory
    assert not instance(auto_balance=False).uses_secondary_memory
    assert not instance(status=InstanceStatus.ADMIN_OFFLINE).uses_secondary_memory


def test_a_forthcoming_instance_uses_no_memory_yet() -> None:
    assert not instance(forthcoming=True).uses_memory


def test_nodes_and_local_storage() -> None:
    assert (instance(0, 1).nodes, instance(0, None).nodes) == ((0, 1), (0,))
    assert [instance(disk_template=t).uses_local_storage for t in (DRBD, PLAIN, RBD)] == [True, True, False]


def test_spindles_are_known_when_all_disks_have_them() -> None:
    assert instance(disks=(Disk(10, 2), Disk(10, 3))).total_spindles == 5
    assert instance(disks=(Disk(10, 2), Disk(10))).total_spindles is None
