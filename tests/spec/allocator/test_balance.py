"""Balancing: the best strictly better move of a round, when its gain is enough, and when to stop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.allocator.balance import balance, best_move
from spec.allocator.cluster import Instance
from spec.allocator.decisions import Rules
from spec.allocator.score import score
from tests.spec.allocator.small import instance, node, state


def test_two_instances_on_one_node_are_spread_by_a_fail_over() -> None:
    crowded = state([node(), node()], [instance(0, 1), instance(0, 1)])
    (step,) = balance(crowded, Rules())
    assert (step.move.instance, step.move.kind.value) == (0, "f"), "of two equal moves the first"
    assert step.score == score(step.state) < score(crowded)


def test_nothing_is_done_where_nothing_is_gained() -> None:
    even = state([node(), node()], [instance(0, 1), instance(1, 0)])
    assert best_move(even, score(even), Rules()) is None
    assert list(balance(even, Rules())) == []


@pytest.mark.parametrize(
    ("before", "after", "enough"),
    [
        (1.0, 1.0, False),
        (1.0, 0.999, True),
        (0.1, 0.095, False),
        (0.1, 0.05, True),
        (0.11, 0.109, True),
    ],
)
def test_small_gains_count_above_the_limit_only(before: float, after: float, enough: bool) -> None:
    assert Rules(min_gain=0.01, min_gain_limit=0.1).suffices(before, after) is enough


def test_it_stops_at_a_number_of_rounds_or_at_a_score() -> None:
    crowded = state([node(), node()], [instance(0, 1)] * 4)
    assert len(list(balance(crowded, Rules(), rounds=1))) == 1
    assert list(balance(crowded, Rules(), stop_at=score(crowded))) == []


def test_evacuation_moves_instances_off_offline_nodes_only() -> None:
    leaving = state([node(offline=True), node(), node()], [instance(0, 1), instance(1, 2), instance(1, 2)])
    steps = list(balance(leaving, Rules(evacuation=True)))
    assert {step.move.instance for step in steps} == {0}
    assert 0 not in steps[-1].state.instances[0].instance.nodes


pairs = st.sampled_from([(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)])


@given(st.lists(st.builds(lambda p, m: instance(*p, memory=m), pairs, st.integers(50, 200)), max_size=4))
def test_every_round_lowers_the_score(instances: list[Instance]) -> None:
    found = state([node(), node(), node()], instances)
    scores = [score(found), *(step.score for step in balance(found, Rules()))]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == len(set(scores))
