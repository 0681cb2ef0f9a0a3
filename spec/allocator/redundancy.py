"""Global N+1 redundancy: whether any one node can fail and its instances run elsewhere.

Mirrored instances fail over to their secondary, those on shared storage go to the best node of the group by the
group's score, and those with disks on one node only are created again on the best node by the cluster's score, largest
memory first. Hard limits apply, soft ones do not. Nodes of the group are possible targets even if offline, as in
Ganeti.

Source: Ganeti's design document on global N+1 redundancy for shared storage and plain instances; Ganeti's answers.
"""

from dataclasses import replace

from spec.allocator.candidates import chosen, on_one, with_allocation
from spec.allocator.cluster import DiskTemplate
from spec.allocator.decisions import Move, MoveKind, Refusal
from spec.allocator.evacuation import EvacuationError, to_best_node
from spec.allocator.moves import apply
from spec.allocator.requests import Limits
from spec.allocator.state import Placed, State

SHARED = frozenset(
    {
        DiskTemplate.DISKLESS,
        DiskTemplate.SHARED_FILE,
        DiskTemplate.RBD,
        DiskTemplate.EXT,
        DiskTemplate.GLUSTER,
    }
)
"""Templates whose instances any node of the group can take over. Block devices are not counted among them."""

_FORCED = Limits(ignore_soft=True)


def _recreated(state: State, placed: Placed, refuge: list[int]) -> State | None:
    """Return the state with an instance created again on the best of some nodes."""
    tried = [on_one(state, placed, target, _FORCED) for target in refuge]
    best = chosen(tried, lambda _: True).best
    return None if best is None else with_allocation(state, best)


def evacuable(state: State, node: int) -> bool:
    """Return whether all instances that a node runs could run elsewhere."""
    positions = state.nodes[node].real.primaries
    template = {position: state.instances[position].instance.disk_template for position in positions}
    for position in positions:
        if template[position] is DiskTemplate.DRBD:
            after = apply(state, Move(position, MoveKind.FAILOVER), ignore_soft=True)
            if isinstance(after, Refusal):
                return False
            state = after
    group = state.nodes[node].node.group
    refuge = [index for index, other in state.nodes.items() if index != node and other.node.group == group]
    for position in positions:
        if template[position] in SHARED:
            try:
                state = to_best_node(state, position, group, refuge, ignore_soft=True).state
            except EvacuationError:
                return False
    # They are looked up first: created again, they get the number of instances as position, which may be that of
    # another instance where only one group's are in the state.
    lonely = [
        state.instances[p] for p in positions if template[p] is not DiskTemplate.DRBD and template[p] not in SHARED
    ]
    for placed in sorted(lonely, key=lambda one: -one.instance.memory):
        recreated = _recreated(state, placed, refuge)
        if recreated is None:
            return False
        state = recreated
    return True


def redundant(state: State, limits: Limits) -> bool:
    """Return whether every node that the limits do not leave out is evacuable."""
    return all(
        evacuable(state, index)
        for index, node in state.nodes.items()
        if node.node.group not in limits.ignored_groups and not (limits.accept_existing and node.node.offline)
    )


def group_redundant(state: State, group: int, limits: Limits) -> bool:
    """Return the same for one group's nodes, with all instances of the cluster in the state."""
    nodes = {index: node for index, node in state.nodes.items() if node.node.group == group}
    return redundant(replace(state, nodes=nodes), limits)
