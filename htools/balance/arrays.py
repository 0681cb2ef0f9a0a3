"""The working model as a struct of arrays for balancing: nodes with rooms and needs, and instances.

Everything is float64 unless said otherwise; sizes are integers below 2⁵³ and so exact. The columns of nodes that
placement reads too are in `htools.model.arrays`. Instances have positions as nodes have: those in the model's order.

Rows of `BalancingNodes.per_unit` and of the instances' `as_primary`, `as_secondary` are the 13 components of the score
that are standard deviations, in the score's order. Adding an instance changes a node's value by
`per_unit[:, node] * as_primary[:, instance]` (or `as_secondary`), except for the reserved memory, which is a maximum.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from htools.limits import LARGEST_SIZE, LARGEST_TOTAL
from htools.model.arrays import DEVIATIONS, NodeArrays
from htools.model.cluster import Model
from htools.model.instance import NO_NODE, InstanceModel
from htools.model.node import NodeModel
from htools.model.score import node_values
from spec.allocator.arithmetic import ratio
from spec.allocator.components import COMPONENTS, Part

import numpy as np  # isort: skip

if TYPE_CHECKING:
    from htools.model.arrays import Bools, Floats, Ints

WEIGHTS = tuple(COMPONENTS[position].weight for position in DEVIATIONS)
"""Weights of the components that are standard deviations."""

RESERVED = DEVIATIONS.index(Part.RESERVED_MEMORY)
"""The row of the reserved memory among them, the only one that is not linear in the instances' needs."""


def _largest_cpus(node: NodeModel) -> float:
    """Return the most virtual cores that the policy's ratio allows, by the same division as the condition."""
    if node.vcpu_ratio < 0:
        return float("inf")
    cores = float(int(node.vcpu_ratio * node.total_cpus)) - 2
    while ratio(cores + 1, node.total_cpus) <= node.vcpu_ratio:
        cores += 1
    return cores


class BalancingNodes(NodeArrays):
    """The nodes of a model, with what moves change.

    Attributes:
        per_unit: float64[13, nodes], what one unit of an instance's need changes a value by.
        primaries: float64[nodes], instances that a node runs.
        location_score, tag_conflicts: float64[nodes], as the score counts them.
        spindle_room, planned_spindle_room: float64[nodes], whole spindles of use left below the policy's limit.
        cpu_room, planned_cpu_room: float64[nodes], virtual cores left below the policy's limit.
        needs: float64[nodes, nodes], the transpose of `needs_by_peer`, kept so that both are read along rows.
        largest_peer: intp[nodes], position of the peer with the largest need (−1: none).
        second_need: float64[nodes], MiB, the next largest need.
    """

    def __init__(self, nodes: Sequence[NodeModel]) -> None:
        super().__init__(nodes)
        size = len(nodes)
        self.per_unit: Floats = np.array([_per_unit(node) for node in nodes]).reshape(size, len(WEIGHTS)).T.copy()
        self.per_unit[:, ~self.online] = 0.0  # an offline node counts in no deviation, and may have no sizes
        self.primaries: Floats = self.values[Part.OFFLINE_PRIMARIES]
        self.location_score: Floats = self.values[Part.PLACES]
        self.tag_conflicts: Floats = self.values[Part.TAG_CONFLICTS]
        self.needs: Floats = self.needs_by_peer.T.copy()
        self.largest_peer: Ints = np.full(size, -1, dtype=np.intp)
        self.second_need: Floats = np.zeros(size)
        self._most_cpus: Floats = np.array([_largest_cpus(node) for node in nodes])
        self._most_use: Floats = np.floor(self.high_spindles)
        for at, node in enumerate(nodes):
            self._rank_peers(at, node)
        self._find_rooms()

    def refresh(self, nodes: Iterable[NodeModel]) -> None:
        """Read nodes again."""
        nodes = list(nodes)
        super().refresh(nodes)
        for node in nodes:
            at = self.position[node.index]
            self.needs[at] = self.needs_by_peer[:, at]
            self._rank_peers(at, node)
        self._find_rooms()

    def _rank_peers(self, at: int, node: NodeModel) -> None:
        self.largest_peer[at] = self.position.get(node.peers[0][0], -1) if node.peers else -1
        self.second_need[at] = node.peers[1][1] if len(node.peers) > 1 else 0.0

    def _find_rooms(self) -> None:
        self.spindle_room: Floats = self._most_use - self.spindle_use
        self.planned_spindle_room: Floats = self._most_use - self.planned_spindle_use
        self.cpu_room: Floats = self._most_cpus - self.used_cpus
        self.planned_cpu_room: Floats = self._most_cpus - self.planned_used_cpus


def _per_unit(node: NodeModel) -> tuple[float, ...]:
    memory = 1.0 / node.total_memory if node.total_memory else 0.0
    size = float(node.total_spindles) if node.exclusive else node.total_disk
    disk = 1.0 / size if size else 0.0
    cpu = ratio(1.0, node.total_cpus * node.cpu_speed)
    spindles = 0.0 if node.exclusive else ratio(1.0, node.high_spindles)
    return (-memory, -disk, 0.0, cpu, 1.0, 1.0, 1.0, 1.0, spindles, -memory, -disk, cpu, spindles)


class InstanceArrays:
    """The instances of a model.

    Attributes:
        index: intp[k], cluster indices; `position` is its inverse.
        primary, secondary: intp[k], positions of the nodes (−1: none, or outside the model).
        memory, used_memory, failover_memory, disk, vcpus, spindle_use, spindles: needs as in `InstanceModel`,
            but no spindle use with exclusive storage.
        real: float64[k], 1 for instances that exist and 0 for forthcoming ones.
        local, mirrored: bool[k].
        as_primary, as_secondary: float64[13, k], units that the nodes' values change by.
    """

    def __init__(self, model: Model, nodes: BalancingNodes) -> None:
        vms = list(model.instances.values())
        self.index: Ints = np.array([vm.index for vm in vms], dtype=np.intp)
        self.position = {vm.index: position for position, vm in enumerate(vms)}
        self.primary: Ints = np.array([nodes.position.get(vm.primary, -1) for vm in vms], dtype=np.intp)
        self.secondary: Ints = np.array([nodes.position.get(vm.secondary, -1) for vm in vms], dtype=np.intp)
        self.location_score: Floats = np.array([vm.location_score for vm in vms], dtype=float)
        self.exclusive = any(node.exclusive for node in model.nodes.values())
        rows = [self._needs(vm) for vm in vms]
        (
            self.memory, self.used_memory, self.failover_memory, self.disk, self.vcpus, self.spindle_use, self.spindles,
        ) = np.array(rows, dtype=float).reshape(len(vms), 7).T.copy()  # fmt: skip
        self.real: Floats = np.array([not vm.forthcoming for vm in vms], dtype=float)
        self.local: Bools = np.array([vm.local for vm in vms], dtype=bool)
        self.mirrored: Bools = np.array([vm.mirrored for vm in vms], dtype=bool)
        load = np.array([vm.load for vm in vms], dtype=float).reshape(len(vms), 4)
        nothing = np.zeros(len(vms))
        disk = self.spindles if self.exclusive else self.disk
        real = (self.used_memory, disk, nothing, self.vcpus, *load.T, self.spindle_use)
        mirror = (nothing, disk, nothing, nothing, nothing, nothing, load[:, 2], nothing, self.spindle_use)
        planned = (self.memory, disk, self.vcpus, self.spindle_use)
        planned_mirror = (nothing, disk, nothing, self.spindle_use)
        self.as_primary: Floats = np.stack([*(self.real * need for need in real), *planned])
        self.as_secondary: Floats = np.stack([*(self.real * need for need in mirror), *planned_mirror])

    def _needs(self, vm: InstanceModel) -> tuple[int, ...]:
        """Return an instance's sizes; with exclusive storage it owns spindles, and its spindle use is 0."""
        use = 0 if self.exclusive else vm.spindle_use
        return vm.memory, vm.used_memory, vm.failover_memory, vm.disk, vm.vcpus, use, vm.spindles or 0

    def moved(self, index: int, primary: int, secondary: int, location_score: int) -> None:
        """Record the positions of the nodes that the instance with this cluster index is on now."""
        at = self.position[index]
        self.primary[at], self.secondary[at], self.location_score[at] = primary, secondary, location_score


def _counted_as_usual(vm: InstanceModel) -> bool:
    """Return whether an instance counts as a primary on one node and, if mirrored, as a secondary on another.

    An instance that names one node twice counts there as a secondary only, which vectors do not represent.
    """
    return vm.secondary != vm.primary and not (vm.mirrored and vm.secondary == NO_NODE)


def _sensible(model: Model) -> bool:
    """Return whether sizes have the signs that limits assume, a node is online, and all instances count as usual."""
    online = [node for node in model.nodes.values() if not node.offline]
    return (
        bool(online)
        and all(min(node.total_memory, node.total_cpus, node.cpu_speed) > 0 <= node.total_disk for node in online)
        and all(
            min(vm.memory, vm.instance.disk, vm.vcpus, vm.spindle_use, vm.spindles or 0) >= 0
            and (not vm.movable or _counted_as_usual(vm))
            for vm in model.instances.values()
        )
    )


def _stays_small(model: Model) -> bool:
    """Return whether every figure and value of a node stays exact, whatever instances move there."""
    vms = model.instances.values()
    disk, vcpus, spindles = (sum(getattr(vm, name) or 0 for vm in vms) for name in ("disk", "vcpus", "spindles"))
    memory, use = sum(vm.memory for vm in vms), sum(vm.spindle_use for vm in vms)
    loads = [sum(abs(vm.load[part]) for vm in vms) for part in range(4)]
    if not all(total < LARGEST_TOTAL for total in (memory, disk, vcpus, spindles, use, *loads)):
        return False
    for node in model.nodes.values():
        sizes = (node.free_memory, node.planned_free_memory, node.free_disk, node.planned_free_disk, node.used_cpus)
        limits = (node.high_spindles, node.vcpu_ratio * node.total_cpus, node.total_memory, node.reserved)
        if not all(-LARGEST_SIZE < figure < LARGEST_SIZE for figure in (*sizes, *limits, *node.load)):
            return False
        if node.offline:
            continue
        storage = spindles if node.exclusive else disk
        needs = (memory, storage, memory, vcpus, *loads, use, memory, storage, vcpus, use)
        units, row = _per_unit(node), node_values(node)
        units = (*units[:RESERVED], units[0], *units[RESERVED + 1 :])
        if not all(
            abs(row[column]) + abs(unit) * max(need, 1.0) < LARGEST_TOTAL
            for column, unit, need in zip(DEVIATIONS, units, needs, strict=True)
        ):
            return False
    return True


def representable(model: Model) -> bool:
    """Return whether vectors represent this model exactly: finite values, exact sizes, one storage kind.

    Otherwise (no node online, one without memory, sizes below zero or near 2⁶³, nodes with and without exclusive
    storage in one group, an instance to move that names one node twice), callers use the plain functions of
    `htools.model.moves` and `htools.model.score`.
    """
    vms = model.instances.values()
    exclusive = {node.exclusive for node in model.nodes.values()}
    if len(exclusive) > 1 or (True in exclusive and any(vm.spindles is None for vm in vms)):
        return False
    if any(len(set(vm.exclusion_tags)) < len(vm.exclusion_tags) for vm in vms):
        return False
    return _sensible(model) and _stays_small(model)
