"""One candidate for a new instance, and the best of several."""

from dataclasses import replace

from spec.allocator.candidates import Allocation, chosen, on_one, on_pair, with_allocation
from spec.allocator.decisions import FailMode
from spec.allocator.requests import Limits
from spec.allocator.score import score
from spec.allocator.state import Placed, State
from spec.allocator.statistics import statistics
from tests.spec.allocator.small import instance, node, state

FREE = state([node(), node()], [])
SIZED = instance(0, None, memory=128, disk=1024)
NEW = Placed(-1, SIZED)
MIRRORED = Placed(-1, instance(0, None, memory=128, disk=1024, disk_template=instance().disk_template))
LIMITS = Limits()


def test_one_node_is_judged_by_the_whole_score() -> None:
    found = on_one(FREE, NEW, 1, LIMITS)
    assert isinstance(found, Allocation)
    assert (found.placed.instance.primary, found.nodes[0].real.primaries) == (1, (-1,))
    assert found.metric == score(State({**FREE.nodes, 1: found.nodes[0]}, {}))


def test_the_policy_comes_before_the_node() -> None:
    tiny = Placed(-1, replace(SIZED, memory=1))
    assert on_one(FREE, tiny, 0, LIMITS) is FailMode.MEMORY
    assert on_one(FREE, Placed(-1, replace(SIZED, disk=20000)), 0, LIMITS) is FailMode.DISK


def test_a_pair_names_primary_and_secondary() -> None:
    found = on_pair(FREE, statistics(FREE.nodes.values()), MIRRORED, (1, 0), LIMITS)
    assert isinstance(found, Allocation)
    assert found.placed.instance.nodes == (1, 0)
    assert [(it.index, it.real.primaries, it.real.secondaries) for it in found.nodes] == [
        (1, (-1,), ()),
        (0, (), (-1,)),
    ]


def test_soft_limits_of_the_secondary_bind_even_where_they_are_ignored() -> None:
    """The secondary keeps 800 MiB for another node; 128 MiB more of a second primary stay below, 900 do not."""
    keeper = state([node(), node(), node()], [instance(2, 1, memory=800), instance(1, None, memory=150)])
    before = statistics(keeper.nodes.values())
    big = Placed(-1, replace(MIRRORED.instance, memory=900))
    assert on_pair(keeper, before, big, (0, 1), Limits(ignore_soft=True)) is FailMode.MEMORY


def test_a_placed_instance_is_numbered_by_the_count_of_instances() -> None:
    held = state([node(), node()], [instance(0, None)])
    found = on_one(held, NEW, 1, LIMITS)
    assert isinstance(found, Allocation)
    after = with_allocation(held, found)
    assert (after.nodes[1].real.primaries, list(after.instances), after.instances[1].index) == ((1,), [0, 1], -1)


def allocation(metric: float) -> Allocation:
    """An allocation of which only the metric matters."""
    return Allocation(NEW, (), metric)


def test_the_lowest_metric_wins_and_the_last_tried_among_equals() -> None:
    first, second = allocation(1.0), allocation(1.0)
    outcome = chosen([allocation(2.0), first, second, FailMode.DISK], lambda _: True)
    assert outcome.best is second
    assert (outcome.successes, dict(outcome.failures)) == (3, {FailMode.DISK: 1})


def test_better_ones_that_are_not_good_count_as_failing_n_plus_1() -> None:
    outcome = chosen([allocation(1.0), allocation(2.0), allocation(3.0)], lambda one: one.metric > 1.5)
    assert outcome.best is not None
    assert (outcome.best.metric, outcome.successes, dict(outcome.failures)) == (2.0, 2, {FailMode.N1: 1})
    assert chosen([allocation(1.0)], lambda _: False).best is None
