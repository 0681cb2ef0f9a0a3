"""The question to an allocator; that Ganeti's own and ours understand it is tested in `test_allocator`."""

from typing import Any

import pytest

from impl.cluster.view import ClusterView
from impl.hypervisor.facts import ConfiguredObserver
from impl.job.allocation import allocation_request, cluster_data, disk_space, required_nodes
from tests.impl.clusters import GIB, make_config, uuid


@pytest.fixture
def config() -> dict[str, Any]:
    return make_config(instances={"web1": (1, 2), "web2": (2, None)})


def question(config: dict[str, Any]) -> dict[str, Any]:
    return cluster_data(ClusterView(config), ConfiguredObserver(), {"type": "allocate"})


def test_nodes_with_what_they_have_and_what_their_instances_take(config: dict[str, Any]) -> None:
    config["instances"][uuid(3, 2)]["admin_state"] = "down"
    node = question(config)["nodes"]["node2.example.com"]
    assert (node["total_memory"], node["reserved_memory"], node["free_memory"]) == (64 * GIB, GIB, 63 * GIB)
    assert (node["i_pri_memory"], node["i_pri_up_memory"]) == (2 * GIB, 0)
    assert node["free_disk"] == 980 * GIB - 128
    assert node["ndparams"]["spindle_count"] == 1


def test_a_node_that_is_offline_or_unknown_has_no_figures(config: dict[str, Any]) -> None:
    config["nodes"][uuid(1, 1)]["offline"] = True
    del config["nodes"][uuid(1, 2)]["gantry"]
    nodes = question(config)["nodes"]
    for name in ("node1", "node2"):
        node = nodes[f"{name}.example.com"]
        assert node["offline"] is True
        assert "free_memory" not in node


def test_instances_by_name_with_their_nodes_disks_and_interfaces(config: dict[str, Any]) -> None:
    config["instances"][uuid(3, 1)]["nics"] = [{"mac": "aa"}, {"mac": "bb", "nicparams": {"mode": "routed"}}]
    instance = question(config)["instances"]["web1"]
    assert instance["nodes"] == ["node1.example.com", "node2.example.com"]
    assert instance["disks"] == [{"type": "drbd", "size": 10 * GIB, "mode": "rw", "spindles": None}]
    assert (instance["memory"], instance["disk_space_total"]) == (2 * GIB, 10 * GIB + 128)
    assert instance["nics"] == [
        {"mac": "aa", "ip": None, "mode": "bridged", "link": "br0", "bridge": "br0"},
        {"mac": "bb", "ip": None, "mode": "routed", "link": "br0"},
    ]


def test_groups_have_their_merged_policy(config: dict[str, Any]) -> None:
    config["nodegroups"][uuid(2, 1)]["ipolicy"] = {"vcpu-ratio": 2.0}
    group = question(config)["nodegroups"][uuid(2, 1)]
    assert (group["name"], group["ipolicy"]["vcpu-ratio"], group["ipolicy"]["spindle-ratio"]) == ("default", 2.0, 32.0)


@pytest.mark.parametrize(("template", "space", "nodes"), [("drbd", 556, 2), ("plain", 300, 1), ("diskless", 0, 1)])
def test_what_a_template_takes(template: str, space: int, nodes: int) -> None:
    assert disk_space(template, [{"size": 100}, {"size": 200}]) == space
    assert required_nodes(template) == nodes


OP: dict[str, Any] = {
    "instance_name": "new", "disk_template": "drbd", "disks": [{"size": 100, "mode": "ro"}], "tags": ["t"],
    "nics": [{}], "hypervisor": "fake", "os_type": None, "group_name": None,
}  # fmt: skip
PARAMETERS = {"vcpus": 2, "maxmem": 300, "spindle_use": 3}


def test_the_request_for_a_new_instance() -> None:
    request = allocation_request(OP, PARAMETERS, None)
    assert request["disks"] == [{"mode": "ro", "spindles": None, "size": 100, "type": "drbd"}]
    found = [request[name] for name in ("vcpus", "memory", "spindle_use", "required_nodes", "disk_space_total", "os")]
    assert found == [2, 300, 3, 2, 228, ""]
    assert "restrict-to-nodes" not in request
    assert allocation_request(OP, PARAMETERS, ["n1"])["restrict-to-nodes"] == ["n1"]
