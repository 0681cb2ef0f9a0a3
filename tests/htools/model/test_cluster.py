"""A cluster's working model against its definition: the same accounts when it was read."""

from dataclasses import replace

import pytest
from hypothesis import strategies as st

from htools.backends import text
from htools.model import score as model_score
from htools.model.cluster import Model, bad_items, common_domain, inhabited
from spec.allocator import score, state
from spec.allocator.cluster import (
    DEFAULT_POLICY,
    Cluster,
    Disk,
    DiskTemplate,
    Group,
    Instance,
    InstanceStatus,
    Node,
    Utilisation,
)
from spec.allocator.decisions import Settings
from spec.allocator.initial import initial_state
from tests.spec.allocator import small

CLUSTER_TAGS = ("htools:iextags:svc", "htools:nlocation:rack", "htools:desiredlocation:rack", "htools:migration:kvm")


@st.composite
def clusters(draw: st.DrawFn) -> Cluster:
    """Draw small clusters with everything that the accounts depend on, where each limit decides sometimes."""
    count = draw(st.integers(2, 5))
    migration_tags = draw(st.sampled_from(((), ("kvm:1", "kvm:2"))))
    policy = replace(DEFAULT_POLICY, spindle_ratio=draw(st.sampled_from((32.0, 1.0))))
    roomy = draw(st.booleans())
    tight = draw(st.booleans())
    memories, free_memories = st.integers(600 if tight else 1, 1500), st.integers(500, 2500 if tight else 5000)
    exclusive = draw(st.booleans())
    spindles = st.sampled_from((None, 1, 2) if draw(st.booleans()) else (1, 2))
    nodes = tuple(
        Node(
            name=f"n{index}",
            group=0,
            total_memory=float(draw(st.sampled_from((4096, 6000)))),
            node_memory=draw(st.integers(0, 300)),
            free_memory=draw(free_memories),
            total_disk=float(draw(st.sampled_from((0, 8192, 10000)))),
            free_disk=draw(st.integers(6000 if roomy else 0, 9000)),
            total_cpus=float(draw(st.sampled_from((4, 8)))),
            cpu_speed=draw(st.sampled_from((1.0, 0.7))),
            spindles=draw(st.integers(1, 4)),
            free_spindles=draw(st.integers(0, 8)),
            exclusive_storage=exclusive,
            offline=index > 1 and draw(st.booleans()),
            tags=tuple(draw(st.lists(st.sampled_from(("rack:a", "rack:b", *migration_tags)), max_size=2, unique=True))),
        )
        for index in range(count)
    )
    instances = []
    for index in range(draw(st.integers(4 if tight else 1, 6))):
        template = draw(st.sampled_from((DiskTemplate.DRBD, DiskTemplate.DRBD, DiskTemplate.RBD, DiskTemplate.PLAIN)))
        primary = draw(st.integers(0, count - 1))
        secondary = (primary + draw(st.integers(1, count - 1))) % count if template is DiskTemplate.DRBD else None
        if secondary is None and draw(st.integers(0, 9)) == 9:
            secondary = primary  # makes no sense, but files may contain it
        size = draw(st.integers(1, 500 if roomy else 3000))
        instances.append(
            Instance(
                name=f"i{index}",
                memory=draw(memories),
                disk=size,
                vcpus=draw(st.integers(0, 6)),
                status=draw(st.one_of(st.just(InstanceStatus.RUNNING), st.sampled_from(InstanceStatus))),
                auto_balance=draw(st.booleans()),
                primary=primary,
                secondary=secondary,
                disk_template=template,
                disks=(Disk(size, draw(spindles)),),
                tags=tuple(draw(st.lists(st.sampled_from(("svc:a", "svc:b", "rack:a", "owner:x")), max_size=2))),
                spindle_use=draw(st.integers(0, 3)),
                forthcoming=draw(st.integers(0, 4)) == 0,
                utilisation=Utilisation(*(draw(st.sampled_from((1.0, 0.1, 0.3))) for _ in range(4))),
            )
        )
    return Cluster((Group("g", "u", policy=policy),), nodes, tuple(instances), CLUSTER_TAGS)


def assert_same(model: Model, defined: state.State) -> None:
    for index, node in model.nodes.items():
        twin = defined.nodes[index]
        assert node.free_memory == twin.unallocated_memory
        assert node.reserved == twin.reserved_memory
        assert tuple(node.peers) == twin.peers
        assert node.n1_failed == twin.n1_failed
        assert (tuple(node.primaries), tuple(node.secondaries)) == (twin.real.primaries, twin.real.secondaries)
        assert tuple(node.planned_primaries) == twin.planned.primaries
        assert node.instance_memory == twin.instance_memory
        assert node.planned_free_memory == twin.planned_free_memory
        assert (node.free_disk, node.planned_free_disk) == (twin.real.free_disk, twin.planned.free_disk)
        assert (node.used_cpus, node.planned_used_cpus) == (twin.real.used_cpus, twin.planned.used_cpus)
        assert (node.spindle_use, node.planned_spindle_use) == (twin.real.spindle_use, twin.planned.spindle_use)
        if node.exclusive:
            assert node.free_spindles == twin.real.free_spindles
            assert node.planned_free_spindles == twin.planned.free_spindles
        assert tuple(node.load) == (
            twin.real.load.cpu,
            twin.real.load.memory,
            twin.real.load.disk,
            twin.real.load.network,
        )
        assert node.tag_counts == twin.exclusion_tags
        assert node.pair_counts == twin.location_pairs
        assert node.location_score == twin.location_score
    assert model_score.component_values(model.nodes.values()) == list(score.component_values(defined.nodes.values()))


def readings(cluster: Cluster, extra: Settings, *, twice: bool) -> tuple[Model, state.State]:
    """Return the model and the state of a cluster, read twice (as in an iallocator request) with `twice`."""
    if not twice:
        return Model.of(cluster, extra), initial_state(cluster, extra)
    first = replace(cluster, instances=tuple(replace(vm, utilisation=Utilisation()) for vm in cluster.instances))
    model = Model.of(cluster, extra, earlier=Model.of(first, Settings()))
    return model, initial_state(cluster, extra, earlier=initial_state(first))


def on_one_node_twice() -> tuple[Model, state.State]:
    """Read an instance without a mirror whose file names its primary as the secondary too, as Ganeti does."""
    twice = "g|u|preferred|\n\nn|4096|0|3000|9000|9000|4|N|u|1\n\ni|1024|9|2|running|Y|n|n|plain|\n\n"
    cluster = text.parse(twice)
    return Model.of(cluster, Settings()), initial_state(cluster)


def test_an_instance_that_is_twice_on_a_node_counts_as_a_secondary() -> None:
    model, defined = on_one_node_twice()
    assert_same(model, defined)
    node = defined.nodes[0]
    assert (node.real.primaries, node.real.secondaries, node.instance_memory, node.missing_memory) == (
        (),
        (0,),
        0,
        1096,
    )


@pytest.mark.parametrize(
    ("names", "suffix"),
    [
        ([], ""), (["a.example.com"], ".example.com"), (["a.x.org", "b.x.org"], ".x.org"),
        (["a.x.org", "b.y.org"], ".org"), (["a.x", "b"], ""), (["a", "b"], ""), (["ab.x", "b.x", "b.x"], ".x"),
    ],
)  # fmt: skip
def test_a_common_domain_begins_with_a_dot(names: list[str], suffix: str) -> None:
    assert common_domain(names) == suffix


def test_names_are_shown_without_what_all_share() -> None:
    model = on_one_node_twice()[0]
    model.nodes[0].name = "n.example.com"
    model.set_aliases(".example.com")
    assert (model.nodes[0].alias, model.instances[0].alias) == ("n", "i")


def two_groups() -> Model:
    """Read two groups; n0 of the first keeps less memory than its peer's instance needs, n2 is offline."""
    made = small.cluster(
        [small.node(), small.node(), small.node(offline=True), small.node(group=1)],
        [small.instance(1, 0, memory=600), small.instance(0, None, memory=500), small.instance(3, None)],
        groups=2,
    )
    return Model.of(made, Settings())


def test_a_group_shares_its_nodes_with_the_whole_and_a_copy_shares_nothing() -> None:
    model = two_groups()
    assert inhabited(model) == [0, 1]
    part, copy = model.group(1), model.copy()
    assert (list(part.nodes), list(part.instances)) == ([3], [2])
    part.nodes[3].free_memory = 7
    assert (model.nodes[3].free_memory, copy.nodes[3].free_memory) == (7, 900)
    assert copy.instances[0] is not model.instances[0]


def test_bad_nodes_are_online_and_their_instances_count_once() -> None:
    model = two_groups()
    model.nodes[2].n1_failed = True
    assert [index for index, node in model.nodes.items() if node.n1_failed] == [0, 2]
    assert bad_items(model) == (1, 2)


def test_an_instance_is_movable_within_its_group_unless_fixed() -> None:
    cluster = small.cluster(
        [small.node(), small.node(group=1)], [small.instance(0, 1), small.instance(0, None)], groups=2
    )
    movable = replace(cluster.instances[1], disk_template=DiskTemplate.RBD)
    cluster = replace(cluster, instances=(cluster.instances[0], movable, replace(movable, name="i2")))
    model = Model.of(cluster, Settings(fixed=frozenset({2})))
    assert [vm.movable for vm in model.instances.values()] == [False, True, False]
