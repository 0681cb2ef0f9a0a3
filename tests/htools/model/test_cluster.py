"""The working model against its definition: the same accounts, refusals and scores along random walks of moves."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from htools.backends import text
from htools.model import moves as model_moves
from htools.model import score as model_score
from htools.model.cluster import Model
from htools.model.moves import offered as offered_quickly
from spec.allocator import moves, score, state
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
from spec.allocator.decisions import FailMode, Refusal, Rules, Settings
from spec.allocator.initial import initial_state

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


@settings(max_examples=90, deadline=None)
@given(clusters(), st.booleans(), st.booleans(), st.booleans(), st.data())
def test_walks_of_moves_keep_the_same_accounts(
    cluster: Cluster, soft: bool, limited: bool, twice: bool, data: st.DataObject
) -> None:
    extra = Settings(("owner:",), disk_reserve=0.1, vcpu_ratio=1.5) if limited else Settings()
    rules = Rules(ignore_soft=soft)
    model, defined = readings(cluster, extra, twice=twice)
    assert_same(model, defined)
    for _ in range(4):
        choices = [move for index in moves.movable(defined, rules) for move in moves.offered(defined, index, rules)]
        online = list(moves.targets(defined))
        assert choices == [
            move for vm in model_moves.movable(model, rules) for move in offered_quickly(model, vm.index, rules, online)
        ]
        if not choices:
            return
        move = data.draw(st.sampled_from(choices))
        quick, plain = model_moves.attempt(model, move, ignore_soft=soft), moves.apply(defined, move, ignore_soft=soft)
        if isinstance(plain, Refusal) or isinstance(quick, FailMode):
            assert isinstance(plain, Refusal)
            assert quick is plain.mode
        else:
            quick.commit(model)
            defined = plain
        assert_same(model, defined)


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
