"""Moves on the working model: the instance and nodes after one move, or the reason of its refusal.

The definition is `spec.allocator.moves`; this is its fast twin. Nothing in the model changes unless `Moved.commit` is
called.

>>> from spec.allocator.decisions import Settings
>>> from spec.allocator.example import cluster, instance
>>> model = Model.of(cluster(instance(0, 1), instance(1, memory=5000), instance(2, memory=7500)), Settings())
>>> [(move.kind.value, move.target) for move in offered(model, 0, Rules(), online=[0, 1, 2])]
[('f', None), ('r', 2), ('rf', 2), ('frf', 2), ('fr', 2)]
>>> attempt(model, Move(0, MoveKind.REPLACE_AND_FAILOVER, 2))
<FailMode.MEMORY: 'FailMem'>
>>> moved = attempt(model, Move(0, MoveKind.FAILOVER))
>>> moved.vm.primary, moved.vm.secondary, model.nodes[1].free_memory
(1, 0, 3000)
>>> moved.commit(model)
>>> model.instances[0].primary, model.nodes[1].free_memory
(1, 2000)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from htools.model.cluster import NO_NODE, InstanceModel, Model, NodeModel
from spec.allocator.cluster import MirrorType
from spec.allocator.decisions import FailMode, Move, MoveKind, Rules


class Moved:
    """The instance as it would be, and new versions of the nodes that would change."""

    __slots__ = ("nodes", "vm")

    def __init__(self, vm: InstanceModel, nodes: Sequence[NodeModel]) -> None:
        self.vm = vm
        self.nodes = nodes

    def commit(self, model: Model) -> None:
        """Make the move in the model."""
        for node in self.nodes:
            model.nodes[node.index] = node
        model.instances[self.vm.index] = self.vm


def _failover(primary: NodeModel, secondary: NodeModel, vm: InstanceModel, soft: bool) -> Moved | FailMode:
    if secondary.refused_tags(primary):
        return FailMode.MIGRATION
    leaving = primary.offline
    runs, mirrors = secondary.copy(), primary.copy()
    runs.remove_secondary(vm)
    mirrors.remove_primary(vm)
    refusal = runs.add_primary(vm, force=leaving or soft)
    refusal = refusal or mirrors.add_secondary(vm, runs.index, force=leaving or soft, ignore_disks=leaving)
    return refusal or Moved(vm.at(runs.index, mirrors.index), (mirrors, runs))


def _failover_to_any(primary: NodeModel, target: NodeModel, vm: InstanceModel, soft: bool) -> Moved | FailMode:
    if target.refused_tags(primary):
        return FailMode.MIGRATION
    runs, left = target.copy(), primary.copy()
    refusal = runs.add_primary(vm, force=primary.offline or soft)
    left.remove_primary(vm)
    # If source and target are the same node, the version without the instance is kept.
    return refusal or Moved(vm.at(runs.index, vm.secondary), (runs, left))


def _replace_primary(
    primary: NodeModel, secondary: NodeModel, target: NodeModel, vm: InstanceModel, soft: bool
) -> Moved | FailMode:
    if secondary.refused_tags(primary) or target.refused_tags(secondary):
        return FailMode.MIGRATION
    force = primary.offline or soft
    moved = vm.on(target, secondary)
    left, mirrors, runs = primary.copy(), secondary.copy(), target.copy()
    left.remove_primary(vm)
    mirrors.remove_secondary(vm)
    refusal = mirrors.add_primary(moved, force=force)  # the secondary runs it while the primary is replaced
    if refusal is not None:
        return refusal
    mirrors.remove_primary(moved)
    refusal = runs.add_primary(moved, force=force) or mirrors.add_secondary(moved, target.index, force=force)
    return refusal or Moved(moved, (left, mirrors, runs))


def _replace_secondary(
    primary: NodeModel, secondary: NodeModel, target: NodeModel, vm: InstanceModel, soft: bool
) -> Moved | FailMode:
    moved = vm.on(primary, target)
    runs, left, mirrors = primary.copy(), secondary.copy(), target.copy()
    refusal = mirrors.add_secondary(moved, primary.index, force=secondary.offline or soft)
    if refusal is not None:
        return refusal
    runs.remove_primary(vm)
    left.remove_secondary(vm)
    refusal = runs.add_primary(moved, force=True)
    return refusal or Moved(moved, (runs, left, mirrors))


def _replace_and_failover(
    primary: NodeModel, secondary: NodeModel, target: NodeModel, vm: InstanceModel, soft: bool
) -> Moved | FailMode:
    if target.refused_tags(primary):
        return FailMode.MIGRATION
    moved = vm.on(target, primary)
    mirrors, left, runs = primary.copy(), secondary.copy(), target.copy()
    refusal = runs.add_primary(moved, force=soft)
    if refusal is not None:
        return refusal
    mirrors.remove_primary(vm)
    left.remove_secondary(vm)
    refusal = mirrors.add_secondary(moved, target.index, force=secondary.offline or soft)
    return refusal or Moved(moved, (mirrors, left, runs))


def _failover_and_replace(
    primary: NodeModel, secondary: NodeModel, target: NodeModel, vm: InstanceModel, soft: bool
) -> Moved | FailMode:
    if secondary.refused_tags(primary):
        return FailMode.MIGRATION
    force = primary.offline or soft
    moved = vm.on(secondary, target)
    left, runs, mirrors = primary.copy(), secondary.copy(), target.copy()
    left.remove_primary(vm)
    runs.remove_secondary(vm)
    refusal = runs.add_primary(moved, force=force) or mirrors.add_secondary(moved, secondary.index, force=force)
    return refusal or Moved(moved, (left, runs, mirrors))


_WITH_TARGET = {
    MoveKind.REPLACE_SECONDARY: _replace_secondary,
    MoveKind.REPLACE_AND_FAILOVER: _replace_and_failover,
    MoveKind.REPLACE_PRIMARY: _replace_primary,
    MoveKind.FAILOVER_AND_REPLACE: _failover_and_replace,
}


def attempt(model: Model, move: Move, *, ignore_soft: bool = False) -> Moved | FailMode:
    """Try a move; the model stays as it is."""
    vm = model.instances[move.instance]
    primary = model.nodes[vm.primary]
    target = model.nodes.get(NO_NODE if move.target is None else move.target)
    if move.kind is MoveKind.FAILOVER_TO_ANY and target is not None:
        return _failover_to_any(primary, target, vm, ignore_soft)
    secondary = model.nodes.get(vm.secondary)
    if vm.secondary == NO_NODE or secondary is None:
        return FailMode.INTERNAL
    if move.kind is MoveKind.FAILOVER:
        return _failover(primary, secondary, vm, ignore_soft)
    if target is None or move.kind is MoveKind.FAILOVER_TO_ANY:
        return FailMode.INTERNAL
    return _WITH_TARGET[move.kind](primary, secondary, target, vm, ignore_soft)


def kinds(vm: InstanceModel, rules: Rules, *, secondary_valid: bool, primary_offline: bool) -> tuple[MoveKind, ...]:
    """Return the kinds of moves that are tried for each target of an instance, in order."""
    mirror = vm.instance.mirror_type
    if mirror is MirrorType.EXTERNAL and rules.instance_moves:
        return (MoveKind.FAILOVER_TO_ANY,)
    if mirror is not MirrorType.INTERNAL or not rules.disk_moves:
        return ()
    tried = [MoveKind.REPLACE_SECONDARY]
    if rules.instance_moves and (primary_offline or not rules.restricted_migration):
        tried.append(MoveKind.REPLACE_AND_FAILOVER)
        if secondary_valid:
            if not rules.restricted_migration:
                tried.append(MoveKind.REPLACE_PRIMARY)
            tried.append(MoveKind.FAILOVER_AND_REPLACE)
    return tuple(tried)


def movable(model: Model, rules: Rules) -> list[InstanceModel]:
    """Return the instances that balancing may move now, in order."""
    nodes = model.nodes
    return [
        vm
        for vm in model.instances.values()
        if vm.movable
        and vm.instance.auto_balance
        and (
            not rules.evacuation
            or nodes[vm.primary].offline
            or (vm.mirrored and vm.secondary in nodes and nodes[vm.secondary].offline)
        )
    ]


def offered(model: Model, index: int, rules: Rules, online: list[int]) -> Iterator[Move]:
    """Yield the moves tried for one instance, in order."""
    vm = model.instances[index]
    valid = vm.secondary in online and rules.instance_moves
    if vm.instance.mirror_type is MirrorType.INTERNAL and valid:
        yield Move(index, MoveKind.FAILOVER)
    tried = kinds(vm, rules, secondary_valid=valid, primary_offline=model.nodes[vm.primary].offline)
    for target in online:
        if target not in {vm.primary, vm.secondary}:
            for kind in tried:
                yield Move(index, kind, target)


@dataclass(frozen=True, slots=True)
class Planned:
    """One move of a plan.

    Attributes:
        move: what is done.
        before: the instance as it was, `after` as it will be.
        score: the cluster's score after the move; `gain` how much lower that is.
    """

    move: Move
    before: InstanceModel
    after: InstanceModel
    score: float
    gain: float

    @property
    def involved(self) -> frozenset[int]:
        """The nodes that the move touches."""
        nodes = {self.after.primary, self.after.secondary, self.before.primary}
        if self.before.mirrored:
            nodes.add(self.before.secondary)
        return frozenset(node for node in nodes if node >= 0)
