"""The state that balancing and placement reason about: every node's accounts, kept as the peer keeps them.

A node's accounts are changed only by `add_primary`, `remove_primary`, `add_secondary` and `remove_secondary`, which
answer a new node or a refusal with its reason. Two ledgers are kept: `real` counts instances that exist, `planned`
counts forthcoming ones too. Loads are floating-point sums kept by adding and taking away, so their last bits depend
on the history, as the peer's do.

Source: man htools(1); the real programs' behaviour, observed through scores and `--print-nodes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import floor, inf, nan, trunc
from typing import TypeVar

from spec import tags
from spec.cluster import Cluster, DiskTemplate, Instance, Node, Policy, Utilisation
from spec.decisions import FailMode, Refusal, Settings

NO_LOAD = Utilisation(0.0, 0.0, 0.0, 0.0)

_Key = TypeVar("_Key", str, tuple[str, str])


def ratio(part: float, whole: float) -> float:
    """Division as IEEE 754 has it: infinite or not a number where Python would raise."""
    if whole:
        return part / whole
    return nan if not part or part != part else inf if part > 0 else -inf  # noqa: PLR0124 - NaN differs from itself


@dataclass(frozen=True, slots=True)
class Placed:
    """An instance with what the cluster's tags and groups make of it.

    Attributes:
        index: its position in the cluster.
        instance: the instance with its present primary and secondary.
        exclusion_tags: its tags that exclude others with the same tag from its node.
        desired_locations: tags it wants its primary to have.
        location_score: number of places that its two nodes have in common.
        movable: whether balancing may move it.
    """

    index: int
    instance: Instance
    exclusion_tags: tuple[str, ...] = ()
    desired_locations: frozenset[str] = frozenset()
    location_score: int = 0
    movable: bool = True


@dataclass(frozen=True, slots=True)
class Ledger:
    """One way of counting what a node carries.

    Attributes:
        primaries: positions of the instances it runs, newest first.
        secondaries: positions of the instances it is secondary of, newest first.
        free_disk: MiB.
        used_cpus: virtual cores.
        free_spindles: with exclusive storage; else 0 after the first change.
        spindle_use: spindles that instances count for (0 with exclusive storage).
        load: sum of the utilisation.
    """

    primaries: tuple[int, ...]
    secondaries: tuple[int, ...]
    free_disk: int
    used_cpus: int
    free_spindles: int
    spindle_use: float = 0.0
    load: Utilisation = NO_LOAD


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node and its accounts.

    Attributes:
        index: its position in the cluster.
        node: as reported; `node.offline` says whether it may be used.
        policy: its group's, with the ratio of cores that the command line may override.
        low_disk: MiB of disk below which adding is refused softly.
        real: accounts of the instances that exist.
        planned: accounts with forthcoming instances as well.
        instance_memory: MiB used by the instances it runs.
        missing_memory: MiB that the records say is free and the node does not report, fixed when loaded.
        planned_free_memory: reported free MiB, changed by every instance that came or went.
        peers: for each primary of an instance it is secondary of, the MiB needed should that node fail;
            largest first.
        n1_failed: whether it lacks the memory for its largest peer, as of its last change.
        exclusion_tags: how many of its primaries have each exclusion tag.
        location_pairs: how many of its primaries have each exclusion tag in each of its places.
        location_score: shared places and unmet wishes of its primaries.
        migration_tags: tags that a node must accept to receive instances from here.
        accepted_migration_tags: tags of the nodes it accepts instances from.
        location_tags: the places it is in.
    """

    index: int
    node: Node
    policy: Policy
    low_disk: int
    real: Ledger
    planned: Ledger
    planned_free_memory: int
    instance_memory: int = 0
    missing_memory: int = 0
    peers: tuple[tuple[int, int], ...] = ()
    n1_failed: bool = True
    exclusion_tags: Mapping[str, int] = field(default_factory=dict)
    location_pairs: Mapping[tuple[str, str], int] = field(default_factory=dict)
    location_score: int = 0
    migration_tags: frozenset[str] = frozenset()
    accepted_migration_tags: frozenset[str] = frozenset()
    location_tags: frozenset[str] = frozenset()

    @property
    def recorded_free_memory(self) -> int:
        """MiB free by the records."""
        return trunc(self.node.total_memory) - self.node.node_memory - self.instance_memory

    @property
    def unallocated_memory(self) -> int:
        """MiB that may be promised: free by the records, less what is missing."""
        return self.recorded_free_memory - max(0, self.missing_memory)

    @property
    def reserved_memory(self) -> int:
        """MiB kept for the failure of the node that would need most here."""
        return self.peers[0][1] if self.peers else 0

    @property
    def free_memory_fraction(self) -> float:
        """Unallocated memory to total."""
        return ratio(self.unallocated_memory, self.node.total_memory)

    @property
    def planned_free_memory_fraction(self) -> float:
        """Free memory to total, with forthcoming instances."""
        return ratio(self.planned_free_memory, self.node.total_memory)

    @property
    def reserved_memory_fraction(self) -> float:
        """Memory kept for fail-over to total."""
        return ratio(self.reserved_memory, self.node.total_memory)

    def free_disk_fraction(self, ledger: Ledger) -> float:
        """Free disk (with exclusive storage: free spindles) to total; 1 where there is none at all."""
        free = ledger.free_spindles if self.node.exclusive_storage else ledger.free_disk
        total = float(self.node.spindles) if self.node.exclusive_storage else self.node.total_disk
        return free / total if total else 1.0

    def cpu_ratio(self, ledger: Ledger) -> float:
        """Virtual cores to cores."""
        return ratio(ledger.used_cpus, self.node.total_cpus)

    @property
    def high_spindles(self) -> float:
        """Largest spindle use that the policy allows."""
        return self.policy.spindle_ratio * self.node.spindles

    @property
    def high_cpus(self) -> int:
        """Virtual cores that the policy allows."""
        return floor(self.policy.vcpu_ratio * self.node.total_cpus)


def _spindle_use(state: NodeState, ledger: Ledger, instance: Instance, sign: int) -> float:
    if state.node.exclusive_storage:
        return 0.0
    return ledger.spindle_use + sign * instance.spindle_use if instance.uses_local_storage else ledger.spindle_use


def _free_spindles(state: NodeState, ledger: Ledger, instance: Instance, sign: int) -> int:
    if not state.node.exclusive_storage:
        return 0
    spindles = instance.total_spindles
    if spindles is None:  # nobody knows: refused when added, ignored when taken away
        return -1 if sign > 0 else ledger.free_spindles
    return ledger.free_spindles - sign * spindles


def _add_load(load: Utilisation, other: Utilisation, sign: int) -> Utilisation:
    return Utilisation(
        load.cpu + sign * other.cpu,
        load.memory + sign * other.memory,
        load.disk + sign * other.disk,
        load.network + sign * other.network,
    )


def _primary_ledger(state: NodeState, ledger: Ledger, placed: Placed, sign: int) -> Ledger:
    """The ledger with one more (+1) or one fewer (−1) primary."""
    instance = placed.instance
    return Ledger(
        primaries=_listed(ledger.primaries, placed.index, sign),
        secondaries=ledger.secondaries,
        free_disk=ledger.free_disk - sign * (instance.disk if instance.uses_local_storage else 0),
        used_cpus=ledger.used_cpus + sign * (instance.vcpus if instance.online else 0),
        free_spindles=_free_spindles(state, ledger, instance, sign),
        spindle_use=_spindle_use(state, ledger, instance, sign),
        load=_add_load(ledger.load, instance.utilisation, sign),
    )


def _secondary_ledger(state: NodeState, ledger: Ledger, placed: Placed, sign: int) -> Ledger:
    """The ledger with one more (+1) or one fewer (−1) secondary."""
    instance = placed.instance
    uses_disk = sign > 0 or instance.uses_local_storage
    return Ledger(
        primaries=ledger.primaries,
        secondaries=_listed(ledger.secondaries, placed.index, sign),
        free_disk=ledger.free_disk - sign * (instance.disk if uses_disk else 0),
        used_cpus=ledger.used_cpus,
        free_spindles=_free_spindles(state, ledger, instance, sign),
        spindle_use=_spindle_use(state, ledger, instance, sign),
        load=replace(ledger.load, disk=ledger.load.disk + sign * instance.utilisation.disk),
    )


def _listed(indices: tuple[int, ...], index: int, sign: int) -> tuple[int, ...]:
    if sign > 0:
        return (index, *indices)
    if index not in indices:
        return indices
    at = indices.index(index)
    return indices[:at] + indices[at + 1 :]


def _counted(counts: Mapping[_Key, int], keys: tuple[_Key, ...], sign: int) -> Mapping[_Key, int]:
    changed = dict(counts)
    for key in keys:
        changed[key] = changed.get(key, 0) + sign
        if changed[key] <= 0:
            del changed[key]
    return changed


def _pairs(state: NodeState, placed: Placed) -> tuple[tuple[str, str], ...]:
    return tuple((place, tag) for place in sorted(state.location_tags) for tag in placed.exclusion_tags)


def _wishes_unmet(state: NodeState, placed: Placed) -> int:
    return len(placed.desired_locations - state.location_tags)


def peer_set(peers: tuple[tuple[int, int], ...], node: int, memory: int) -> tuple[tuple[int, int], ...]:
    """The peers with one node's need set; larger needs first, among equals the latest set first."""
    others = [peer for peer in peers if peer[0] != node]
    at = sum(1 for _, other in others if other > memory)
    return (*others[:at], (node, memory), *others[at:])


def _peer(peers: tuple[tuple[int, int], ...], node: int) -> int:
    return next((memory for peer, memory in peers if peer == node), 0)


def remove_primary(state: NodeState, placed: Placed) -> NodeState:
    """The node without an instance that it runs."""
    instance = placed.instance
    changed = replace(
        state,
        planned=_primary_ledger(state, state.planned, placed, -1),
        planned_free_memory=state.planned_free_memory + instance.memory,
        exclusion_tags=_counted(state.exclusion_tags, placed.exclusion_tags, -1),
    )
    if instance.forthcoming:
        return changed
    changed = replace(
        changed,
        real=_primary_ledger(state, state.real, placed, -1),
        instance_memory=state.instance_memory - (instance.memory if instance.uses_memory else 0),
        location_score=state.location_score - placed.location_score - _wishes_unmet(state, placed),
        location_pairs=_counted(state.location_pairs, _pairs(state, placed), -1),
    )
    return replace(changed, n1_failed=changed.unallocated_memory <= changed.reserved_memory)


def remove_secondary(state: NodeState, placed: Placed) -> NodeState:
    """The node without an instance that it is secondary of (whose primary is still the recorded one)."""
    instance = placed.instance
    changed = replace(state, planned=_secondary_ledger(state, state.planned, placed, -1))
    if instance.forthcoming:
        return changed
    need = _peer(state.peers, instance.primary)
    need -= instance.memory if instance.uses_secondary_memory else 0
    others = tuple(peer for peer in state.peers if peer[0] != instance.primary)
    changed = replace(
        changed,
        real=_secondary_ledger(state, state.real, placed, -1),
        peers=peer_set(state.peers, instance.primary, need) if need > 0 else others,
    )
    return replace(changed, n1_failed=changed.unallocated_memory <= changed.reserved_memory)


def _planned_primary_refusal(state: NodeState, placed: Placed, ledger: Ledger) -> Refusal | None:
    instance, index = placed.instance, state.index
    free_memory = state.planned_free_memory - instance.memory
    if free_memory <= 0:
        return Refusal(FailMode.MEMORY, index, "free memory with forthcoming instances", free_memory, 1)
    if instance.uses_local_storage:
        if ledger.free_disk <= 0:
            return Refusal(FailMode.DISK, index, "free disk with forthcoming instances", ledger.free_disk, 1)
        if ledger.free_disk < state.low_disk:
            what = "disk above the minimum with forthcoming instances"
            return Refusal(FailMode.DISK, index, what, ledger.free_disk, state.low_disk)
        if state.node.exclusive_storage and ledger.free_spindles < 0:
            return Refusal(FailMode.SPINDLES, index, "free spindles with forthcoming instances", ledger.free_spindles)
        if ledger.spindle_use > state.high_spindles:
            what = "spindle use with forthcoming instances"
            return Refusal(FailMode.DISK, index, what, ledger.spindle_use, state.high_spindles)
    cpu = ratio(ledger.used_cpus, state.node.total_cpus)
    if 0 <= state.policy.vcpu_ratio < cpu:
        return Refusal(FailMode.CPU, index, "vcpu ratio with forthcoming instances", cpu, state.policy.vcpu_ratio)
    return None


def add_primary(state: NodeState, placed: Placed, *, ignore_soft: bool = False) -> NodeState | Refusal:
    """The node running one more instance, or why it cannot.

    Args:
        state: the node before.
        placed: the instance; its secondary, if any, is accounted for elsewhere.
        ignore_soft: accept what breaks N+1, ratios, minima or exclusion tags.
    """
    instance, index, strict = placed.instance, state.index, not ignore_soft
    planned = _primary_ledger(state, state.planned, placed, 1)
    changed = replace(
        state,
        planned=planned,
        planned_free_memory=state.planned_free_memory - instance.memory,
        exclusion_tags=_counted(state.exclusion_tags, placed.exclusion_tags, 1),
    )
    if instance.forthcoming:
        refusal = _planned_primary_refusal(state, placed, planned) if strict else None
        return refusal or changed
    real = _primary_ledger(state, state.real, placed, 1)
    changed = replace(
        changed,
        real=real,
        instance_memory=state.instance_memory + (instance.memory if instance.uses_memory else 0),
        location_score=state.location_score + placed.location_score + _wishes_unmet(state, placed),
        location_pairs=_counted(state.location_pairs, _pairs(state, placed), 1),
    )
    free, reserved = changed.unallocated_memory, state.reserved_memory
    if free <= 0:
        return Refusal(FailMode.MEMORY, index, "free memory", free, 1, soft=False)
    if instance.uses_local_storage:
        if real.free_disk <= 0:
            return Refusal(FailMode.DISK, index, "free disk", real.free_disk, 1, soft=False)
        if strict and real.free_disk < state.low_disk:
            return Refusal(FailMode.DISK, index, "disk above the minimum", real.free_disk, state.low_disk)
        if state.node.exclusive_storage and real.free_spindles < 0:
            return Refusal(FailMode.SPINDLES, index, "free spindles", real.free_spindles, soft=False)
        if strict and real.spindle_use > state.high_spindles:
            return Refusal(FailMode.DISK, index, "spindle use", real.spindle_use, state.high_spindles)
    if strict:
        if free <= reserved and not state.n1_failed:
            return Refusal(FailMode.MEMORY, index, "memory above the N+1 reserve", free, reserved + 1)
        cpu = ratio(real.used_cpus, state.node.total_cpus)
        if 0 <= state.policy.vcpu_ratio < cpu:
            return Refusal(FailMode.CPU, index, "vcpu ratio", cpu, state.policy.vcpu_ratio)
        clash = next((tag for tag in placed.exclusion_tags if tag in state.exclusion_tags), None)
        if clash is not None:
            return Refusal(FailMode.TAGS, index, f"exclusion tag {clash}")
        refusal = _planned_primary_refusal(state, placed, planned)
        if refusal is not None:
            return refusal
    return replace(changed, n1_failed=free <= reserved)


def _planned_secondary_refusal(state: NodeState, placed: Placed, ledger: Ledger, needed: int) -> Refusal | None:
    index = state.index
    if placed.instance.disk_template is not DiskTemplate.DRBD:
        return Refusal(FailMode.DISK, index, "a disk template with a secondary")
    if ledger.free_disk <= 0:
        return Refusal(FailMode.DISK, index, "free disk with forthcoming instances", ledger.free_disk, 1)
    if ledger.free_disk < state.low_disk:
        what = "disk above the minimum with forthcoming instances"
        return Refusal(FailMode.DISK, index, what, ledger.free_disk, state.low_disk)
    if state.node.exclusive_storage and ledger.free_spindles < 0:
        return Refusal(FailMode.SPINDLES, index, "free spindles with forthcoming instances", ledger.free_spindles)
    if ledger.spindle_use > state.high_spindles:
        what = "spindle use with forthcoming instances"
        return Refusal(FailMode.DISK, index, what, ledger.spindle_use, state.high_spindles)
    if needed >= state.planned_free_memory:
        what = "memory for fail-over with forthcoming instances"
        return Refusal(FailMode.MEMORY, index, what, state.planned_free_memory, needed + 1)
    return None


def add_secondary(
    state: NodeState, placed: Placed, primary: int, *, ignore_soft: bool = False, ignore_disks: bool = False
) -> NodeState | Refusal:
    """The node being secondary of one more instance, or why it cannot.

    Args:
        state: the node before.
        placed: the instance.
        primary: position of the node that runs it.
        ignore_soft: accept what breaks N+1, ratios or minima.
        ignore_disks: do not ask for free disk (its disks are there already: fail-over off an offline primary).
    """
    instance, index, strict = placed.instance, state.index, not ignore_soft
    needed = instance.memory if instance.uses_secondary_memory else 0
    planned = _secondary_ledger(state, state.planned, placed, 1)
    changed = replace(state, planned=planned)
    if instance.forthcoming:
        refusal = _planned_secondary_refusal(state, placed, planned, needed) if strict else None
        return refusal or changed
    real = _secondary_ledger(state, state.real, placed, 1)
    need = _peer(state.peers, primary) + needed
    changed = replace(changed, real=real, peers=peer_set(state.peers, primary, need))
    free = state.unallocated_memory
    if instance.disk_template is not DiskTemplate.DRBD:
        return Refusal(FailMode.DISK, index, "a disk template with a secondary", soft=False)
    if not ignore_disks and real.free_disk <= 0:
        return Refusal(FailMode.DISK, index, "free disk", real.free_disk, 1, soft=False)
    if strict and real.free_disk < state.low_disk:
        return Refusal(FailMode.DISK, index, "disk above the minimum", real.free_disk, state.low_disk)
    if state.node.exclusive_storage and real.free_spindles < 0:
        return Refusal(FailMode.SPINDLES, index, "free spindles", real.free_spindles, soft=False)
    failed = free <= changed.reserved_memory
    if strict:
        if real.spindle_use > state.high_spindles:
            return Refusal(FailMode.DISK, index, "spindle use", real.spindle_use, state.high_spindles)
        if needed >= free:
            return Refusal(FailMode.MEMORY, index, "memory for fail-over", free, needed + 1)
        if failed and not state.n1_failed:
            what = "memory above the N+1 reserve"
            return Refusal(FailMode.MEMORY, index, what, free, changed.reserved_memory + 1)
        refusal = _planned_secondary_refusal(state, placed, planned, needed)
        if refusal is not None:
            return refusal
    return replace(changed, n1_failed=failed)


@dataclass(frozen=True, slots=True)
class State:
    """Nodes and instances by position in their cluster; one group's part of it while balancing."""

    nodes: Mapping[int, NodeState]
    instances: Mapping[int, Placed]


def _placed(cluster: Cluster, index: int, settings: Settings) -> Placed:
    instance = cluster.instances[index]
    primary = cluster.nodes[instance.primary]
    secondary = primary if instance.secondary is None else cluster.nodes[instance.secondary]
    prefixes = settings.exclusion_prefixes + tags.exclusion_prefixes(cluster.tags)
    wishes = tags.desired_location_prefixes(cluster.tags)
    shared = tags.location_tags(cluster.tags, primary.tags) & tags.location_tags(cluster.tags, secondary.tags)
    return Placed(
        index=index,
        instance=instance,
        exclusion_tags=tags.with_prefixes(instance.tags, prefixes),
        desired_locations=frozenset(tags.with_prefixes(instance.tags, wishes)),
        location_score=0 if instance.secondary is None else len(shared),
        movable=instance.movable and index not in settings.fixed and primary.group == secondary.group,
    )


def _empty(cluster: Cluster, index: int, settings: Settings) -> NodeState:
    node = cluster.nodes[index]
    policy = cluster.groups[node.group].policy
    if settings.vcpu_ratio is not None:
        policy = replace(policy, vcpu_ratio=settings.vcpu_ratio)
    ledger = Ledger((), (), node.free_disk, node.node_cpus, node.free_spindles)
    return NodeState(
        index=index,
        node=node,
        policy=policy,
        low_disk=floor(settings.disk_reserve * node.total_disk),
        real=ledger,
        planned=ledger,
        planned_free_memory=node.free_memory,
        migration_tags=tags.migration_tags(cluster.tags, node.tags),
        accepted_migration_tags=tags.accepted_migration_tags(cluster.tags, node.tags),
        location_tags=tags.location_tags(cluster.tags, node.tags),
    )


def _found_primary(state: NodeState, placed: Placed) -> NodeState:
    """The node with an instance that was on it when the cluster was read: its reported sizes count it already."""
    instance = placed.instance
    planned = _primary_ledger(state, state.planned, placed, 1)
    if not instance.forthcoming:
        planned = replace(planned, free_disk=state.planned.free_disk, free_spindles=state.planned.free_spindles)
    changed = replace(
        state,
        planned=planned,
        planned_free_memory=state.planned_free_memory - (0 if instance.uses_memory else instance.memory),
        exclusion_tags=_counted(state.exclusion_tags, placed.exclusion_tags, 1),
    )
    if instance.forthcoming:
        return changed
    real = _primary_ledger(state, state.real, placed, 1)
    return replace(
        changed,
        real=replace(real, free_disk=state.real.free_disk, free_spindles=state.real.free_spindles),
        instance_memory=state.instance_memory + (instance.memory if instance.uses_memory else 0),
        location_score=state.location_score + placed.location_score + _wishes_unmet(state, placed),
        location_pairs=_counted(state.location_pairs, _pairs(state, placed), 1),
    )


def _found_secondary(state: NodeState, placed: Placed) -> NodeState:
    """The node with an instance that it was secondary of when the cluster was read."""
    instance = placed.instance
    planned = _secondary_ledger(state, state.planned, placed, 1)
    if not instance.forthcoming:
        planned = replace(planned, free_disk=state.planned.free_disk, free_spindles=state.planned.free_spindles)
        real = _secondary_ledger(state, state.real, placed, 1)
        real = replace(real, free_disk=state.real.free_disk, free_spindles=state.real.free_spindles)
        return replace(state, planned=planned, real=real)
    if not instance.uses_local_storage:
        planned = replace(planned, free_disk=state.planned.free_disk)
    return replace(state, planned=planned)


def initial_state(cluster: Cluster, settings: Settings = Settings()) -> State:  # noqa: B008 - frozen
    """The accounts of a cluster as it was read.

    A node fails N+1 here when its *reported* free memory is less than its reserve; every later change judges by the
    unallocated memory instead, and counts equality as failure.

    Args:
        cluster: what the backend told, with the utilisation and offline nodes of the command line put in.
        settings: what else the command line says.
    """
    instances = {index: _placed(cluster, index, settings) for index in range(len(cluster.instances))}
    nodes = {index: _empty(cluster, index, settings) for index in range(len(cluster.nodes))}
    for placed in instances.values():
        instance = placed.instance
        nodes[instance.primary] = _found_primary(nodes[instance.primary], placed)
        if instance.secondary is not None:
            nodes[instance.secondary] = _found_secondary(nodes[instance.secondary], placed)
    for index, state in nodes.items():
        peers: tuple[tuple[int, int], ...] = ()
        for other in reversed(state.real.secondaries):
            instance = instances[other].instance
            needed = instance.memory if instance.uses_secondary_memory else 0
            peers = peer_set(peers, instance.primary, _peer(peers, instance.primary) + needed)
        reserved = peers[0][1] if peers else 0
        nodes[index] = replace(
            state,
            peers=peers,
            n1_failed=state.node.free_memory < reserved,
            missing_memory=state.recorded_free_memory - state.node.free_memory,
        )
    return State(nodes, instances)


def group_state(state: State, group: int) -> State:
    """One group's nodes, and the instances whose primary is among them."""
    nodes = {index: node for index, node in state.nodes.items() if node.node.group == group}
    return State(nodes, {i: placed for i, placed in state.instances.items() if placed.instance.primary in nodes})
