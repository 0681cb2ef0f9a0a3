"""Changes of the score's parts: of sums, of squares and of N+1 failures, against the same figures counted again."""

import numpy as np
import pytest

from htools.balance.arrays import RESERVED, representable
from htools.balance.move_scores import Candidates
from htools.balance.score_deltas import Changes
from htools.model.cluster import Model
from spec.allocator.decisions import MoveKind, Rules, Settings
from spec.allocator.example import cluster, instance
from tests.htools.balance.walks import Adversary

SEEDS = [seed for seed in range(40) if representable(Adversary(seed, most=6).model())]


def changes(model: Model) -> Changes:
    """Return the changes for all instances (rows) and online nodes (targets)."""
    parent = Candidates(model, Rules())
    return Changes(parent, np.arange(len(model.instances)), np.flatnonzero(parent.nodes.online))


def small() -> Changes:
    return changes(Model.of(cluster(instance(0, 1), instance(1, 2), instance(2, 0), nodes=4), Settings()))


def test_sums_and_squares_change_as_counted_again() -> None:
    found = small()
    parent = found.parent
    rows, delta_units = found.rows, found.as_primary
    delta, square = found._change(found.secondary, found.on_secondary, delta_units)
    for row in rows.tolist():
        values = parent.value.copy()
        values[:, found.secondary[row]] += parent.unit[:, found.secondary[row]] * delta_units[:, row]
        assert delta[:, row] == pytest.approx((values - parent.value).sum(axis=1))
        assert square[:, row] == pytest.approx((values**2 - parent.value**2).sum(axis=1))


def test_the_reserve_changes_as_counted_again() -> None:
    found = small()
    parent = found.parent
    reserved = np.array([0.0, 500.0, 2500.0])
    delta, square = found._reserve_change(found.primary, found.on_primary, reserved)
    for row in range(3):
        at = found.primary[row]
        before = parent.reserved_value[at]
        after = reserved[row] / parent.nodes.total_memory[at] - parent.reference[RESERVED]
        assert delta[row] == pytest.approx(after - before)
        assert square[row] == pytest.approx(after**2 - before**2)


def test_deviations_are_those_of_the_changed_values() -> None:
    found = small()
    parent = found.parent
    zero = np.zeros((len(parent.kept), len(found.rows)))
    with_target = found._deviations(zero, zero, found.as_primary)
    alone = found._deviations_of_rows(zero, zero)
    unchanged = parent.value.std(axis=1) @ parent.weights
    assert alone == pytest.approx(np.full(3, unchanged))
    for row, (column, at) in ((row, pair) for row in range(3) for pair in enumerate(found.targets.tolist())):
        values = parent.value.copy()
        values[:, at] += parent.unit[:, at] * found.as_primary[:, row]
        assert with_target[row, column] == pytest.approx(values.std(axis=1) @ parent.weights)
    delta, square = found._change(found.primary, found.on_primary, -found.as_primary)
    moved = found._deviations(delta, square, found.as_primary)
    for row, (column, at) in ((row, pair) for row in range(3) for pair in enumerate(found.targets.tolist())):
        if at != found.primary[row]:
            values = parent.value.copy()
            values[:, found.primary[row]] -= parent.unit[:, found.primary[row]] * found.as_primary[:, row]
            values[:, at] += parent.unit[:, at] * found.as_primary[:, row]
            assert moved[row, column] == pytest.approx(values.std(axis=1) @ parent.weights)
    assert found.low is not None
    assert found.high is not None
    count = parent.count
    assert (found.low <= count**2 * parent.value.var(axis=1)[:, None] * (1 + 1e-12)).all()
    assert (found.high >= found.low).all()
    assert (found.linear_error > 0).all()


def test_instances_on_failing_nodes_are_counted() -> None:
    found = small()
    count = found.nodes.count[found.targets]
    none, every = np.zeros(len(count), dtype=bool), np.ones(len(count), dtype=bool)
    assert (found._n1_of_targets(none) == -found.parent.n1[found.targets]).all()
    assert (found._n1_of_targets(every) - found._n1_of_targets(none) == count + 1).all()
    left = found._n1_of_rows(found.primary, found.on_primary, np.ones(3, dtype=bool), -1.0)
    assert (left == found.nodes.count[found.primary] - 1 - found.parent.n1[found.primary]).all()


def test_running_fails_where_the_reserve_does_not_fit() -> None:
    for seed in SEEDS:
        found = changes(Adversary(seed, most=6).model())
        fails = found._running_fails()
        for row, vm in enumerate(found.parent.model.instances.values()):
            for column, at in enumerate(found.targets.tolist()):
                node = found.parent.model.nodes[int(found.nodes.index[at])]
                used = vm.used_memory if not vm.forthcoming else found.used[row]
                assert fails[row, column] == (node.free_memory - used <= node.reserved)


def test_places_count_as_on_the_nodes_themselves() -> None:
    """What a replaced secondary changes: the places that primary and secondary share."""
    seen = 0
    for seed in SEEDS:
        found = changes(Adversary(seed, most=6).model())
        model = found.parent.model
        change = np.broadcast_to(found._place_change(MoveKind.REPLACE_SECONDARY), (len(found.rows), len(found.targets)))
        for row, vm in enumerate(model.instances.values()):
            primary = model.nodes[vm.primary]
            for column, at in enumerate(found.targets.tolist()):
                other = model.nodes[int(found.nodes.index[at])]
                shared = len(primary.location_tags & other.location_tags)
                counts = not primary.offline and not vm.forthcoming
                if vm.mirrored and (found.parent.tags.places is not None or found.parent.tags.unmet is not None):
                    assert change[row, column] == (shared - vm.location_score) * counts
                    seen += change[row, column] != 0
    assert seen > 0
