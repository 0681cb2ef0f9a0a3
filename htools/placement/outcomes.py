"""Candidates for a new instance, and the outcome of trying them, on the working model.

The definitions are in `spec.allocator.placement` and `spec.allocator.candidates`; these are their fast twins.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from htools.model.cluster import Model, NodeModel
from htools.model.instance import InstanceModel
from spec.allocator.cluster import (
    AllocPolicy,
    Cluster,
    Group,
    Instance,
)
from spec.allocator.decisions import FailMode
from spec.allocator.requests import Limits
from spec.allocator.tags import desired_location_prefixes, exclusion_prefixes, with_prefixes

NEW = -1
"""Index of an instance that the model does not hold yet."""

Targets = Sequence[int] | Sequence[tuple[int, Sequence[int]]]
"""Nodes for one-node placement, or primaries with their possible secondaries."""


class NoTargets(Exception):  # noqa: N818 - an answer, not an error
    """There is no node, or no pair of nodes, to try at all."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """One way to place an instance: the placed instance, the changed nodes (primary first), and the metric."""

    vm: InstanceModel
    nodes: tuple[NodeModel, ...]
    metric: Any


@dataclass(slots=True)
class Outcome:
    """How many candidates failed for which reason, how many did not, and the best of these."""

    failures: Counter[FailMode] = field(default_factory=Counter)
    successes: int = 0
    best: Allocation | None = None

    def join(self, other: "Outcome") -> None:
        """Merge another primary's outcome; of two equal allocations, the other one's wins."""
        self.failures.update(other.failures)
        self.successes += other.successes
        if other.best is not None and (self.best is None or not self.best.metric < other.best.metric):
            self.best = other.best


def new_model(instance: Instance, cluster: Cluster) -> InstanceModel:
    """Make a new instance; the cluster's tags say which of its tags have a meaning."""
    vm = InstanceModel(NEW, instance)
    vm.exclusion_tags = with_prefixes(instance.tags, exclusion_prefixes(cluster.tags))
    vm.desired_locations = frozenset(with_prefixes(instance.tags, desired_location_prefixes(cluster.tags)))
    return vm


def candidates(
    nodes: Iterable[NodeModel], groups: Sequence[Group], required: int, limits: Limits, *, allocable: bool = False
) -> Targets:
    """Return the nodes, or pairs of nodes in one group, to try: online, permitted, in index order.

    Raises:
        ValueError: neither one nor two nodes are required.
    """
    only = None if limits.only_nodes is None else frozenset(limits.only_nodes)
    usable = [
        node
        for node in nodes
        if not node.offline
        and (not allocable or groups[node.group].alloc_policy is not AllocPolicy.UNALLOCABLE)
        and (only is None or node.name in only)
    ]
    if required == 1:
        return [node.index for node in usable]
    if required != 2:
        raise ValueError("Unsupported number of nodes, only one or two  supported")
    members: dict[int, list[int]] = {}
    for node in usable:
        members.setdefault(node.group, []).append(node.index)
    pairs = [(p.index, [s for s in members[p.group] if s != p.index]) for p in usable]
    return [pair for pair in pairs if pair[1]]


def count_targets(targets: Targets) -> int:
    """Count the candidates."""
    return sum(1 if isinstance(target, int) else len(target[1]) for target in targets)


def with_allocation(model: Model, allocation: Allocation) -> Model:
    """Return the model with an allocation added; the new instance's index is the number of instances before."""
    position = len(model.instances)
    nodes = dict(model.nodes)
    for node in allocation.nodes:
        kept = node
        if NEW in node.primaries or NEW in node.secondaries:
            kept = node.copy()
            kept.primaries = [position if index < 0 else index for index in kept.primaries]
            kept.secondaries = [position if index < 0 else index for index in kept.secondaries]
        nodes[node.index] = kept
    return Model(nodes, {**model.instances, position: allocation.vm})


def chosen(found: list[Allocation], failures: Mapping[FailMode, int], good: Callable[[Allocation], bool]) -> Outcome:
    """Choose the best good allocation of `found` (in the order tried); better ones not good count as failures."""
    outcome = Outcome(Counter(failures), len(found))
    refused = 0
    last_first = found[::-1]
    for allocation in sorted(last_first, key=lambda one: one.metric):
        if good(allocation):
            outcome.best = allocation
            break
        refused += 1
    if refused:
        outcome.failures[FailMode.N1] += refused
        outcome.successes -= refused
    return outcome
