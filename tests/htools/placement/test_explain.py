"""Explanations: each refusal in words and figures, node by node, and lines of at most 80 columns."""

from dataclasses import replace
from typing import Any

import pytest

from htools.model.cluster import Model
from htools.placement.explain import explain, explain_group, format_explanation
from spec.allocator.cluster import AllocPolicy, Cluster, Disk, DiskTemplate, Instance, Nic
from spec.allocator.decisions import Settings
from spec.allocator.requests import Limits, NewInstance
from tests.spec.allocator.small import cluster, instance, node

READ = cluster(
    [node(), node(), node(offline=True)], [instance(0, 1, memory=400, tags=("svc:a",))], ("htools:iextags:svc",)
)


def group(made: Instance, read: Cluster = READ, limits: Limits = Limits(), nodes: int = 1) -> dict[str, Any]:  # noqa: B008
    return explain_group(Model.of(read, Settings()), read, NewInstance(made, nodes), 0, limits)


def asked(**changes: Any) -> Instance:
    """A plain instance of sizes that the policy allows."""
    sizes = {"memory": 128, "disk": 1024, **changes}
    return instance(0, None, **{"disks": (Disk(sizes["disk"]),), **sizes})


def test_where_everything_fits_nothing_is_said() -> None:
    found = group(asked())
    assert (found["reasons"], found["not_survived"], found["missing_networks"]) == ([], [], [])
    assert (found["group"], found["nodes"], found["offline_nodes"]) == ("g0", 3, ["n2"])


@pytest.mark.parametrize(
    ("changes", "node_name", "text", "short"),
    [
        ({"memory": 700}, "n0", "memory: 101 MiB short (has 600, needs 701)", 101),
        ({"disk": 9000}, "n0", "disk: 1 MiB short (has 9000, needs 9001)", 1),
        ({"vcpus": 33}, "n1", "policy: cores 33, allowed 1 to 8", 0),
        ({"memory": 64}, "n0", "policy: memory 64 MiB, allowed 128 to 32768", 0),
        ({"disks": (Disk(1024),) * 17}, "n0", "policy: number of disks 17, allowed 1 to 16", 0),
        ({"spindle_use": 13}, "n0", "policy: spindles or a combination of sizes that no pair of bounds allows", 0),
        ({"tags": ("svc:a",)}, "n0", "exclusion tag in use there: svc:a", 0),
    ],
)
def test_each_limit_in_words_and_figures(changes: dict[str, Any], node_name: str, text: str, short: float) -> None:
    reasons = {reason["node"]: reason for reason in group(asked(**changes))["reasons"]}
    found = reasons[node_name]
    assert (found["role"], found["text"], found["short"]) == ("primary", text, short)


def test_a_disk_template_that_the_policy_leaves_out() -> None:
    policy = replace(READ.groups[0].policy, disk_templates=(DiskTemplate.PLAIN,))
    read = replace(READ, groups=(replace(READ.groups[0], policy=policy),))
    assert group(asked(), read)["reasons"] == []
    texts = {reason["text"] for reason in group(asked(disk_template=DiskTemplate.EXT), read)["reasons"]}
    assert texts == {"policy: disk template ext is not allowed"}


def test_cores_beyond_the_ratio() -> None:
    read = cluster([node(total_cpus=2.0), node(total_cpus=1.0)], [])
    (reason,) = group(asked(vcpus=8), read)["reasons"]
    assert (reason["node"], reason["text"]) == ("n1", "virtual cores per core: 8.00 would exceed 4")


def test_secondaries_are_explained_for_mirrored_instances_only() -> None:
    read = cluster([node(), node(free_memory=150, total_memory=150.0)], [])
    made = instance(0, 1, memory=200, disk=1024)
    found = [(r["node"], r["role"], r["kind"]) for r in group(made, read, nodes=2)["reasons"]]
    assert found == [("n1", "primary", "memory"), ("n1", "secondary", "memory for fail-over")]
    assert [r["role"] for r in group(asked(memory=200), read)["reasons"]] == ["primary"]


def test_nodes_whose_failure_would_be_too_much() -> None:
    read = cluster([node(), node()], [instance(0, None, memory=600, disk=1024)])
    assert group(asked(memory=500), read)["not_survived"] == ["n0", "n1"]
    assert group(asked(memory=500), read, Limits(capacity=False))["not_survived"] == []
    assert group(asked(memory=300), read)["not_survived"] == []


def test_networks_that_a_group_lacks_are_named() -> None:
    made = replace(asked(), nics=(Nic(network="u-net"), Nic(network=None)))
    text = format_explanation(explain(Model.of(READ, Settings()), READ, [NewInstance(made, 1)], Limits()))
    assert text.splitlines() == [
        "Instance new:", "  Group g0: 3 nodes, 1 offline", "    not connected to the network u-net"
    ]  # fmt: skip


def lines(read: Cluster, made: Instance) -> list[str]:
    return format_explanation(explain(Model.of(read, Settings()), read, [NewInstance(made, 1)], Limits())).splitlines()[
        2:
    ]


def test_many_nodes_with_one_reason_are_counted_with_the_nearest() -> None:
    few = cluster([node(free_memory=200 + at, total_memory=200.0 + at) for at in range(3)], [])
    assert lines(few, asked(memory=400))[0] == "    n0 as primary: FailMem, memory: 201 MiB short (has 200, needs 401)"
    many = cluster([node(free_memory=200 + at, total_memory=200.0 + at) for at in range(4)], [])
    assert lines(many, asked(memory=400)) == [
        "    4 nodes as primary: FailMem, memory: nearest n3, 198 MiB short (has 203,",
        "      needs 401)",
    ]
    assert lines(many, asked(memory=64)) == [
        "    4 nodes as primary: FailMem, policy: memory 64 MiB, allowed 128 to 32768"
    ]


def test_groups_that_take_nothing_and_groups_without_obstacles() -> None:
    closed = replace(READ, groups=(replace(READ.groups[0], alloc_policy=AllocPolicy.UNALLOCABLE),))
    assert lines(closed, asked()) == [
        "    takes no new instances (allocation policy: unallocable)", "    nothing stands in the way"
    ]  # fmt: skip
    bad = cluster([node(), node()], [instance(0, None, memory=600, disk=1024)])
    assert lines(bad, asked(memory=500))[1:] == [
        "    N+1: even in the best place the cluster would not survive the failure of n0,",
        "      n1",
    ]
