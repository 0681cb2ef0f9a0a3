"""The cluster's score: components by hand, and what cannot change it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.allocator.score import COMPONENTS, component_values, deviation, optimum, score, total
from spec.allocator.state import State
from tests.spec.allocator.small import instance, node, state


def values(found: State) -> dict[str, float]:
    """The components that are not zero, by name."""
    named = zip(COMPONENTS, component_values(found.nodes.values()), strict=True)
    return {component.name: value for component, value in named if value}


def test_the_components_and_their_weights() -> None:
    assert [component.weight for component in COMPONENTS] == [
        0.5, 0.5, 1, 1, 4, 16, 0.5, 1, 1, 1, 1, 2, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 1, 0.25,
    ]  # fmt: skip


def test_an_empty_cluster_is_perfect() -> None:
    assert score(state([node(), node()], [])) == 0.0


def test_one_instance_on_one_of_two_nodes() -> None:
    """100 of 1000 MiB of memory, 1000 of 10000 MiB of disk, 1 of 8 cores, 1 of 32 spindles, one unit of each load."""
    found = state([node(), node()], [instance(0, None)])
    assert values(found) == pytest.approx(
        {
            "free_mem_cv": 0.05,
            "free_disk_cv": 0.05,
            "vcpu_ratio_cv": 0.0625,
            "cpu_load_cv": 0.5,
            "mem_load_cv": 0.5,
            "disk_load_cv": 0.5,
            "net_load_cv": 0.5,
            "spindles_cv": 0.015625,
            "free_mem_cv_forth": 0.05,
            "free_disk_cv_forth": 0.05,
            "vcpu_ratio_cv_forth": 0.0625,
            "spindles_cv_forth": 0.015625,
        }
    )
    assert score(found) == pytest.approx(2.178125)


def test_reserved_memory() -> None:
    found = values(state([node(), node()], [instance(0, 1)]))
    assert (found["reserved_mem_cv"], found["reserved_mem_rtotal"]) == (0.05, 0.1)


def test_instances_on_nodes_that_fail_n_plus_1_are_counted() -> None:
    found = state([node(), node(free_memory=50)], [instance(0, 1)])
    assert values(found)["n1_cnt"] == 1.0


def test_offline_nodes_count_their_instances_and_nothing_else() -> None:
    found = values(state([node(offline=True), node(), node()], [instance(0, 1), instance(1, 0)]))
    assert (found["offline_all_cnt"], found["offline_pri_cnt"]) == (2.0, 1.0)


def test_exclusion_tags_count_beyond_the_first_of_each() -> None:
    tagged = [instance(0, None, tags=("role:db",))] * 3
    assert values(state([node()], tagged, ("htools:iextags:role",)))["pri_tags_score"] == 2.0


def test_places_that_both_nodes_share_and_exclusion_tags_in_one_place() -> None:
    tags = ("htools:nlocation:power", "htools:iextags:role")
    here = node(tags=("power:a",))
    found = values(state([here, here], [instance(0, 1, tags=("role:db",)), instance(1, 0, tags=("role:db",))], tags))
    assert (found["location_score"], found["location_exclusion_score"]) == (2.0, 1.0)


def test_without_an_online_node_there_are_no_components() -> None:
    gone = state([node(offline=True)], [instance(0, None)])
    assert (component_values(gone.nodes.values()), score(gone)) == ((), 0.0)


def test_the_optimum_of_reserved_memory() -> None:
    """100 MiB needed: 0.25 · (100/1000 − 100/2000)."""
    assert optimum(state([node(), node()], [instance(0, 1)])) == pytest.approx(0.0125)
    assert optimum(state([node()], [])) == 0.0


def test_the_deviation_is_the_populations() -> None:
    assert deviation([1.0, 3.0]) == 1.0
    assert deviation([5.0]) == 0.0


def test_sums_go_from_left_to_right() -> None:
    assert total([1e16, 1.0, -1e16]) == 0.0
    assert total([1e16, -1e16, 1.0]) == 1.0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8), st.floats(-100, 100))
def test_a_deviation_is_not_negative_and_does_not_move_with_the_mean(numbers: list[float], shift: float) -> None:
    assert deviation(numbers) >= 0.0
    assert deviation([number + shift for number in numbers]) == pytest.approx(deviation(numbers), abs=1e-6)


@pytest.mark.parametrize(
    "worse", [lambda n: replace(n, node=replace(n.node, offline=True)), lambda n: replace(n, n1_failed=True)]
)
def test_what_is_worse_scores_higher(worse: Callable[[Any], Any]) -> None:
    found = state([node(), node(), node()], [instance(0, 1), instance(1, 2), instance(2, 0)])
    assert score(State({**found.nodes, 0: worse(found.nodes[0])}, found.instances)) > score(found)
