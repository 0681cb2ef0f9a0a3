"""Small clusters whose figures can be worked out by hand."""

from dataclasses import replace
from typing import Any

from spec.allocator.cluster import Cluster, Disk, DiskTemplate, Group, Instance, InstanceStatus, Node
from spec.allocator.decisions import Settings
from spec.allocator.initial import initial_state
from spec.allocator.state import Placed, State

DRBD, PLAIN, RBD = DiskTemplate.DRBD, DiskTemplate.PLAIN, DiskTemplate.RBD


def node(**changes: Any) -> Node:
    """A node of 1000 MiB of memory, 10000 MiB of disk and 8 cores, that itself uses nothing."""
    return replace(Node("", 0, 1000.0, 0, 1000, 10000.0, 10000, 8.0, node_cpus=0), **changes)


def instance(primary: int = 0, secondary: int | None = 1, **changes: Any) -> Instance:
    """A running instance: 100 MiB of memory, one disk of 1000 MiB, one core; mirrored, if it has a secondary."""
    template = PLAIN if secondary is None else DRBD
    running = InstanceStatus.RUNNING
    made = replace(Instance("new", 100, 1000, 1, running, True, primary, secondary, template), **changes)
    return made if "disks" in changes else replace(made, disks=(Disk(made.disk),))


def cluster(nodes: list[Node], instances: list[Instance], tags: tuple[str, ...] = (), groups: int = 1) -> Cluster:
    """Nodes n0, n1, ... and instances i0, i1, ...; each node reports what its instances leave free."""
    named = tuple(replace(one, name=f"i{index}") for index, one in enumerate(instances))
    reporting = []
    for index, it in enumerate(nodes):
        memory = sum(i.memory for i in named if i.primary == index and i.uses_memory)
        disk = sum(i.disk for i in named if index in i.nodes and i.uses_local_storage and not i.forthcoming)
        free = it.free_memory - memory
        reporting.append(replace(it, name=f"n{index}", free_memory=free, free_disk=it.free_disk - disk))
    return Cluster(tuple(Group(f"g{g}", f"uuid-{g}") for g in range(groups)), tuple(reporting), named, tags)


def state(
    nodes: list[Node],
    instances: list[Instance],
    tags: tuple[str, ...] = (),
    groups: int = 1,
    settings: Settings = Settings(),  # noqa: B008 - frozen
) -> State:
    """The accounts of such a cluster."""
    return initial_state(cluster(nodes, instances, tags, groups), settings)


def placed(index: int = 9, **changes: Any) -> Placed:
    """An instance for a node's accounts, without tags."""
    return Placed(index, instance(**changes))
