"""Placement candidate by candidate: one node, a pair and the updated score, as specified and to the last bit."""

from itertools import permutations

import pytest

from htools.model.cluster import Model
from htools.model.from_spec import instance_model
from htools.model.instance import NO_NODE
from htools.placement.one_by_one import Statistics, on_one, place_pair, try_all
from htools.placement.outcomes import Allocation
from spec.allocator import candidates
from spec.allocator.cluster import Disk
from spec.allocator.decisions import FailMode, Settings
from spec.allocator.initial import initial_state
from spec.allocator.requests import Limits
from spec.allocator.state import Placed
from spec.allocator.statistics import replaced, score_of, statistics
from tests.spec.allocator.small import DRBD, cluster, instance, node

TAGS = ("htools:iextags:svc", "htools:nlocation:rack")
READ = cluster(
    [node(tags=("rack:a",)), node(tags=("rack:a",)), node(tags=("rack:b",)), node(total_memory=400.0, free_memory=400)],
    [instance(0, 1, tags=("svc:a",)), instance(2, 0, memory=250), instance(3, 1, memory=200)],
    TAGS,
)
STATE = initial_state(READ)
SIZES = ((128, 1024), (300, 1024), (850, 1024), (128, 9000), (1, 1024))


def new(memory: int, disk: int, secondary: int | None = None) -> Placed:
    template = instance(0, secondary).disk_template
    made = instance(0, None, memory=memory, disk=disk, disks=(Disk(disk),), disk_template=template)
    return Placed(-1, made, exclusion_tags=("svc:a",) if memory == 300 else ())


def model() -> Model:
    return Model.of(READ, Settings())


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_one_node_is_judged_as_specified(size: tuple[int, int], soft: bool) -> None:
    for target in range(4):
        wanted = candidates.on_one(STATE, new(*size), target, Limits(ignore_soft=soft))
        found = on_one(model(), READ.groups, instance_model(new(*size)), target, soft=soft)
        if isinstance(found, FailMode):
            assert found is wanted
        else:
            assert isinstance(wanted, candidates.Allocation)
            assert str(found.metric) == str(wanted.metric)
            assert (found.vm.primary, found.vm.secondary, found.nodes[0].primaries[0]) == (target, NO_NODE, -1)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_a_pair_is_judged_as_specified(size: tuple[int, int], soft: bool) -> None:
    before = statistics(STATE.nodes.values())
    here = model()
    sums = Statistics(list(here.nodes.values()))
    for pair in permutations(range(4), 2):
        vm = instance_model(new(*size, secondary=1))
        wanted = candidates.on_pair(STATE, before, new(*size, secondary=1), pair, Limits(ignore_soft=soft))
        found = place_pair(here, READ.groups, vm, pair, soft=soft)
        if isinstance(found, FailMode):
            assert found is wanted
            continue
        assert isinstance(wanted, candidates.Allocation)
        placed, runs, mirrors = found
        assert (placed.primary, placed.secondary, placed.location_score) == (*pair, wanted.placed.location_score)
        changes = [(here.nodes[pair[0]], runs), (here.nodes[pair[1]], mirrors)]
        assert str(sums.replaced(changes)) == str(wanted.metric)


def test_the_updated_score_is_the_specified_one_after_each_node() -> None:
    here = model()
    sums, wanted = Statistics(list(here.nodes.values())), statistics(STATE.nodes.values())
    assert str(sums.replaced([])) == str(score_of(wanted))
    for index, other in STATE.nodes.items():
        for source in STATE.nodes.values():
            found = sums.replaced([(here.nodes[index], here.nodes[source.index])])
            assert str(found) == str(score_of(replaced(wanted, other, source)))


def test_nothing_online_has_no_statistics() -> None:
    assert Statistics([]).count == 0.0


def test_all_candidates_are_counted_and_the_best_good_one_is_chosen() -> None:
    vm = instance_model(new(128, 1024, secondary=1))
    assert vm.instance.disk_template is DRBD
    targets = [(0, [1, 2, 3]), (2, [0, 1])]
    every = try_all(model(), READ.groups, vm, targets, soft=False, good=lambda _: True)
    assert every.successes + every.failures.total() == 5
    assert every.best is not None
    best = every.best

    def other(one: Allocation) -> bool:
        return bool(one.metric != best.metric)

    second = try_all(model(), READ.groups, vm, targets, soft=False, good=other)
    assert second.best is not None
    assert second.best.metric > best.metric
    assert second.failures[FailMode.N1] == every.failures[FailMode.N1] + 1
    single = try_all(
        model(), READ.groups, instance_model(new(300, 1024)), [0, 1, 2, 3], soft=False, good=lambda _: True
    )
    assert dict(single.failures) == {FailMode.TAGS: 1, FailMode.MEMORY: 1}
    assert single.successes == 2
