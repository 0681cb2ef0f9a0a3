"""Which nodes can take an instance, for all nodes at once: reasons as codes, and the room that fail-overs need.

The rules are those of `spec.allocator.accounts` and `spec.allocator.redundancy`, as comparisons of arrays.
"""

from collections.abc import Sequence
from math import inf
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from htools.model.cluster import Model
from htools.model.instance import InstanceModel
from htools.placement import redundancy
from htools.placement.arrays import Columns, Floats, Unsuitable
from htools.placement.outcomes import policy_failure
from spec.allocator.cluster import Group
from spec.allocator.decisions import FailMode
from spec.allocator.requests import Limits

Flags: TypeAlias = NDArray[np.bool_]

MODES = tuple(FailMode)
CODE = {mode: code for code, mode in enumerate(MODES, 1)}
"""The codes of the reasons; 0 stands for none."""


class FailoverRoom:
    """Redundancy of mirrored instances as arrays: what every node's fail-over needs on every other.

    Attributes:
        certain: False where some node cannot be evacuated whatever is placed.
        others: nodes that matter and run instances that are not mirrored.
    """

    def __init__(self, model: Model, columns: Columns, limits: Limits) -> None:
        size = len(columns.indices)
        self.certain = True
        self.others: list[int] = []
        self.needs = np.zeros((size, size))
        self.touched = np.zeros(size, dtype=bool)
        self.counted = np.zeros(size, dtype=bool)
        for node in model.nodes.values():
            if not redundancy.counted(node, limits):
                continue
            row = columns.at[node.index]
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
                column = columns.at[index]
                self.needs[row, column] = memory
                self.touched[column] = True
        free = columns["free_memory"]
        if (self.needs.max(axis=0, initial=0.0) >= free)[self.touched].any():
            self.certain = False

    def primary_keeps(self, columns: Columns, vm: InstanceModel) -> Flags:
        """For each primary: whether the others' instances still find room there."""
        free = columns["free_memory"] - vm.used_memory
        keeps: Flags = ~self.touched | (free > self.needs.max(axis=0, initial=0.0))
        return keeps


class Fits:
    """Whether and why not each node could be the primary, or the secondary as far as the primary does not matter.

    Codes are set from the last reason that is asked for to the first, so that the first one stays. One row an instance,
    one column a node.

    Args:
        groups: the cluster's groups.
        columns: the nodes.
        kinds: for each node its group and whether its storage is exclusive.
        vms: one instance, or several that differ in sizes only.
        soft: whether soft limits are ignored.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        columns: Columns,
        kinds: Sequence[tuple[int, bool]],
        vms: Sequence[InstanceModel],
        *,
        soft: bool,
    ) -> None:
        self._columns, self._vm = columns, vms[0]
        self._shape = (len(vms), len(columns.indices))
        self._exclusive = columns["exclusive"] == 1.0
        self._some_exclusive = bool(self._exclusive.any())
        self._used_memory, self._memory, self._vcpus, self._disk, self._whole_disk, self._spindles = np.array(
            [
                (
                    vm.used_memory,
                    vm.memory,
                    vm.vcpus,
                    vm.disk,
                    vm.instance.disk,
                    inf if vm.spindles is None else vm.spindles,
                )
                for vm in vms
            ],
            dtype=np.float64,
        ).T[:, :, None]
        self.failover_memory = [vm.failover_memory for vm in vms]
        self.primary = self._primary(soft=soft)
        for column, tags in columns.tag_counts.items():
            if not soft and any(tag in tags for tag in self._vm.exclusion_tags):
                own = self.primary[:, column]
                own[own == 0] = CODE[FailMode.TAGS]
        if not soft:
            self._plan_primary()
        for kind in set(kinds):
            policy = groups[kind[0]].policy
            verdicts = [policy_failure(vm.instance, policy, exclusive=kind[1]) for vm in vms]
            if any(verdicts):
                codes = np.array([[0 if verdict is None else CODE[verdict]] for verdict in verdicts], dtype=np.int8)
                members = np.array([other == kind for other in kinds])
                np.copyto(self.primary, codes, where=(codes > 0) & members)
        self.before_n1, self.after_n1 = self._secondary()

    def _use(self, name: str) -> Floats:
        use = self._columns[name] + self._vm.spindle_use
        return np.where(self._exclusive, 0.0, use) if self._some_exclusive else use

    def _codes(self) -> "_Codes":
        return _Codes(self._shape)

    def _primary(self, *, soft: bool) -> NDArray[np.int8]:
        columns, codes = self._columns, self._codes()
        memory = columns["free_memory"] - self._used_memory
        if not soft:
            ratio = columns["vcpu_ratio"]
            cpu = (columns["used_cpus"] + self._vcpus) / columns["total_cpus"]
            codes.set(FailMode.CPU, (ratio >= 0.0) & (ratio < cpu))
            codes.set(FailMode.MEMORY, (memory <= columns["reserved"]) & (columns["n1_failed"] == 0.0))
        if self._vm.local:
            if not soft:
                codes.set(FailMode.DISK, self._use("spindle_use") > columns["high_spindles"])
            if self._some_exclusive:
                codes.set(FailMode.SPINDLES, self._exclusive & (columns["free_spindles"] - self._spindles < 0))
            disk = columns["free_disk"] - self._disk
            if not soft:
                codes.set(FailMode.DISK, disk < columns["low_disk"])
            codes.set(FailMode.DISK, disk <= 0)
        codes.set(FailMode.MEMORY, memory <= 0)
        return codes.codes

    def _plan_primary(self) -> None:
        """What forthcoming instances leave, asked for last."""
        columns, codes = self._columns, self._codes()
        ratio = columns["vcpu_ratio"]
        cpu = (columns["planned_used_cpus"] + self._vcpus) / columns["total_cpus"]
        codes.set(FailMode.CPU, (ratio >= 0.0) & (ratio < cpu))
        if self._vm.local:
            codes.set(FailMode.DISK, self._use("planned_spindle_use") > columns["high_spindles"])
            if self._some_exclusive:
                codes.set(FailMode.SPINDLES, self._exclusive & (columns["planned_free_spindles"] - self._spindles < 0))
            disk = columns["planned_free_disk"] - self._disk
            codes.set(FailMode.DISK, (disk < columns["low_disk"]) | (disk <= 0))
        codes.set(FailMode.MEMORY, columns["planned_free_memory"] - self._memory <= 0)
        np.copyto(self.primary, codes.codes, where=self.primary == 0)

    def _secondary(self) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
        columns = self._columns
        memory, low, high = np.array(self.failover_memory)[:, None], columns["low_disk"], columns["high_spindles"]
        result = []
        for disk, held, use, free in (
            ("free_disk", "free_spindles", "spindle_use", "free_memory"),
            ("planned_free_disk", "planned_free_spindles", "planned_spindle_use", "planned_free_memory"),
        ):
            codes = self._codes()
            codes.set(FailMode.MEMORY, memory >= columns[free])
            codes.set(FailMode.DISK, self._use(use) > high)
            if self._some_exclusive:
                codes.set(FailMode.SPINDLES, self._exclusive & (columns[held] - self._spindles < 0))
            left = columns[disk] - self._whole_disk
            codes.set(FailMode.DISK, (left <= 0) | (left < low))
            result.append(codes.codes)
        before, after = result
        if not self._vm.mirrored:
            before[:] = CODE[FailMode.DISK]
        return before, after


class _Codes:
    """A reason for each instance and node; later ones replace earlier ones."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.codes: NDArray[np.int8] = np.zeros(shape, dtype=np.int8)

    def set(self, mode: FailMode, where: Flags) -> None:
        np.copyto(self.codes, np.int8(CODE[mode]), where=where)
