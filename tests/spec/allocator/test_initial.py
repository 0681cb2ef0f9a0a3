"""The accounts of a cluster as it was read."""

from spec.allocator.cluster import InstanceStatus
from spec.allocator.decisions import Settings
from spec.allocator.initial import initial_state
from tests.spec.allocator.small import cluster, instance, node, state


def test_a_node_fails_n_plus_1_when_its_reported_memory_is_below_its_reserve() -> None:
    exact = state([node(), node(free_memory=100)], [instance(0, 1)])
    short = state([node(), node(free_memory=99)], [instance(0, 1)])
    assert [found.nodes[1].n1_failed for found in (exact, short)] == [False, True]


def test_what_is_read_does_not_count_disk_twice() -> None:
    it = state([node(), node()], [instance(0, 1)]).nodes
    assert [it[index].real.free_disk for index in (0, 1)] == [9000, 9000]


def test_instances_are_listed_newest_first() -> None:
    it = state([node(), node()], [instance(0, 1), instance(0, 1), instance(1, 0)]).nodes[0]
    assert (it.real.primaries, it.real.secondaries) == ((1, 0), (2,))


def test_a_forthcoming_instance_is_planned_and_not_real() -> None:
    it = state([node(), node()], [instance(0, 1, forthcoming=True)]).nodes[0]
    assert (it.real.primaries, it.planned.primaries) == ((), (0,))
    assert (it.real.free_disk, it.planned.free_disk, it.planned_free_memory) == (10000, 9000, 900)


def test_a_stopped_instance_takes_planned_memory_only() -> None:
    it = state([node(), node()], [instance(0, 1, status=InstanceStatus.ADMIN_DOWN)]).nodes[0]
    assert (it.instance_memory, it.planned_free_memory) == (0, 900)


def test_tags_and_settings_reach_the_instances_and_nodes() -> None:
    tags = ("htools:iextags:role", "htools:desiredlocation:power", "htools:nlocation:power")
    settings = Settings(exclusion_prefixes=("owner:",), fixed=frozenset({1}), disk_reserve=0.1, vcpu_ratio=2.0)
    tagged = instance(0, 1, tags=("role:db", "owner:me", "power:a"))
    nodes = [node(tags=("power:a",)), node(tags=("power:a",))]
    found = state(nodes, [tagged, instance(0, 1)], tags, settings=settings)
    assert found.instances[0].exclusion_tags == ("role:db", "owner:me")
    assert (found.instances[0].desired_locations, found.instances[0].location_score) == (frozenset({"power:a"}), 1)
    assert [found.instances[index].movable for index in (0, 1)] == [True, False]
    assert (found.nodes[0].low_disk, found.nodes[0].policy.vcpu_ratio) == (1000, 2.0)
    assert found.nodes[0].location_pairs == {("power:a", "role:db"): 1, ("power:a", "owner:me"): 1}


def test_an_instance_over_two_groups_is_not_movable() -> None:
    assert not state([node(), node(group=1)], [instance(0, 1)], groups=2).instances[0].movable


def test_a_second_reading_counts_every_instance_double() -> None:
    read = cluster([node(), node()], [instance(0, 1)])
    twice = initial_state(read, earlier=initial_state(read)).nodes[0]
    assert (twice.real.primaries, twice.instance_memory, twice.real.used_cpus) == ((0, 0), 200, 2)
