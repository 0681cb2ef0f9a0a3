"""How many instances fit: standard and tiered allocation."""

from dataclasses import replace

import pytest

from spec.allocator.capacity import Filled, available_memory, fill, fill_tiers, reasons, smaller
from spec.allocator.cluster import Disk
from spec.allocator.decisions import FailMode
from spec.allocator.placement import NEW
from spec.allocator.requests import Limits
from spec.allocator.state import Placed
from tests.spec.allocator.small import instance, node, state

FREE = Limits(capacity=False)
ASKED = Placed(NEW, instance(0, None, memory=300, disk=1024, disks=(Disk(1024),)))
TWO = state([node(), node()], [])


def names(filled: Filled) -> list[str]:
    """The names of the instances that were placed."""
    return [placed.instance.name for placed in filled.placed]


def test_instances_are_placed_until_none_fits() -> None:
    """Three times 300 of 1000 MiB on each of two nodes."""
    filled = fill(Filled({}, TWO), ASKED, [0, 1], FREE, None)
    assert names(filled) == [f"new-{number}" for number in range(6)]
    assert dict(filled.failures) == {FailMode.MEMORY: 2}
    assert sorted(len(it.real.primaries) for it in filled.state.nodes.values()) == [3, 3]


def test_a_limit_ends_the_filling() -> None:
    assert len(fill(Filled({}, TWO), ASKED, [0, 1], FREE, 4).placed) == 4


def test_with_redundancy_one_node_could_take_over_the_others_instances() -> None:
    """Of two nodes one must be able to run everything: three instances of 300 MiB."""
    filled = fill(Filled({}, TWO), ASKED, [0, 1], Limits(), None)
    assert len(filled.placed) == 3


def test_tiers_fill_what_the_standard_size_leaves() -> None:
    """Three of 300 MiB leave 100 on a node: not enough for 172, and 108 is below the policy's least size of 128."""
    assert len(fill_tiers(Filled({}, TWO), ASKED, [0, 1], FREE, None).placed) == 6
    roomier = state([node(total_memory=1200.0, free_memory=1200), node()], [])
    sizes = [one.instance.memory for one in fill_tiers(Filled({}, roomier), ASKED, [0, 1], FREE, None).placed]
    assert sizes == [300] * 6 + [236]


@pytest.mark.parametrize(
    ("failure", "memory", "disk", "vcpus"),
    [
        (FailMode.MEMORY, 236, 1024, 2),
        (FailMode.DISK, 300, 768, 2),
        (FailMode.CPU, 300, 1024, 1),
    ],
)
def test_an_instance_made_smaller(failure: FailMode, memory: int, disk: int, vcpus: int) -> None:
    less = smaller(replace(ASKED, instance=replace(ASKED.instance, vcpus=2)), failure)
    assert less is not None
    assert (less.instance.memory, less.instance.disk, less.instance.vcpus) == (memory, disk, vcpus)


def test_the_last_units_can_be_taken_away() -> None:
    two_units = Placed(NEW, instance(0, None, memory=128, disk=512, disks=(Disk(512),)))
    found = [smaller(two_units, failure) for failure in (FailMode.MEMORY, FailMode.DISK)]
    assert [(one.instance.memory, one.instance.disk) for one in found if one] == [(64, 512), (128, 256)]


def test_what_cannot_be_made_smaller() -> None:
    least = Placed(NEW, instance(0, None, memory=127, disk=500, vcpus=1, disks=(Disk(500),)))
    assert [smaller(least, failure) for failure in FailMode] == [None] * len(FailMode)


def test_spindles_of_a_single_disk_are_taken_away_one_by_one() -> None:
    less = smaller(Placed(NEW, instance(disks=(Disk(1024, 2),))), FailMode.SPINDLES)
    assert less is not None
    assert less.instance.disks == (Disk(1024, 1),)


def test_reasons_from_the_rarest_to_the_most_frequent() -> None:
    order = reasons({FailMode.DISK: 3, FailMode.MEMORY: 1})
    assert order[-2:] == [FailMode.MEMORY, FailMode.DISK]
    assert order[0] is FailMode.CPU, "those that never occurred come first, in their own order"


def test_available_memory_leaves_out_reserves() -> None:
    assert available_memory(state([node(), node()], [instance(0, 1)])) == 900 + 900
