"""Scores that are kept up to date: statistics of the score's components in which one node can be replaced by another.

Placement scores a pair of nodes by replacing both in the cluster's statistics, not by computing the score again. The
results differ from the score in their last bits, and these decide ties, so this is part of the definition. For a
standard deviation the count, the sum and the variance are kept.

Source: Ganeti's design document on incremental score computation (2.10.5 and later); the decisions of hail and hspace.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import sqrt

from spec.allocator.components import Aggregation
from spec.allocator.score import COMPONENTS, total
from spec.allocator.state import NodeState


@dataclass(frozen=True, slots=True)
class Statistic:
    """One component over the nodes it counts: how many they are, their sum, the variance, and counts of pairs.

    Only what the component's aggregation needs is meaningful.
    """

    count: float = 0.0
    sum: float = 0.0
    variance: float = 0.0
    pairs: Mapping[tuple[str, str], int] = field(default_factory=dict)


def _deviation(values: list[float]) -> Statistic:
    count, summed = float(len(values)), total(values)
    mean = summed / count
    return Statistic(count, summed, total((value - mean) * (value - mean) for value in values) / count)


def statistics(nodes: Iterable[NodeState]) -> tuple[Statistic, ...]:
    """Return the statistics of all components; none at all where no node is online."""
    nodes = tuple(nodes)
    online = [node for node in nodes if not node.node.offline]
    offline = [node for node in nodes if node.node.offline]
    if not online:
        return ()
    result = []
    for component in COMPONENTS:
        match component.aggregation:
            case Aggregation.DEVIATION:
                result.append(_deviation([component.value(node) for node in online]))
            case Aggregation.SUM:
                result.append(Statistic(sum=total(component.value(node) for node in online)))
            case Aggregation.OFFLINE_SUM:
                result.append(Statistic(sum=total(component.value(node) for node in offline)))
            case Aggregation.COLLISIONS:
                pairs: dict[tuple[str, str], int] = {}
                for node in online:
                    for pair, count in node.location_pairs.items():
                        pairs[pair] = pairs.get(pair, 0) + count
                result.append(Statistic(pairs=pairs))
    return tuple(result)


def _replaced_pairs(statistic: Statistic, old: NodeState, new: NodeState) -> Statistic:
    """Replace a node in the pairs; one whose count becomes 0 stays and adds −1, as in Ganeti."""
    pairs = dict(statistic.pairs)
    for pair, count in old.location_pairs.items():
        pairs[pair] = pairs[pair] - count if pair in pairs else count
    for pair, count in new.location_pairs.items():
        pairs[pair] = pairs.get(pair, 0) + count
    return Statistic(pairs=pairs)


def _replaced_value(statistic: Statistic, old: float, new: float) -> Statistic:
    difference = new - old
    squares = new * new - old * old
    count, summed = statistic.count, statistic.sum
    change = (count * squares - 2 * summed * difference) - difference * difference
    variance = statistic.variance + change / (count * count)
    return Statistic(count, summed + difference, max(0.0, variance))


def replaced(statistics_: tuple[Statistic, ...], old: NodeState, new: NodeState) -> tuple[Statistic, ...]:
    """Return the statistics with one node in another state; an offline node counts in the offline components only.

    Where no node is online there are none, before and after.
    """
    result = []
    for component, statistic in zip(COMPONENTS, statistics_, strict=bool(statistics_)):
        if (component.aggregation is Aggregation.OFFLINE_SUM) != old.node.offline:
            result.append(statistic)
            continue
        match component.aggregation:
            case Aggregation.DEVIATION:
                result.append(_replaced_value(statistic, component.value(old), component.value(new)))
            case Aggregation.COLLISIONS:
                result.append(_replaced_pairs(statistic, old, new))
            case _:
                change = component.value(new) - component.value(old)
                result.append(Statistic(sum=statistic.sum + change))
    return tuple(result)


def score_of(statistics_: tuple[Statistic, ...]) -> float:
    """Return the weighted sum of the components' values."""
    values = []
    for component, statistic in zip(COMPONENTS, statistics_, strict=False):
        match component.aggregation:
            case Aggregation.DEVIATION:
                value = sqrt(statistic.variance)
            case Aggregation.COLLISIONS:
                value = float(sum(statistic.pairs.values()) - len(statistic.pairs))
            case _:
                value = statistic.sum
        values.append(component.weight * value)
    return total(values)
