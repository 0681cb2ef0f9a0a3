"""Placing one instance: the candidates, the best of them, and what redundancy forbids."""

from dataclasses import replace

import pytest

from spec.allocator.candidates import Allocation, Outcome
from spec.allocator.cluster import AllocPolicy, Group
from spec.allocator.decisions import FailMode
from spec.allocator.placement import NEW, NoTargets, better, candidates, joined, try_all
from spec.allocator.requests import Limits
from spec.allocator.state import Placed
from tests.spec.allocator.small import DRBD, instance, node, state

GROUPS = (Group("g0", "uuid-0"), Group("g1", "uuid-1", AllocPolicy.UNALLOCABLE))
FOUR = state([node(), node(), node(offline=True), node(group=1)], [], groups=2)


def test_candidates_are_online_permitted_and_in_one_group() -> None:
    nodes = FOUR.nodes
    assert candidates(nodes, GROUPS, 1, Limits()) == [0, 1, 3]
    assert candidates(nodes, GROUPS, 1, Limits(), allocable=True) == [0, 1]
    assert candidates(nodes, GROUPS, 1, Limits(only_nodes=("n1", "n2"))) == [1]
    assert candidates(nodes, GROUPS, 2, Limits()) == [(0, [1]), (1, [0])], "node 3 is alone in its group"


def test_three_nodes_are_asked_for_by_nobody() -> None:
    with pytest.raises(ValueError, match="Unsupported number of nodes, only one or two  supported"):
        candidates(FOUR.nodes, GROUPS, 3, Limits())


@pytest.mark.parametrize(("required", "text"), [(1, "No online nodes"), (2, "Not enough online nodes")])
def test_without_candidates_nothing_is_tried(required: int, text: str) -> None:
    with pytest.raises(NoTargets, match=text):
        try_all(FOUR, Placed(NEW, instance()), [], required, Limits())


def test_the_emptier_node_is_chosen() -> None:
    held = state([node(), node()], [instance(0, None)])
    new = Placed(NEW, instance(0, None, memory=128, disk=1024))
    outcome = try_all(held, new, [0, 1], 1, Limits(capacity=False))
    assert outcome.best is not None
    assert (outcome.best.placed.instance.primary, outcome.successes) == (1, 2)


def test_with_capacity_checks_an_instance_that_no_other_node_could_take_over_is_not_placed() -> None:
    """Each of the two nodes has 1000 MiB: 600 fit beside 300, but neither node could run both."""
    held = state([node(), node()], [instance(0, None, memory=500)])
    new = Placed(NEW, instance(0, None, memory=600, disk=1024))
    assert try_all(held, new, [0, 1], 1, Limits(capacity=False)).successes == 1
    outcome = try_all(held, new, [0, 1], 1, Limits())
    assert (outcome.best, dict(outcome.failures)) == (None, {FailMode.N1: 1, FailMode.MEMORY: 1})


def test_pairs_are_tried_primary_by_primary() -> None:
    new = Placed(NEW, instance(0, 1, memory=128, disk=1024, disk_template=DRBD))
    outcome = try_all(FOUR, new, [(0, [1]), (1, [0])], 2, Limits())
    assert outcome.successes == 2
    assert outcome.best is not None
    assert outcome.best.placed.instance.nodes == (1, 0), "the later of two equal ones"


def test_outcomes_are_joined_and_the_later_wins_a_tie() -> None:
    one, other = (Allocation(Placed(NEW, instance()), (), metric) for metric in (1.0, 1.0))
    assert better(one, other) is other
    assert (better(one, None), better(None, other)) == (one, other)
    assert better(one, replace(other, metric=2.0)) is one
    both = joined([Outcome({FailMode.CPU: 1}, 1, one), Outcome({FailMode.CPU: 2, FailMode.DISK: 1}, 2, other)])
    assert (dict(both.failures), both.successes) == ({FailMode.CPU: 3, FailMode.DISK: 1}, 3)
    assert both.best is other
