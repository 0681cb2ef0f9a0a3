"""All pairs at once against one pair after the other, in blocks of any size."""

import json

import pytest

from htools.backends.iallocator import parse
from htools.model.cluster import Model
from htools.placement import vector_pairs
from htools.placement.outcomes import candidates, new_model
from htools.placement.plain_placer import PlainPlacer
from htools.placement.vector_placer import Placer
from spec.allocator.decisions import Settings
from spec.allocator.requests import Allocate, Limits
from tests.conformance.random_requests import random_request
from tests.htools.placement.test_vector_placer import seen


@pytest.mark.parametrize("block", [1, 3, 128])
def test_blocks_of_primaries_change_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_pairs, "PRIMARIES_AT_A_TIME", block)
    placed = 0
    for seed in range(160):
        cluster, request = parse(json.dumps(random_request(seed)).encode())
        if not isinstance(request, Allocate) or request.new.nodes != 2:
            continue
        limits = Limits(capacity=seed % 2 == 0)
        model = Model.of(cluster, Settings())
        targets = candidates(model.nodes.values(), cluster.groups, 2, limits)
        if not targets:
            continue
        vm = new_model(request.new.instance, cluster)
        wanted = PlainPlacer(model, cluster.groups, soft=False).try_all(vm, targets, 2, limits)
        found = Placer(model, cluster.groups, soft=False).try_all(vm, targets, 2, limits)
        assert seen(found) == seen(wanted), seed
        placed += wanted.best is not None
    assert placed > 5
