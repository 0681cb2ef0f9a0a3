"""Rooms, peers and units for balancing, and which models vectors represent exactly, at the limits."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from htools.balance.arrays import RESERVED, WEIGHTS, BalancingNodes, InstanceArrays, representable
from htools.limits import LARGEST_SIZE
from htools.model.arrays import DEVIATIONS
from htools.model.cluster import Model
from htools.model.node import NodeModel
from htools.model.score import node_values
from spec.allocator.arithmetic import ratio
from spec.allocator.cluster import Cluster, Disk
from spec.allocator.components import COMPONENTS
from spec.allocator.decisions import Settings
from tests.htools.balance.walks import Adversary
from tests.spec.allocator.small import DRBD, RBD, cluster, instance, node

READ = cluster([node(), node(), node(cpu_speed=0.7)], [instance(0, 1, memory=400), instance(1, 0), instance(2, 0)])


def arrays(read: Cluster) -> tuple[Model, BalancingNodes, InstanceArrays]:
    model = Model.of(read, Settings())
    nodes = BalancingNodes(list(model.nodes.values()))
    return model, nodes, InstanceArrays(model, nodes)


@pytest.mark.parametrize("used", [0, 31, 32, 33])
def test_rooms_are_what_is_left_below_the_limit(used: int) -> None:
    """Four virtual cores for each of eight cores, 32 spindles; a limit that is no whole number is cut."""
    model, nodes, _ = arrays(READ)
    model.nodes[0].used_cpus, model.nodes[0].planned_spindle_use = used, float(used)
    model.nodes[0].high_spindles = 32.9
    nodes = BalancingNodes(list(model.nodes.values()))
    assert (nodes.cpu_room[0], nodes.planned_spindle_room[0]) == (32 - used, 32 - used)
    model.nodes[0].vcpu_ratio = -1.0
    assert BalancingNodes(list(model.nodes.values())).cpu_room[0] == np.inf


@pytest.mark.parametrize("limit", [1.0, 1 / 3, 0.1, 2.5, 0.7])
@pytest.mark.parametrize("cores", [0.3, 1.0, 3.0, 7.0, 10.0])
def test_the_room_for_cores_is_exact_to_the_last_division(limit: float, cores: float) -> None:
    one = NodeModel(0, node(total_cpus=cores))
    one.vcpu_ratio = limit
    room = BalancingNodes([one]).cpu_room[0]
    assert ratio(room, cores) <= limit < ratio(room + 1, cores)


def test_peers_are_ranked_by_their_needs() -> None:
    model, nodes, _ = arrays(READ)
    assert model.nodes[0].peers == [(1, 100), (2, 100)] or model.nodes[0].peers == [(2, 100), (1, 100)]
    assert nodes.needs[1].tolist() == [400, 0, 0]
    assert (nodes.largest_peer[1], nodes.second_need[1]) == (0, 0)
    assert (nodes.largest_peer[2], nodes.second_need[0]) == (-1, 100)
    model.nodes[0].peers = [(2, 300), (1, 50)]
    nodes.refresh([model.nodes[0]])
    assert (nodes.largest_peer[0], nodes.second_need[0], nodes.needs[0].tolist()) == (2, 50, [0, 50, 300])


def test_columns_have_the_weights_of_their_components() -> None:
    assert [COMPONENTS[position].weight for position in DEVIATIONS] == list(WEIGHTS)
    assert COMPONENTS[DEVIATIONS[RESERVED]].name == "reserved_mem_cv"


@pytest.mark.parametrize("seed", range(30))
def test_an_instance_changes_values_by_its_units(seed: int) -> None:
    """Adding one as a primary, as a secondary: every linear column changes by unit times need."""
    model = Adversary(seed, most=5).model()
    if not representable(model):
        return
    nodes = BalancingNodes(list(model.nodes.values()))
    vms = InstanceArrays(model, nodes)
    linear = [row for row in range(len(WEIGHTS)) if row != RESERVED]
    for vm in model.instances.values():
        for index, one in model.nodes.items():
            if one.offline or index in {vm.primary, vm.secondary}:
                continue
            at, column = nodes.position[index], vms.position[vm.index]
            runs, mirrors = one.copy(), one.copy()
            added = [(runs, vms.as_primary, runs.add_primary(vm, force=True))]
            if vm.mirrored:
                added.append((mirrors, vms.as_secondary, mirrors.add_secondary(vm, vm.primary, force=True)))
            for changed, units, refusal in added:
                if refusal is None:
                    before, after = np.array(node_values(one)), np.array(node_values(changed))
                    change = (after - before)[DEVIATIONS][linear]
                    wanted = (nodes.per_unit[:, at] * units[:, column])[linear]
                    np.testing.assert_allclose(change, wanted, rtol=1e-6, atol=1e-9 + 1e-9 * np.abs(before).max())


def test_a_moved_instance_is_recorded() -> None:
    _, _, vms = arrays(READ)
    vms.moved(1, 2, -1, 3)
    assert (vms.primary.tolist(), vms.secondary.tolist()) == ([0, 2, 2], [1, -1, 0])
    assert vms.location_score.tolist() == [0, 3, 0]


def exact(nodes: dict[str, Any] | None = None, vm: dict[str, Any] | None = None) -> bool:
    """Return whether a model is represented in which the first node and the first instance are changed."""
    instances = (replace(READ.instances[0], **(vm or {})), *READ.instances[1:])
    changed = replace(READ, nodes=(replace(READ.nodes[0], **(nodes or {})), *READ.nodes[1:]), instances=instances)
    return representable(Model.of(changed, Settings()))


def test_an_ordinary_model_is_represented() -> None:
    assert exact()
    assert not representable(Model.of(cluster([node(offline=True)], []), Settings()))


@pytest.mark.parametrize(
    "nodes",
    [
        {"total_memory": 0.0}, {"total_cpus": -8.0}, {"cpu_speed": 0.0}, {"total_disk": -1.0},
        {"exclusive_storage": True}, {"total_memory": LARGEST_SIZE}, {"free_disk": int(LARGEST_SIZE)},
        {"cpu_speed": 1e-310}, {"total_memory": 1e-300},
    ],
)  # fmt: skip
def test_nodes_that_vectors_do_not_represent(nodes: dict[str, Any]) -> None:
    assert not exact(nodes)


@pytest.mark.parametrize(
    "vm",
    [
        {"memory": -1}, {"disk": -1}, {"vcpus": -1}, {"spindle_use": -1}, {"disks": (Disk(1, -1),)},
        {"memory": 2**52}, {"disk": 2**52}, {"secondary": 0}, {"secondary": None, "disk_template": DRBD},
    ],
)  # fmt: skip
def test_instances_that_vectors_do_not_represent(vm: dict[str, Any]) -> None:
    model = Model.of(replace(READ, instances=(replace(READ.instances[0], **vm),)), Settings())
    model.instances[0].movable = True
    assert not representable(model)


def test_limits_are_not_lower_than_they_must_be() -> None:
    assert exact({"total_disk": 0.0})
    assert exact({"free_disk": int(LARGEST_SIZE) - 1})
    assert exact(vm={"secondary": None, "disk_template": RBD})
    model = Model.of(READ, Settings())
    model.instances[0].exclusion_tags = ("a", "b")
    assert representable(model)
    model.instances[0].exclusion_tags = ("a", "a")
    assert not representable(model)


def test_storage_is_of_one_kind() -> None:
    """With exclusive storage everywhere, spindles of all instances must be known; on some nodes only, nothing helps."""
    for exclusive, spindles, fits in (((True, True), 1, True), ((True, True), None, False), ((True, False), 1, False)):
        nodes = [node(exclusive_storage=kind, spindles=8, free_spindles=8) for kind in exclusive]
        read = cluster(nodes, [instance(0, 1, disks=(Disk(1000, spindles),))])
        assert representable(Model.of(read, Settings())) == fits
