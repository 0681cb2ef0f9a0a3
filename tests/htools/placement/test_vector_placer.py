"""Placement in vectors and without them against the specification: the same failures, choice and metric, bit by bit."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from htools.backends.iallocator import parse
from htools.capacity.fill import Filled, Filler
from htools.model.cluster import Model
from htools.placement.outcomes import candidates, new_model
from htools.placement.vector_placer import Placer
from spec.allocator import capacity, placement
from spec.allocator.cluster import Cluster
from spec.allocator.decisions import Settings
from spec.allocator.iallocator import placed_new
from spec.allocator.initial import initial_state
from spec.allocator.requests import Allocate, Limits, MultiAllocate, NewInstance
from spec.allocator.state import Placed
from tests import budget
from tests.conformance.random_requests import random_request

LIMITS = (Limits(), Limits(capacity=False), Limits(ignore_soft=True), Limits(accept_existing=True))


def asked(seeds: range) -> Iterator[tuple[int, Cluster, NewInstance]]:
    for seed in seeds:
        cluster, request = parse(json.dumps(random_request(seed)).encode())
        if isinstance(request, Allocate):
            yield seed, cluster, request.new
        elif isinstance(request, MultiAllocate):
            yield seed, cluster, request.new[0]


def seen(outcome: Any) -> tuple[Any, ...]:
    best = outcome.best and (outcome.best.metric, [node.index for node in outcome.best.nodes])
    return {mode: n for mode, n in outcome.failures.items() if n}, outcome.successes, best


def compare(seeds: range) -> int:
    succeeded = 0
    for seed, cluster, new in asked(seeds):
        for limits in LIMITS:
            state, model = initial_state(cluster), Model.of(cluster, Settings())
            targets = placement.candidates(state.nodes, cluster.groups, new.nodes, limits)
            assert candidates(model.nodes.values(), cluster.groups, new.nodes, limits) == targets
            if not targets:
                continue
            wanted = placement.try_all(state, placed_new(new.instance, cluster.tags), targets, new.nodes, limits)
            succeeded += wanted.best is not None
            for plain_below in (0, 10**9):
                placer = Placer(model, cluster.groups, soft=limits.ignore_soft, plain_below=plain_below)
                found = placer.try_all(new_model(new.instance, cluster), targets, new.nodes, limits)
                assert seen(found) == seen(wanted), f"seed {seed}, {limits}, plain below {plain_below}"
    return succeeded


def test_placement_as_specified() -> None:
    assert compare(range(120)) > 100


@pytest.mark.long
def test_placement_as_specified_often() -> None:
    wanted = budget.spent(ci=300, weekly=2000) // 2
    budget.compare_until(compare, lambda succeeded: succeeded > wanted, ci=300, weekly=2000)


def filled_as_specified(seeds: range, most: int | None = None) -> int:
    """Compare filling, every third cluster up to `most` (None: until nothing fits); return how many were placed."""
    placed = 0
    for seed, cluster, new in asked(seeds):
        if new.instance.forthcoming or not new.instance.disks or not new.instance.memory:
            continue
        limits = LIMITS[seed % len(LIMITS)]
        state, model = initial_state(cluster), Model.of(cluster, Settings())
        targets = candidates(model.nodes.values(), cluster.groups, new.nodes, limits, allocable=True)
        if not targets:
            continue
        for tiered in (False, True):
            # Any number of stopped instances on shared storage fits; hspace itself places running ones only.
            limit = (most, 3, 8)[seed % 3] if new.instance.uses_memory else 5
            start = capacity.Filled({}, state)
            vm = Placed(-1, new.instance)
            how = capacity.fill_tiers if tiered else capacity.fill
            wanted = how(start, vm, targets, limits, limit)
            filler = Filler(cluster.groups, targets, new.nodes, limits)
            found = (filler.fill_tiers if tiered else filler.fill)(Filled({}, model), new.instance, limit)
            expected = [
                (p.instance.memory, p.instance.disk, p.instance.primary, p.instance.secondary) for p in wanted.placed
            ]
            ours = [
                (v.memory, v.instance.disk, v.primary, v.secondary if v.secondary >= 0 else None) for v in found.placed
            ]
            assert ours == expected, f"seed {seed}, tiered {tiered}"
            reasons = {mode: n for mode, n in wanted.failures.items() if n}
            assert {mode: n for mode, n in found.failures.items() if n} == reasons, f"seed {seed}"
            placed += len(expected)
    return placed


def test_capacity_as_specified() -> None:
    assert filled_as_specified(range(12)) > 20


@pytest.mark.long
def test_capacity_as_specified_often() -> None:
    most = None if budget.is_weekly() else 60  # the specification needs a minute for the largest
    wanted = budget.spent(ci=40, weekly=150) * 10 // 3
    budget.compare_until(
        lambda seeds: filled_as_specified(seeds, most), lambda placed: placed > wanted, ci=40, weekly=150
    )
