"""Which nodes can take an instance, for all nodes at once: reasons as codes, and the room that fail-overs need.

The rules are those of `spec.accounts` and `spec.redundancy`, as comparisons of arrays.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from htools import refuge
from htools.model import Model
from htools.outcomes import policy_failure
from htools.vectors import Columns, Floats, Unsuitable
from htools.vm import InstanceModel
from spec.cluster import Group
from spec.decisions import FailMode
from spec.requests import Limits

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
            if not refuge.counted(node, limits):
                continue
            row = columns.at[node.index]
            self.counted[row] = True
            vms = [model.instances[index] for index in node.primaries]
            if any(vm.primary != node.index for vm in vms):
                raise Unsuitable
            mirrored = [vm for vm in vms if vm.mirrored]
            if len(mirrored) < len(vms):
                self.others.append(node.index)
            needs = refuge.failover_needs(model, node, mirrored)
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

    Codes are set from the last reason that is asked for to the first, so that the first one stays.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        columns: Columns,
        kinds: Sequence[tuple[int, bool]],
        vm: InstanceModel,
        *,
        soft: bool,
    ) -> None:
        self._columns, self._vm = columns, vm
        self._exclusive = columns["exclusive"] == 1.0
        self._some_exclusive = bool(self._exclusive.any())
        self.primary = self._primary(soft=soft)
        for column, tags in columns.tag_counts.items():
            if not soft and self.primary[column] == 0 and any(tag in tags for tag in vm.exclusion_tags):
                self.primary[column] = CODE[FailMode.TAGS]
        if not soft:
            self._plan_primary()
        verdicts = {kind: policy_failure(vm.instance, groups[kind[0]].policy, exclusive=kind[1]) for kind in set(kinds)}
        for kind, verdict in verdicts.items():
            if verdict is not None:
                self.primary[[at for at, other in enumerate(kinds) if other == kind]] = CODE[verdict]
        self.before_n1, self.after_n1 = self._secondary()

    def _spindles(self, name: str) -> Floats:
        return self._columns[name] - (self._vm.spindles if self._vm.spindles is not None else np.inf)

    def _use(self, name: str) -> Floats:
        use = self._columns[name] + self._vm.spindle_use
        return np.where(self._exclusive, 0.0, use) if self._some_exclusive else use

    def _primary(self, *, soft: bool) -> NDArray[np.int8]:
        columns, vm = self._columns, self._vm
        codes = np.zeros(len(columns.indices), dtype=np.int8)
        memory = columns["free_memory"] - vm.used_memory
        if not soft:
            ratio = columns["vcpu_ratio"]
            cpu = (columns["used_cpus"] + vm.vcpus) / columns["total_cpus"]
            codes[(ratio >= 0.0) & (ratio < cpu)] = CODE[FailMode.CPU]
            codes[(memory <= columns["reserved"]) & (columns["n1_failed"] == 0.0)] = CODE[FailMode.MEMORY]
        if vm.local:
            if not soft:
                codes[self._use("spindle_use") > columns["high_spindles"]] = CODE[FailMode.DISK]
            if self._some_exclusive:
                codes[self._exclusive & (self._spindles("free_spindles") < 0)] = CODE[FailMode.SPINDLES]
            disk = columns["free_disk"] - vm.disk
            if not soft:
                codes[disk < columns["low_disk"]] = CODE[FailMode.DISK]
            codes[disk <= 0] = CODE[FailMode.DISK]
        codes[memory <= 0] = CODE[FailMode.MEMORY]
        return codes

    def _plan_primary(self) -> None:
        """What forthcoming instances leave, asked for last."""
        columns, vm = self._columns, self._vm
        codes = np.zeros(len(columns.indices), dtype=np.int8)
        ratio = columns["vcpu_ratio"]
        cpu = (columns["planned_used_cpus"] + vm.vcpus) / columns["total_cpus"]
        codes[(ratio >= 0.0) & (ratio < cpu)] = CODE[FailMode.CPU]
        if vm.local:
            codes[self._use("planned_spindle_use") > columns["high_spindles"]] = CODE[FailMode.DISK]
            if self._some_exclusive:
                codes[self._exclusive & (self._spindles("planned_free_spindles") < 0)] = CODE[FailMode.SPINDLES]
            disk = columns["planned_free_disk"] - vm.disk
            codes[(disk < columns["low_disk"]) | (disk <= 0)] = CODE[FailMode.DISK]
        codes[columns["planned_free_memory"] - vm.memory <= 0] = CODE[FailMode.MEMORY]
        clear = self.primary == 0
        self.primary[clear] = codes[clear]

    def _secondary(self) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
        columns, vm = self._columns, self._vm
        before = np.zeros(len(columns.indices), dtype=np.int8)
        after = np.zeros(len(columns.indices), dtype=np.int8)
        memory, low, high = vm.failover_memory, columns["low_disk"], columns["high_spindles"]
        for codes, disk, held, use, free in (
            (before, "free_disk", "free_spindles", "spindle_use", "free_memory"),
            (after, "planned_free_disk", "planned_free_spindles", "planned_spindle_use", "planned_free_memory"),
        ):
            codes[memory >= columns[free]] = CODE[FailMode.MEMORY]
            codes[self._use(use) > high] = CODE[FailMode.DISK]
            if self._some_exclusive:
                codes[self._exclusive & (self._spindles(held) < 0)] = CODE[FailMode.SPINDLES]
            left = columns[disk] - vm.instance.disk
            codes[(left <= 0) | (left < low)] = CODE[FailMode.DISK]
        if not vm.mirrored:
            before[:] = CODE[FailMode.DISK]
        return before, after
