"""Global N+1 redundancy on the working model: whether any one node can fail.

The definition is `spec.allocator.redundancy`. Fast: fail-overs of mirrored instances are not tried, since soft limits
do not apply and only memory is used (`failover_needs`); for the other instances, one node with room for all of them
suffices. Only if neither decides, the instances are moved one by one, as in the definition.
"""

from collections.abc import Iterable, Sequence

from htools.model.cluster import Model, NodeModel
from htools.model.instance import InstanceModel
from htools.model.moves import Moved, attempt
from htools.model.score import score
from htools.placement.one_by_one import on_one
from htools.placement.outcomes import Allocation, chosen, with_allocation
from spec.allocator.cluster import DiskTemplate, Group
from spec.allocator.decisions import FailMode, Move, MoveKind
from spec.allocator.policy import policy_failure
from spec.allocator.requests import Limits

SHARED = frozenset(
    {DiskTemplate.DISKLESS, DiskTemplate.SHARED_FILE, DiskTemplate.RBD, DiskTemplate.EXT, DiskTemplate.GLUSTER}
)
"""Templates whose instances any node of the group can take over."""


def failover_needs(model: Model, node: NodeModel, mirrored: Iterable[InstanceModel]) -> dict[int, int] | None:
    """Sum the MiB that a node's mirrored instances take on each secondary; None where one cannot fail over.

    Memory is not compared here. A fail-over keeps the disks and spindles of the secondary, so only a secondary that has
    none left refuses.
    """
    needs: dict[int, int] = {}
    for vm in mirrored:
        other = model.nodes.get(vm.secondary)
        if other is None or other.refused_tags(node):
            return None
        if other.free_disk <= 0 or (node.free_disk <= 0 and not node.offline):
            return None
        for one in (node, other):
            if one.exclusive and (vm.spindles is None or one.free_spindles < 0):
                return None
        needs[other.index] = needs.get(other.index, 0) + vm.used_memory
    return needs


def _room_for_all(
    node: NodeModel,
    others: Sequence[NodeModel],
    vms: Sequence[InstanceModel],
    groups: Sequence[Group],
    needs: dict[int, int],
) -> bool:
    """Return whether some node could take all instances at once."""
    memory = sum(vm.used_memory for vm in vms)
    disk = sum(vm.disk for vm in vms if vm.local)
    local = any(vm.local for vm in vms)
    shared = any(vm.instance.disk_template in SHARED for vm in vms)
    for other in others:
        if other.exclusive or (shared and other.refused_tags(node)):
            continue
        if other.free_memory - needs.get(other.index, 0) - memory <= 0 or (local and other.free_disk - disk <= 0):
            continue
        policy = groups[other.group].policy
        lonely = (vm.instance for vm in vms if vm.instance.disk_template not in SHARED)
        if all(policy_failure(instance, policy, exclusive=False) is None for instance in lonely):
            return True
    return False


def _taken_over(model: Model, vm: int, group: int, refuge: Sequence[int]) -> Moved | None:
    """Move the instance to the best of some nodes by the group's score; None if none takes it."""
    best: tuple[float, Moved] | None = None
    for target in refuge:
        moved = attempt(model, Move(vm, MoveKind.FAILOVER_TO_ANY, target), ignore_soft=True)
        if isinstance(moved, FailMode):
            continue
        changed = {node.index: node for node in moved.nodes}
        value = score(changed.get(i, node) for i, node in model.nodes.items() if node.group == group)
        if best is None or not best[0] < value:
            best = (value, moved)
    return None if best is None else best[1]


def _recreated(model: Model, groups: Sequence[Group], vm: InstanceModel, refuge: Sequence[int]) -> Model | None:
    """Create an instance again on the best of some nodes by the score; None if none takes it."""
    tried = [on_one(model, groups, vm, target, soft=True) for target in refuge]
    best = chosen([one for one in tried if isinstance(one, Allocation)], {}, lambda _: True).best
    return None if best is None else with_allocation(model, best)


def _moved_one_by_one(model: Model, groups: Sequence[Group], node: NodeModel) -> bool:
    """Decide as the definition does, moving one instance after the other."""
    now = Model(dict(model.nodes), dict(model.instances))
    template = {index: now.instances[index].instance.disk_template for index in node.primaries}
    for index in node.primaries:
        if template[index] is DiskTemplate.DRBD:
            moved = attempt(now, Move(index, MoveKind.FAILOVER), ignore_soft=True)
            if isinstance(moved, FailMode):
                return False
            _commit(now, moved, index)
    refuge = [index for index, other in now.nodes.items() if index != node.index and other.group == node.group]
    for index in node.primaries:
        if template[index] in SHARED:
            taken = _taken_over(now, index, node.group, refuge)
            if taken is None:
                return False
            _commit(now, taken, index)
    movable = SHARED | {DiskTemplate.DRBD}
    lonely = [now.instances[index] for index in node.primaries if template[index] not in movable]
    for vm in sorted(lonely, key=lambda vm: -vm.memory):
        recreated = _recreated(now, groups, vm, refuge)
        if recreated is None:
            return False
        now = recreated
    return True


def _commit(model: Model, moved: Moved, index: int) -> None:
    for node in moved.nodes:
        model.nodes[node.index] = node
    model.instances[index] = moved.vm


def evacuable(model: Model, groups: Sequence[Group], node: NodeModel) -> bool:
    """Return whether all instances that a node runs could run elsewhere."""
    vms = [model.instances[index] for index in node.primaries]
    if any(vm.primary != node.index for vm in vms) or len(set(node.primaries)) < len(vms):
        return _moved_one_by_one(model, groups, node)
    mirrored = [vm for vm in vms if vm.mirrored]
    needs = failover_needs(model, node, mirrored)
    if needs is None or any(model.nodes[index].free_memory <= memory for index, memory in needs.items()):
        return False
    others = [vm for vm in vms if not vm.mirrored]
    if not others:
        return True
    refuge = [other for other in model.nodes.values() if other.group == node.group and other is not node]
    return _room_for_all(node, refuge, others, groups, needs) or _moved_one_by_one(model, groups, node)


def counted(node: NodeModel, limits: Limits) -> bool:
    """Return whether a node's failure is considered under these limits."""
    return node.group not in limits.ignored_groups and not (limits.accept_existing and node.offline)


def redundant(model: Model, groups: Sequence[Group], limits: Limits) -> bool:
    """Return whether every node whose failure is considered is evacuable."""
    return all(evacuable(model, groups, node) for node in model.nodes.values() if counted(node, limits))


def group_redundant(model: Model, groups: Sequence[Group], group: int, limits: Limits) -> bool:
    """Return the same for one group's nodes, with all instances of the cluster in the model."""
    nodes = {index: node for index, node in model.nodes.items() if node.group == group}
    return redundant(Model(nodes, model.instances), groups, limits)
