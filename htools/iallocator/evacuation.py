"""Fast search of targets for instances that must move: the answers of the searches in `spec.allocator.evacuation`.

The specification computes the nodes after a move, once for each node and not for each pair: in a pair, only the memory
kept for fail-over and the shared places depend on both nodes. The scores of all candidates are then added up in
vectors, in the order of `spec.allocator.score`, so they are equal to the last bit. The specification makes the chosen
move.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from htools.iallocator.group_scores import Pairs, SideBySide
from htools.limits import EVACUATION_TARGETS
from htools.model.arrays import Floats
from spec.allocator import evacuation as plain
from spec.allocator.accounts import add_primary, add_secondary, remove_primary, remove_secondary
from spec.allocator.cluster import MirrorType
from spec.allocator.decisions import Move, MoveKind, Refusal
from spec.allocator.evacuation import EvacuationError, Moved
from spec.allocator.ledgers import peer_need
from spec.allocator.moves import apply, attempt
from spec.allocator.state import NodeState, Placed, State


def _last_of_least(scores: Floats) -> int:
    """Return the position of the lowest score, the last one among equals."""
    best, at = float(scores[0]), 0
    for position, value in enumerate(scores.tolist()):
        if not best < value:
            best, at = value, position
    return at


def _unusual(state: State, placed: Placed, group: int, targets: Sequence[int]) -> bool:
    """Return whether a target is the instance's own node, offline or of another group, or an own node is unknown."""
    own = {placed.instance.primary, placed.instance.secondary} - {None}
    return (
        placed.instance.forthcoming
        or not own <= state.nodes.keys()
        or any(target in own for target in targets)
        or any(state.nodes[target].node.offline or state.nodes[target].node.group != group for target in targets)
    )


def to_best_node(state: State, position: int, group: int, targets: Sequence[int], *, ignore_soft: bool) -> Moved:
    """Return the answer of `spec.allocator.evacuation.to_best_node`.

    Raises:
        EvacuationError: with the reason for each target.
    """
    targets, placed = list(targets), state.instances[position]
    mirror = placed.instance.mirror_type
    if len(targets) < EVACUATION_TARGETS or mirror is MirrorType.NONE or _unusual(state, placed, group, targets):
        return plain.to_best_node(state, position, group, targets, ignore_soft=ignore_soft)
    kind = MoveKind.REPLACE_SECONDARY if mirror is MirrorType.INTERNAL else MoveKind.FAILOVER_TO_ANY
    found: list[tuple[int, tuple[NodeState, ...]]] = []
    for target in targets:
        moved = attempt(state, Move(position, kind, target), ignore_soft=ignore_soft)
        if not isinstance(moved, Refusal):
            found.append((target, moved.nodes))
    if not found:
        return plain.to_best_node(state, position, group, targets, ignore_soft=ignore_soft)
    first = [next(node for node in nodes if node.index == target) for target, nodes in found]
    left = [tuple(node for node in nodes if node.index != target) for target, nodes in found]
    scores = SideBySide(state, group, tagged=bool(placed.exclusion_tags)).scores(first, left)
    move = Move(position, kind, found[_last_of_least(scores)][0])
    after = apply(state, move, ignore_soft=ignore_soft)
    if isinstance(after, Refusal):
        raise AssertionError(f"{move} was possible and is refused: {after.what}")  # noqa: TRY004 - our mistake
    return Moved(after, (move,))


@dataclass(frozen=True, slots=True)
class _Joined:
    """The instance on a new primary, mirrored on its old one.

    Attributes:
        placed: the instance.
        runs: the new primary after the move, without the places it shares with the secondary.
        left: the instance's old nodes after the move.
        forced: whether the secondary may exceed soft limits.
    """

    placed: Placed
    runs: NodeState
    left: tuple[NodeState, ...]
    forced: bool


def _joined(state: State, position: int, primary: int, *, ignore_soft: bool) -> _Joined | None:
    """Return the result of moving the instance to a primary; None if that is refused."""
    try:
        steps = plain.steps_to_pair(state, position, (primary, primary))[:-1]
        now = plain.follow(state, steps, ignore_soft=ignore_soft).state
    except EvacuationError:
        return None
    placed, old = now.instances[position], state.instances[position].instance
    alone = replace(placed, location_score=0)
    runs = add_primary(remove_primary(now.nodes[primary], placed), alone, ignore_soft=True)
    if isinstance(runs, Refusal):
        return None
    left = [now.nodes[index] for index in (old.primary, old.secondary) if index is not None]
    forced = ignore_soft
    for at, node in enumerate(left):
        if node.index == placed.instance.secondary:
            left[at] = remove_secondary(node, placed)
            forced = forced or node.node.offline
    return _Joined(placed, runs, tuple(left), forced)


class _Pairs:
    """All pairs of targets for one instance: which of them take it, and the nodes afterwards."""

    def __init__(self, state: State, position: int, targets: Sequence[int], *, ignore_soft: bool) -> None:
        self._state = state
        joined = (_joined(state, position, primary, ignore_soft=ignore_soft) for primary in targets)
        self.joined = [one for one in joined if one is not None]
        self._mirrors: dict[tuple[int, int, bool], int | None] = {}
        self._nodes: list[NodeState] = []

    def _mirror(self, joined: _Joined, secondary: int) -> int | None:
        """Return the position in `_nodes` of the secondary after the move; None if it is refused."""
        primary, node = joined.runs.index, self._state.nodes[secondary]
        key = (secondary, peer_need(node.peers, primary), joined.forced)
        if key not in self._mirrors:
            after = add_secondary(node, joined.placed, primary, ignore_soft=joined.forced)
            self._mirrors[key] = None if isinstance(after, Refusal) else len(self._nodes)
            if not isinstance(after, Refusal):
                self._nodes.append(after)
        return self._mirrors[key]

    def pairs(self, targets: Sequence[int]) -> Pairs:
        """Return the pairs that take the instance, in the order in which they are tried."""
        first, second, shared = [], [], []
        for row, joined in enumerate(self.joined):
            tags = joined.runs.location_tags
            for secondary in targets:
                if secondary == joined.runs.index:
                    continue
                mirror = self._mirror(joined, secondary)
                if mirror is not None:
                    first.append(row)
                    second.append(mirror)
                    shared.append(len(tags & self._state.nodes[secondary].location_tags) if tags else 0)
        rows = np.array(first, dtype=np.intp), np.array(second, dtype=np.intp)
        return Pairs(*rows, self._nodes, np.array(shared, dtype=np.float64))


def to_best_pair(state: State, position: int, group: int, targets: Sequence[int], *, ignore_soft: bool) -> Moved:
    """Return the answer of `spec.allocator.evacuation.to_best_pair`.

    Raises:
        EvacuationError: no pair takes it.
    """
    placed = state.instances[position]
    if (
        len(targets) < max(2, EVACUATION_TARGETS)
        or placed.instance.secondary is None
        or _unusual(state, placed, group, targets)
    ):
        return plain.to_best_pair(state, position, group, targets, ignore_soft=ignore_soft)
    tried = _Pairs(state, position, targets, ignore_soft=ignore_soft)
    pairs = tried.pairs(targets)
    if not len(pairs.first):
        try:
            last = plain.steps_to_pair(state, position, (targets[-1], targets[-2]))
            plain.follow(state, last, ignore_soft=ignore_soft)
        except EvacuationError as error:
            raise plain.no_pair(f"Allocation failed: {error.reason}") from None
        raise AssertionError("no pair was thought possible, and the last one is")
    score = SideBySide(state, group, tagged=bool(placed.exclusion_tags))
    scores = score.scores([one.runs for one in tried.joined], [one.left for one in tried.joined], pairs)
    best = _last_of_least(scores)
    chosen = (tried.joined[pairs.first[best]].runs.index, pairs.nodes[pairs.second[best]].index)
    return plain.follow(state, plain.steps_to_pair(state, position, chosen), ignore_soft=ignore_soft)
