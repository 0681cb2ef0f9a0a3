"""The exact score against the specification, component by component and to the last bit."""

from math import nan

import pytest
from hypothesis import given, settings

from htools.model import score as quick
from htools.model.cluster import Model
from spec.allocator import score as plain
from spec.allocator.cluster import Cluster
from spec.allocator.components import COMPONENTS
from spec.allocator.decisions import Settings
from spec.allocator.initial import initial_state
from tests.htools.model.test_cluster import clusters
from tests.spec.allocator.small import cluster, instance, node


@settings(max_examples=20, deadline=None)
@given(clusters())
def test_components_and_score_are_as_specified(read: Cluster) -> None:
    model, state = Model.of(read, Settings()), initial_state(read)
    values = quick.component_values(model.nodes.values())
    assert list(map(str, values)) == list(map(str, plain.component_values(state.nodes.values())))
    assert str(quick.score(model.nodes.values())) == str(plain.score(state))
    assert str(quick.optimum(model.nodes.values())) == str(plain.optimum(state))
    assert quick.collisions(model.nodes.values()) == plain.collisions(state.nodes.values())


def nodes(*offline: bool) -> Model:
    made = cluster([node(offline=off) for off in offline], [instance(0, 1), instance(0, None)])
    return Model.of(made, Settings())


def test_each_value_has_its_component() -> None:
    assert {len(quick.node_values(one)) for one in nodes(False, False).nodes.values()} == {len(COMPONENTS)}


def test_offline_nodes_count_only_where_they_are_meant() -> None:
    """Source: man hbal(1): 4 for each instance of an offline node, 16 for each that runs there."""
    assert quick.component_values(nodes(True, True).nodes.values()) == []
    assert quick.score(nodes(True, True).nodes.values()) == 0.0
    values = quick.component_values(nodes(True, False).nodes.values())
    assert (values[4], values[5]) == (2.0, 2.0)
    assert quick.weighted(values) >= 2 * 4.0 + 2 * 16.0


def test_disks_are_counted_in_spindles_on_exclusive_storage() -> None:
    model = Model.of(cluster([node(exclusive_storage=True, spindles=4, free_spindles=1)], []), Settings())
    assert quick.node_values(model.nodes[0])[1] == 0.25
    model.nodes[0].total_spindles = 0
    assert quick.node_values(model.nodes[0])[1] == 1.0


def test_places_with_the_same_exclusion_tag_collide() -> None:
    model = nodes(False, False)
    model.nodes[0].pair_counts = {("rack:a", "svc:a"): 1, ("rack:b", "svc:a"): 1}
    model.nodes[1].pair_counts = {("rack:a", "svc:a"): 2}
    assert quick.collisions(model.nodes.values()) == 2.0


@pytest.mark.parametrize(("sizes", "least"), [([1000.0], 0.0), ([], 0.0), ([nan, 1.0], 0.0), ([1.0, -1.0], 0.0)])
def test_no_reserve_is_needed_without_a_second_node(sizes: list[float], least: float) -> None:
    model = Model.of(cluster([node() for _ in sizes], []), Settings())
    for one, size in zip(model.nodes.values(), sizes, strict=True):
        one.total_memory, one.peers = size, [(0, 100)]
    assert quick.optimum(model.nodes.values()) == least


def test_the_least_reserve_is_spread_over_the_nodes_that_are_left() -> None:
    """100 MiB needed: of 1000 that the smaller node has, instead of 3000 of both; weighted by a quarter."""
    model = nodes(False, False)
    model.nodes[0].total_memory = 2000.0
    assert quick.optimum(model.nodes.values()) == 0.25 * (100 / 1000 - 100 / 3000)
