"""Statistics of the score in which one node is replaced agree with the recomputed score."""

import pytest

from spec.allocator.accounts import add_primary, add_secondary
from spec.allocator.score import score
from spec.allocator.state import NodeState, State
from spec.allocator.statistics import Statistic, replaced, score_of, statistics
from tests.spec.allocator.small import instance, node, placed, state


def test_the_statistics_of_a_cluster_give_its_score() -> None:
    found = state([node(), node(), node(offline=True)], [instance(0, 1), instance(2, 0)])
    assert score_of(statistics(found.nodes.values())) == score(found)


def test_replacing_nodes_comes_near_the_recomputed_score() -> None:
    before = state([node(), node(), node()], [instance(0, 1)])
    runs, mirrors = add_primary(before.nodes[1], placed()), add_secondary(before.nodes[2], placed(), 1)
    assert isinstance(runs, NodeState)
    assert isinstance(mirrors, NodeState)
    kept = replaced(replaced(statistics(before.nodes.values()), before.nodes[1], runs), before.nodes[2], mirrors)
    recomputed = score(State({**before.nodes, 1: runs, 2: mirrors}, before.instances))
    assert score_of(kept) == pytest.approx(recomputed, rel=1e-12)


def test_a_variance_never_falls_below_zero() -> None:
    found = state([node(), node()], [instance(0, None)])
    back = state([node(), node()], [])
    kept = replaced(statistics(found.nodes.values()), found.nodes[0], back.nodes[0])
    assert all(statistic.variance >= 0.0 for statistic in kept)


def test_an_offline_node_counts_in_the_offline_components_only() -> None:
    found = state([node(), node(offline=True)], [instance(1, None)])
    empty = state([node(), node(offline=True)], [])
    kept = replaced(statistics(found.nodes.values()), found.nodes[1], empty.nodes[1])
    assert score_of(kept) == score(empty) == score(found) - 4.0 - 16.0


def test_without_an_online_node_there_are_none() -> None:
    gone = state([node(offline=True)], []).nodes
    assert statistics(gone.values()) == ()
    assert replaced((), gone[0], gone[0]) == ()


def test_pairs_that_drop_to_none_count_one_less_than_none() -> None:
    tags = ("htools:nlocation:power", "htools:iextags:role")
    held = state([node(tags=("power:a",))], [instance(0, None, tags=("role:db",))], tags)
    empty = state([node(tags=("power:a",))], [], tags)
    kept = replaced(statistics(held.nodes.values()), held.nodes[0], empty.nodes[0])
    assert Statistic(pairs={("power:a", "role:db"): 0}) in kept
