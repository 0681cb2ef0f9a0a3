"""Exact scores of many candidates: those of the model to the last bit, and nothing is kept of a trial."""

import random

import pytest

from htools.balance.exact_score import ExactScore
from htools.model.arrays import NodeArrays
from htools.model.cluster import Model
from htools.model.moves import Moved, attempt, movable, offered
from htools.model.score import score
from spec.allocator.decisions import Rules
from tests.htools.balance.walks import Adversary

SEEDS = range(12)


def moves_of(model: Model) -> list[Moved]:
    online = [index for index, node in model.nodes.items() if not node.offline]
    tried = [
        attempt(model, move, ignore_soft=True)
        for vm in movable(model, Rules())
        for move in offered(model, vm.index, Rules(), online)
    ]
    return [moved for moved in tried if isinstance(moved, Moved)]


def plain(model: Model, moved: Moved) -> str:
    return str(score({**model.nodes, **{node.index: node for node in moved.nodes}}.values()))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_candidate_has_the_score_of_its_model(seed: int) -> None:
    model, rng = Adversary(seed, most=8).model(), random.Random(seed)
    arrays = NodeArrays(list(model.nodes.values()))
    exact = ExactScore(model, arrays)
    for _ in range(3):
        assert str(exact.score()) == str(score(model.nodes.values()))
        possible = moves_of(model)
        for moved in rng.sample(possible, min(20, len(possible))):
            assert str(exact.score(moved.nodes)) == plain(model, moved)
        if possible:
            moved = rng.choice(possible)
            moved.commit(model)
            arrays.refresh(moved.nodes)


def test_the_seeds_have_offline_nodes_and_places() -> None:
    models = [Adversary(seed, most=8).model() for seed in SEEDS]
    assert sum(any(node.offline for node in model.nodes.values()) for model in models) > 2
    assert sum(len(moves_of(model)) for model in models) > 50
    assert any(node.pair_counts for model in models for node in model.nodes.values())


def test_with_nothing_online_the_score_is_nothing() -> None:
    model = Adversary(0, most=3).model()
    for node in model.nodes.values():
        node.offline = True
    assert ExactScore(model, NodeArrays(list(model.nodes.values()))).score() == 0.0
    assert ExactScore(Model({}, {}), NodeArrays([])).score() == 0.0
