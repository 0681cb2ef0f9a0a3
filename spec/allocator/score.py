"""The score of a cluster: twenty components, weighted and summed; the lower the better.

The floating-point order is part of the definition, because rounding decides ties: nodes in index order, the mean
before the centred squares, components in the order of `COMPONENTS`, each weight times its value added from left to
right, starting from zero.

Source: man hbal(1), section on the cluster score; the real hbal's `-vvv` output, digit for digit.

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
from enum import Enum
from math import sqrt

from spec.allocator.arithmetic import ratio
from spec.allocator.state import NodeState, State


class Aggregation(Enum):
    """How the values of the nodes become one number."""

    DEVIATION = "standard deviation over online nodes"
    SUM = "sum over online nodes"
    OFFLINE_SUM = "sum over offline nodes"
    COLLISIONS = "pairs of place and exclusion tag beyond the first of each kind, over online nodes"


@dataclass(frozen=True, slots=True)
class Component:
    """One component: its name as printed, its weight, how it is aggregated, and a node's value."""

    name: str
    weight: float
    aggregation: Aggregation
    value: Callable[[NodeState], float]


RESERVED_WEIGHT = 0.25
"""Weight of the last component; also what the best possible score consists of."""


def _instances(node: NodeState) -> float:
    return float(len(node.real.primaries) + len(node.real.secondaries))


def _nothing(_: NodeState) -> float:
    return 0.0


COMPONENTS: tuple[Component, ...] = (
    Component("free_mem_cv", 0.5, Aggregation.DEVIATION, lambda n: n.free_memory_fraction),
    Component("free_disk_cv", 0.5, Aggregation.DEVIATION, lambda n: n.free_disk_fraction(n.real)),
    Component("n1_cnt", 1.0, Aggregation.SUM, lambda n: _instances(n) if n.n1_failed else 0.0),
    Component("reserved_mem_cv", 1.0, Aggregation.DEVIATION, lambda n: n.reserved_memory_fraction),
    Component("offline_all_cnt", 4.0, Aggregation.OFFLINE_SUM, _instances),
    Component("offline_pri_cnt", 16.0, Aggregation.OFFLINE_SUM, lambda n: float(len(n.real.primaries))),
    Component("vcpu_ratio_cv", 0.5, Aggregation.DEVIATION, lambda n: ratio(n.cpu_ratio(n.real), n.node.cpu_speed)),
    Component("cpu_load_cv", 1.0, Aggregation.DEVIATION, lambda n: n.real.load.cpu),
    Component("mem_load_cv", 1.0, Aggregation.DEVIATION, lambda n: n.real.load.memory),
    Component("disk_load_cv", 1.0, Aggregation.DEVIATION, lambda n: n.real.load.disk),
    Component("net_load_cv", 1.0, Aggregation.DEVIATION, lambda n: n.real.load.network),
    Component("pri_tags_score", 2.0, Aggregation.SUM, lambda n: float(sum(c - 1 for c in n.exclusion_tags.values()))),
    Component("spindles_cv", 0.5, Aggregation.DEVIATION, lambda n: ratio(n.real.spindle_use, n.high_spindles)),
    Component("free_mem_cv_forth", 0.5, Aggregation.DEVIATION, lambda n: n.planned_free_memory_fraction),
    Component("free_disk_cv_forth", 0.5, Aggregation.DEVIATION, lambda n: n.free_disk_fraction(n.planned)),
    Component(
        "vcpu_ratio_cv_forth", 0.5, Aggregation.DEVIATION, lambda n: ratio(n.cpu_ratio(n.planned), n.node.cpu_speed)
    ),
    Component("spindles_cv_forth", 0.5, Aggregation.DEVIATION, lambda n: ratio(n.planned.spindle_use, n.high_spindles)),
    Component("location_score", 1.0, Aggregation.SUM, lambda n: float(n.location_score)),
    Component("location_exclusion_score", 1.0, Aggregation.COLLISIONS, _nothing),
    Component("reserved_mem_rtotal", RESERVED_WEIGHT, Aggregation.SUM, lambda n: n.reserved_memory_fraction),
)
"""The components in their order. A node's capacity for load is one average instance's, so loads stand as they are."""


def total(values: Iterable[float]) -> float:
    """The sum from left to right, starting from zero."""
    result = 0.0
    for value in values:
        result += value
    return result


def deviation(values: Sequence[float]) -> float:
    """The standard deviation of the population: mean first, then the centred squares, in order."""
    count = float(len(values))
    mean = total(values) / count
    return sqrt(total((value - mean) * (value - mean) for value in values) / count)


def collisions(nodes: Iterable[NodeState]) -> float:
    """Primaries that share a place and an exclusion tag with another one, counted beyond the first of each pair."""
    counts: dict[tuple[str, str], int] = {}
    for node in nodes:
        for pair, count in node.location_pairs.items():
            counts[pair] = counts.get(pair, 0) + count
    return float(sum(count - 1 for count in counts.values()))


def component_values(nodes: Iterable[NodeState]) -> tuple[float, ...]:
    """The value of every component, in their order; none at all where no node is online."""
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
    """The weighted sum of the components."""
    values = component_values(state.nodes.values())
    return total(component.weight * value for component, value in zip(COMPONENTS, values, strict=False))


def optimum(state: State) -> float:
    """The least that reserved memory can contribute: what fail-over needs, spread over all nodes but the largest."""
    memories = [node.node.total_memory for node in state.nodes.values()]
    if len(memories) <= 1:
        return 0.0
    memory = total(memories)
    without_largest = memory - max(memories)
    if not without_largest > 0:
        return 0.0
    needed = float(sum(need for node in state.nodes.values() for _, need in node.peers))
    return RESERVED_WEIGHT * (needed / without_largest - needed / memory)
