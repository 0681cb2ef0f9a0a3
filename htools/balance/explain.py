"""Why an instance does not move: for each target the score after the move, or the constraint that refuses it.

The constraints are those of `spec.allocator.admission`, in that order. The first that is not met is the reason, shown
with figures and names. The others that are not met follow, since each of them refuses once the first is met. Nothing is
decided here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import inf
from textwrap import wrap
from typing import Any

from htools.formatting.numbers import fixed
from htools.model.admission import circumstances, figures_of
from htools.model.cluster import NO_NODE, InstanceModel, Model, NodeModel
from htools.model.moves import Moved, attempt, offered
from htools.model.score import score
from spec.allocator.admission import (
    AS_PRIMARY,
    AS_SECONDARY,
    WITH_FORTHCOMING,
    Condition,
    Figure,
    Limit,
    Shown,
)
from spec.allocator.cluster import MirrorType
from spec.allocator.decisions import FailMode, Move, MoveKind, Rules


@dataclass(frozen=True, slots=True)
class Constraint:
    """A condition that a node does not meet.

    Attributes:
        mode: the class of the refusal.
        text: the condition in words and figures.
        soft: whether `--ignore-soft-errors` ignores it.
    """

    mode: FailMode
    text: str
    soft: bool


def _wrapped(text: str) -> list[str]:
    return wrap(text, 80, initial_indent="  ", subsequent_indent="  ")


def _figure(value: float) -> str:
    return str(value) if isinstance(value, int) else fixed(value, 1).removesuffix(".0")


def _in_numbers(condition: Condition, figures: Mapping[Figure, Any]) -> str:
    """Return the two numbers that show how far a condition is met."""
    if figures[condition.need] == inf:
        return "nobody knows how many the instance needs"
    have, need = condition.numbers(figures)
    if condition.shown is Shown.MOST:
        return f"would be {fixed(have, 2)}, {fixed(need, 2)} allowed"
    unit = "spindles" if condition.limit is Limit.SPINDLES else "MiB"
    if condition.shown is Shown.FREE:
        return f"{have} {unit} are free, {need} {unit} needed"
    return f"{have} {unit} would be left, {_figure(need)} {unit} needed"


def _unmet(
    node: NodeModel,
    vm: InstanceModel,
    conditions: Iterable[Condition],
    names: Mapping[int, str],
    *,
    primary: int,
    ignore_disks: bool = False,
) -> Iterator[Constraint]:
    """Yield the conditions that a node does not meet, in order, in words and figures."""
    both = figures_of(node, vm, primary, planned=False), figures_of(node, vm, primary, planned=True)
    asked = circumstances(node, vm, disks_there=ignore_disks)
    for condition in conditions:
        figures = both[condition.planned]
        if (vm.forthcoming and not condition.planned) or not asked.issuperset(condition.only):
            continue
        if not condition.refused(figures) or (condition.limit is Limit.LEAST_DISK and node.low_disk <= 1):
            continue  # the same as the condition on free disk then
        text = f"{_named(condition, node, names, primary)}: {_in_numbers(condition, figures)}"
        if condition.limit is not Limit.TAGS:
            yield Constraint(condition.mode, text, condition.soft)
            continue
        for tag in vm.exclusion_tags:
            if tag in node.tag_counts:
                yield Constraint(condition.mode, f"{condition.text} {tag} is there already", condition.soft)


def _named(condition: Condition, node: NodeModel, names: Mapping[int, str], primary: int) -> str:
    """Return the name of a condition, with the peer nodes that it is about."""
    if condition.need is Figure.RESERVED_AFTER:
        return f"memory for the failure of {names.get(primary, '?')} or another peer"
    if condition.kept is Figure.RESERVED and node.peers:
        return f"{condition.text} (kept for the failure of {names.get(node.peers[0][0], '?')})"
    return condition.text


def as_primary(node: NodeModel, vm: InstanceModel, names: Mapping[int, str]) -> Iterator[Constraint]:
    """Yield the conditions that keep a node from running an instance."""
    return _unmet(node, vm, AS_PRIMARY, names, primary=vm.primary)


def as_secondary(
    node: NodeModel, vm: InstanceModel, primary: int, names: Mapping[int, str], *, ignore_disks: bool = False
) -> Iterator[Constraint]:
    """Yield the conditions that keep a node from mirroring an instance that runs on `primary`."""
    return _unmet(node, vm, AS_SECONDARY, names, primary=primary, ignore_disks=ignore_disks)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why one candidate is refused: the node, its role, the constraint, whether it is soft, and its failure.

    `others` are the constraints that refuse it as well.
    """

    node: str
    part: str
    constraint: str
    soft: bool
    mode: FailMode
    others: tuple["Obstacle", ...] = ()


def _all(node: NodeModel, part: str, constraints: Iterator[Constraint], *, force: bool) -> list[Obstacle]:
    return [
        Obstacle(node.name, part, constraint.text, constraint.soft, constraint.mode)
        for constraint in constraints
        if not (force and constraint.soft)
    ]


class Explanation:
    """The reasons why one instance of a model does not move."""

    def __init__(self, model: Model, rules: Rules, index: int) -> None:
        self.model, self.rules, self.vm = model, rules, model.instances[index]
        self.names = {position: node.name for position, node in model.nodes.items()}
        self.before = score(model.nodes.values())
        self.forthcoming = any(vm.forthcoming for vm in model.instances.values())

    def fixed(self) -> list[str]:
        """Return the reasons for which balancing does not consider the instance."""
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
        elif vm.mirrored and not self.rules.disk_moves and not any(not node.offline for node in own[1:]):
            found.append("disk moves are not allowed, and its secondary is offline")
        return found

    def candidates(self) -> Iterator[tuple[Move, float | None, Obstacle | None]]:
        """Yield every move that is tried, with the score after it, or the obstacle that refuses it."""
        online = [index for index, node in self.model.nodes.items() if not node.offline]
        for move in offered(self.model, self.vm.index, self.rules, online):
            moved = attempt(self.model, move, ignore_soft=self.rules.ignore_soft)
            if isinstance(moved, Moved):
                nodes = {**self.model.nodes, **{node.index: node for node in moved.nodes}}
                yield move, score(nodes.values()), None
            else:
                yield move, None, self.obstacle(move)

    def _migration(self, source: NodeModel, target: NodeModel) -> list[Obstacle]:
        return [
            Obstacle(
                target.name,
                "target of the migration",
                f"does not accept instances from {source.name} (migration tag {tag})",
                soft=False,
                mode=FailMode.MIGRATION,
            )
            for tag in sorted(target.refused_tags(source))
        ]

    def _runs(self, node: NodeModel, *, force: bool, without: bool = False) -> list[Obstacle]:
        node = node.copy()
        if without:
            node.remove_secondary(self.vm)
        return _all(node, "new primary", as_primary(node, self.vm, self.names), force=force)

    def _mirrors(
        self, node: NodeModel, primary: int, *, force: bool, left: str = "", ignore_disks: bool = False
    ) -> list[Obstacle]:
        node = node.copy()
        if left == "primary":
            node.remove_primary(self.vm)
        elif left:
            node.remove_secondary(self.vm)
        asked = as_secondary(node, self.vm, primary, self.names, ignore_disks=ignore_disks)
        return _all(node, "new secondary", asked, force=force)

    def obstacle(self, move: Move) -> Obstacle:
        """Return the first constraint that a refused move does not meet, with all others that it does not meet."""
        first, *others = self._obstacles(move)
        return replace(first, others=tuple(other for other in others if not self._repeats(other, (first, *others))))

    def _repeats(self, obstacle: Obstacle, others: Iterable[Obstacle]) -> bool:
        """Return whether it repeats another obstacle for forthcoming instances although there are none."""
        what, note, _ = obstacle.constraint.partition(WITH_FORTHCOMING)
        if not note or self.forthcoming:
            return False
        return any(
            (other.node, other.part) == (obstacle.node, obstacle.part) and other.constraint.startswith(f"{what}:")
            for other in others
        )

    def _obstacles(self, move: Move) -> list[Obstacle]:
        vm, nodes, soft = self.vm, self.model.nodes, self.rules.ignore_soft
        primary, secondary = nodes[vm.primary], nodes.get(vm.secondary)
        target = nodes.get(NO_NODE if move.target is None else move.target)
        leaving = primary.offline or soft
        found: list[Obstacle] = []
        if move.kind is MoveKind.FAILOVER_TO_ANY and target is not None:
            found = self._migration(primary, target) + self._runs(target, force=leaving)
        elif move.kind is MoveKind.FAILOVER and secondary is not None:
            found = self._migration(primary, secondary) + self._runs(secondary, force=leaving, without=True)
            ignored = primary.offline
            found += self._mirrors(primary, secondary.index, force=leaving, left="primary", ignore_disks=ignored)
        elif target is not None and secondary is not None:
            found = self._with_target(move.kind, primary, secondary, target)
        # Replacing the secondary adds the primary again; only hard limits that it breaks already can refuse that.
        if move.kind is MoveKind.REPLACE_SECONDARY:
            found += self._again(primary)
        missing = Obstacle(primary.name, "present primary", "no secondary", soft=False, mode=FailMode.INTERNAL)
        return found or [missing]

    def _again(self, primary: NodeModel) -> list[Obstacle]:
        node = primary.copy()
        node.remove_primary(self.vm)
        return _all(node, "present primary", as_primary(node, self.vm, self.names), force=True)

    def _with_target(
        self, kind: MoveKind, primary: NodeModel, secondary: NodeModel, target: NodeModel
    ) -> list[Obstacle]:
        soft = self.rules.ignore_soft
        leaving, unmirrored = primary.offline or soft, secondary.offline or soft
        if kind is MoveKind.REPLACE_SECONDARY:
            return self._mirrors(target, primary.index, force=unmirrored)
        if kind is MoveKind.REPLACE_AND_FAILOVER:
            return (
                self._migration(primary, target)
                + self._runs(target, force=soft)
                + self._mirrors(primary, target.index, force=unmirrored, left="primary")
            )
        hosted = self._migration(primary, secondary)
        if kind is MoveKind.REPLACE_PRIMARY:
            return (
                hosted
                + self._migration(secondary, target)
                + self._runs(secondary, force=leaving, without=True)
                + self._runs(target, force=leaving)
                + self._mirrors(secondary, target.index, force=leaving, left="secondary")
            )
        return (
            hosted
            + self._runs(secondary, force=leaving, without=True)
            + self._mirrors(target, secondary.index, force=leaving)
        )

    def _steps(self, move: Move) -> str:
        name = "" if move.target is None else self.model.nodes[move.target].alias
        words = {"f": "f", "fa": f"fa:{name}", "r": f"r:{name}", "rf": f"r:{name} f", "frf": f"f r:{name} f"}
        return words.get(move.kind.value, f"f r:{name}")

    def lines(self) -> list[str]:
        """Return the explanation as lines of at most 80 columns, unless names are longer."""
        vm = self.vm
        where = self.names.get(vm.primary, "?")
        if vm.secondary != NO_NODE:
            where += f":{self.names.get(vm.secondary, '?')}"
        lines = [f"{vm.name} on {where}: {vm.memory} MiB of memory, {vm.instance.disk} MiB of disk, {vm.vcpus} cores."]
        lines += [f"  It is not moved: {reason}." for reason in self.fixed()]
        offline = [node.name for node in self.model.nodes.values() if node.offline]
        if offline:
            lines += _wrapped(f"Offline, and so no targets: {', '.join(offline)}.")
        candidates = list(self.candidates())
        if not candidates:
            why = "." if self.fixed() else ": no other node of its group is online."
            return [*lines, f"  No move is tried{why}"]
        lines.append(f"  The score is {fixed(self.before, 8)}; each move that is tried would make it:")
        for move, value, obstacle in candidates:
            steps = self._steps(move)
            if value is not None:
                gain = value - self.before
                lines.append(
                    f"    {steps:<24} {fixed(value, 8):>14} ({'+' if gain >= 0 else '-'}{fixed(abs(gain), 8)})"
                )
            elif obstacle is not None:
                lines += self._refusal(steps, obstacle)
        return lines + _wrapped(self._verdict([value for _, value, _ in candidates if value is not None]))

    def _refusal(self, steps: str, obstacle: Obstacle) -> Iterator[str]:
        kind = "soft" if obstacle.soft else "hard"
        yield f"    {steps:<24} refused by {obstacle.node} as {obstacle.part} ({kind}):"
        indent = " " * 12
        yield from wrap(obstacle.constraint, 80, initial_indent=indent, subsequent_indent=indent + "  ")
        for other in obstacle.others:
            kind = "soft" if other.soft else "hard"
            same = (other.node, other.part) == (obstacle.node, obstacle.part)
            where = "" if same else f" by {other.node} as {other.part}"
            text = f"and then{where} ({kind}): {other.constraint}"
            yield from wrap(text, 80, initial_indent=indent, subsequent_indent=indent + "  ")

    def _verdict(self, values: list[float]) -> str:
        """Return a sentence on the scores of all targets."""
        if not values:
            return "None of them is possible."
        best = min(values)
        if not best < self.before:
            return "None of them lowers the score, so it stays where it is."
        if not self.rules.suffices(self.before, best):
            gain, limit = fixed(self.rules.min_gain), fixed(self.rules.min_gain_limit)
            return (
                f"The best lowers it by {fixed(self.before - best, 8)}, which is too little: at or below a score of "
                f"{limit} (--min-gain-limit) a move has to gain {gain} (--min-gain)."
            )
        if self.fixed():
            return "Some would lower the score if it were moved at all."
        return "The best of them lowers the score: another round could make it."
