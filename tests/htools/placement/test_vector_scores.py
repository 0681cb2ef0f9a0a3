"""Scores in arrays are those of one candidate after the other, to the last bit."""

import random

import numpy as np

from htools.model.arrays import NodeArrays
from htools.model.score import collisions, node_values, score
from htools.placement.one_by_one import Statistics
from htools.placement.vector_scores import moments, scores_with, sequential_sum
from spec.allocator.components import COMPONENTS, Aggregation
from tests.htools.balance.walks import Adversary


def test_rows_are_added_from_left_to_right() -> None:
    rows = np.array([[1.0, 1e16, -1e16, 1.0], [1e16, 1.0, 1.0, -1e16]])
    assert sequential_sum(rows).tolist() == [sum(row, 0.0) for row in rows.tolist()] == [1.0, 0.0]
    assert sequential_sum(rows[:, :0]).tolist() == [0.0, 0.0]


def test_moments_are_those_of_the_statistics() -> None:
    for seed in range(100_000, 100_010):
        nodes = list(Adversary(seed, 5).model().nodes.values())
        arrays, statistics = NodeArrays(nodes), Statistics(nodes)
        if not arrays.online.any():
            continue
        count, sums, variances = moments(arrays.values[:, arrays.online])
        assert count == statistics.count
        for at, (_, _, aggregation) in enumerate(COMPONENTS):
            if aggregation is Aggregation.DEVIATION:
                assert (sums[at], variances[at]) == (statistics.sums[at], statistics.variances[at])


def test_each_candidate_replaces_one_node() -> None:
    for seed in range(100_000, 100_010):
        nodes, rng = list(Adversary(seed, 5).model().nodes.values()), random.Random(seed)
        online = [at for at, node in enumerate(nodes) if not node.offline]
        replacing = []
        for at in online:
            node = nodes[at].copy()
            node.free_memory -= rng.randrange(2000)
            node.load = [load + rng.random() for load in node.load]
            replacing.append(node)
        if not online:
            continue
        same = collisions(nodes[at] for at in online)
        values = np.array([node_values(node) for node in replacing]).T
        found = scores_with(NodeArrays(nodes), np.array(online), values, np.full(len(online), same))
        for at, node, value in zip(online, replacing, found.tolist(), strict=True):
            assert value == score([*nodes[:at], node, *nodes[at + 1 :]])
