"""Opcodes on node groups."""

from typing import Any

from impl.cluster.view import ClusterView
from tests.impl.clusters import uuid
from tests.impl.job.conftest import Bench, refused

GROUP: dict[str, Any] = {"OP_ID": "OP_GROUP_ADD", "group_name": "second"}


def test_a_group_s_life(bench: Bench) -> None:
    bench.succeeds(GROUP | {"alloc_policy": "last_resort", "hv_state": {}, "disk_state": {}})  # as gnt-group does
    refused(bench, GROUP, "Desired group name 'second' already exists as a node group (UUID: ")
    refused(bench, {"OP_ID": "OP_GROUP_ADD", "group_name": uuid(1, 9)}, f"'{uuid(1, 9)}' looks like a UUID")
    bench.succeeds({"OP_ID": "OP_GROUP_SET_PARAMS", "group_name": "second", "ndparams": {"spindle_count": 3}})
    bench.succeeds({"OP_ID": "OP_GROUP_ASSIGN_NODES", "group_name": "second", "nodes": ["node4"]})
    remove = {"OP_ID": "OP_GROUP_REMOVE", "group_name": "second"}
    refused(bench, remove, "Group 'second' not empty, has the following nodes: node4.example.com")
    assert bench.succeeds({"OP_ID": "OP_GROUP_RENAME", "group_name": "second", "new_name": "third"}) == "third"
    group = ClusterView(bench.config).find("group", "third")
    assert (group["alloc_policy"], group["ndparams"]) == ("last_resort", {"spindle_count": 3})
    bench.succeeds({"OP_ID": "OP_GROUP_ASSIGN_NODES", "group_name": "default", "nodes": ["node4"]})
    bench.succeeds(remove | {"group_name": "third"})
    refused(bench, remove | {"group_name": "default"}, "Group 'default' not empty")


def test_an_assignment_that_splits_a_mirror(bench: Bench) -> None:
    bench.succeeds(GROUP)
    assign = {"OP_ID": "OP_GROUP_ASSIGN_NODES", "group_name": "second", "nodes": ["node1"]}
    refused(bench, assign, "The following instances get split by this change and --force was not given: web1")
    bench.succeeds(assign | {"nodes": ["node1", "node2", "node3"]})
    bench.succeeds({**assign, "group_name": "default", "force": True})
    assert bench.read().ops[0].log[0].message.startswith("Warning: this operation will split")


def test_a_senseless_policy(bench: Bench) -> None:
    bounds = {"min": {"memory-size": 5}, "max": {"memory-size": 4}}
    refused(bench, GROUP | {"ipolicy": {"minmax": [bounds]}}, "Invalid instance policy: minimum memory-size 5 exceeds")
    refused(bench, GROUP | {"ipolicy": {"zz": 1}}, "Invalid instance policy: unknown zz")
    refused(bench, GROUP | {"ipolicy": {"disk-templates": ["rbd"]}}, "The instance policy allows none of")
