"""Placement in vectors and without them against the specification: the same failures, choice and metric, bit by bit."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from htools.backends.iallocator import parse
from htools.model.cluster import Model
from htools.placement.outcomes import candidates, new_model
from htools.placement.vector_placer import Placer
from spec.allocator import placement
from spec.allocator.cluster import Cluster
from spec.allocator.decisions import Settings
from spec.allocator.iallocator import placed_new
from spec.allocator.initial import initial_state
from spec.allocator.requests import Allocate, Limits, MultiAllocate, NewInstance
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
