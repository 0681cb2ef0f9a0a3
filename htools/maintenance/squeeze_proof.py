"""Prove, without balancing, that balancing leaves every instance on an online node and room on every node.

It covers the common case of hsqueeze: all instances on shared storage, movable, of the same utilisation, without
exclusion tags. Three steps, each for the state in which balancing stops because no move lowers the score:

1. No instance is on an offline node. The online nodes have on average more free memory than the largest instance
   takes, so one of them would take it: soft limits do not refuse what leaves an offline node. The move gains 20, and
   costs less (`_cost`).
2. The numbers of instances on any two online nodes differ by one at most. Else move one from a fullest node to an
   emptiest, whose limits surely allow it. With R their difference, V the sum of the squared distances of the numbers
   from their mean and n nodes, V falls by 2(R − 1), and V ≤ nR²/4, so the load's deviation √(V/n) falls by 1/n of an
   instance's load or more; where that outweighs `_cost`, the move lowers the score.
3. So no node has more than the average, rounded up: it has room for an instance if it has room for it
   beside as many of the largest instances.
"""

from collections.abc import Collection
from math import sqrt

from htools.model.cluster import Model
from htools.model.instance import InstanceModel
from htools.model.node import NodeModel
from htools.model.score import score
from spec.allocator.arithmetic import ratio
from spec.allocator.cluster import MirrorType
from spec.allocator.components import EVACUATED

SLACK = 1e-6
"""Far more than rounding can change in scores up to `LARGEST`."""

LARGEST = 1e6
"""Larger scores might lose differences of `SLACK`."""


def _simple(model: Model) -> bool:
    """Return whether the proof covers the accounts."""
    vms = list(model.instances.values())
    nodes = model.nodes.values()
    if not vms or any(vm.load != vms[0].load or min(vm.load) < 0 for vm in vms):
        return False
    if not all(
        vm.instance.mirror_type is MirrorType.EXTERNAL
        and vm.movable
        and vm.instance.auto_balance
        and not vm.forthcoming
        and not vm.local
        and vm.memory == vm.used_memory >= 0
        and vm.vcpus >= 0
        and not vm.exclusion_tags
        and not vm.desired_locations
        for vm in vms
    ):
        return False
    return all(
        node.reserved == 0
        and not node.exclusive  # there even disks on shared storage occupy spindles of a node
        and not node.secondaries
        and not node.planned_secondaries
        and not node.tag_counts
        and not node.pair_counts
        and not node.location_tags
        and not node.migration_tags
        and node.planned_free_memory == node.free_memory
        and node.planned_used_cpus == node.used_cpus
        and all(
            abs(have - len(node.primaries) * each) < SLACK / 1000
            for have, each in zip(node.load, vms[0].load, strict=True)
        )
        for node in nodes
    )


def _cost(nodes: Collection[NodeModel], memory: int, vcpus: int) -> float:
    """Return the most by which moving an instance between two online nodes raises the deviations of memory and cores.

    A deviation over n nodes changes by at most 1/√n of the length of the change; both count twice (with the planned).
    """
    relative = max(memory / node.total_memory for node in nodes)
    cores = max(vcpus / node.total_cpus / node.cpu_speed for node in nodes)
    return sqrt(2.0 / len(nodes)) * (relative + cores)


def surely_suffices(model: Model, leaving: Collection[int], asked: InstanceModel) -> bool:
    """Return whether balancing with some nodes offline surely leaves all instances online and every node with room.

    Args:
        model: the cluster, with the leaving nodes still online.
        leaving: the nodes that go offline.
        asked: the instance for which every node must have room.

    Returns:
        False where it is not certain.
    """
    if not _simple(model):
        return False
    stay = [node for node in model.nodes.values() if not node.offline and node.index not in leaving]
    if not stay or not all(
        node.total_memory > 0 and node.total_cpus > 0 and node.cpu_speed > 0 and node.free_memory > 0 for node in stay
    ):
        return False
    if not score(stay) < LARGEST:  # nor where it is not a number
        return False
    vms = list(model.instances.values())
    sizes = sorted((vm.used_memory for vm in vms), reverse=True)
    cores = sorted((vm.vcpus for vm in vms), reverse=True)
    room = {
        index: node.free_memory + sum(model.instances[at].used_memory for at in node.primaries)
        for index, node in model.nodes.items()
    }
    cost, load = _cost(stay, sizes[0], cores[0]), sum(vms[0].load)
    if not sum(room[node.index] for node in stay) - sum(sizes) > len(stay) * sizes[0]:
        return False
    if not cost + load + 1.0 < EVACUATED or not load / len(stay) > cost + SLACK:
        return False

    def holds(node: NodeModel, count: int, memory: int, vcpus: int) -> bool:
        """Return whether a node surely holds so many instances and the required one."""
        base = node.used_cpus - sum(model.instances[at].vcpus for at in node.primaries)
        used = ratio(base + sum(cores[:count]) + vcpus, node.total_cpus)
        allowed = node.vcpu_ratio < 0 or used <= node.vcpu_ratio
        return room[node.index] - sum(sizes[:count]) - memory > 0 and allowed

    fewest, most = len(vms) // len(stay), -(-len(vms) // len(stay))
    staying = {node.index for node in stay}
    return all(
        holds(node, fewest + 1, 0, 0) and holds(node, most, asked.used_memory, asked.vcpus)
        if node.index in staying
        else holds(node, 0, asked.used_memory, asked.vcpus)
        for node in model.nodes.values()
    )
