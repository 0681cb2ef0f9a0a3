"""Fields of node groups: their nodes and instances, own and merged parameters."""

import pytest

from tests.impl.clusters import make_node, uuid
from tests.impl.query.fakes import FakeSource, office, rows


@pytest.fixture
def source() -> FakeSource:
    """A second group has the fourth node and one more, without instances."""
    made = office()
    other = {"uuid": uuid(2, 2), "name": "other", "ndparams": {"ssh_port": 23}, "ipolicy": {"vcpu-ratio": 2.0}}
    made.config["nodegroups"][uuid(2, 2)] = other
    made.config["nodes"][uuid(1, 4)]["group"] = uuid(2, 2)
    made.config["nodes"][uuid(1, 5)] = make_node(5, group=uuid(2, 2))
    return made


def test_nodes_and_instances_are_listed_and_counted(source: FakeSource) -> None:
    fields = ["name", "node_cnt", "node_list", "pinst_cnt", "pinst_list"]
    first, second = rows(source, "group", fields)
    assert first[:2] == ["default", 3]
    assert first[2:4] == [["node1.example.com", "node2.example.com", "node3.example.com"], 3]
    assert sorted(first[4]) == ["db", "web1.example.com", "web10.example.com"]
    assert second == ["other", 2, ["node4.example.com", "node5.example.com"], 0, []]


def test_parameters_of_their_own_and_merged(source: FakeSource) -> None:
    fields = ["custom_ndparams", "ndp/ssh_port", "custom_ipolicy", "alloc_policy", "custom_diskparams"]
    assert rows(source, "group", fields) == [
        [{}, 22, {}, "preferred", {}],
        [{"ssh_port": 23}, 23, {"vcpu-ratio": 2.0}, "preferred", {}],
    ]
    (first, _), (second, disks) = rows(source, "group", ["ipolicy", "diskparams"])
    assert (first["vcpu-ratio"], second["vcpu-ratio"], second["spindle-ratio"]) == (4.0, 2.0, 32.0)
    assert disks["drbd"] == {"metavg": "xenvg"}


def test_a_policy_of_its_own_is_shown(source: FakeSource) -> None:
    source.config["nodegroups"][uuid(2, 2)]["alloc_policy"] = "unallocable"
    assert rows(source, "group", ["alloc_policy", "tags"], ["=", "name", "other"]) == [["unallocable", []]]
