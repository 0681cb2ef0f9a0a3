"""Refusals of all nodes at once as codes: those of each node alone; and the memory that fail-overs need."""

import numpy as np
import pytest

from htools.model.cluster import Model
from htools.model.instance import InstanceModel
from htools.placement.admission import CODE, MODES, FailoverRoom, Fits
from htools.placement.arrays import PlacementNodes, Unsuitable
from spec.allocator.cluster import Disk, DiskTemplate
from spec.allocator.decisions import FailMode, Settings
from spec.allocator.policy import policy_failure
from spec.allocator.requests import Limits
from tests.spec.allocator.small import cluster, instance, node

READ = cluster(
    [
        node(), node(total_memory=600.0, free_memory=600), node(free_disk=2000), node(total_cpus=0.25),
        node(exclusive_storage=True, spindles=4, free_spindles=1), node(spindles=1, offline=True),
    ],
    [instance(0, 1, memory=400), instance(1, 0, memory=300), instance(2, None)],
)  # fmt: skip
KINDS = [(one.group, one.exclusive_storage) for one in READ.nodes]


def vms(template: DiskTemplate) -> list[InstanceModel]:
    """Return instances that differ in size only."""
    sizes = [
        (100, 1024, 1),
        (128, 1024, 1),
        (250, 1024, 1),
        (650, 1024, 1),
        (128, 5000, 1),
        (128, 1024, 40),
        (1100, 12000, 1),
    ]
    return [
        InstanceModel(9, instance(0, None, memory=m, disk=d, vcpus=c, disks=(Disk(d, 2),), disk_template=template))
        for m, d, c in sizes
    ]


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("template", [DiskTemplate.DRBD, DiskTemplate.PLAIN, DiskTemplate.EXT])
def test_codes_are_the_first_reasons(template: DiskTemplate, soft: bool) -> None:
    model = Model.of(READ, Settings())
    some = vms(template)
    fits = Fits(READ.groups, PlacementNodes(model), KINDS, some, soft=soft)
    for row, vm in enumerate(some):
        for at, one in model.nodes.items():
            wanted = policy_failure(vm.instance, READ.groups[0].policy, exclusive=one.exclusive)
            wanted = wanted or one.primary_refusal(vm, force=soft)
            assert fits.primary[row, at] == (0 if wanted is None else CODE[wanted]), (vm.instance, at)
    if not soft:
        assert len(np.unique(fits.primary)) >= 3


def test_secondaries_are_judged_before_and_after_n_plus_1() -> None:
    model = Model.of(READ, Settings())
    some = vms(DiskTemplate.DRBD)
    fits = Fits(READ.groups, PlacementNodes(model), KINDS, some, soft=False)
    for row, vm in enumerate(some):
        for at, one in model.nodes.items():
            refusal = one.copy().secondary_refusal(vm, 99, force=False)
            code = fits.before_n1[row, at] or fits.after_n1[row, at]
            lacking = max(one.reserved, vm.failover_memory) >= one.free_memory and not one.n1_failed
            if not (lacking and not fits.before_n1[row, at]):
                assert code == (0 if refusal is None else CODE[refusal]), (vm.instance, at)


def test_tags_that_a_node_hosts_are_refused() -> None:
    model = Model.of(READ, Settings())
    model.nodes[0].tag_counts = {"svc:a": 1}
    (vm,) = vms(DiskTemplate.PLAIN)[1:2]
    vm.exclusion_tags = ("svc:a", "svc:b")
    codes = Fits(READ.groups, PlacementNodes(model), KINDS, [vm], soft=False).primary[0]
    assert codes[0] == CODE[FailMode.TAGS]
    assert CODE[FailMode.TAGS] not in codes[1:]
    assert [MODES[code - 1] for code in CODE.values()] == list(CODE)


def room(read: Model, limits: Limits = Limits()) -> FailoverRoom:  # noqa: B008 - frozen
    return FailoverRoom(read, PlacementNodes(read), limits)


def test_memory_for_failovers_is_summed_for_each_pair() -> None:
    model = Model.of(READ, Settings())
    found = room(model)
    assert found.needs[0].tolist() == [0, 400, 0, 0, 0, 0]
    assert found.needs[1].tolist() == [300, 0, 0, 0, 0, 0]
    assert found.touched.tolist() == [True, True, False, False, False, False]
    assert found.others == [2]  # its instance is not mirrored
    assert found.counted.all()
    assert not found.certain  # the second node has 300 MiB free, and needs 400
    model.nodes[1].free_memory = 401
    assert room(model).certain
    model.nodes[1].free_memory = 400
    assert not room(model).certain


def test_offline_nodes_may_be_left_out() -> None:
    model = Model.of(READ, Settings())
    assert room(model, Limits(accept_existing=True)).counted.tolist() == [True] * 5 + [False]
    assert not room(model, Limits(ignored_groups=frozenset({0}))).counted.any()


def test_a_node_that_runs_an_instance_keeps_room_or_not() -> None:
    model = Model.of(READ, Settings())
    model.nodes[1].free_memory = 500
    found, nodes = room(model), PlacementNodes(model)
    for memory, keeps in ((99, [True, True]), (100, [True, False]), (299, [True, False]), (300, [False, False])):
        vm = InstanceModel(9, instance(0, None, memory=memory))
        assert found.primary_keeps(nodes, vm)[:2].tolist() == keeps, memory
        assert found.primary_keeps(nodes, vm)[2:].all()


def test_instances_that_are_elsewhere_do_not_fit_into_arrays() -> None:
    model = Model.of(READ, Settings())
    model.instances[0] = model.instances[0].at(3, 1)
    with pytest.raises(Unsuitable):
        room(model)
