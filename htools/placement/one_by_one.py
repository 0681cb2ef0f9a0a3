"""Placement without vectors: each candidate is tried separately on the working model.

Used for few candidates, where importing numpy takes longer, and for what `htools.placement.vector_placer` does not
handle (forthcoming instances, figures that are not finite). The definition is `spec.allocator.placement` with
`spec.allocator.statistics`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from math import sqrt

from htools.model.cluster import Model, NodeModel
from htools.model.instance import NO_NODE, InstanceModel
from htools.model.score import component_values, node_values, score, weighted
from htools.placement.outcomes import Allocation, Outcome, Targets, chosen
from spec.allocator.cluster import Group
from spec.allocator.components import POSITIONS, Aggregation
from spec.allocator.decisions import FailMode
from spec.allocator.policy import policy_failure

_Pairs = dict[tuple[str, str], int]
_DEVIATIONS = POSITIONS[Aggregation.DEVIATION]
_SUMS = POSITIONS[Aggregation.SUM]
_COLLISIONS = POSITIONS[Aggregation.COLLISIONS]


class Statistics:
    """The score's components over all nodes, in which single nodes can be replaced."""

    __slots__ = ("count", "pairs", "sums", "variances")

    def __init__(self, nodes: Sequence[NodeModel]) -> None:
        online = [node for node in nodes if not node.offline]
        self.count = float(len(online))
        self.sums: list[float] = []
        self.variances: list[float] = []
        self.pairs: _Pairs = {}
        if not online:
            return
        columns = list(zip(*(node_values(node) for node in online), strict=True))
        plain = component_values(nodes)
        self.sums = plain[:]
        self.variances = [0.0] * len(plain)
        for position in _DEVIATIONS:
            total = 0.0
            for value in columns[position]:
                total += value
            mean, squares = total / self.count, 0.0
            for value in columns[position]:
                squares += (value - mean) * (value - mean)
            self.sums[position] = total
            self.variances[position] = squares / self.count
        for node in online:
            for pair, count in node.pair_counts.items():
                self.pairs[pair] = self.pairs.get(pair, 0) + count

    def replaced(self, changes: Sequence[tuple[NodeModel, NodeModel]]) -> float:
        """Return the score with some online nodes replaced, one after the other."""
        values, sums, variances, count, pairs = self.sums[:], self.sums[:], self.variances[:], self.count, self.pairs
        for old, new in changes:
            before, after = node_values(old), node_values(new)
            for position in _DEVIATIONS:
                difference = after[position] - before[position]
                squares = after[position] * after[position] - before[position] * before[position]
                change = (count * squares - 2 * sums[position] * difference) - difference * difference
                variances[position] = max(0.0, variances[position] + change / (count * count))
                sums[position] += difference
            for position in _SUMS:
                values[position] += after[position] - before[position]
            if old.pair_counts or new.pair_counts:
                pairs = dict(pairs)
                for pair, held in old.pair_counts.items():
                    pairs[pair] -= held
                for pair, held in new.pair_counts.items():
                    pairs[pair] = pairs.get(pair, 0) + held
        for position in _DEVIATIONS:
            values[position] = sqrt(variances[position])
        for position in _COLLISIONS:
            values[position] = float(sum(pairs.values()) - len(pairs))
        return weighted(values)


def on_one(
    model: Model, groups: Sequence[Group], vm: InstanceModel, target: int, *, soft: bool
) -> Allocation | FailMode:
    """Place an instance on one node; the whole score is the metric."""
    node = model.nodes[target]
    refusal = policy_failure(vm.instance, groups[node.group].policy, exclusive=node.exclusive)
    if refusal is not None:
        return refusal
    runs = node.copy()
    refusal = runs.add_primary(vm, force=soft)
    if refusal is not None:
        return refusal
    value = score(runs if other is node else other for other in model.nodes.values())
    return Allocation(vm.at(target, NO_NODE), (runs,), value)


def place_pair(
    model: Model, groups: Sequence[Group], vm: InstanceModel, pair: tuple[int, int], *, soft: bool
) -> tuple[InstanceModel, NodeModel, NodeModel] | FailMode:
    """Place an instance on two nodes; return it and both nodes afterwards, or the reason of a refusal."""
    primary, secondary = model.nodes[pair[0]], model.nodes[pair[1]]
    refusal = policy_failure(vm.instance, groups[primary.group].policy, exclusive=primary.exclusive)
    if refusal is not None:
        return refusal
    placed = vm.on(primary, secondary)
    runs, mirrors = primary.copy(), secondary.copy()
    refusal = runs.add_primary(placed, force=soft) or mirrors.add_secondary(placed, pair[0])
    return refusal or (placed, runs, mirrors)


def try_all(
    model: Model,
    groups: Sequence[Group],
    vm: InstanceModel,
    targets: Targets,
    *,
    soft: bool,
    good: Callable[[Allocation], bool],
) -> Outcome:
    """Try every candidate of a list that is not empty."""
    total = Outcome()
    statistics = Statistics(list(model.nodes.values()))
    singles: list[Allocation] = []
    single_failures: Counter[FailMode] = Counter()
    for target in targets:
        if isinstance(target, int):
            result = on_one(model, groups, vm, target, soft=soft)
            if isinstance(result, FailMode):
                single_failures[result] += 1
            else:
                singles.append(result)
            continue
        failures: Counter[FailMode] = Counter()
        found: list[Allocation] = []
        primary = model.nodes[target[0]]
        for secondary in target[1]:
            placed = place_pair(model, groups, vm, (target[0], secondary), soft=soft)
            if isinstance(placed, FailMode):
                failures[placed] += 1
                continue
            on, runs, mirrors = placed
            metric = statistics.replaced([(primary, runs), (model.nodes[secondary], mirrors)])
            found.append(Allocation(on, (runs, mirrors), metric))
        total.join(chosen(found, failures, good))
    if singles or single_failures:
        total.join(chosen(singles, single_failures, good))
    return total
