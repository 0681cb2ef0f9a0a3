"""The score of a cluster: twenty components, weighted and summed; the lower the better.

The floating-point order is part of the definition, because rounding decides ties: nodes in index order, the mean
before the centred squares, components in the order of `COMPONENTS`, each weight times its value added from left to
right, starting from zero.

Source: man hbal(1), section on the cluster score; hbal's `-vvv` output, digit for digit.

>>> from spec.allocator.example import instance, state
>>> score(state())  # no instance: as even as can be
0.0
>>> uneven = state(instance(0), instance(0))
>>> even = state(instance(0), instance(1), instance(2))
>>> score(uneven) > score(even) == 0.0
True
>>> values = component_values(uneven.nodes.values())
>>> [(c.name, round(value, 3)) for c, value in zip(COMPONENTS, values) if value][:2]
[('free_mem_cv', 0.118), ('vcpu_ratio_cv', 0.118)]
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from spec.allocator import components
from spec.allocator.arithmetic import ratio
from spec.allocator.components import Aggregation, Part
from spec.allocator.state import NodeState, State


@dataclass(frozen=True, slots=True)
class Component:
    """One component: its name as printed, its weight, how it is aggregated, and a node's value."""

    name: str
    weight: float
    aggregation: Aggregation
    value: Callable[[NodeState], float]


def _instances(node: NodeState) -> float:
    return float(len(node.real.primaries) + len(node.real.secondaries))


def _nothing(_: NodeState) -> float:
    return 0.0


_VALUES: dict[Part, Callable[[NodeState], float]] = {
    Part.FREE_MEMORY: lambda n: n.free_memory_fraction,
    Part.FREE_DISK: lambda n: n.free_disk_fraction(n.real),
    Part.N1_INSTANCES: lambda n: _instances(n) if n.n1_failed else 0.0,
    Part.RESERVED_MEMORY: lambda n: n.reserved_memory_fraction,
    Part.OFFLINE_INSTANCES: _instances,
    Part.OFFLINE_PRIMARIES: lambda n: float(len(n.real.primaries)),
    Part.CORES: lambda n: ratio(n.cpu_ratio(n.real), n.node.cpu_speed),
    Part.CPU_LOAD: lambda n: n.real.load.cpu,
    Part.MEMORY_LOAD: lambda n: n.real.load.memory,
    Part.DISK_LOAD: lambda n: n.real.load.disk,
    Part.NETWORK_LOAD: lambda n: n.real.load.network,
    Part.TAG_CONFLICTS: lambda n: float(sum(count - 1 for count in n.exclusion_tags.values())),
    Part.SPINDLES: lambda n: ratio(n.real.spindle_use, n.high_spindles),
    Part.PLANNED_MEMORY: lambda n: n.planned_free_memory_fraction,
    Part.PLANNED_DISK: lambda n: n.free_disk_fraction(n.planned),
    Part.PLANNED_CORES: lambda n: ratio(n.cpu_ratio(n.planned), n.node.cpu_speed),
    Part.PLANNED_SPINDLES: lambda n: ratio(n.planned.spindle_use, n.high_spindles),
    Part.PLACES: lambda n: float(n.location_score),
    Part.PLACE_CONFLICTS: _nothing,
    Part.RESERVED_TOTAL: lambda n: n.reserved_memory_fraction,
}

COMPONENTS: tuple[Component, ...] = tuple(Component(*components.COMPONENTS[part], _VALUES[part]) for part in Part)
"""The components in their order. Loads are not divided: a node's capacity for load is one average instance's."""


def total(values: Iterable[float]) -> float:
    """Add from left to right, starting from zero."""
    result = 0.0
    for value in values:
        result += value
    return result


def deviation(values: Sequence[float]) -> float:
    """Return the standard deviation of the population: mean first, then the centred squares, in order."""
    count = float(len(values))
    mean = total(values) / count
    return sqrt(total((value - mean) * (value - mean) for value in values) / count)


def collisions(nodes: Iterable[NodeState]) -> float:
    """Count the primaries beyond the first of each pair of place and exclusion tag."""
    counts: dict[tuple[str, str], int] = {}
    for node in nodes:
        for pair, count in node.location_pairs.items():
            counts[pair] = counts.get(pair, 0) + count
    return float(sum(count - 1 for count in counts.values()))


def component_values(nodes: Iterable[NodeState]) -> tuple[float, ...]:
    """Return the value of every component, in their order; none at all where no node is online."""
    nodes = tuple(nodes)
    online = [node for node in nodes if not node.node.offline]
    offline = [node for node in nodes if node.node.offline]
    if not online:
        return ()
    values: list[float] = []
    for component in COMPONENTS:
        match component.aggregation:
            case Aggregation.DEVIATION:
                values.append(deviation([component.value(node) for node in online]))
            case Aggregation.SUM:
                values.append(total(component.value(node) for node in online))
            case Aggregation.OFFLINE_SUM:
                values.append(total(component.value(node) for node in offline))
            case Aggregation.COLLISIONS:
                values.append(collisions(online))
    return tuple(values)


def score(state: State) -> float:
    """Return the weighted sum of the components."""
    values = component_values(state.nodes.values())
    return total(component.weight * value for component, value in zip(COMPONENTS, values, strict=False))


def optimum(state: State) -> float:
    """Return the least that reserved memory can contribute: fail-over needs spread over all nodes but the largest."""
    memories = [node.node.total_memory for node in state.nodes.values()]
    if len(memories) <= 1:
        return 0.0
    memory = total(memories)
    without_largest = memory - max(memories)
    if not without_largest > 0:
        return 0.0
    needed = float(sum(need for node in state.nodes.values() for _, need in node.peers))
    return COMPONENTS[Part.RESERVED_TOTAL].weight * (needed / without_largest - needed / memory)
