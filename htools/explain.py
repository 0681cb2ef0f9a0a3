"""Why an instance does not move: for each target, the score it would lead to, or the constraint that binds.

The constraints are listed here in the order in which `htools.accounts` checks them; the first that does not hold is
the reason, with figures and names. Nothing is decided here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import wrap

from htools.balancing import offered
from htools.model import NO_NODE, InstanceModel, Model, NodeModel, divide
from htools.moving import Moved, attempt
from htools.numbers import fixed
from htools.scoring import score
from spec.cluster import MirrorType
from spec.decisions import FailMode, Move, MoveKind, Rules


@dataclass(frozen=True, slots=True)
class Constraint:
    """One thing that a node is asked for.

    Attributes:
        mode: the failure it would be.
        text: what it is, with figures.
        holds: whether it is met.
        soft: whether `--ignore-soft-errors` would pass over it.
    """

    mode: FailMode
    text: str
    holds: bool
    soft: bool


def _room(mode: FailMode, what: str, left: float, least: float, unit: str, *, soft: bool) -> Constraint:
    return Constraint(mode, f"{what}: {left:g} {unit} would be left, {least:g} {unit} needed", left >= least, soft)


def _ratio(mode: FailMode, what: str, value: float, most: float) -> Constraint:
    return Constraint(mode, f"{what}: would be {fixed(value, 2)}, {fixed(most, 2)} allowed", value <= most, soft=True)


def _planned(node: NodeModel, vm: InstanceModel, memory: int, *, primary: bool) -> Iterator[Constraint]:
    """What is asked when forthcoming instances are counted."""
    note = " with forthcoming instances"
    if primary:
        yield _room(FailMode.MEMORY, f"free memory{note}", memory - vm.memory, 1, "MiB", soft=True)
    if vm.local:
        left = node.planned_free_disk - vm.disk
        yield _room(FailMode.DISK, f"free disk{note}", left, max(1, node.low_disk), "MiB", soft=True)
        if node.exclusive and vm.spindles is not None:
            spindles = node.planned_free_spindles - vm.spindles
            yield _room(FailMode.SPINDLES, f"free spindles{note}", spindles, 0, "spindles", soft=True)
        use = 0.0 if node.exclusive else node.planned_spindle_use + vm.spindle_use
        yield _ratio(FailMode.DISK, f"spindle use{note}", use, node.high_spindles)
    if primary and node.vcpu_ratio >= 0:
        value = divide(node.planned_used_cpus + vm.vcpus, node.total_cpus)
        yield _ratio(FailMode.CPU, f"virtual cores for each core{note}", value, node.vcpu_ratio)
    if not primary:
        yield _room(FailMode.MEMORY, f"memory for fail-over{note}", memory - vm.failover_memory, 1, "MiB", soft=True)


def as_primary(node: NodeModel, vm: InstanceModel, names: Mapping[int, str]) -> Iterator[Constraint]:
    """What a node is asked for before it runs an instance."""
    if not vm.forthcoming:
        left = node.free_memory - vm.used_memory
        yield _room(FailMode.MEMORY, "free memory", left, 1, "MiB", soft=False)
        if vm.local:
            disk = node.free_disk - vm.disk
            yield _room(FailMode.DISK, "free disk", disk, 1, "MiB", soft=False)
            yield _room(FailMode.DISK, "disk to be kept free", disk, node.low_disk, "MiB", soft=True)
            if node.exclusive and vm.spindles is not None:
                spindles = node.free_spindles - vm.spindles
                yield _room(FailMode.SPINDLES, "free spindles", spindles, 0, "spindles", soft=False)
            use = 0.0 if node.exclusive else node.spindle_use + vm.spindle_use
            yield _ratio(FailMode.DISK, "spindle use", use, node.high_spindles)
        if not node.n1_failed:
            whose = f" (kept for the failure of {names.get(node.peers[0][0], '?')})" if node.peers else ""
            what = f"memory above the N+1 reserve{whose}"
            yield _room(FailMode.MEMORY, what, left, node.reserved + 1, "MiB", soft=True)
        if node.vcpu_ratio >= 0:
            value = divide(node.used_cpus + vm.vcpus, node.total_cpus)
            yield _ratio(FailMode.CPU, "virtual cores for each core", value, node.vcpu_ratio)
        for tag in vm.exclusion_tags:
            yield Constraint(
                FailMode.TAGS, f"exclusion tag {tag} is there already", tag not in node.tag_counts, soft=True
            )
    yield from _planned(node, vm, node.planned_free_memory, primary=True)


def as_secondary(node: NodeModel, vm: InstanceModel, primary: int, names: Mapping[int, str]) -> Iterator[Constraint]:
    """What a node is asked for before it mirrors an instance that runs on `primary`."""
    if not vm.forthcoming:
        disk = node.free_disk - vm.disk
        yield _room(FailMode.DISK, "free disk", disk, 1, "MiB", soft=False)
        yield _room(FailMode.DISK, "disk to be kept free", disk, node.low_disk, "MiB", soft=True)
        if node.exclusive and vm.spindles is not None:
            spindles = node.free_spindles - vm.spindles
            yield _room(FailMode.SPINDLES, "free spindles", spindles, 0, "spindles", soft=False)
        use = 0.0 if node.exclusive else node.spindle_use + vm.spindle_use
        yield _ratio(FailMode.DISK, "spindle use", use, node.high_spindles)
        needed = vm.failover_memory + 1
        yield _room(FailMode.MEMORY, "memory for fail-over", node.free_memory, needed, "MiB", soft=True)
        if not node.n1_failed:
            reserved = max(node.reserved, node.need_of(primary) + vm.failover_memory)
            what = f"memory for the failure of {names.get(primary, '?')} or another peer"
            yield _room(FailMode.MEMORY, what, node.free_memory, reserved + 1, "MiB", soft=True)
    yield from _planned(node, vm, node.planned_free_memory, primary=False)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why one candidate is refused: the node, its part, the constraint, whether it is soft, and its failure."""

    node: str
    part: str
    constraint: str
    soft: bool
    mode: FailMode


def _first(node: NodeModel, part: str, constraints: Iterator[Constraint], *, force: bool) -> Obstacle | None:
    for constraint in constraints:
        if not constraint.holds and not (force and constraint.soft):
            return Obstacle(node.name, part, constraint.text, constraint.soft, constraint.mode)
    return None


class Explanation:
    """What stands in the way of one instance in one model."""

    def __init__(self, model: Model, rules: Rules, index: int) -> None:
        self.model, self.rules, self.vm = model, rules, model.instances[index]
        self.names = {position: node.name for position, node in model.nodes.items()}
        self.before = score(model.nodes.values())

    def fixed(self) -> list[str]:
        """Reasons for which the instance is not considered at all."""
        vm, nodes, found = self.vm, self.model.nodes, []
        if not vm.instance.movable:
            found.append(f"its disk template {vm.instance.disk_template.value} cannot be moved")
        elif not vm.movable:
            found.append("it was excluded on the command line, or its nodes are in different groups")
        if not vm.instance.auto_balance:
            found.append("it is not auto-balanced")
        own = [nodes[node] for node in (vm.primary, vm.secondary) if node in nodes]
        if self.rules.evacuation and not any(node.offline for node in own):
            found.append("evacuation mode moves only instances with a node that is offline")
        if vm.instance.mirror_type is MirrorType.EXTERNAL and not self.rules.instance_moves:
            found.append("instance moves are not allowed")
        if vm.mirrored and not self.rules.disk_moves and not self.rules.instance_moves:
            found.append("neither disk moves nor instance moves are allowed")
        return found

    def candidates(self) -> Iterator[tuple[Move, float | None, Obstacle | None]]:
        """Every move that is tried, with the score it leads to or what refuses it."""
        online = [index for index, node in self.model.nodes.items() if not node.offline]
        for move in offered(self.model, self.vm.index, self.rules, online):
            moved = attempt(self.model, move, ignore_soft=self.rules.ignore_soft)
            if isinstance(moved, Moved):
                nodes = {**self.model.nodes, **{node.index: node for node in moved.nodes}}
                yield move, score(nodes.values()), None
            else:
                yield move, None, self.obstacle(move)

    def _migration(self, source: NodeModel, target: NodeModel) -> Obstacle | None:
        missing = source.migration_tags - target.accepted_migration_tags
        if not missing:
            return None
        text = f"does not accept instances from {source.name} (migration tag {min(missing)})"
        return Obstacle(target.name, "target of the migration", text, soft=False, mode=FailMode.MIGRATION)

    def _runs(self, node: NodeModel, *, force: bool, without: bool = False) -> Obstacle | None:
        node = node.copy()
        if without:
            node.remove_secondary(self.vm)
        return _first(node, "new primary", as_primary(node, self.vm, self.names), force=force)

    def _mirrors(self, node: NodeModel, primary: int, *, force: bool, left: str = "") -> Obstacle | None:
        node = node.copy()
        if left == "primary":
            node.remove_primary(self.vm)
        elif left:
            node.remove_secondary(self.vm)
        return _first(node, "new secondary", as_secondary(node, self.vm, primary, self.names), force=force)

    def obstacle(self, move: Move) -> Obstacle:
        """The first constraint that a refused move does not meet."""
        vm, nodes, soft = self.vm, self.model.nodes, self.rules.ignore_soft
        primary, secondary = nodes[vm.primary], nodes.get(vm.secondary)
        target = nodes.get(NO_NODE if move.target is None else move.target)
        leaving = primary.offline or soft
        found: Obstacle | None = None
        if move.kind is MoveKind.FAILOVER_TO_ANY and target is not None:
            found = self._migration(primary, target) or self._runs(target, force=leaving)
        elif move.kind is MoveKind.FAILOVER and secondary is not None:
            found = self._migration(primary, secondary) or self._runs(secondary, force=leaving, without=True)
            found = found or self._mirrors(primary, secondary.index, force=leaving, left="primary")
        elif target is not None and secondary is not None:
            found = self._with_target(move.kind, primary, secondary, target)
        # Replacing the secondary accounts the primary anew; only hard limits that it breaks already can refuse that.
        return found or self._again(primary)

    def _again(self, primary: NodeModel) -> Obstacle:
        node = primary.copy()
        node.remove_primary(self.vm)
        found = _first(node, "present primary", as_primary(node, self.vm, self.names), force=True)
        return found or Obstacle(node.name, "present primary", "no secondary", soft=False, mode=FailMode.INTERNAL)

    def _with_target(
        self, kind: MoveKind, primary: NodeModel, secondary: NodeModel, target: NodeModel
    ) -> Obstacle | None:
        soft = self.rules.ignore_soft
        leaving, unmirrored = primary.offline or soft, secondary.offline or soft
        if kind is MoveKind.REPLACE_SECONDARY:
            return self._mirrors(target, primary.index, force=unmirrored)
        if kind is MoveKind.REPLACE_AND_FAILOVER:
            return (
                self._migration(primary, target)
                or self._runs(target, force=soft)
                or self._mirrors(primary, target.index, force=unmirrored, left="primary")
            )
        hosted = self._migration(primary, secondary)
        if kind is MoveKind.REPLACE_PRIMARY:
            return (
                hosted
                or self._migration(secondary, target)
                or self._runs(secondary, force=leaving, without=True)
                or self._runs(target, force=leaving)
                or self._mirrors(secondary, target.index, force=leaving, left="secondary")
            )
        return (
            hosted
            or self._runs(secondary, force=leaving, without=True)
            or self._mirrors(target, secondary.index, force=leaving)
        )

    def _steps(self, move: Move) -> str:
        name = "" if move.target is None else self.model.nodes[move.target].alias
        words = {"f": "f", "fa": f"fa:{name}", "r": f"r:{name}", "rf": f"r:{name} f", "frf": f"f r:{name} f"}
        return words.get(move.kind.value, f"f r:{name}")

    def lines(self) -> list[str]:
        """The explanation as lines of at most 80 columns, as far as names are not longer."""
        vm = self.vm
        where = self.names.get(vm.primary, "?")
        if vm.secondary != NO_NODE:
            where += f":{self.names.get(vm.secondary, '?')}"
        told = [f"{vm.name} on {where}: {vm.memory} MiB of memory, {vm.instance.disk} MiB of disk, {vm.vcpus} cores."]
        told += [f"  It is not moved: {reason}." for reason in self.fixed()]
        told.append(f"  The score is {fixed(self.before, 8)}; each move that is tried would make it:")
        for move, value, obstacle in self.candidates():
            steps = self._steps(move)
            if value is not None:
                gain = value - self.before
                told.append(f"    {steps:<24} {fixed(value, 8):>14} ({'+' if gain >= 0 else '-'}{fixed(abs(gain), 8)})")
            elif obstacle is not None:
                kind = "soft" if obstacle.soft else "hard"
                told.append(f"    {steps:<24} refused by {obstacle.node} as {obstacle.part} ({kind}):")
                indent = " " * 12
                told += wrap(f"{obstacle.constraint}", 80, initial_indent=indent, subsequent_indent=indent + "  ")
        return told
