"""The working model as struct-of-arrays: what the vectors of the score engine and of placement read.

Everything is float64 unless said otherwise; sizes are integers below 2⁵³ and so exact. Rows are *positions* in the
order of the model's nodes (or instances), not cluster indices: `NodeArrays.position` and `InstanceArrays.position`
translate. `refresh` brings the rows of changed nodes up to date; nothing else changes.

Columns of `values`, `per_unit` and of the instances' `as_primary`, `as_secondary` are those of `COLUMNS`: the 13
components of the score that are standard deviations, in the score's order. Adding an instance changes a node's value
by `per_unit[node] * as_primary[instance]` (or `as_secondary`), except for the reserved memory, which is a maximum.
"""

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from htools.model.cluster import Model
from htools.model.instance import NO_NODE, InstanceModel
from htools.model.node import NodeModel
from htools.model.score import node_values
from spec.allocator.arithmetic import ratio
from spec.allocator.components import COMPONENTS, POSITIONS, Aggregation, Part

# A pool of threads takes 50 ms to start and does not help short processes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]
    Bools = NDArray[np.bool_]

COLUMNS = POSITIONS[Aggregation.DEVIATION]
"""Positions of the standard deviations among the score's components."""

WEIGHTS = tuple(COMPONENTS[position].weight for position in COLUMNS)

RESERVED = COLUMNS.index(Part.RESERVED_MEMORY)
"""The column of the reserved memory, the only one that is not linear in the instances' needs."""

LARGEST = float(2**50)
"""Upper limit of a node's sizes."""

MOST = float(2**52)
"""Upper limit of what all instances need together, so that every sum of sizes is exact."""


def _largest_cpus(node: NodeModel) -> float:
    """Return the most virtual cores that the policy's ratio allows, by the same division as the condition."""
    if node.vcpu_ratio < 0:
        return float("inf")
    cores = float(int(node.vcpu_ratio * node.total_cpus)) - 2
    while ratio(cores + 1, node.total_cpus) <= node.vcpu_ratio:
        cores += 1
    return cores


class NodeArrays:
    """The nodes of a model.

    Attributes:
        index: intp[n], cluster indices; `position` is its inverse.
        online: bool[n].
        values: float64[n, 13], each node's value in every column, to the last bit.
        per_unit: float64[n, 13], what one unit of an instance's need changes a value by.
        free: MiB unallocated. reserved: MiB kept for fail-over. planned_free: MiB free with forthcoming instances.
        free_disk, planned_free_disk, low_disk: MiB.
        spindle_room, planned_spindle_room: whole spindles of use left below the policy's limit.
        free_spindles, planned_free_spindles: with exclusive storage.
        cpu_room, planned_cpu_room: virtual cores left below the policy's limit.
        failed: bool[n], N+1 verdict. count: instances on the node. primaries: those it runs.
        needs: float64[n, n], MiB that node (row) must keep for the failure of another (column).
        largest_peer: position of the peer with the largest need (−1: none); second_need: the next largest need.
    """

    FIELDS = (
        "free", "reserved", "planned_free", "free_disk", "planned_free_disk", "low_disk", "spindle_room",
        "planned_spindle_room", "free_spindles", "planned_free_spindles", "cpu_room", "planned_cpu_room", "count",
        "primaries", "second_need", "total_memory", "location_score", "tag_conflicts",
    )  # fmt: skip

    def __init__(self, nodes: Sequence[NodeModel]) -> None:
        size = len(nodes)
        self.index: Ints = np.array([node.index for node in nodes], dtype=np.intp)
        self.position = {node.index: position for position, node in enumerate(nodes)}
        self.online: Bools = np.array([not node.offline for node in nodes], dtype=bool)
        self.values: Floats = np.zeros((size, len(COLUMNS)))
        self.per_unit: Floats = np.array([_per_unit(node) for node in nodes]).reshape(size, len(COLUMNS))
        self.per_unit[~self.online] = 0.0  # an offline node counts in no deviation, and may have no sizes
        (
            self.free, self.reserved, self.planned_free, self.free_disk, self.planned_free_disk, self.low_disk,
            self.spindle_room, self.planned_spindle_room, self.free_spindles, self.planned_free_spindles,
            self.cpu_room, self.planned_cpu_room, self.count, self.primaries, self.second_need, self.total_memory,
            self.location_score, self.tag_conflicts,
        ) = np.zeros((len(self.FIELDS), size))  # fmt: skip
        self.failed: Bools = np.zeros(size, dtype=bool)
        self.largest_peer: Ints = np.full(size, -1, dtype=np.intp)
        self.needs: Floats = np.zeros((size, size))
        self.needs_by_peer: Floats = np.zeros((size, size))
        """The transpose of `needs`, kept so that both are read along rows."""
        self._most_cpus = [_largest_cpus(node) for node in nodes]
        self.refresh(nodes)

    def refresh(self, nodes: Iterable[NodeModel]) -> None:
        """Bring the rows of these nodes up to date."""
        for node in nodes:
            at = self.position[node.index]
            row = node_values(node)
            self.values[at] = [0.0 if node.offline else row[column] for column in COLUMNS]
            self.free[at] = node.free_memory
            self.reserved[at] = node.reserved
            self.planned_free[at] = node.planned_free_memory
            self.free_disk[at], self.planned_free_disk[at] = node.free_disk, node.planned_free_disk
            self.low_disk[at] = node.low_disk
            limit = np.floor(node.high_spindles)
            self.spindle_room[at] = limit - node.spindle_use
            self.planned_spindle_room[at] = limit - node.planned_spindle_use
            self.free_spindles[at], self.planned_free_spindles[at] = node.free_spindles, node.planned_free_spindles
            most = self._most_cpus[at]
            self.cpu_room[at], self.planned_cpu_room[at] = most - node.used_cpus, most - node.planned_used_cpus
            self.failed[at] = node.n1_failed
            self.count[at] = len(node.primaries) + len(node.secondaries)
            self.primaries[at] = len(node.primaries)
            self.total_memory[at] = node.total_memory
            self.location_score[at] = node.location_score
            self.tag_conflicts[at] = row[Part.TAG_CONFLICTS]
            self.needs[at] = 0.0
            for peer, need in node.peers:
                if peer in self.position:
                    self.needs[at, self.position[peer]] = need
            self.needs_by_peer[:, at] = self.needs[at]
            self.largest_peer[at] = self.position.get(node.peers[0][0], -1) if node.peers else -1
            self.second_need[at] = node.peers[1][1] if len(node.peers) > 1 else 0.0


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
        as_primary, as_secondary: float64[k, 13], units that the columns' values change by.
    """

    def __init__(self, model: Model, nodes: NodeArrays) -> None:
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
        self.as_primary: Floats = np.stack([*(self.real * column for column in real), *planned], axis=1)
        self.as_secondary: Floats = np.stack([*(self.real * column for column in mirror), *planned_mirror], axis=1)

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
    if not all(total < MOST for total in (memory, disk, vcpus, spindles, use, *loads)):
        return False
    for node in model.nodes.values():
        sizes = (node.free_memory, node.planned_free_memory, node.free_disk, node.planned_free_disk, node.used_cpus)
        limits = (node.high_spindles, node.vcpu_ratio * node.total_cpus, node.total_memory, node.reserved)
        if not all(-LARGEST < figure < LARGEST for figure in (*sizes, *limits, *node.load)):
            return False
        if node.offline:
            continue
        storage = spindles if node.exclusive else disk
        needs = (memory, storage, memory, vcpus, *loads, use, memory, storage, vcpus, use)
        units, row = _per_unit(node), node_values(node)
        units = (*units[:RESERVED], units[0], *units[RESERVED + 1 :])
        if not all(
            abs(row[column]) + abs(unit) * max(need, 1.0) < MOST
            for column, unit, need in zip(COLUMNS, units, needs, strict=True)
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
