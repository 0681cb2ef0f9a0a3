"""Arrays for placement: independent copies, tags, and figures that are refused at their limits."""

import numpy as np
import pytest

from htools.limits import LARGEST_EXACT
from htools.model.cluster import Model
from htools.placement.arrays import PlacementNodes, Unsuitable
from spec.allocator.decisions import Settings
from tests.spec.allocator.small import cluster, instance, node


def model() -> Model:
    made = cluster([node(), node(), node()], [instance(0, 1, memory=400, tags=("svc:a",))], ("htools:iextags:svc",))
    return Model.of(made, Settings())


def test_tags_are_kept_by_position_and_read_again() -> None:
    made = model().group(0)
    nodes = PlacementNodes(made)
    assert nodes.tag_counts == {0: {"svc:a": 1}}
    changed = made.nodes[2].copy()
    changed.tag_counts = {"svc:b": 2}
    nodes.refresh([changed])
    assert nodes.tag_counts == {0: {"svc:a": 1}, 2: {"svc:b": 2}}


def test_a_copy_shares_nothing_that_changes() -> None:
    made = model()
    nodes = PlacementNodes(made)
    before = (nodes.figures.copy(), nodes.values.copy(), nodes.n1_failed.copy(), nodes.needs_by_peer.copy())
    copy = nodes.copy()
    changed = made.nodes[1].copy()
    changed.free_memory, changed.n1_failed, changed.peers, changed.tag_counts = 7, True, [(2, 5)], {"svc:a": 1}
    copy.refresh([changed])
    after = (nodes.figures, nodes.values, nodes.n1_failed, nodes.needs_by_peer)
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    assert (nodes.free_memory[1], nodes.tag_counts) == (1000, {0: {"svc:a": 1}})
    assert (copy.free_memory[1], copy.needs_by_peer[2, 1], copy.n1_failed[1]) == (7, 5, True)
    assert copy.position == nodes.position


@pytest.mark.parametrize(("size", "fits"), [(LARGEST_EXACT - 1, True), (LARGEST_EXACT, False), (-LARGEST_EXACT, False)])
def test_whole_numbers_that_are_not_exact_are_refused(size: float, fits: bool) -> None:
    made = model()
    nodes = PlacementNodes(made)
    made.nodes[2].free_disk = int(size)
    if fits:
        nodes.refresh([made.nodes[2]])
        assert PlacementNodes(made).free_disk[2] == size
    else:
        with pytest.raises(Unsuitable):
            nodes.refresh([made.nodes[2]])
        with pytest.raises(Unsuitable):
            PlacementNodes(made)


def test_values_that_are_not_finite_are_refused() -> None:
    made = model()
    made.nodes[0].total_memory = 0.0
    with pytest.raises(Unsuitable):
        PlacementNodes(made)
