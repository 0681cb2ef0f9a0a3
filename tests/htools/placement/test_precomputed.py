"""Refusals for many sizes at once: those of each size tried alone; and what is kept of a model."""

from collections import Counter

import numpy as np
import pytest

from htools.model.cluster import Model
from htools.model.instance import InstanceModel
from htools.placement import precomputed
from htools.placement.arrays import PlacementNodes
from htools.placement.one_by_one import on_one, place_pair
from htools.placement.outcomes import NEW
from htools.placement.precomputed import Ground, refusals
from spec.allocator.cluster import Disk
from spec.allocator.decisions import FailMode, Settings
from spec.allocator.requests import Limits
from tests.spec.allocator.small import cluster, instance, node

READ = cluster(
    [node(), node(), node(total_memory=600.0, free_memory=600), node(free_disk=3000, offline=True), node(group=1)],
    [instance(0, 1, memory=400), instance(1, 0, memory=300), instance(2, 1)],
    groups=2,
)
SINGLE = [0, 1, 2, 4]
PAIRS = [(0, [1, 2]), (1, [0, 2]), (2, [0, 1, 3])]


def sizes(secondary: int | None) -> list[InstanceModel]:
    """Return instances from too small to too large, in memory, disk and cores."""
    asked = [(memory, disk, 1) for memory in (64, 128, 300, 550, 999, 40000) for disk in (1024, 9000)]
    asked += [(128, 1024, 40), (128, 1024, 8)]
    return [
        InstanceModel(NEW, instance(0, secondary, memory=memory, disk=disk, vcpus=cores, disks=(Disk(disk),)))
        for memory, disk, cores in asked
    ]


def alone(model: Model, vm: InstanceModel, targets: list[int] | list[tuple[int, list[int]]]) -> tuple[bool, Counter]:  # type: ignore[type-arg]
    """Try one size alone."""
    results: list[object] = []
    for target in targets:
        if isinstance(target, int):
            results.append(on_one(model, READ.groups, vm, target, soft=False))
        else:
            results += [place_pair(model, READ.groups, vm, (target[0], at), soft=False) for at in target[1]]
    failures = Counter(result for result in results if isinstance(result, FailMode))
    return failures.total() < len(results), failures


@pytest.mark.parametrize("targets", [SINGLE, PAIRS], ids=["single", "pairs"])
@pytest.mark.parametrize("cells", [1, 1 << 19])
def test_each_size_is_refused_as_if_it_were_alone(
    targets: list[int] | list[tuple[int, list[int]]], cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precomputed, "SIZES_TIMES_CANDIDATES", cells)
    model = Model.of(READ, Settings())
    vms = sizes(None if targets is SINGLE else 1)
    found = refusals(READ.groups, Ground(model, PlacementNodes(model), targets), vms, soft=False)
    assert found == [alone(model, vm, targets) for vm in vms]
    assert {fits for fits, _ in found} == {False, True}
    assert {mode for _, failures in found for mode in failures} >= {FailMode.MEMORY, FailMode.DISK, FailMode.CPU}


def test_the_ground_of_pairs() -> None:
    model = Model.of(READ, Settings())
    ground = Ground(model, PlacementNodes(model), PAIRS)
    assert ground.paired
    assert (ground.rows.tolist(), ground.partners.tolist()) == ([0, 1, 2], [2, 2, 3])
    assert ground.allowed.astype(int).tolist() == [[0, 1, 1, 0, 0], [1, 0, 1, 0, 0], [1, 1, 0, 1, 0]]
    assert (ground.needs[0, 1], ground.needs[1, 0], ground.needs[1, 2]) == (400, 300, 0)
    single = Ground(model, PlacementNodes(model), SINGLE)
    assert not single.paired
    assert single.partners.tolist() == [1, 1, 1, 1]


def test_moments_are_those_of_online_nodes_and_offline_sums_those_of_the_others() -> None:
    model = Model.of(READ, Settings())
    nodes = PlacementNodes(model)
    ground = Ground(model, nodes, SINGLE)
    count, sums, variances = ground.moments
    online = nodes.values[:, [0, 1, 2, 4]]
    assert count == 4.0
    np.testing.assert_allclose(sums, online.sum(axis=1))
    np.testing.assert_allclose(variances, online.var(axis=1), atol=1e-15)
    assert ground.offline.tolist() == nodes.values[:, 3].tolist()


def test_room_is_kept_for_the_same_limits() -> None:
    model = Model.of(READ, Settings())
    ground = Ground(model, PlacementNodes(model), SINGLE)
    room = ground.room(Limits())
    assert ground.room(Limits()) is room
    assert ground.room(Limits(accept_existing=True)) is not room
