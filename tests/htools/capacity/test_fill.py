"""Filling a cluster against the specification, and cases worked out by hand."""

from dataclasses import replace

import pytest

from htools.capacity.fill import Filled, Filler, Unmeasurable, named
from htools.model.cluster import Model
from htools.placement.outcomes import NoTargets, candidates
from spec.allocator import capacity
from spec.allocator.cluster import Disk
from spec.allocator.decisions import FailMode, Settings
from spec.allocator.initial import initial_state
from spec.allocator.requests import Limits
from spec.allocator.state import Placed
from tests import budget
from tests.htools.placement.test_vector_placer import LIMITS, asked
from tests.spec.allocator.small import cluster as small
from tests.spec.allocator.small import instance, node


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


FREE = Limits(capacity=False)
ASKED = instance(0, None, memory=300, disk=1024, disks=(Disk(1024),))
EMPTY = small([node(), node()], [])


def filler(limits: Limits = FREE, targets: list[int] | None = None) -> Filler:
    return Filler(EMPTY.groups, [0, 1] if targets is None else targets, 1, limits)


def start() -> Filled:
    return Filled({}, Model.of(EMPTY, Settings()))


def test_instances_are_placed_until_none_fits() -> None:
    """Three times 300 of 1000 MiB on each of two nodes; the model that it began with stays as it was."""
    before = start()
    filled = filler().fill(before, ASKED, None)
    assert [vm.name for vm in filled.placed] == [f"new-{number}" for number in range(6)]
    assert [len(one.primaries) for one in filled.model.nodes.values()] == [3, 3]
    assert dict(filled.reasons)[FailMode.MEMORY] == 2
    assert [mode for mode, _ in filled.reasons] == list(FailMode)
    assert before.model.instances == {}


@pytest.mark.parametrize(("limit", "count"), [(0, 0), (4, 4), (6, 6), (9, 6), (None, 6)])
def test_a_limit_ends_the_filling(limit: int | None, count: int) -> None:
    assert len(filler().fill(start(), ASKED, limit).placed) == count


def test_with_redundancy_one_node_could_take_over_everything() -> None:
    assert len(filler(Limits()).fill(start(), ASKED, None).placed) == 3
    assert len(filler(Limits()).fill(start(), ASKED, 2).placed) == 2


def test_an_instance_without_memory_cannot_be_measured() -> None:
    nothing = replace(ASKED, memory=0)
    groups = tuple(replace(group, policy=replace(group.policy, bounds=())) for group in EMPTY.groups)
    with pytest.raises(Unmeasurable):
        Filler(groups, [0, 1], 1, Limits()).fill(start(), nothing, None)
    assert filler(Limits()).fill(start(), nothing, None).placed == ()  # the policy refuses it everywhere
    with pytest.raises(NoTargets):
        filler(targets=[]).fill(start(), ASKED, None)


def test_tiers_fill_what_the_standard_size_leaves() -> None:
    """Of 1200 MiB three times 300 leave 300, of which something must stay: 236 is the next size."""
    roomier = small([node(total_memory=1200.0, free_memory=1200), node()], [])
    for limit, sizes in ((None, [300] * 6 + [236]), (7, [300] * 6 + [236]), (2, [300, 300])):
        filled = Filler(roomier.groups, [0, 1], 1, FREE).fill_tiers(
            Filled({}, Model.of(roomier, Settings())), ASKED, limit
        )
        assert [vm.memory for vm in filled.placed] == sizes


def test_the_next_instance_is_numbered_by_what_was_placed() -> None:
    vm = named(ASKED, 7, 2)
    assert (vm.index, vm.name, vm.instance.memory) == (7, "new-2", 300)
