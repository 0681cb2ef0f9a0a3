"""What is the same for all candidates of a round: the score in vectors, its parts, columns, and the best of a block."""

import numpy as np
import pytest

from htools.balance.arrays import RESERVED, WEIGHTS
from htools.balance.move_scores import Block, Candidates
from htools.model.cluster import Model
from htools.model.moves import Moved, attempt
from htools.model.score import score
from spec.allocator.decisions import Move, MoveKind, Rules, Settings
from spec.allocator.example import cluster, instance
from tests.htools.balance.walks import Adversary

KINDS = (MoveKind.REPLACE_SECONDARY, MoveKind.REPLACE_PRIMARY)


@pytest.mark.parametrize("seed", range(20))
def test_the_score_in_vectors_is_near_the_exact_one(seed: int) -> None:
    model = Adversary(seed).model()
    with np.errstate(over="ignore", invalid="ignore"):
        found = Candidates(model, Rules())
    exact = score(model.nodes.values())
    if any(not node.offline for node in model.nodes.values()) and np.isfinite(found.own_error):
        assert abs(found.score - exact) <= found.own_error + 1e-9 * found.magnitude


def even() -> Model:
    """Two mirrored instances on the first two of four equal nodes; planned and real figures are equal."""
    return Model.of(cluster(instance(0, 1), instance(1, 0), nodes=4), Settings())


def test_equal_columns_are_merged_with_their_weights() -> None:
    found = Candidates(even(), Rules())
    assert RESERVED not in found.kept
    assert len(found.kept) < len(WEIGHTS) - 1
    assert sum(found.weights) == pytest.approx(sum(WEIGHTS) - WEIGHTS[RESERVED])


def test_merged_columns_part_when_they_differ() -> None:
    model = even()
    found = Candidates(model, Rules())
    assert not found.begin_round()
    before = len(found.kept)
    model.nodes[0].planned_free_memory -= 100
    found.nodes.refresh([model.nodes[0]])
    assert found.begin_round()
    assert len(found.kept) > before
    assert found.score == pytest.approx(score(model.nodes.values()))


def test_a_round_begins_with_the_last_move() -> None:
    model = even()
    found = Candidates(model, Rules())
    moved = attempt(model, Move(0, MoveKind.REPLACE_PRIMARY, 2))
    assert isinstance(moved, Moved)
    moved.commit(model)
    found.nodes.refresh(moved.nodes)
    found.rooms["kept"] = [1]
    found.begin_round()
    assert found.rooms == {}
    assert found.score == pytest.approx(score(model.nodes.values()))


def test_without_an_online_node_only_whole_numbers_count() -> None:
    """Source: man hbal(1): 4 for each instance of an offline node, 16 for each that runs there."""
    model = even()
    for node in model.nodes.values():
        node.offline = True
    assert Candidates(model, Rules()).score == 4 * 4.0 + 2 * 16.0


def test_the_largest_change_of_a_sum_bounds_every_move() -> None:
    model = Adversary(5, most=6).model()
    found = Candidates(model, Rules())
    rows = np.arange(len(model.instances))
    most = found.largest_sums(rows)
    assert most.shape == (len(found.kept) + 1, len(rows))
    assert (most >= 0).all()
    before = found.sums[found.kept]
    for row, vm in enumerate(model.instances.values()):
        for target in model.nodes:
            moved = attempt(model, Move(vm.index, MoveKind.REPLACE_SECONDARY, target), ignore_soft=True)
            if isinstance(moved, Moved) and target not in {vm.primary, vm.secondary}:
                copy = model.copy()
                moved.commit(copy)
                after = Candidates(copy, Rules())
                change = np.abs(after.sums[found.kept] + after.count * after.reference[found.kept]
                                - before - found.count * found.reference[found.kept])  # fmt: skip
                assert (change <= most[:-1, row] * (1 + 1e-9) + 1e-9).all()


def test_the_best_of_a_row_is_a_move_with_a_target_or_a_mere_failover() -> None:
    scores = np.array([[[3.0, np.inf], [9.0, 9.0]], [[2.0, 4.0], [9.0, np.inf]]])
    rows = np.zeros(2)
    block = Block(KINDS, scores, np.array([5.0, 1.0]), rows, rows[None, :], rows[None, :])
    assert block.best().tolist() == [2.0, 1.0]
    alone = Block((), np.zeros((0, 2, 0)), np.array([5.0, np.inf]), rows, rows[None, :], rows[None, :])
    assert alone.best().tolist() == [5.0, np.inf]
