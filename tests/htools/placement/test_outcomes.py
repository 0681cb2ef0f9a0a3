"""Candidates and the choice among them against the specification, and where the two could differ."""

from itertools import product
from typing import Any

import pytest

from htools.model.cluster import Model
from htools.placement.outcomes import (
    NEW,
    Allocation,
    Outcome,
    candidates,
    chosen,
    count_targets,
    new_model,
    with_allocation,
)
from spec.allocator import candidates as plain_candidates
from spec.allocator import placement
from spec.allocator.cluster import AllocPolicy, Group
from spec.allocator.decisions import FailMode, Settings
from spec.allocator.initial import initial_state
from spec.allocator.requests import Limits
from tests.spec.allocator.small import cluster, instance, node

READ = cluster([node(), node(group=1), node(offline=True), node(), node(group=1), node()], [instance(0, 3)], groups=2)
GROUPS = (READ.groups[0], Group("closed", "u", AllocPolicy.UNALLOCABLE))
VM = new_model(instance(), READ)


@pytest.mark.parametrize("required", [1, 2])
@pytest.mark.parametrize("limits", [Limits(), Limits(only_nodes=("n0", "n1", "n3")), Limits(only_nodes=("n0",))])
@pytest.mark.parametrize("allocable", [False, True])
def test_candidates_are_the_specified_ones(required: int, limits: Limits, allocable: bool) -> None:
    nodes, state = Model.of(READ, Settings()).nodes.values(), initial_state(READ).nodes
    found = candidates(nodes, GROUPS, required, limits, allocable=allocable)
    assert found == placement.candidates(state, GROUPS, required, limits, allocable=allocable)


def test_candidates_worked_out_by_hand() -> None:
    nodes = Model.of(READ, Settings()).nodes.values()
    assert candidates(nodes, GROUPS, 1, Limits()) == [0, 1, 3, 4, 5]
    pairs = candidates(nodes, GROUPS, 2, Limits(), allocable=True)
    assert pairs == [(0, [3, 5]), (3, [0, 5]), (5, [0, 3])]
    assert (count_targets([0, 1, 3]), count_targets(pairs)) == (3, 6)
    with pytest.raises(ValueError, match="only one or two  supported"):
        candidates(nodes, GROUPS, 3, Limits())


def found(metric: float) -> Allocation:
    return Allocation(VM, (), metric)


@pytest.mark.parametrize("least", [0.0, 1.0, 1.5, 9.0])
def test_the_choice_is_the_specified_one(least: float) -> None:
    for metrics in product((1.0, 2.0, 3.0), repeat=3):
        tried = [found(metric) for metric in metrics]
        wanted: Any = plain_candidates.chosen([*tried, FailMode.DISK], lambda one: one.metric >= least)  # type: ignore[list-item]
        outcome = chosen(tried, {FailMode.DISK: 1}, lambda one: one.metric >= least)
        best: object = outcome.best  # allocations of the working model stand for those of the definition
        assert best is wanted.best
        assert (outcome.successes, dict(outcome.failures)) == (wanted.successes, dict(wanted.failures))


def test_of_equal_allocations_the_later_outcome_wins() -> None:
    for first, second in product((1.0, 2.0), repeat=2):
        one, other = found(first), found(second)
        total = Outcome(best=one, successes=2)
        total.failures[FailMode.CPU] = 1
        joined = Outcome(best=other, successes=3)
        joined.failures.update({FailMode.CPU: 2, FailMode.DISK: 1})
        total.join(joined)
        wanted: Any = placement.better(one, other)  # type: ignore[arg-type]
        assert total.best is wanted
        assert (total.successes, dict(total.failures)) == (5, {FailMode.CPU: 3, FailMode.DISK: 1})
    kept = Outcome(best=found(1.0))
    kept.join(Outcome())
    assert kept.best is not None


def test_a_new_instance_gets_the_number_of_instances() -> None:
    model = Model.of(READ, Settings())
    runs = model.nodes[3].copy()
    assert runs.add_primary(VM) is None
    after = with_allocation(model, Allocation(VM.at(3, -1), (runs,), 0.0))
    assert (after.nodes[3].primaries, list(after.instances), after.instances[1].index) == ([1], [0, 1], NEW)
    assert (runs.primaries, model.nodes[3].primaries) == ([NEW], [])
    assert after.nodes[0] is model.nodes[0]


def test_only_tags_that_mean_something_are_kept() -> None:
    tagged = cluster([node()], [], ("htools:iextags:svc", "htools:desiredlocation:rack"))
    vm = new_model(instance(tags=("svc:a", "rack:b", "note")), tagged)
    assert (vm.index, vm.exclusion_tags, vm.desired_locations) == (NEW, ("svc:a",), frozenset({"rack:b"}))
