"""The placer for few candidates: as specified, with and without redundancy, and refusing an empty list."""

import pytest

from htools.model.cluster import Model
from htools.model.from_spec import instance_model
from htools.placement.outcomes import NoTargets
from htools.placement.plain_placer import PlainPlacer
from spec.allocator import placement
from spec.allocator.decisions import FailMode, Settings
from spec.allocator.initial import initial_state
from spec.allocator.requests import Limits
from spec.allocator.state import Placed
from tests.spec.allocator.small import cluster, instance, node

READ = cluster([node(), node(), node(total_memory=600.0, free_memory=600)], [instance(0, 1, memory=400)])
MIRRORED = Placed(-1, instance(0, 1, memory=300, disk=1024))


@pytest.mark.parametrize("limits", [Limits(), Limits(capacity=False), Limits(ignore_soft=True)])
@pytest.mark.parametrize("memory", [128, 300, 599])
def test_placement_is_the_specified_one(limits: Limits, memory: int) -> None:
    new = Placed(-1, instance(0, 1, memory=memory, disk=1024))
    targets = placement.candidates(initial_state(READ).nodes, READ.groups, 2, limits)
    wanted = placement.try_all(initial_state(READ), new, targets, 2, limits)
    placer = PlainPlacer(Model.of(READ, Settings()), READ.groups, soft=limits.ignore_soft)
    found = placer.try_all(instance_model(new), targets, 2, limits)
    assert (found.successes, dict(found.failures)) == (wanted.successes, dict(wanted.failures))
    assert (found.best and str(found.best.metric)) == (wanted.best and str(wanted.best.metric))
    if found.best is not None and wanted.best is not None:
        assert [one.index for one in found.best.nodes] == [one.index for one in wanted.best.nodes]


def test_redundancy_is_kept_only_where_it_is_asked_for() -> None:
    """Were n0 to fail, its instance would need the room that the new one takes on n1."""
    full = cluster([node(), node()], [instance(0, None, memory=600, disk=1024)])
    plain = Placed(-1, instance(0, None, memory=500, disk=1024))
    counts = []
    for capacity in (True, False):
        placer = PlainPlacer(Model.of(full, Settings()), full.groups, soft=False)
        outcome = placer.try_all(instance_model(plain), [0, 1], 1, Limits(capacity=capacity))
        counts.append((outcome.successes, outcome.failures[FailMode.N1]))
    assert counts == [(0, 1), (1, 0)]


@pytest.mark.parametrize(("required", "text"), [(1, "^No online nodes$"), (2, "^Not enough online nodes$")])
def test_an_empty_list_is_refused_in_the_words_of_ganeti(required: int, text: str) -> None:
    placer = PlainPlacer(Model.of(READ, Settings()), READ.groups, soft=False)
    with pytest.raises(NoTargets, match=text):
        placer.try_all(instance_model(MIRRORED), [], required, Limits())
