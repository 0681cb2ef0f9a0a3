"""The accounts of a cluster as it was read: what the backend reported, before anything moved.

Source: man htools(1); Ganeti's behaviour, observed through scores and `--print-nodes`.
"""

from dataclasses import replace

from spec.allocator import tags
from spec.allocator.admission import fails_n1_as_read
from spec.allocator.arithmetic import whole
from spec.allocator.cluster import Cluster
from spec.allocator.decisions import Settings
from spec.allocator.ledgers import (
    counted,
    location_pairs,
    peer_need,
    peer_set,
    primary_ledger,
    secondary_ledger,
    wishes_unmet,
)
from spec.allocator.state import Ledger, NodeState, Placed, State


def _placed(cluster: Cluster, index: int, settings: Settings) -> Placed:
    instance = cluster.instances[index]
    primary = cluster.nodes[instance.primary]
    secondary = primary if instance.secondary is None else cluster.nodes[instance.secondary]
    prefixes = settings.exclusion_prefixes + tags.exclusion_prefixes(cluster.tags)
    wishes = tags.desired_location_prefixes(cluster.tags)
    shared = tags.location_tags(cluster.tags, primary.tags) & tags.location_tags(cluster.tags, secondary.tags)
    return Placed(
        index=index,
        instance=instance,
        exclusion_tags=tags.with_prefixes(instance.tags, prefixes),
        desired_locations=frozenset(tags.with_prefixes(instance.tags, wishes)),
        location_score=0 if instance.secondary is None else len(shared),
        movable=instance.movable and index not in settings.fixed and primary.group == secondary.group,
    )


def _empty(cluster: Cluster, index: int, settings: Settings) -> NodeState:
    node = cluster.nodes[index]
    policy = cluster.groups[node.group].policy
    if settings.vcpu_ratio is not None:
        policy = replace(policy, vcpu_ratio=settings.vcpu_ratio)
    ledger = Ledger((), (), node.free_disk, node.node_cpus, node.free_spindles)
    return NodeState(
        index=index,
        node=node,
        policy=policy,
        low_disk=whole(settings.disk_reserve * node.total_disk),
        real=ledger,
        planned=ledger,
        planned_free_memory=node.free_memory,
        migration_tags=tags.migration_tags(cluster.tags, node.tags),
        accepted_migration_tags=tags.accepted_migration_tags(cluster.tags, node.tags),
        location_tags=tags.location_tags(cluster.tags, node.tags),
    )


def _again(empty: NodeState, earlier: NodeState) -> NodeState:
    """Prepare a node that is read for the second time: it has the accounts of the first reading."""
    return replace(
        empty,
        real=earlier.real,
        planned=earlier.planned,
        planned_free_memory=earlier.planned_free_memory,
        instance_memory=earlier.instance_memory,
        exclusion_tags=earlier.exclusion_tags,
        location_pairs=earlier.location_pairs,
        location_score=earlier.location_score,
    )


def _found_primary(state: NodeState, placed: Placed) -> NodeState:
    """Account for an instance that ran on the node when the cluster was read: reported sizes include it."""
    instance = placed.instance
    planned = primary_ledger(state, state.planned, placed, 1)
    if not instance.forthcoming:
        planned = replace(planned, free_disk=state.planned.free_disk, free_spindles=state.planned.free_spindles)
    changed = replace(
        state,
        planned=planned,
        planned_free_memory=state.planned_free_memory - (0 if instance.uses_memory else instance.memory),
        exclusion_tags=counted(state.exclusion_tags, placed.exclusion_tags, 1),
    )
    if instance.forthcoming:
        return changed
    real = primary_ledger(state, state.real, placed, 1)
    return replace(
        changed,
        real=replace(real, free_disk=state.real.free_disk, free_spindles=state.real.free_spindles),
        instance_memory=state.instance_memory + (instance.memory if instance.uses_memory else 0),
        location_score=state.location_score + placed.location_score + wishes_unmet(state, placed),
        location_pairs=counted(state.location_pairs, location_pairs(state, placed), 1),
    )


def _found_secondary(state: NodeState, placed: Placed) -> NodeState:
    """Account for an instance that the node was secondary of when the cluster was read."""
    instance = placed.instance
    planned = secondary_ledger(state, state.planned, placed, 1)
    if not instance.forthcoming:
        planned = replace(planned, free_disk=state.planned.free_disk, free_spindles=state.planned.free_spindles)
        real = secondary_ledger(state, state.real, placed, 1)
        real = replace(real, free_disk=state.real.free_disk, free_spindles=state.real.free_spindles)
        return replace(state, planned=planned, real=real)
    if not instance.uses_local_storage:
        planned = replace(planned, free_disk=state.planned.free_disk)
    return replace(state, planned=planned)


def initial_state(
    cluster: Cluster,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    *,
    earlier: State | None = None,
) -> State:
    """Return the accounts of a cluster as it was read.

    A node fails N+1 here when its *reported* free memory is less than its reserve; every later change judges by the
    unallocated memory instead, and counts equality as failure.

    The programs that read the cluster from an iallocator request (`-I`) put the instances on the nodes twice: once as
    the request describes them, and again with what the command line adds. So every instance counts twice on its nodes,
    and a move removes it once. hail reads its requests once.

    An instance whose two nodes are the same counts there as a secondary only. (Only templates without a mirror can be
    read so.)

    Args:
        cluster: what the backend reported, with the utilisation and offline nodes of the command line put in.
        settings: what else the command line says.
        earlier: the state of a first reading; accounts are added to those of its nodes; peers, missing memory and the
            N+1 verdict are computed from the sum.
    """
    instances = {index: _placed(cluster, index, settings) for index in range(len(cluster.instances))}
    nodes = {index: _empty(cluster, index, settings) for index in range(len(cluster.nodes))}
    if earlier is not None:
        nodes = {index: _again(state, earlier.nodes[index]) for index, state in nodes.items()}
    for placed in instances.values():
        instance = placed.instance
        if instance.secondary != instance.primary:
            nodes[instance.primary] = _found_primary(nodes[instance.primary], placed)
        if instance.secondary is not None:
            nodes[instance.secondary] = _found_secondary(nodes[instance.secondary], placed)
    for index, state in nodes.items():
        peers: tuple[tuple[int, int], ...] = ()
        for other in reversed(state.real.secondaries):
            instance = instances[other].instance
            needed = instance.memory if instance.uses_secondary_memory else 0
            peers = peer_set(peers, instance.primary, peer_need(peers, instance.primary) + needed)
        reserved = peers[0][1] if peers else 0
        nodes[index] = replace(
            state,
            peers=peers,
            n1_failed=fails_n1_as_read(state.node.free_memory, reserved),
            missing_memory=state.recorded_free_memory - state.node.free_memory,
        )
    return State(nodes, instances)
