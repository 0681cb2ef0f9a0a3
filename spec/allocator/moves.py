"""Moves of instances: which may be tried, in which order, and what each does to the nodes.

`offered` defines what is tried; `apply` performs one move, or returns which node refuses and why. Nothing is chosen
here (`spec.allocator.balance` chooses).

Source: man hbal(1), sections on the algorithm and on evacuation and restricted migration; hbal's decisions.

>>> from spec.allocator.example import instance, state
>>> before = state(instance(0, 1), nodes=3)  # mirrored: primary 0, secondary 1
>>> [(move.kind.value, move.target) for move in offered(before, 0, Rules())]
[('f', None), ('r', 2), ('rf', 2), ('frf', 2), ('fr', 2)]
>>> after = apply(before, Move(0, MoveKind.REPLACE_AND_FAILOVER, 2))
>>> after.instances[0].instance.nodes
(2, 0)
>>> big = state(instance(0, 1, memory=5000), instance(1, memory=5000))
>>> refusal = apply(big, Move(0, MoveKind.FAILOVER))
>>> refusal.mode.value, refusal.node, refusal.have
('FailMem', 1, -2000)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from spec.allocator.accounts import add_primary, add_secondary, remove_primary, remove_secondary
from spec.allocator.cluster import MirrorType
from spec.allocator.decisions import FailMode, Move, MoveKind, Refusal, Rules
from spec.allocator.state import NodeState, Placed, State


def kinds(mirror: MirrorType, rules: Rules, *, secondary_valid: bool, primary_offline: bool) -> tuple[MoveKind, ...]:
    """Return the kinds of moves that are tried for one target, in their order.

    Args:
        mirror: where the instance's second copy is.
        rules: what the command line allows.
        secondary_valid: the secondary is an online node of the group, and instances may be moved.
        primary_offline: the primary is offline or drained.
    """
    if mirror is MirrorType.NONE:
        return ()
    if mirror is MirrorType.EXTERNAL:
        return (MoveKind.FAILOVER_TO_ANY,) if rules.instance_moves else ()
    if not rules.disk_moves:
        return ()
    if not rules.instance_moves or (rules.restricted_migration and not primary_offline):
        return (MoveKind.REPLACE_SECONDARY,)
    if not secondary_valid:
        return (MoveKind.REPLACE_SECONDARY, MoveKind.REPLACE_AND_FAILOVER)
    if rules.restricted_migration:
        return (MoveKind.REPLACE_SECONDARY, MoveKind.REPLACE_AND_FAILOVER, MoveKind.FAILOVER_AND_REPLACE)
    return (
        MoveKind.REPLACE_SECONDARY,
        MoveKind.REPLACE_AND_FAILOVER,
        MoveKind.REPLACE_PRIMARY,
        MoveKind.FAILOVER_AND_REPLACE,
    )


def movable(state: State, rules: Rules) -> tuple[int, ...]:
    """Return positions of the instances that balancing may move now, in order."""
    offline = {index for index, node in state.nodes.items() if node.node.offline}
    return tuple(
        index
        for index, placed in state.instances.items()
        if placed.movable
        and placed.instance.auto_balance
        and (not rules.evacuation or offline.intersection(placed.instance.nodes))
    )


def targets(state: State) -> tuple[int, ...]:
    """Return positions of the nodes that instances may be moved to, in order."""
    return tuple(index for index, node in state.nodes.items() if not node.node.offline)


def offered(state: State, index: int, rules: Rules, online: Sequence[int] | None = None) -> Iterator[Move]:
    """Yield the moves tried for one instance, in their order, whether or not they turn out to be possible.

    Args:
        state: nodes and instances.
        index: position of the instance.
        rules: what the command line allows.
        online: `targets(state)`, where the caller has it.
    """
    instance = state.instances[index].instance
    online = targets(state) if online is None else online
    secondary_valid = instance.secondary in online and rules.instance_moves
    if instance.mirror_type is MirrorType.INTERNAL and secondary_valid:
        yield Move(index, MoveKind.FAILOVER)
    tried = kinds(
        instance.mirror_type,
        rules,
        secondary_valid=secondary_valid,
        primary_offline=state.nodes[instance.primary].node.offline,
    )
    for target in online:
        if target not in {instance.primary, instance.secondary}:
            for kind in tried:
                yield Move(index, kind, target)


def _refuses_migration(source: NodeState, target: NodeState) -> Refusal | None:
    missing = source.migration_tags - target.accepted_migration_tags
    if not missing:
        return None
    return Refusal(FailMode.MIGRATION, target.index, f"migration tag {min(missing)}", soft=False)


@dataclass(frozen=True, slots=True)
class Moved:
    """The result of a move: the instance as it is now, and the nodes that changed."""

    placed: Placed
    nodes: tuple[NodeState, ...]


def _on(placed: Placed, primary: NodeState, secondary: NodeState) -> Placed:
    """Return the instance on two nodes, its location score that of the places they share."""
    return replace(
        placed,
        instance=replace(placed.instance, primary=primary.index, secondary=secondary.index),
        location_score=len(primary.location_tags & secondary.location_tags),
    )


def _failover(primary: NodeState, secondary: NodeState, placed: Placed, *, ignore_soft: bool) -> Moved | Refusal:
    """Exchange the roles of the two nodes of a mirrored instance."""
    refusal = _refuses_migration(primary, secondary)
    if refusal:
        return refusal
    leaving = primary.node.offline
    forced = leaving or ignore_soft
    runs = add_primary(remove_secondary(secondary, placed), placed, ignore_soft=forced)
    if isinstance(runs, Refusal):
        return runs
    vacated = remove_primary(primary, placed)
    mirrors = add_secondary(vacated, placed, secondary.index, ignore_soft=forced, ignore_disks=leaving)
    if isinstance(mirrors, Refusal):
        return mirrors
    swapped = replace(placed.instance, primary=secondary.index, secondary=primary.index)
    return Moved(replace(placed, instance=swapped), (runs, mirrors))


def _failover_to_any(primary: NodeState, target: NodeState, placed: Placed, *, ignore_soft: bool) -> Moved | Refusal:
    """Move an instance on storage that every node reaches to another node.

    If an instance counts twice, the target may be the node that it is on: that removes one of the two.
    """
    refusal = _refuses_migration(primary, target)
    if refusal:
        return refusal
    runs = add_primary(target, placed, ignore_soft=primary.node.offline or ignore_soft)
    if isinstance(runs, Refusal):
        return runs
    moved = replace(placed, instance=replace(placed.instance, primary=target.index))
    return Moved(moved, (runs, remove_primary(primary, placed)))


def _replace_primary(
    primary: NodeState, secondary: NodeState, target: NodeState, placed: Placed, *, ignore_soft: bool
) -> Moved | Refusal:
    """Put the target in the primary's place: fail-over, replacement, fail-over; the secondary runs it in between."""
    refusal = _refuses_migration(primary, secondary) or _refuses_migration(secondary, target)
    if refusal:
        return refusal
    forced = primary.node.offline or ignore_soft
    moved = _on(placed, target, secondary)
    hosting = add_primary(remove_secondary(secondary, placed), moved, ignore_soft=forced)
    if isinstance(hosting, Refusal):
        return hosting
    runs = add_primary(target, moved, ignore_soft=forced)
    if isinstance(runs, Refusal):
        return runs
    mirrors = add_secondary(remove_primary(hosting, moved), moved, target.index, ignore_soft=forced)
    if isinstance(mirrors, Refusal):
        return mirrors
    return Moved(moved, (remove_primary(primary, placed), mirrors, runs))


def _replace_secondary(
    primary: NodeState, secondary: NodeState, target: NodeState, placed: Placed, *, ignore_soft: bool
) -> Moved | Refusal:
    """Put the target in the secondary's place."""
    moved = _on(placed, primary, target)
    forced = secondary.node.offline or ignore_soft
    mirrors = add_secondary(target, moved, primary.index, ignore_soft=forced)
    if isinstance(mirrors, Refusal):
        return mirrors
    # The primary is added again because the places shared with the secondary may differ; hard limits apply.
    runs = add_primary(remove_primary(primary, placed), moved, ignore_soft=True)
    if isinstance(runs, Refusal):
        return runs
    return Moved(moved, (runs, remove_secondary(secondary, placed), mirrors))


def _replace_and_failover(
    primary: NodeState, secondary: NodeState, target: NodeState, placed: Placed, *, ignore_soft: bool
) -> Moved | Refusal:
    """Put the target in the secondary's place, then fail over to it; the old primary mirrors the instance."""
    refusal = _refuses_migration(primary, target)
    if refusal:
        return refusal
    moved = _on(placed, target, primary)
    runs = add_primary(target, moved, ignore_soft=ignore_soft)
    if isinstance(runs, Refusal):
        return runs
    forced = secondary.node.offline or ignore_soft
    mirrors = add_secondary(remove_primary(primary, placed), moved, target.index, ignore_soft=forced)
    if isinstance(mirrors, Refusal):
        return mirrors
    return Moved(moved, (mirrors, remove_secondary(secondary, placed), runs))


def _failover_and_replace(
    primary: NodeState, secondary: NodeState, target: NodeState, placed: Placed, *, ignore_soft: bool
) -> Moved | Refusal:
    """Fail over to the secondary, then put the target in the old primary's place as the mirror."""
    refusal = _refuses_migration(primary, secondary)
    if refusal:
        return refusal
    forced = primary.node.offline or ignore_soft
    moved = _on(placed, secondary, target)
    runs = add_primary(remove_secondary(secondary, placed), moved, ignore_soft=forced)
    if isinstance(runs, Refusal):
        return runs
    mirrors = add_secondary(target, moved, secondary.index, ignore_soft=forced)
    if isinstance(mirrors, Refusal):
        return mirrors
    return Moved(moved, (remove_primary(primary, placed), runs, mirrors))


_WITH_TARGET = {
    MoveKind.REPLACE_SECONDARY: _replace_secondary,
    MoveKind.REPLACE_AND_FAILOVER: _replace_and_failover,
    MoveKind.REPLACE_PRIMARY: _replace_primary,
    MoveKind.FAILOVER_AND_REPLACE: _failover_and_replace,
}


def attempt(state: State, move: Move, *, ignore_soft: bool = False) -> Moved | Refusal:
    """Return the instance and nodes after one move, or the first refusal met.

    Soft errors are ignored when leaving an offline node (by the rules of each kind) and with `ignore_soft`.
    """
    placed = state.instances[move.instance]
    primary = state.nodes[placed.instance.primary]
    if move.kind is MoveKind.FAILOVER_TO_ANY:
        if move.target is None:
            return Refusal(FailMode.INTERNAL, primary.index, "a target", soft=False)
        return _failover_to_any(primary, state.nodes[move.target], placed, ignore_soft=ignore_soft)
    secondary = None if placed.instance.secondary is None else state.nodes.get(placed.instance.secondary)
    if secondary is None:
        return Refusal(FailMode.INTERNAL, primary.index, "a secondary in the same group", soft=False)
    if move.kind is MoveKind.FAILOVER:
        return _failover(primary, secondary, placed, ignore_soft=ignore_soft)
    if move.target is None:
        return Refusal(FailMode.INTERNAL, primary.index, "a target", soft=False)
    return _WITH_TARGET[move.kind](primary, secondary, state.nodes[move.target], placed, ignore_soft=ignore_soft)


def apply(state: State, move: Move, *, ignore_soft: bool = False) -> State | Refusal:
    """Return the state after one move, or the first refusal met."""
    moved = attempt(state, move, ignore_soft=ignore_soft)
    if isinstance(moved, Refusal):
        return moved
    nodes = {**state.nodes, **{node.index: node for node in moved.nodes}}
    return State(nodes, {**state.instances, move.instance: moved.placed})
