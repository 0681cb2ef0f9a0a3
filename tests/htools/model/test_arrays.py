"""The columns of nodes are the figures of the node models, after every refresh too, in both extensions."""

import random

import numpy as np
import pytest

from htools.balance.arrays import BalancingNodes
from htools.model.arrays import PLANNED_ROOMS, ROOMS, Figures, NodeArrays
from htools.model.cluster import Model
from htools.model.moves import Moved, attempt, movable, offered
from htools.model.score import node_values
from htools.placement.arrays import PlacementNodes, Unsuitable
from spec.allocator.decisions import Rules, Settings
from spec.allocator.example import cluster, instance
from tests.htools.balance.walks import Adversary


def state(arrays: NodeArrays) -> dict[str, str]:
    """Return all arrays as values that can be compared."""
    return {name: str(value.tolist()) for name, value in vars(arrays).items() if isinstance(value, np.ndarray)}


def check(arrays: NodeArrays, model: Model) -> None:
    for at, node in enumerate(model.nodes.values()):
        assert (arrays.index[at], arrays.position[node.index]) == (node.index, at)
        for name in Figures.__annotations__:
            assert str(getattr(arrays, name)[at]) == str(float(getattr(node, name))), name
        assert str(tuple(arrays.values[:, at].tolist())) == str(node_values(node))
        assert arrays.count[at] == len(node.primaries) + len(node.secondaries)
        flags = (not node.offline, node.exclusive, node.n1_failed)
        assert (arrays.online[at], arrays.exclusive[at], arrays.n1_failed[at]) == flags
        for other, peer in enumerate(model.nodes):
            assert arrays.needs_by_peer[other, at] == node.need_of(peer)


def walk(seed: int) -> int:
    """Make random moves, compare the arrays after each, and return how many there were."""
    adversary, rng, moved = Adversary(seed, 5), random.Random(seed), 0
    model, rules = adversary.model(), Rules(ignore_soft=True)
    nodes = list(model.nodes.values())
    kinds: list[NodeArrays] = [NodeArrays(nodes), BalancingNodes(nodes)]
    online = [index for index, node in model.nodes.items() if not node.offline]
    for _ in range(6):
        offers = [move for vm in movable(model, rules) for move in offered(model, vm.index, rules, online)]
        tried = attempt(model, rng.choice(offers), ignore_soft=True) if offers else None
        if isinstance(tried, Moved):
            tried.commit(model)
            moved += 1
            for arrays in kinds:
                arrays.refresh(tried.nodes)
        for arrays in kinds:
            check(arrays, model)
        fresh = list(model.nodes.values())
        assert [state(arrays) for arrays in kinds] == [state(NodeArrays(fresh)), state(BalancingNodes(fresh))]
    return moved


def test_refreshed_arrays_are_those_of_the_model() -> None:
    assert sum(walk(seed) for seed in range(100_000, 100_012)) > 20


def test_a_copy_keeps_what_it_had() -> None:
    model = Model.of(cluster(instance(0, 1), nodes=3), Settings())
    arrays = PlacementNodes(model)
    other = arrays.copy()
    node = model.nodes[1].copy()
    node.remove_secondary(model.instances[0])
    arrays.refresh([node])
    check(other, model)
    model.nodes[1] = node
    check(arrays, model)
    assert state(arrays) != state(other)


def test_placement_refuses_figures_that_are_not_exact() -> None:
    model = Model.of(cluster(nodes=2), Settings())
    PlacementNodes(model)
    model.nodes[1].free_disk = 2**53
    with pytest.raises(Unsuitable):
        PlacementNodes(model)


def test_rooms_name_columns() -> None:
    assert {*ROOMS.values(), *PLANNED_ROOMS.values()} <= Figures.__annotations__.keys()
