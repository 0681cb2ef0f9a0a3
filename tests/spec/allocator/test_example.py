"""The cluster of the docstrings' examples is what it says."""

from spec.allocator.example import cluster, instance, state


def test_the_nodes_report_what_their_instances_leave() -> None:
    it = cluster(instance(0, 1), instance(0, memory=500), nodes=2)
    assert [node.free_memory for node in it.nodes] == [6500, 8000]
    assert [node.master for node in it.nodes] == [True, False]
    assert [node.missing_memory for node in state(*it.instances, nodes=2).nodes.values()] == [0, 0]
    assert [one.mirror_type.value for one in it.instances] == ["internal", "external"]
