"""Placement in vectors: all candidates for one instance at once, decided as in `spec.allocator.placement`.

For single nodes the whole score of all candidates is computed together (`htools.placement.vector_scores`); pairs of
nodes are tried by `htools.placement.vector_pairs`.

>>> from htools.model.cluster import Model
>>> from spec.allocator.decisions import Settings
>>> from spec.allocator.example import GROUPS, cluster, instance
>>> model = Model.of(cluster(instance(0), instance(1), nodes=3), Settings())
>>> placer = Placer(model, GROUPS, soft=False)
>>> new = InstanceModel(-1, instance())
>>> outcome = placer.try_all(new, [0, 1, 2], 1, Limits(capacity=False))
>>> outcome.successes, outcome.best.vm.primary  # the empty node is best
(3, 2)
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import cast

import numpy as np

from htools.model.arrays import Floats
from htools.model.cluster import Model, NodeModel
from htools.model.instance import NO_NODE, InstanceModel
from htools.model.score import collisions, node_values
from htools.placement import one_by_one, redundancy
from htools.placement.arrays import PlacementNodes, Unsuitable
from htools.placement.outcomes import (
    Allocation,
    NoTargets,
    Outcome,
    Targets,
    chosen,
    count_targets,
    with_allocation,
)
from htools.placement.precomputed import Ground, refusals
from htools.placement.vector_pairs import PairTrial
from htools.placement.vector_scores import scores_with
from spec.allocator.cluster import Group
from spec.allocator.decisions import FailMode
from spec.allocator.policy import policy_failure
from spec.allocator.requests import Limits


class Placer:
    """Tries instances on a model; `commit` adds one and updates the arrays.

    Args:
        model: nodes and instances; never changed: `commit` makes a new one.
        groups: the cluster's groups.
        soft: whether soft limits are ignored.
        plain_below: fewer candidates than this are tried one by one.
        judge: says whether an allocation keeps the cluster redundant, for an instance that the model holds already.
    """

    def __init__(
        self,
        model: Model,
        groups: Sequence[Group],
        *,
        soft: bool,
        plain_below: int = 0,
        judge: Callable[[Allocation], bool] | None = None,
    ) -> None:
        self.model = model
        self._groups = groups
        self._soft = soft
        self._plain_below = plain_below
        self._judged = judge
        self._nodes: PlacementNodes | None = None
        self._ground: Ground | None = None

    def copy(self) -> "Placer":
        """Return an independent copy with the same model."""
        other = Placer(self.model, self._groups, soft=self._soft, plain_below=self._plain_below)
        with suppress(Unsuitable):
            if self._nodes is None:
                self._nodes = PlacementNodes(self.model)
            other._nodes = self._nodes.copy()
        return other

    def commit(self, allocation: Allocation) -> None:
        """Add an allocation to the model; its index is the number of instances before."""
        self.model = with_allocation(self.model, allocation)
        self._ground = None
        if self._nodes is not None:
            try:
                self._nodes.refresh(self.model.nodes[node.index] for node in allocation.nodes)
            except Unsuitable:
                self._nodes = None

    def try_all(self, vm: InstanceModel, targets: Targets, required: int, limits: Limits) -> Outcome:
        """Try every candidate.

        Raises:
            NoTargets: there are no candidates; the text is Ganeti's.
        """
        if not targets:
            raise NoTargets("No online nodes" if required == 1 else "Not enough online nodes")
        named_twice = limits.capacity and len(self.model.instances) in self.model.instances
        if not vm.forthcoming and not named_twice and count_targets(targets) >= self._plain_below:
            try:
                if self._nodes is None:
                    self._nodes = PlacementNodes(self.model)
                if required == 1:
                    return self._singles(self._nodes, vm, targets, limits)
                return self._pairs(self._nodes, vm, targets, limits)
            except Unsuitable:
                pass
        return one_by_one.try_all(self.model, self._groups, vm, targets, soft=self._soft, good=self._judge(limits))

    def refusals(self, vms: Sequence[InstanceModel], targets: Targets) -> list[tuple[bool, Counter[FailMode]]]:
        """Return for each of several sizes whether some candidate takes the instance, and the reasons of the others.

        Redundancy is not checked.

        Raises:
            Unsuitable: vectors cannot represent the model.
        """
        if any(vm.forthcoming for vm in vms):
            raise Unsuitable
        if self._nodes is None:
            self._nodes = PlacementNodes(self.model)
        return refusals(self._groups, self._ground_for(self._nodes, targets), vms, soft=self._soft)

    def _ground_for(self, nodes: PlacementNodes, targets: Targets) -> Ground:
        if self._ground is None or self._ground.targets is not targets:
            self._ground = Ground(self.model, nodes, targets)
        return self._ground

    def _judge(self, limits: Limits) -> Callable[[Allocation], bool]:
        if not limits.capacity:
            return lambda _: True
        if self._judged is not None:
            return self._judged
        return lambda allocation: redundancy.redundant(with_allocation(self.model, allocation), self._groups, limits)

    def _singles(self, nodes: PlacementNodes, vm: InstanceModel, targets: Targets, limits: Limits) -> Outcome:
        failures: Counter[FailMode] = Counter()
        placed: list[NodeModel] = []
        for target in targets:
            node = self.model.nodes[cast("int", target)]
            refusal = policy_failure(vm.instance, self._groups[node.group].policy, exclusive=node.exclusive)
            refusal = refusal or node.primary_refusal(vm, force=self._soft)
            if refusal is not None:
                failures[refusal] += 1
                continue
            runs = node.copy()
            runs.add_primary(vm, force=self._soft)
            placed.append(runs)
        if not placed:
            return Outcome(failures)
        values = np.array([node_values(node) for node in placed]).T
        if not np.isfinite(values).all():
            raise Unsuitable
        where = np.array([nodes.position[node.index] for node in placed])
        metrics = scores_with(nodes, where, values, self._collisions(vm, placed))
        found = [
            Allocation(vm.at(node.index, NO_NODE), (node,), float(metric))
            for node, metric in zip(placed, metrics, strict=True)
        ]
        return chosen(found, failures, self._judge(limits))

    def _collisions(self, vm: InstanceModel, placed: Sequence[NodeModel]) -> Floats:
        """Return the collisions component with the instance on each node of `placed`: float64[placed]."""
        online = [node for node in self.model.nodes.values() if not node.offline]
        base = collisions(online)
        if not vm.exclusion_tags or not any(node.location_tags for node in placed):
            return np.full(len(placed), base)
        known = {pair for node in online for pair in node.pair_counts}
        result = np.full(len(placed), base)
        for at, node in enumerate(placed):
            added = [(place, tag) for place in node.location_tags for tag in vm.exclusion_tags]
            result[at] += len(added) - len(set(added) - known)
        return result

    def _pairs(self, nodes: PlacementNodes, vm: InstanceModel, targets: Targets, limits: Limits) -> Outcome:
        ground = self._ground_for(nodes, targets)
        # If the instance is in the model already, it may leave its old nodes when its new ones fail: not in the arrays.
        known = vm.index in self.model.instances
        room = ground.room(limits) if limits.capacity and not known else None
        trial = PairTrial(self.model, self._groups, ground, room, vm, soft=self._soft, collide=self._collisions)
        trial.asks = trial.asks or (limits.capacity and known)
        return trial.outcome(self._judge(limits))
