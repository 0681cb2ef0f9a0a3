"""A node in the working model: its accounts, exact to the last bit of Ganeti's.

A `NodeModel` changes only through its four operations (add or remove a primary or a secondary). Adding returns None, or
the reason of a refusal, and then nothing has changed. Callers that try something work on `copy()`. The definition of
every operation is `spec.allocator.accounts`; this is its fast twin, with derived figures as plain attributes.

Invariants: `reserved` is the largest need in `peers`; `free_memory` is the unallocated memory; indices are positions
in the whole cluster, also in a model of one group.

>>> from spec.allocator.example import cluster, instance
>>> node = NodeModel(1, cluster().nodes[1])  # 8000 MiB
>>> small, large = InstanceModel(0, instance(0, 1, memory=3000)), InstanceModel(1, instance(1, memory=6000))
>>> node.add_secondary(small, primary=0) is None  # it is taken, and memory is kept for it
True
>>> node.free_memory, node.reserved, node.peers
(8000, 3000, [(0, 3000)])
>>> node.copy().add_primary(large)
<FailMode.MEMORY: 'FailMem'>
>>> node.remove_secondary(small)
>>> node.add_primary(large) is None, node.free_memory, node.reserved, node.n1_failed
(True, 2000, 0, False)
"""

from collections.abc import Mapping
from math import trunc

from htools.model import admission
from htools.model.copying import copier
from htools.model.instance import InstanceModel
from spec.allocator.admission import fails_n1, fails_n1_as_read
from spec.allocator.arithmetic import whole
from spec.allocator.cluster import Node
from spec.allocator.decisions import FailMode


class NodeModel:
    """A node's accounts. Attributes without explanation are those of `spec.allocator.state.NodeState` and its ledgers.

    Attributes:
        usable_memory: MiB that instances may use in all (total − node − missing).
        free_memory: MiB unallocated.
        load: sum of utilisation as a list (cpu, memory, disk, network).
        reserved: MiB kept for the largest peer.
    """

    __slots__ = (
        "accepted_migration_tags", "alias", "cpu_speed", "exclusive", "free_disk", "free_memory",
        "free_spindles", "group", "high_cpus", "high_spindles", "index", "instance_memory", "load",
        "location_score", "location_tags", "low_disk", "migration_tags", "missing_memory", "n1_failed", "name",
        "node", "offline", "pair_counts", "peers", "planned_free_disk", "planned_free_memory",
        "planned_free_spindles", "planned_primaries", "planned_secondaries", "planned_spindle_use",
        "planned_used_cpus", "primaries", "reserved", "secondaries", "spindle_use", "tag_counts", "total_cpus",
        "total_disk", "total_memory", "total_spindles", "usable_memory", "used_cpus", "vcpu_ratio",
    )  # fmt: skip

    def __init__(self, index: int, node: Node) -> None:
        self.index = index
        self.node = node
        self.name = self.alias = node.name
        self.group = node.group
        self.offline = node.offline
        self.exclusive = node.exclusive_storage
        self.total_memory = node.total_memory
        self.total_disk = node.total_disk
        self.total_cpus = node.total_cpus
        self.total_spindles = node.spindles
        self.cpu_speed = node.cpu_speed
        self.usable_memory = self.free_memory = trunc(node.total_memory) - node.node_memory
        self.missing_memory = self.instance_memory = 0
        self.planned_free_memory = node.free_memory
        self.free_disk = self.planned_free_disk = node.free_disk
        self.used_cpus = self.planned_used_cpus = node.node_cpus
        self.free_spindles = self.planned_free_spindles = node.free_spindles
        self.spindle_use = self.planned_spindle_use = 0.0
        self.load = [0.0, 0.0, 0.0, 0.0]
        self.primaries: list[int] = []
        self.secondaries: list[int] = []
        self.planned_primaries: list[int] = []
        self.planned_secondaries: list[int] = []
        self.peers: list[tuple[int, int]] = []
        self.reserved = 0
        self.n1_failed = True
        self.tag_counts: dict[str, int] = {}
        self.pair_counts: dict[tuple[str, str], int] = {}
        self.location_score = 0
        self.migration_tags: frozenset[str] = frozenset()
        self.accepted_migration_tags: frozenset[str] = frozenset()
        self.location_tags: frozenset[str] = frozenset()
        self.set_limits(4.0, 32.0, 0.0)

    def set_limits(self, vcpu_ratio: float, spindle_ratio: float, disk_reserve: float) -> None:
        """Set what the policy and the command line allow."""
        self.vcpu_ratio = vcpu_ratio
        self.high_spindles = spindle_ratio * self.total_spindles
        self.high_cpus = whole(vcpu_ratio * self.total_cpus)
        self.low_disk = whole(disk_reserve * self.total_disk)

    def copy(self) -> "NodeModel":
        """Return an independent copy (its lists of instances included)."""
        other = object.__new__(NodeModel)
        _copy(self, other)
        other.load = self.load[:]
        other.primaries, other.secondaries = self.primaries[:], self.secondaries[:]
        other.planned_primaries, other.planned_secondaries = self.planned_primaries[:], self.planned_secondaries[:]
        other.peers = self.peers[:]
        other.tag_counts = dict(self.tag_counts)
        other.pair_counts = dict(self.pair_counts)
        return other

    @property
    def recorded_free_memory(self) -> int:
        """MiB free by the records, whatever is missing."""
        return trunc(self.total_memory) - self.node.node_memory - self.instance_memory

    @property
    def available_memory(self) -> int:
        """MiB unallocated beyond the fail-over reserve."""
        return max(0, self.free_memory - self.reserved)

    @property
    def available_disk(self) -> int:
        """MiB free above the minimum."""
        return 0 if self.free_disk < self.low_disk else self.free_disk - self.low_disk

    @property
    def available_cpus(self) -> int:
        """Virtual cores below the policy's limit."""
        return max(0, self.high_cpus - self.used_cpus)

    def need_of(self, peer: int) -> int:
        """Return the MiB needed here if `peer` fails."""
        for node, memory in self.peers:
            if node == peer:
                return memory
        return 0

    def _set_need(self, peer: int, memory: int | None) -> None:
        peers = [entry for entry in self.peers if entry[0] != peer]
        if memory is not None:
            at = 0
            while at < len(peers) and peers[at][1] > memory:
                at += 1
            peers.insert(at, (peer, memory))
        self.peers = peers
        self.reserved = peers[0][1] if peers else 0

    def _spindles_after(self, free: int, vm: InstanceModel, sign: int) -> int:
        if not self.exclusive:
            return 0
        if vm.spindles is None:
            return -1 if sign > 0 else free
        return free - sign * vm.spindles

    def _use_after(self, use: float, vm: InstanceModel, sign: int) -> float:
        return 0.0 if self.exclusive else use + sign * vm.spindle_use

    def _wishes_unmet(self, vm: InstanceModel) -> int:
        return len(vm.desired_locations - self.location_tags) if vm.desired_locations else 0

    def _count_pairs(self, vm: InstanceModel, sign: int) -> None:
        if vm.exclusion_tags and self.location_tags:
            for place in self.location_tags:
                for tag in vm.exclusion_tags:
                    _count(self.pair_counts, (place, tag), sign)

    def remove_primary(self, vm: InstanceModel) -> None:
        """Remove an instance that runs here."""
        _discard(self.planned_primaries, vm.index)
        self.planned_free_memory += vm.memory
        self.planned_free_disk += vm.disk
        self.planned_used_cpus -= vm.vcpus
        self.planned_free_spindles = self._spindles_after(self.planned_free_spindles, vm, -1)
        self.planned_spindle_use = self._use_after(self.planned_spindle_use, vm, -1)
        for tag in vm.exclusion_tags:
            _count(self.tag_counts, tag, -1)
        if vm.forthcoming:
            return
        _discard(self.primaries, vm.index)
        self.instance_memory -= vm.used_memory
        self.free_memory += vm.used_memory
        self.free_disk += vm.disk
        self.used_cpus -= vm.vcpus
        self.free_spindles = self._spindles_after(self.free_spindles, vm, -1)
        self.spindle_use = self._use_after(self.spindle_use, vm, -1)
        load, other = self.load, vm.load
        self.load = [load[0] - other[0], load[1] - other[1], load[2] - other[2], load[3] - other[3]]
        self.location_score -= vm.location_score + self._wishes_unmet(vm)
        self._count_pairs(vm, -1)
        self.n1_failed = fails_n1(self.free_memory, self.reserved)

    def remove_secondary(self, vm: InstanceModel) -> None:
        """Remove an instance that is mirrored here; memory was kept for the failure of its `primary`."""
        _discard(self.planned_secondaries, vm.index)
        self.planned_free_disk += vm.disk
        self.planned_free_spindles = self._spindles_after(self.planned_free_spindles, vm, -1)
        self.planned_spindle_use = self._use_after(self.planned_spindle_use, vm, -1)
        if vm.forthcoming:
            return
        _discard(self.secondaries, vm.index)
        self.free_disk += vm.disk
        self.free_spindles = self._spindles_after(self.free_spindles, vm, -1)
        self.spindle_use = self._use_after(self.spindle_use, vm, -1)
        self.load = [self.load[0], self.load[1], self.load[2] - vm.load[2], self.load[3]]
        need = self.need_of(vm.primary) - vm.failover_memory
        self._set_need(vm.primary, need if need > 0 else None)
        self.n1_failed = fails_n1(self.free_memory, self.reserved)

    def refused_tags(self, source: "NodeModel") -> frozenset[str]:
        """Return the migration tags of a node for which no instance can come here from there; it can if there are none.

        Source: `spec.allocator.tags`.
        """
        return source.migration_tags - self.accepted_migration_tags

    def clashes(self, vm: InstanceModel) -> int:
        """Count the exclusion tags that an instance would share with others here."""
        return sum(tag in self.tag_counts for tag in vm.exclusion_tags)

    def primary_refusal(self, vm: InstanceModel, *, force: bool) -> FailMode | None:
        """Return why the instance cannot run here, None if it can; `force` ignores soft errors."""
        return admission.PRIMARY[force](self, vm, vm.primary, False)

    def add_primary(self, vm: InstanceModel, *, force: bool = False) -> FailMode | None:
        """Add an instance that runs here, or return why it cannot."""
        refusal = self.primary_refusal(vm, force=force)
        if refusal is not None:
            return refusal
        self.planned_primaries.insert(0, vm.index)
        self.planned_free_memory -= vm.memory
        self.planned_free_disk -= vm.disk
        self._count_primary(vm)
        self.planned_free_spindles = self._spindles_after(self.planned_free_spindles, vm, 1)
        if vm.forthcoming:
            return None
        self.primaries.insert(0, vm.index)
        self.instance_memory += vm.used_memory
        self.free_memory -= vm.used_memory
        self.free_disk -= vm.disk
        self.free_spindles = self._spindles_after(self.free_spindles, vm, 1)
        self.n1_failed = fails_n1(self.free_memory, self.reserved)
        return None

    def _count_primary(self, vm: InstanceModel) -> None:
        """Change the accounts that are the same whether an instance is found here or added."""
        self.planned_used_cpus += vm.vcpus
        self.planned_spindle_use = self._use_after(self.planned_spindle_use, vm, 1)
        for tag in vm.exclusion_tags:
            _count(self.tag_counts, tag, 1)
        if vm.forthcoming:
            return
        self.used_cpus += vm.vcpus
        self.spindle_use = self._use_after(self.spindle_use, vm, 1)
        load, other = self.load, vm.load
        self.load = [load[0] + other[0], load[1] + other[1], load[2] + other[2], load[3] + other[3]]
        self.location_score += vm.location_score + self._wishes_unmet(vm)
        self._count_pairs(vm, 1)

    def secondary_refusal(
        self, vm: InstanceModel, primary: int, *, force: bool, ignore_disks: bool = False
    ) -> FailMode | None:
        """Return why the instance, running on node `primary`, cannot be mirrored here, None if it can."""
        return admission.SECONDARY[force](self, vm, primary, ignore_disks)

    def add_secondary(
        self, vm: InstanceModel, primary: int, *, force: bool = False, ignore_disks: bool = False
    ) -> FailMode | None:
        """Add an instance that runs on node `primary` and is mirrored here, or return why it cannot."""
        refusal = self.secondary_refusal(vm, primary, force=force, ignore_disks=ignore_disks)
        if refusal is not None:
            return refusal
        self.planned_secondaries.insert(0, vm.index)
        self.planned_free_disk -= vm.instance.disk
        self._count_secondary(vm)
        self.planned_free_spindles = self._spindles_after(self.planned_free_spindles, vm, 1)
        if vm.forthcoming:
            return None
        self.secondaries.insert(0, vm.index)
        self.free_disk -= vm.instance.disk
        self.free_spindles = self._spindles_after(self.free_spindles, vm, 1)
        self._set_need(primary, self.need_of(primary) + vm.failover_memory)
        self.n1_failed = fails_n1(self.free_memory, self.reserved)
        return None

    def _count_secondary(self, vm: InstanceModel) -> None:
        self.planned_spindle_use = self._use_after(self.planned_spindle_use, vm, 1)
        if not vm.forthcoming:
            self.spindle_use = self._use_after(self.spindle_use, vm, 1)
            self.load = [self.load[0], self.load[1], self.load[2] + vm.load[2], self.load[3]]

    def found_primary(self, vm: InstanceModel) -> None:
        """Account for an instance that ran here when the cluster was read (reported sizes include it)."""
        self._count_primary(vm)
        self.planned_primaries.insert(0, vm.index)
        self.planned_free_memory -= 0 if vm.instance.uses_memory else vm.memory
        if vm.forthcoming:
            self.planned_free_disk -= vm.disk
            self.planned_free_spindles = self._spindles_after(self.planned_free_spindles, vm, 1)
            return
        self.primaries.insert(0, vm.index)
        self.instance_memory += vm.used_memory
        self.free_memory -= vm.used_memory

    def found_secondary(self, vm: InstanceModel) -> None:
        """Account for an instance that was mirrored here when the cluster was read."""
        self._count_secondary(vm)
        self.planned_secondaries.insert(0, vm.index)
        if vm.forthcoming:
            self.planned_free_disk -= vm.disk
            self.planned_free_spindles = self._spindles_after(self.planned_free_spindles, vm, 1)
            return
        self.secondaries.insert(0, vm.index)

    def settle(self, instances: Mapping[int, InstanceModel]) -> None:
        """Set peers, the first N+1 verdict and the missing memory, once all instances were found."""
        self.peers, self.reserved = [], 0
        for index in reversed(self.secondaries):
            vm = instances[index]
            self._set_need(vm.primary, self.need_of(vm.primary) + vm.failover_memory)
        self.n1_failed = fails_n1_as_read(self.node.free_memory, self.reserved)
        self.missing_memory = self.recorded_free_memory - self.node.free_memory
        self.usable_memory = trunc(self.total_memory) - self.node.node_memory - max(0, self.missing_memory)
        self.free_memory = self.usable_memory - self.instance_memory

    def reported(self) -> Node:
        """Return the node as a `Node`, with its present free disk and spindles; free memory stays as reported."""
        from dataclasses import replace

        return replace(self.node, free_disk=self.free_disk, free_spindles=self.free_spindles, offline=self.offline)


def _discard(indices: list[int], index: int) -> None:
    if index in indices:
        indices.remove(index)


def _count(counts: dict[str, int] | dict[tuple[str, str], int], key: object, sign: int) -> None:
    count = counts.get(key, 0) + sign  # type: ignore[call-overload]
    if count > 0:
        counts[key] = count  # type: ignore[index]
    else:
        counts.pop(key, None)  # type: ignore[call-overload]


_copy = copier(NodeModel.__slots__)
