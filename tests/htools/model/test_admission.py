"""Compiled refusals against the table of conditions: the same reason, of one role, forced or not."""

from itertools import product
from typing import Any

import pytest

from htools.model.admission import PRIMARY, SECONDARY, circumstances, compiled, figures_of
from htools.model.instance import InstanceModel
from htools.model.node import NodeModel
from spec.allocator.admission import AS_PRIMARY, AS_SECONDARY, Condition, Figure, Limit, Only, condition_for
from spec.allocator.cluster import Disk, DiskTemplate
from spec.allocator.decisions import FailMode
from tests.spec.allocator.small import instance, node

NODES: tuple[dict[str, Any], ...] = (
    {}, {"free_memory": 100, "total_memory": 100.0}, {"free_disk": 999}, {"total_cpus": 0.2}, {"spindles": 0},
    {"exclusive_storage": True, "free_spindles": 0},
)  # fmt: skip
INSTANCES: tuple[dict[str, Any], ...] = (
    {}, {"forthcoming": True}, {"disk_template": DiskTemplate.RBD}, {"disk_template": DiskTemplate.PLAIN},
    {"disks": (Disk(1000, 1),), "spindle_use": 2},
)  # fmt: skip


def refusal(
    conditions: tuple[Condition, ...], it: NodeModel, vm: InstanceModel, *, force: bool, there: bool
) -> FailMode | None:
    """Find the first condition that is not met, one by one."""
    holds = circumstances(it, vm, disks_there=there)
    for each in conditions:
        skipped = (force and each.soft) or (vm.forthcoming and not each.planned) or not holds.issuperset(each.only)
        if not skipped and each.refused(figures_of(it, vm, 1, planned=each.planned)):
            return each.mode
    return None


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("there", [False, True])
def test_the_compiled_functions_find_the_first_condition_not_met(force: bool, there: bool) -> None:
    found = set()
    for (at, of_node), of_vm, tagged in product(enumerate(NODES), INSTANCES, (False, True)):
        it, vm = NodeModel(0, node(**of_node)), InstanceModel(9, instance(**of_vm))
        it.n1_failed, it.tag_counts = at == 0, {"svc:a": 1} if tagged else {}
        it.peers, it.reserved = ([(1, 950)], 950) if tagged else ([], 0)
        vm.exclusion_tags = ("svc:a",)
        for conditions, table in ((AS_PRIMARY, PRIMARY), (AS_SECONDARY, SECONDARY)):
            wanted = refusal(conditions, it, vm, force=force, there=there)
            assert table[force](it, vm, 1, there) is wanted, (of_node, of_vm, tagged)
            found.add(wanted)
    assert found >= {None, FailMode.MEMORY, FailMode.DISK, FailMode.SPINDLES} | (
        set() if force else {FailMode.CPU, FailMode.TAGS}
    )


def test_a_soft_condition_is_left_out_of_forced_questions() -> None:
    it, vm = NodeModel(0, node(free_memory=0)), InstanceModel(9, instance(memory=5000))
    vm.exclusion_tags, it.tag_counts = ("svc:a",), {"svc:a": 1}
    both = (condition_for(AS_PRIMARY, Limit.TAGS), condition_for(AS_PRIMARY, Limit.MEMORY))
    assert [each.soft for each in both] == [True, False]
    assert compiled(both, force=False)(it, vm, 1, False) is FailMode.TAGS
    assert compiled(both, force=True)(it, vm, 1, False) is FailMode.MEMORY


def test_the_figures_of_a_refusal() -> None:
    it, vm = NodeModel(0, node()), InstanceModel(9, instance(memory=300))
    it.peers, it.reserved = [(1, 250), (2, 100)], 250
    figures = figures_of(it, vm, 1, planned=False)
    assert (figures[Figure.MEMORY], figures[Figure.FREE_MEMORY], figures[Figure.RESERVED]) == (300, 1000, 250)
    assert figures[Figure.RESERVED_AFTER] == 550  # with what is kept for the primary already
    assert figures_of(it, vm, 2, planned=False)[Figure.RESERVED_AFTER] == 400
    it.planned_free_memory = 7
    assert figures_of(it, vm, 1, planned=True)[Figure.FREE_MEMORY] == 7


def test_the_circumstances() -> None:
    it, vm = NodeModel(0, node(exclusive_storage=True)), InstanceModel(9, instance())
    it.n1_failed = False
    everything = {Only.LOCAL_DISKS, Only.EXCLUSIVE, Only.LIMITED_CORES, Only.REDUNDANT, Only.NEW_DISKS}
    assert circumstances(it, vm) == everything
    it.n1_failed, it.vcpu_ratio = True, -1.0
    assert circumstances(it, vm, disks_there=True) == {Only.LOCAL_DISKS, Only.EXCLUSIVE}
