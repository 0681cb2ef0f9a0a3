"""The exact score of the working model, component by component, in Ganeti's order of floating-point operations.

The definition is `spec.allocator.score`; this is its fast twin, for initial and final scores and for the choice between
candidates whose scores in `htools.balance.vector_search` are within its error bound.

>>> from htools.model.cluster import Model
>>> from spec.allocator.decisions import Settings
>>> from spec.allocator.example import cluster, instance
>>> uneven = Model.of(cluster(instance(0, 1), instance(0, 1)), Settings()).nodes.values()
>>> even = Model.of(cluster(instance(0, 1), instance(1, 2), instance(2, 0)), Settings()).nodes.values()
>>> score(uneven) > score(even)
True
>>> [(part.name, round(value, 3)) for part, value in zip(Part, component_values(uneven)) if value][:2]
[('FREE_MEMORY', 0.118), ('RESERVED_MEMORY', 0.118)]
>>> round(optimum(even), 3), score(even) >= optimum(even)  # what fail-over memory costs at least
(0.016, True)
"""

from collections.abc import Iterable, Sequence
from math import isnan, sqrt

from htools.model.cluster import NodeModel
from spec.allocator.arithmetic import ratio
from spec.allocator.components import COMPONENTS, POSITIONS, Aggregation, Part

_DEVIATIONS = POSITIONS[Aggregation.DEVIATION]
_SUMS = POSITIONS[Aggregation.SUM]
_OFFLINE_SUMS = POSITIONS[Aggregation.OFFLINE_SUM]
_COLLISIONS = POSITIONS[Aggregation.COLLISIONS]
_WEIGHTS = tuple(component.weight for component in COMPONENTS)


def node_values(node: NodeModel) -> tuple[float, ...]:
    """Return one node's value for every component, in their order (0 for the collisions, see `collisions`)."""
    memory = node.total_memory
    reserved = ratio(node.reserved, memory)
    count = float(len(node.primaries) + len(node.secondaries))
    if node.exclusive:
        total = float(node.total_spindles)
        disk = node.free_spindles / total if total else 1.0
        planned_disk = node.planned_free_spindles / total if total else 1.0
    else:
        total = node.total_disk
        disk = node.free_disk / total if total else 1.0
        planned_disk = node.planned_free_disk / total if total else 1.0
    load = node.load
    return (
        ratio(node.free_memory, memory),
        disk,
        count if node.n1_failed else 0.0,
        reserved,
        count,
        float(len(node.primaries)),
        ratio(ratio(node.used_cpus, node.total_cpus), node.cpu_speed),
        load[0],
        load[1],
        load[2],
        load[3],
        float(sum(node.tag_counts.values()) - len(node.tag_counts)),
        ratio(node.spindle_use, node.high_spindles),
        ratio(node.planned_free_memory, memory),
        planned_disk,
        ratio(ratio(node.planned_used_cpus, node.total_cpus), node.cpu_speed),
        ratio(node.planned_spindle_use, node.high_spindles),
        float(node.location_score),
        0.0,
        reserved,
    )


def _deviation(values: Sequence[float]) -> float:
    count = float(len(values))
    total = 0.0
    for value in values:
        total += value
    mean = total / count
    squares = 0.0
    for value in values:
        centred = value - mean
        squares += centred * centred
    return sqrt(squares / count)


def collisions(nodes: Iterable[NodeModel]) -> float:
    """Count the primaries beyond the first of each pair of place and exclusion tag."""
    counts: dict[tuple[str, str], int] = {}
    for node in nodes:
        for pair, count in node.pair_counts.items():
            counts[pair] = counts.get(pair, 0) + count
    return float(sum(counts.values()) - len(counts))


def component_values(nodes: Iterable[NodeModel]) -> list[float]:
    """Return the value of every component; an empty list where no node is online."""
    nodes = list(nodes)
    online = [node for node in nodes if not node.offline]
    if not online:
        return []
    columns = list(zip(*(node_values(node) for node in online), strict=True))
    offline = [node_values(node) for node in nodes if node.offline]
    values = [0.0] * len(COMPONENTS)
    for position in _DEVIATIONS:
        values[position] = _deviation(columns[position])
    for position in _SUMS:
        for value in columns[position]:
            values[position] += value
    for position in _OFFLINE_SUMS:
        for row in offline:
            values[position] += row[position]
    for position in _COLLISIONS:
        values[position] = collisions(online)
    return values


def weighted(values: Iterable[float]) -> float:
    """Return the weighted sum of component values: the score."""
    result = 0.0
    for weight, value in zip(_WEIGHTS, values, strict=False):
        result += weight * value
    return result


def score(nodes: Iterable[NodeModel]) -> float:
    """Return the cluster's score."""
    return weighted(component_values(nodes))


def optimum(nodes: Iterable[NodeModel]) -> float:
    """Return the least that the memory reserved for fail-over can contribute to the score."""
    nodes = list(nodes)
    memory = 0.0
    for node in nodes:
        memory += node.total_memory
    if len(nodes) <= 1:
        return 0.0
    without_largest = memory - max(node.total_memory for node in nodes)
    if isnan(without_largest) or without_largest <= 0:
        return 0.0
    needed = float(sum(need for node in nodes for _, need in node.peers))
    return COMPONENTS[Part.RESERVED_TOTAL].weight * (needed / without_largest - needed / memory)
