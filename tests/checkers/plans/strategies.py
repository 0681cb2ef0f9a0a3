"""Small clusters that are nearly full, and plans for them, most of which go wrong somewhere."""

from dataclasses import replace

from hypothesis import strategies as st

from spec.allocator.cluster import (
    DEFAULT_POLICY,
    AllocPolicy,
    Cluster,
    DiskTemplate,
    Group,
    Instance,
    InstanceStatus,
    Node,
)
from spec.plans.model import Action, Command, Plan, PlanJob

_CLUSTER_TAGS = ("htools:iextags:role", "htools:migration:os", "htools:allowmigration:os:old::os:new")


@st.composite
def clusters(draw: st.DrawFn) -> Cluster:
    """Two to four nodes, two to five instances; sizes small enough that capacity matters and equality happens.

    Half of the clusters are calm (one group, all on line, some room), so that plans get further than a command or two.
    """
    count = draw(st.integers(2, 4))
    calm = draw(st.booleans())
    policy = replace(DEFAULT_POLICY, vcpu_ratio=draw(st.sampled_from((4.0, 4.0, 2.5, -1.0))))
    groups = tuple(Group(name, name, AllocPolicy.PREFERRED, policy=policy) for name in ("g0", "g1"))
    nodes = [
        Node(
            name=f"n{index}",
            group=0 if calm else draw(st.sampled_from((0, 0, 0, 1))),
            total_memory=float(draw(st.integers(8, 14) if calm else st.integers(4, 10))),
            node_memory=draw(st.integers(0, 1)),
            free_memory=0,
            total_disk=20.0,
            free_disk=draw(st.integers(3, 9) if calm else st.integers(0, 6)),
            total_cpus=float(draw(st.integers(1, 3))),
            offline=not calm and draw(st.integers(0, 5)) == 0,
            tags=tuple(draw(st.lists(st.sampled_from(("os:old", "os:new")), max_size=1))),
        )
        for index in range(count)
    ]
    instances = []
    for index in range(draw(st.integers(2, 5))):
        primary = draw(st.integers(0, count - 1))
        template = draw(st.sampled_from((DiskTemplate.DRBD,) * 4 + (DiskTemplate.PLAIN, DiskTemplate.RBD)))
        mirrored = template is DiskTemplate.DRBD
        instances.append(
            Instance(
                name=f"i{index}",
                memory=draw(st.integers(1, 4)),
                disk=draw(st.integers(1, 3)),
                vcpus=draw(st.integers(1, 3)),
                status=draw(st.sampled_from((InstanceStatus.RUNNING,) * 3 + (InstanceStatus.ADMIN_DOWN,))),
                auto_balance=draw(st.integers(0, 4)) > 0,
                primary=primary,
                secondary=(primary + draw(st.integers(1, count - 1))) % count if mirrored else None,
                disk_template=template,
                forthcoming=draw(st.integers(0, 7)) == 0,
                tags=tuple(draw(st.lists(st.sampled_from(("role:db", "role:web")), max_size=1))),
            )
        )
    for index, node in enumerate(nodes):
        used = sum(i.memory for i in instances if i.primary == index and i.uses_memory)
        reported = int(node.total_memory) - node.node_memory - used - draw(st.sampled_from((0, 0, 1, -1)))
        nodes[index] = replace(node, free_memory=reported)
    tags = draw(st.sampled_from(((), _CLUSTER_TAGS[:1], _CLUSTER_TAGS)))
    return Cluster(groups, tuple(nodes), tuple(instances), tags)


@st.composite
def commands(draw: st.DrawFn, cluster: Cluster, instance: int) -> Command:
    """A command for an instance; what makes no sense is seldom among them, and yet is."""
    others = [index for index in range(len(cluster.nodes)) if index != cluster.instances[instance].primary]
    node = draw(st.sampled_from(others * 3 + [cluster.instances[instance].primary]))
    if cluster.instances[instance].disk_template is DiskTemplate.DRBD:
        if draw(st.booleans()):
            return Command(Action.REPLACE_DISKS, instance, node)
        return Command(draw(st.sampled_from((Action.MIGRATE, Action.FAILOVER))), instance)
    return Command(Action.MIGRATE, instance, node)


@st.composite
def plans(draw: st.DrawFn, cluster: Cluster) -> Plan:
    """One to three sets of one to three jobs of one to three commands; no two jobs of a set move the same instance."""
    sets = []
    for _ in range(draw(st.integers(1, 3))):
        movers = draw(
            st.lists(st.integers(0, len(cluster.instances) - 1), min_size=1, max_size=3, unique=True),
        )
        sets.append(
            tuple(PlanJob(tuple(draw(st.lists(commands(cluster, mover), min_size=1, max_size=3)))) for mover in movers)
        )
    return Plan(tuple(sets))


@st.composite
def clusters_with_plans(draw: st.DrawFn) -> tuple[Cluster, Plan]:
    cluster = draw(clusters())
    return cluster, draw(plans(cluster))
