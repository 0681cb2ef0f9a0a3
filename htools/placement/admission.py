"""Which nodes can take an instance, for all nodes at once: refusals as codes, and the memory that fail-overs need.

The definitions are `spec.allocator.admission` and `spec.allocator.redundancy`; conditions are comparisons of arrays.
"""

from collections.abc import Iterable, Sequence
from math import inf
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from htools.model.arrays import PLANNED_ROOMS, ROOMS, Bools, Floats
from htools.model.cluster import Model
from htools.model.instance import InstanceModel
from htools.placement import redundancy
from htools.placement.arrays import PlacementNodes, Unsuitable
from spec.allocator.admission import AS_PRIMARY, AS_SECONDARY, Condition, Figure, Only
from spec.allocator.cluster import Group
from spec.allocator.decisions import FailMode
from spec.allocator.policy import policy_failure
from spec.allocator.requests import Limits

MODES = tuple(FailMode)
CODE = {mode: code for code, mode in enumerate(MODES, 1)}
"""The code of each reason; 0 means that the node does not refuse."""

Coded: TypeAlias = tuple[tuple[Condition, np.int8], ...]


def _coded(conditions: Iterable[Condition]) -> Coded:
    """Return conditions with their codes, the last one first; N+1 of secondaries is left out."""
    kept = [condition for condition in conditions if condition.need is not Figure.RESERVED_AFTER]
    return tuple((condition, np.int8(CODE[condition.mode])) for condition in reversed(kept))


def coded_primary(conditions: Sequence[Condition]) -> dict[bool, Coded]:
    """Return the conditions for primaries: all of them, and those that remain where soft limits are ignored."""
    return {soft: _coded(each for each in conditions if not (soft and each.soft)) for soft in (False, True)}


def coded_secondary(conditions: Sequence[Condition]) -> list[Coded]:
    """Return the conditions for secondaries without and with forthcoming instances."""
    return [_coded(each for each in conditions if each.planned is planned) for planned in (False, True)]


PRIMARY, SECONDARY = coded_primary(AS_PRIMARY), coded_secondary(AS_SECONDARY)


class FailoverRoom:
    """Redundancy of mirrored instances as arrays: the memory that each node's fail-over needs on every other node.

    Attributes:
        certain: False if some node cannot be evacuated, wherever the new instance is placed.
        others: nodes that matter and run instances that are not mirrored.
    """

    def __init__(self, model: Model, nodes: PlacementNodes, limits: Limits) -> None:
        size = len(nodes.index)
        self.certain = True
        self.others: list[int] = []
        self.needs = np.zeros((size, size))
        self.touched = np.zeros(size, dtype=bool)
        self.counted = np.zeros(size, dtype=bool)
        for node in model.nodes.values():
            if not redundancy.counted(node, limits):
                continue
            row = nodes.position[node.index]
            self.counted[row] = True
            vms = [model.instances[index] for index in node.primaries]
            if any(vm.primary != node.index for vm in vms):
                raise Unsuitable
            mirrored = [vm for vm in vms if vm.mirrored]
            if len(mirrored) < len(vms):
                self.others.append(node.index)
            needs = redundancy.failover_needs(model, node, mirrored)
            if needs is None:
                self.certain = False
                return
            for index, memory in needs.items():
                column = nodes.position[index]
                self.needs[row, column] = memory
                self.touched[column] = True
        free = nodes.free_memory
        if (self.needs.max(axis=0, initial=0.0) >= free)[self.touched].any():
            self.certain = False

    def primary_keeps(self, nodes: PlacementNodes, vm: InstanceModel) -> Bools:
        """Return for each node whether, running the instance, it still has room for fail-overs: bool[nodes]."""
        free = nodes.free_memory - vm.used_memory
        keeps: Bools = ~self.touched | (free > self.needs.max(axis=0, initial=0.0))
        return keeps


class Fits:
    """The code of each node as primary, and as secondary as far as the primary does not matter: int8[instances, nodes].

    Codes are set from the last condition to the first, so that the first one that is not met remains.

    Args:
        groups: the cluster's groups.
        nodes: the nodes.
        kinds: for each node its group and whether its storage is exclusive.
        vms: one instance, or several that differ only in size.
        soft: whether soft limits are ignored.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        nodes: PlacementNodes,
        kinds: Sequence[tuple[int, bool]],
        vms: Sequence[InstanceModel],
        *,
        soft: bool,
    ) -> None:
        self._nodes, self._vm, self._vms = nodes, vms[0], vms
        self._exclusive = nodes.exclusive
        self._some_exclusive = bool(self._exclusive.any())
        self.failover_memory = [vm.failover_memory for vm in vms]
        needs = self._needs()
        figures = self._figures(needs, planned=False), self._figures(needs, planned=True)
        where = self._where()
        self.primary = self._codes(PRIMARY[soft], figures, where)
        for kind in set(kinds):
            policy = groups[kind[0]].policy
            verdicts = [policy_failure(vm.instance, policy, exclusive=kind[1]) for vm in vms]
            if any(verdicts):
                codes = np.array([[0 if verdict is None else CODE[verdict]] for verdict in verdicts], dtype=np.int8)
                members = np.array([other == kind for other in kinds])
                np.copyto(self.primary, codes, where=(codes > 0) & members)
        self.before_n1, self.after_n1 = (self._codes(conditions, figures, where) for conditions in SECONDARY)

    def _needs(self) -> Floats:
        """Return what each instance needs: used and whole memory, for fail-over, disk, spindles, cores: [6, vms, 1]."""
        needs: Floats = np.array(
            [
                (
                    vm.used_memory,
                    vm.memory,
                    vm.failover_memory,
                    vm.disk,
                    inf if vm.spindles is None else vm.spindles,
                    vm.vcpus,
                )
                for vm in self._vms
            ],
            dtype=np.float64,
        ).T[:, :, None]
        return needs

    def _figures(self, needs: Floats, *, planned: bool) -> dict[Figure, Any]:
        """Return the figures of conditions: needs as float64[instances, 1], rooms as float64[nodes]."""
        nodes = self._nodes
        used, memory, failover, disk, spindles, cores = needs
        use = (nodes.planned_spindle_use if planned else nodes.spindle_use) + self._vm.spindle_use
        all_used = nodes.planned_used_cpus if planned else nodes.used_cpus
        rooms = {figure: getattr(nodes, name) for figure, name in (PLANNED_ROOMS if planned else ROOMS).items()}
        return rooms | {
            Figure.NOTHING: 0.0,
            Figure.MEMORY: memory if planned else used,
            Figure.FAILOVER_MEMORY: failover,
            Figure.DISK: disk,
            Figure.SPINDLES: spindles,
            Figure.SPINDLE_USE: np.where(self._exclusive, 0.0, use) if self._some_exclusive else use,
            Figure.CORES: (all_used + cores) / nodes.total_cpus,
            Figure.CLASHES: 0.0 if planned else self._clashes(),
            Figure.COPIES_MISSING: 0.0 if self._vm.mirrored else 1.0,
        }

    def _clashes(self) -> "Floats | float":
        """Return 1 for nodes that host an exclusion tag of the instance."""
        hosts = [
            at for at, tags in self._nodes.tag_counts.items() if any(tag in tags for tag in self._vm.exclusion_tags)
        ]
        if not hosts:
            return 0.0
        clashes = np.zeros(len(self._nodes.index))
        clashes[hosts] = 1.0
        return clashes

    def _where(self) -> "dict[Only, Bools | bool]":
        """Return where each circumstance holds: on all nodes, on none, or bool[nodes]."""
        return {
            Only.LOCAL_DISKS: self._vm.local,
            Only.EXCLUSIVE: self._some_exclusive and self._exclusive,
            Only.LIMITED_CORES: self._nodes.vcpu_ratio >= 0.0,
            Only.REDUNDANT: ~self._nodes.n1_failed,
            Only.NEW_DISKS: True,
        }

    def _codes(
        self,
        conditions: Coded,
        figures: tuple[dict[Figure, Any], dict[Figure, Any]],
        where: "dict[Only, Bools | bool]",
    ) -> NDArray[np.int8]:
        """Find the first condition not met: codes, int8[instances, nodes]."""
        codes: NDArray[np.int8] = np.zeros((len(self._vms), len(self._nodes.index)), dtype=np.int8)
        for condition, code in conditions:
            circumstances = [where[only] for only in condition.only]
            if any(holds is False for holds in circumstances):
                continue
            refused = condition.refused(figures[condition.planned])
            for holds in circumstances:
                if holds is not True:
                    refused = refused & holds
            np.copyto(codes, code, where=refused)
        return codes
