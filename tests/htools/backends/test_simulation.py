"""Imagined clusters: parts of a specification, their defaults, and what is wrong with one."""

import pytest

from htools.backends.simulation import load
from htools.errors import LoadError
from spec.allocator.cluster import AllocPolicy


def test_groups_and_nodes_are_numbered_from_one() -> None:
    """Source: the clusters that hspace 3.0.2 makes."""
    made = load(["preferred,2,1024,512,4", "u,1,1t,2g,8,3,True"])
    assert [(group.name, group.uuid, group.alloc_policy) for group in made.groups] == [
        ("group-01", "fake-uuid-01", AllocPolicy.PREFERRED), ("group-02", "fake-uuid-02", AllocPolicy.UNALLOCABLE)
    ]  # fmt: skip
    assert [(node.name, node.group, node.master) for node in made.nodes] == [
        ("node-01-001", 0, True), ("node-01-002", 0, False), ("node-02-001", 1, False)
    ]  # fmt: skip
    assert (made.instances, made.tags) == ((), ())


def test_a_node_is_empty_and_has_the_sizes_asked_for() -> None:
    plain, exclusive = load(["p,1,1024,512,4"]).nodes[0], load(["a,1,1t,2g,8,3,True"]).nodes[0]
    assert (plain.total_memory, plain.free_memory, plain.node_memory) == (512.0, 512, 0)
    assert (plain.total_disk, plain.free_disk, plain.total_cpus, plain.node_cpus) == (1024.0, 1024, 4.0, 1)
    assert (plain.spindles, plain.free_spindles, plain.exclusive_storage) == (1, 0, False)
    assert (exclusive.total_disk, exclusive.free_memory) == (1048576.0, 2048)
    assert (exclusive.spindles, exclusive.exclusive_storage) == (3, True)


@pytest.mark.parametrize(("text", "policy"), [("p", "preferred"), ("a", "last_resort"), ("unallocable", "unallocable")])
def test_policies_may_be_cut(text: str, policy: str) -> None:
    assert load([f"{text},0,1,1,1"]).groups[0].alloc_policy.value == policy


@pytest.mark.parametrize(
    ("text", "field", "reason"),
    [
        ("p,1,2,3", None, "found 4 parts"),
        ("p,1,2,3,4,5,True,x", None, "found 8 parts"),
        ("x,1,2,3,4", "policy", "expected one of preferred, last_resort, unallocable, p, a, u"),
        ("p,x,2,3,4", "nodes", "expected a whole number"),
        ("p,-1,2,3,4", "nodes", "expected at least 0"),
        ("p,1,2z,3,4", "disk", "expected a whole number"),
        ("p,1,2,,4", "memory", "expected a whole number"),
        ("p,1,2,3,4.5", "cpus", "expected a whole number"),
        ("p,1,2,3,4,x", "spindles", "expected a whole number"),
        ("p,1,2,3,4,1,yes", "exclusive storage", "expected True or False"),
    ],
)
def test_what_is_wrong_with_a_specification(text: str, field: str | None, reason: str) -> None:
    with pytest.raises(LoadError) as caught:
        load(["p,1,1,1,1", text])
    assert caught.value.field == field
    assert reason in str(caught.value)
    assert "--simulate" in str(caught.value)
