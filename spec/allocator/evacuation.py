"""Moving instances off their nodes: the requests relocate, node-evacuate and change-group.

Each instance is moved separately, in the order of the request, on the state after the earlier ones. Of all targets the
one with the lowest score of the instance's group wins, of equal ones the last tried. A failure concerns one instance,
not the request.

Source: Ganeti's design document on node evacuation and change-group; the answers of hail 3.0.2, word for word.

>>> from spec.allocator.example import instance, state
>>> here = state(instance(0, 1), instance(0), nodes=3)
>>> report = evacuate_all(here, [0, 1], EvacuationMode.PRIMARY, Limits())
>>> report.moved  # position, group, nodes: a fail-over, and a start on the emptiest node
((0, 0, (1, 0)), (1, 0, (2,)))
>>> report = evacuate_all(here, [1], EvacuationMode.SECONDARY, Limits())
>>> report.failed
((1, "Instances with disk template 'rbd' can't execute change secondary"),)
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from spec.allocator.cluster import DiskTemplate, Group, MirrorType
from spec.allocator.decisions import Move, MoveKind, Refusal
from spec.allocator.moves import apply
from spec.allocator.requests import EvacuationMode, Limits
from spec.allocator.score import score
from spec.allocator.state import State
from spec.errors import GantryError

_FIXED = frozenset({DiskTemplate.PLAIN, DiskTemplate.FILE})

BestGroup = Callable[[State, int, Sequence[int]], int]
"""Finds the best of the allowed groups for an instance on a state; raises EvacuationError where there is none."""


class EvacuationError(GantryError):
    """An instance cannot be moved; `reason` is Ganeti's text."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Moved:
    """An instance moved: the state after it, and its moves in order."""

    state: State
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a request.

    Attributes:
        state: the state after all moves.
        moved: for each instance moved its position, the group and the nodes it is on now.
        failed: for each other its position and why.
        jobs: for each instance moved its moves.
    """

    state: State
    moved: tuple[tuple[int, int, tuple[int, ...]], ...]
    failed: tuple[tuple[int, str], ...]
    jobs: tuple[tuple[Move, ...], ...]


def group_score(state: State, group: int) -> float:
    """Compute the score of one group's nodes."""
    nodes = {index: node for index, node in state.nodes.items() if node.node.group == group}
    return score(State(nodes, {}))


def to_best_node(state: State, position: int, group: int, targets: Sequence[int], *, ignore_soft: bool) -> Moved:
    """Change the one node that can change by itself: the secondary of a mirrored instance, else the primary.

    Raises:
        EvacuationError: with the reason for each target.
    """
    mirror = state.instances[position].instance.mirror_type
    if mirror is MirrorType.NONE:
        raise EvacuationError("Can't relocate/evacuate non-mirrored instances")
    kind = MoveKind.REPLACE_SECONDARY if mirror is MirrorType.INTERNAL else MoveKind.FAILOVER_TO_ANY
    best: tuple[float, Moved] | None = None
    reasons = ""
    for target in targets:
        move = Move(position, kind, target)
        after = apply(state, move, ignore_soft=ignore_soft)
        if isinstance(after, Refusal):
            reasons += f" Node {state.nodes[target].node.name} failed: {after.mode.value};"
            continue
        value = group_score(after, group)
        if best is None or not best[0] < value:
            best = (value, Moved(after, (move,)))
    if best is None:
        raise EvacuationError(f"Can't find any good node: {reasons}")
    return best[1]


_STEPS = {
    "first": "Failing over to the secondary",
    "join": "Changing secondary to new primary",
    "switch": "Failing over to new primary",
    "mirror": "Changing secondary to final secondary",
}


def steps_to_pair(state: State, position: int, pair: tuple[int, int]) -> list[tuple[str, Move]]:
    """Return the named moves that bring a mirrored instance to two other nodes."""
    steps = [
        ("join", Move(position, MoveKind.REPLACE_SECONDARY, pair[0])),
        ("switch", Move(position, MoveKind.FAILOVER)),
        ("mirror", Move(position, MoveKind.REPLACE_SECONDARY, pair[1])),
    ]
    if state.nodes[state.instances[position].instance.primary].node.offline:
        steps.insert(0, ("first", Move(position, MoveKind.FAILOVER)))
    return steps


def follow(state: State, steps: Sequence[tuple[str, Move]], *, ignore_soft: bool) -> Moved:
    """Make named moves, one after the other.

    Raises:
        EvacuationError: one of them is refused.
    """
    for name, move in steps:
        after = apply(state, move, ignore_soft=ignore_soft)
        if isinstance(after, Refusal):
            raise EvacuationError(f"{_STEPS[name]}: {after.mode.value}")
        state = after
    return Moved(state, tuple(move for _, move in steps))


def no_pair(reason: str) -> EvacuationError:
    """Make the error for an instance that no pair takes; the reason is that of the last pair tried."""
    return EvacuationError(f"Can't find any good nodes for relocation: {reason}")


def to_best_pair(state: State, position: int, group: int, targets: Sequence[int], *, ignore_soft: bool) -> Moved:
    """Bring a mirrored instance to the best of all pairs of nodes.

    Raises:
        EvacuationError: no pair takes it.
    """
    best: tuple[float, Moved] | None = None
    reason = "no nodes available"
    for pair in ((p, s) for p in targets for s in targets if p != s):
        try:
            moved = follow(state, steps_to_pair(state, position, pair), ignore_soft=ignore_soft)
        except EvacuationError as error:
            reason = f"Allocation failed: {error.reason}"
            continue
        value = group_score(moved.state, group)
        if best is None or not best[0] < value:
            best = (value, moved)
    if best is None:
        raise no_pair(reason)
    return best[1]


class Search(Protocol):
    """Finds the best target or pair of targets for an instance; raises EvacuationError where there is none."""

    def __call__(self, state: State, position: int, group: int, targets: Sequence[int], *, ignore_soft: bool) -> Moved:
        """Move the instance to the best of the targets, by the score of the group."""


@dataclass(frozen=True, slots=True)
class Searches:
    """How targets are found: as defined here, or by faster functions with the same results."""

    node: Search = to_best_node
    pair: Search = to_best_pair


PLAIN = Searches()


def evacuate(
    state: State,
    position: int,
    mode: EvacuationMode,
    group: int,
    targets: Sequence[int],
    *,
    ignore_soft: bool = False,
    searches: Searches = PLAIN,
) -> Moved:
    """Move one instance.

    Args:
        state: nodes and instances.
        position: the instance.
        mode: which of its nodes to change.
        group: the group to move it to; its score decides.
        targets: nodes that may take it.
        ignore_soft: soft limits do not apply.
        searches: how targets are found.

    Raises:
        EvacuationError: with Ganeti's reason.
    """
    template = state.instances[position].instance.disk_template
    if template in _FIXED:
        raise EvacuationError(f"Instances of type {template.value} cannot be relocated")
    if template is not DiskTemplate.DRBD and mode is EvacuationMode.SECONDARY:
        raise EvacuationError(f"Instances with disk template '{template.value}' can't execute change secondary")
    if template is not DiskTemplate.DRBD or mode is EvacuationMode.SECONDARY:
        return searches.node(state, position, group, targets, ignore_soft=ignore_soft)
    if mode is EvacuationMode.ALL:
        return searches.pair(state, position, group, targets, ignore_soft=ignore_soft)
    move = Move(position, MoveKind.FAILOVER)
    after = apply(state, move, ignore_soft=ignore_soft)
    if isinstance(after, Refusal):
        raise EvacuationError(after.mode.value)
    return Moved(after, (move,))


def _each(state: State, positions: Iterable[int], one: Callable[[State, int], Moved]) -> Report:
    moved: list[tuple[int, int, tuple[int, ...]]] = []
    failed: list[tuple[int, str]] = []
    jobs: list[tuple[Move, ...]] = []
    for position in positions:
        try:
            step = one(state, position)
        except EvacuationError as error:
            failed.append((position, error.reason))
            continue
        state = step.state
        instance = state.instances[position].instance
        moved.append((position, state.nodes[instance.primary].node.group, instance.nodes))
        jobs.append(step.moves)
    return Report(state, tuple(moved), tuple(failed), tuple(jobs))


def _left(state: State, positions: Iterable[int], mode: EvacuationMode) -> set[int]:
    """Return the nodes that are being left, to which no instance may move."""
    left: set[int] = set()
    for position in positions:
        instance = state.instances[position].instance
        if mode is not EvacuationMode.SECONDARY:
            left.add(instance.primary)
        if mode is not EvacuationMode.PRIMARY and instance.disk_template is DiskTemplate.DRBD:
            left.update(instance.nodes[1:])
    return left


def evacuate_all(
    state: State, positions: Sequence[int], mode: EvacuationMode, limits: Limits, searches: Searches = PLAIN
) -> Report:
    """Move instances within their groups: the request node-evacuate."""
    barred = _left(state, positions, mode) | {i for i, node in state.nodes.items() if node.node.offline}
    group_of = {index: node.node.group for index, node in state.nodes.items()}

    def one(now: State, position: int) -> Moved:
        primary = now.instances[position].instance.primary
        group = group_of[primary]
        targets = [i for i, of in group_of.items() if of == group and i not in barred and i != primary]
        return evacuate(now, position, mode, group, targets, ignore_soft=limits.ignore_soft, searches=searches)

    return _each(state, positions, one)


def change_group(
    state: State,
    groups: Sequence[Group],
    targets: Sequence[int],
    positions: Sequence[int],
    best_group: BestGroup,
    *,
    searches: Searches = PLAIN,
) -> Report:
    """Move instances to other groups: the request change-group. Soft limits apply to the moves, as in Ganeti.

    Args:
        state: the whole cluster.
        groups: its groups.
        targets: groups allowed; empty for all that none of the instances is in.
        positions: the instances.
        best_group: chooses among the allowed groups.
        searches: how targets are found.
    """
    left = {state.nodes[state.instances[position].instance.primary].node.group for position in positions}
    allowed = [group for group in (targets or range(len(groups))) if group not in left]

    def one(now: State, position: int) -> Moved:
        group = best_group(now, position, allowed)
        nodes = [i for i, node in state.nodes.items() if node.node.group == group and not node.node.offline]
        return evacuate(now, position, EvacuationMode.ALL, group, nodes, searches=searches)

    return _each(state, positions, one)
