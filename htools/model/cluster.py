"""The allocator's working model: the nodes and instances of a cluster, or of one group of it, by position."""

from collections.abc import Iterable

from htools.model.instance import NO_NODE, InstanceModel
from htools.model.node import NodeModel
from spec.allocator.cluster import Cluster
from spec.allocator.decisions import Settings
from spec.allocator.tags import (
    accepted_migration_tags,
    desired_location_prefixes,
    exclusion_prefixes,
    location_tags,
    migration_tags,
    with_prefixes,
)

__all__ = ["NO_NODE", "InstanceModel", "Model", "NodeModel", "common_domain"]


class Model:
    """Nodes and instances by position; `of` reads a whole cluster, `group` looks at one group of it."""

    __slots__ = ("instances", "nodes")

    def __init__(self, nodes: dict[int, NodeModel], instances: dict[int, InstanceModel]) -> None:
        self.nodes = nodes
        self.instances = instances

    @classmethod
    def of(cls, cluster: Cluster, settings: Settings, *, earlier: "Model | None" = None) -> "Model":
        """Make the model of a cluster as it was read. `Node.offline` includes the command line's offline nodes.

        Args:
            cluster: what the backend reported.
            settings: what the command line adds.
            earlier: a model of the same cluster to whose accounts these are added, as
                `spec.allocator.initial.initial_state` says; it must not be used afterwards.
        """
        nodes = {index: NodeModel(index, node) for index, node in enumerate(cluster.nodes)}
        if earlier is not None:
            for index, node in nodes.items():
                earlier.nodes[index].node = node.node
            nodes = earlier.nodes
        policies = [group.policy for group in cluster.groups]
        for node in nodes.values():
            policy, tags = policies[node.group], node.node.tags
            ratio = policy.vcpu_ratio if settings.vcpu_ratio is None else settings.vcpu_ratio
            node.set_limits(ratio, policy.spindle_ratio, settings.disk_reserve)
            if tags and cluster.tags:
                node.migration_tags = migration_tags(cluster.tags, tags)
                node.accepted_migration_tags = accepted_migration_tags(cluster.tags, tags)
                node.location_tags = location_tags(cluster.tags, tags)
        exclusive = settings.exclusion_prefixes + exclusion_prefixes(cluster.tags)
        desired = desired_location_prefixes(cluster.tags)
        instances = {index: InstanceModel(index, vm) for index, vm in enumerate(cluster.instances)}
        for vm in instances.values():
            primary = nodes[vm.primary]
            secondary = primary if vm.secondary == NO_NODE else nodes[vm.secondary]
            vm.exclusion_tags = with_prefixes(vm.instance.tags, exclusive)
            vm.desired_locations = frozenset(with_prefixes(vm.instance.tags, desired))
            if vm.secondary != NO_NODE:
                vm.location_score = len(primary.location_tags & secondary.location_tags)
            vm.movable = vm.instance.movable and vm.index not in settings.fixed and primary.group == secondary.group
            if vm.secondary != vm.primary:
                primary.found_primary(vm)
            if vm.secondary != NO_NODE:
                secondary.found_secondary(vm)
        for node in nodes.values():
            node.settle(instances)
        return cls(nodes, instances)

    def group(self, group: int) -> "Model":
        """Return the nodes of one group and the instances whose primary is among them (shared, not copied)."""
        nodes = {index: node for index, node in self.nodes.items() if node.group == group}
        return Model(nodes, {index: vm for index, vm in self.instances.items() if vm.primary in nodes})

    def copy(self) -> "Model":
        """Return an independent copy."""
        nodes = {index: node.copy() for index, node in self.nodes.items()}
        return Model(nodes, {index: vm.copy() for index, vm in self.instances.items()})

    def set_aliases(self, suffix: str) -> None:
        """Remove from the names that are shown the suffix that all of them share."""
        elements: tuple[NodeModel | InstanceModel, ...] = (*self.nodes.values(), *self.instances.values())
        for element in elements:
            element.alias = element.name.removesuffix(suffix)


def common_domain(names: Iterable[str]) -> str:
    """Return the longest suffix beginning with a dot that all names share, empty if there is none."""
    names = list(names)
    if not names:
        return ""
    first = names[0]
    at = first.find(".")
    while at >= 0:
        if all(name.endswith(first[at:]) for name in names):
            return first[at:]
        at = first.find(".", at + 1)
    return ""


def bad_items(model: Model) -> tuple[int, int]:
    """Return how many online nodes fail N+1, and how many instances have one of them as primary or secondary."""
    bad = [node for node in model.nodes.values() if node.n1_failed and not node.offline]
    return len(bad), len({index for node in bad for index in (*node.primaries, *node.secondaries)})


def inhabited(model: Model) -> list[int]:
    """Return the groups that have nodes, in order."""
    return sorted({node.group for node in model.nodes.values()})
