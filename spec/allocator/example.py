"""A small cluster for the examples in the docstrings of this package."""

from spec.allocator.cluster import Cluster, Disk, DiskTemplate, Group, Instance, InstanceStatus, Node
from spec.allocator.initial import initial_state
from spec.allocator.state import State

GROUPS = (Group("office", "uuid-office"),)


def instance(primary: int = 0, secondary: int | None = None, memory: int = 1000) -> Instance:
    """Return a running instance of `memory` MiB, one disk of 1024 MiB, one core.

    Args:
        primary: position of its node.
        secondary: position of its second node (DRBD); None for storage that every node reaches (RBD).
        memory: MiB.
    """
    template = DiskTemplate.RBD if secondary is None else DiskTemplate.DRBD
    running = InstanceStatus.RUNNING
    return Instance("vm", memory, 1024, 1, running, True, primary, secondary, template, (Disk(1024),))


def cluster(*instances: Instance, nodes: int = 3) -> Cluster:
    """Return equal nodes of 8000 MiB of memory, 100 GiB of disk and 8 cores; the first is the master."""
    names = tuple(f"node{index}" for index in range(nodes))
    used = [sum(i.memory for i in instances if i.primary == index) for index in range(nodes)]
    machines = tuple(
        Node(name, 0, 8000.0, 0, 8000 - used[index], 102400.0, 102400, 8.0, master=index == 0)
        for index, name in enumerate(names)
    )
    return Cluster(GROUPS, machines, instances)


def state(*instances: Instance, nodes: int = 3) -> State:
    """Return the accounts of such a cluster."""
    return initial_state(cluster(*instances, nodes=nodes))
