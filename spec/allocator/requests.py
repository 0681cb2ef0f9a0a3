"""The six requests of Ganeti's iallocator protocol, and limits. Values only.

Instances, nodes and groups of the cluster are given by their positions; a new instance has no nodes yet (its primary is
0 and means nothing).

Source: Ganeti's design document on the iallocator protocol (iallocator.rst), and the requests that hail 3.0.2 reads.
"""

from dataclasses import dataclass
from enum import StrEnum

from spec.allocator.cluster import Instance


class EvacuationMode(StrEnum):
    """Which of an instance's nodes node-evacuate changes; the values are the names on the wire."""

    PRIMARY = "primary-only"
    SECONDARY = "secondary-only"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class NewInstance:
    """An instance that does not exist yet, and what its placement must keep to.

    Attributes:
        instance: what it asks for.
        nodes: how many nodes it needs (2 for DRBD).
        group: name or UUID of the only group allowed, None for any.
    """

    instance: Instance
    nodes: int
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Allocate:
    """Place one instance, on some nodes only if `restricted_to` names them."""

    new: NewInstance
    restricted_to: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class MultiAllocate:
    """Place several instances, one after the other."""

    new: tuple[NewInstance, ...]


@dataclass(frozen=True, slots=True)
class AllocateSecondary:
    """Find a secondary node for an instance that has none."""

    instance: int


@dataclass(frozen=True, slots=True)
class Relocate:
    """Find another node instead of the ones in `leave`, of which there must be `nodes` = 1."""

    instance: int
    nodes: int
    leave: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Evacuate:
    """Move instances off their primary, secondary, or both, within their group."""

    instances: tuple[int, ...]
    mode: EvacuationMode


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Move instances to other groups: to one of `groups`, or to any that none of them is in when that is empty."""

    groups: tuple[int, ...]
    instances: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the command line and the request say about placement.

    Attributes:
        ignore_soft: soft limits do not apply.
        capacity: keep the cluster globally N+1 redundant.
        ignored_groups: groups whose redundancy is not checked.
        accept_existing: offline nodes need not be evacuable.
        only_nodes: names of the nodes that may be used, None for all.
    """

    ignore_soft: bool = False
    capacity: bool = True
    ignored_groups: frozenset[int] = frozenset()
    accept_existing: bool = False
    only_nodes: tuple[str, ...] | None = None


Request = Allocate | MultiAllocate | AllocateSecondary | Relocate | Evacuate | ChangeGroup
