"""The components of the score: their order, names, weights, and how the nodes' values become one number.

`spec.allocator.score` defines a node's value for each.

Source: man hbal(1), section on the cluster score; Ganeti's hbal with `-vvv`, digit for digit.
"""

from enum import Enum, IntEnum
from typing import NamedTuple


class Aggregation(Enum):
    """How the values of the nodes become one number."""

    DEVIATION = "standard deviation over online nodes"
    SUM = "sum over online nodes"
    OFFLINE_SUM = "sum over offline nodes"
    COLLISIONS = "pairs of place and exclusion tag beyond the first of each kind, over online nodes"


class Part(IntEnum):
    """The components' positions in the score."""

    FREE_MEMORY = 0
    FREE_DISK = 1
    N1_INSTANCES = 2
    RESERVED_MEMORY = 3
    OFFLINE_INSTANCES = 4
    OFFLINE_PRIMARIES = 5
    CORES = 6
    CPU_LOAD = 7
    MEMORY_LOAD = 8
    DISK_LOAD = 9
    NETWORK_LOAD = 10
    TAG_CONFLICTS = 11
    SPINDLES = 12
    PLANNED_MEMORY = 13
    PLANNED_DISK = 14
    PLANNED_CORES = 15
    PLANNED_SPINDLES = 16
    PLACES = 17
    PLACE_CONFLICTS = 18
    RESERVED_TOTAL = 19


class Weighted(NamedTuple):
    """One component: its name as printed, its weight, and how it is aggregated."""

    name: str
    weight: float
    aggregation: Aggregation


_BY_PART = {
    Part.FREE_MEMORY: Weighted("free_mem_cv", 0.5, Aggregation.DEVIATION),
    Part.FREE_DISK: Weighted("free_disk_cv", 0.5, Aggregation.DEVIATION),
    Part.N1_INSTANCES: Weighted("n1_cnt", 1.0, Aggregation.SUM),
    Part.RESERVED_MEMORY: Weighted("reserved_mem_cv", 1.0, Aggregation.DEVIATION),
    Part.OFFLINE_INSTANCES: Weighted("offline_all_cnt", 4.0, Aggregation.OFFLINE_SUM),
    Part.OFFLINE_PRIMARIES: Weighted("offline_pri_cnt", 16.0, Aggregation.OFFLINE_SUM),
    Part.CORES: Weighted("vcpu_ratio_cv", 0.5, Aggregation.DEVIATION),
    Part.CPU_LOAD: Weighted("cpu_load_cv", 1.0, Aggregation.DEVIATION),
    Part.MEMORY_LOAD: Weighted("mem_load_cv", 1.0, Aggregation.DEVIATION),
    Part.DISK_LOAD: Weighted("disk_load_cv", 1.0, Aggregation.DEVIATION),
    Part.NETWORK_LOAD: Weighted("net_load_cv", 1.0, Aggregation.DEVIATION),
    Part.TAG_CONFLICTS: Weighted("pri_tags_score", 2.0, Aggregation.SUM),
    Part.SPINDLES: Weighted("spindles_cv", 0.5, Aggregation.DEVIATION),
    Part.PLANNED_MEMORY: Weighted("free_mem_cv_forth", 0.5, Aggregation.DEVIATION),
    Part.PLANNED_DISK: Weighted("free_disk_cv_forth", 0.5, Aggregation.DEVIATION),
    Part.PLANNED_CORES: Weighted("vcpu_ratio_cv_forth", 0.5, Aggregation.DEVIATION),
    Part.PLANNED_SPINDLES: Weighted("spindles_cv_forth", 0.5, Aggregation.DEVIATION),
    Part.PLACES: Weighted("location_score", 1.0, Aggregation.SUM),
    Part.PLACE_CONFLICTS: Weighted("location_exclusion_score", 1.0, Aggregation.COLLISIONS),
    Part.RESERVED_TOTAL: Weighted("reserved_mem_rtotal", 0.25, Aggregation.SUM),
}

COMPONENTS: tuple[Weighted, ...] = tuple(_BY_PART[part] for part in Part)
"""The components in their order; `COMPONENTS[part]` is the one of a part."""

POSITIONS: dict[Aggregation, tuple[int, ...]] = {
    aggregation: tuple(int(part) for part in Part if COMPONENTS[part].aggregation is aggregation)
    for aggregation in Aggregation
}
"""The positions of the components that are aggregated in each way."""

EVACUATED = COMPONENTS[Part.OFFLINE_INSTANCES].weight + COMPONENTS[Part.OFFLINE_PRIMARIES].weight
"""The decrease of the score when an offline node loses an instance that it runs."""
