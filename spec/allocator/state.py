"""The state that balancing and placement reason about: every node's accounts, as values.

Here are only values, and figures derived from one of them; `spec.allocator.accounts` changes them and
`spec.allocator.initial` makes them from a cluster. Two ledgers are kept: `real` counts instances that exist, `planned`
counts forthcoming ones too. Loads are floating-point sums changed by adding and subtracting, so their last bits depend
on the history, as Ganeti's do.

Source: man htools(1); Ganeti's behaviour, observed through scores and `--print-nodes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import trunc

from spec.allocator.arithmetic import ratio, whole
from spec.allocator.cluster import Instance, Node, Policy, Utilisation

NO_LOAD = Utilisation(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Placed:
    """An instance with the properties that follow from the cluster's tags and groups.

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
        planned_free_memory: reported free MiB, changed by every instance added or removed.
        peers: for each primary of an instance it is secondary of, the MiB needed if that node fails; largest first.
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
        """Unallocated memory divided by total memory."""
        return ratio(self.unallocated_memory, self.node.total_memory)

    @property
    def planned_free_memory_fraction(self) -> float:
        """Free memory divided by total memory, with forthcoming instances."""
        return ratio(self.planned_free_memory, self.node.total_memory)

    @property
    def reserved_memory_fraction(self) -> float:
        """Memory kept for fail-over divided by total memory."""
        return ratio(self.reserved_memory, self.node.total_memory)

    def free_disk_fraction(self, ledger: Ledger) -> float:
        """Return the free part of the disk (with exclusive storage: of the spindles); 1 where there is none."""
        free = ledger.free_spindles if self.node.exclusive_storage else ledger.free_disk
        total = float(self.node.spindles) if self.node.exclusive_storage else self.node.total_disk
        return free / total if total else 1.0

    def cpu_ratio(self, ledger: Ledger) -> float:
        """Return the ratio of virtual cores to cores."""
        return ratio(ledger.used_cpus, self.node.total_cpus)

    @property
    def high_spindles(self) -> float:
        """Largest spindle use that the policy allows."""
        return self.policy.spindle_ratio * self.node.spindles

    @property
    def high_cpus(self) -> int:
        """Virtual cores that the policy allows."""
        return whole(self.policy.vcpu_ratio * self.node.total_cpus)


@dataclass(frozen=True, slots=True)
class State:
    """Nodes and instances by position in their cluster; one group's part of it while balancing."""

    nodes: Mapping[int, NodeState]
    instances: Mapping[int, Placed]


def group_state(state: State, group: int) -> State:
    """Return one group's nodes, and the instances whose primary is among them."""
    nodes = {index: node for index, node in state.nodes.items() if node.node.group == group}
    return State(nodes, {i: placed for i, placed in state.instances.items() if placed.instance.primary in nodes})
