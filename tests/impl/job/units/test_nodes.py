"""Opcodes that add, remove and power nodes."""

from typing import Any

from impl.cluster.view import ClusterView
from tests.impl.clusters import uuid
from tests.impl.job.conftest import Bench, refused

ADD: dict[str, Any] = {"OP_ID": "OP_NODE_ADD", "node_name": "new.example.com", "primary_ip": "192.0.2.50"}
POWER: dict[str, Any] = {"OP_ID": "OP_OOB_COMMAND", "command": "power-off", "node_names": ["node2"]}


def test_adding_and_removing_a_node(bench: Bench) -> None:
    seen: list[Any] = []
    bench.wconfd.before = lambda method, args: seen.append(args[2]) if method == "updateLocksWaiting" else None
    hardware = {
        "hv_state": {"fake": {"mem_total": 1024, "cpu_total": 4}},
        "disk_state": {"lvm": {"xenvg": {"disk_total": 5}}},
    }
    bench.succeeds(ADD | hardware)
    node = ClusterView(bench.config).find("node", "new")
    assert node["gantry"] == {"memory_total": 1024, "cpus": 4, "disk_total": 5}
    assert (node["group"], node["master_candidate"], node["serial_no"]) == (uuid(2, 1), True, 1)
    assert seen == [[["cluster/BGL", "exclusive"]]]
    refused(bench, ADD, "Node new.example.com is already in the configuration")
    bench.succeeds({"OP_ID": "OP_NODE_REMOVE", "node_name": "new"})
    assert not ClusterView(bench.config).has("node", "new")


def test_nodes_that_cannot_be_added_or_removed(bench: Bench) -> None:
    refused(bench, ADD | {"primary_ip": None}, "Gantry does not look names up")
    refused(bench, ADD | {"primary_ip": "x"}, "'x' is no IP address")
    refused(bench, ADD | {"primary_ip": "192.0.2.1"}, "New node ip address(es) conflict with existing node node1")
    refused(bench, ADD | {"group": "nosuch"}, "Group 'nosuch' not known")
    refused(bench, ADD | {"readd": True}, "Node new.example.com is not in the configuration")
    remove = {"OP_ID": "OP_NODE_REMOVE", "node_name": "node1"}
    refused(bench, remove, "Node is the master node")
    refused(bench, remove | {"node_name": "node2"}, "Instance web2.example.com is still running on the node")


def test_readding_a_node_puts_it_back_in_service(bench: Bench) -> None:
    bench.config["nodes"][uuid(1, 4)] |= {"offline": True, "powered": False}
    bench.succeeds({"OP_ID": "OP_NODE_ADD", "node_name": "node4.example.com", "readd": True})
    node = bench.config["nodes"][uuid(1, 4)]
    assert (node["offline"], node["powered"], node["uuid"], node["serial_no"]) == (False, True, uuid(1, 4), 2)


def test_power(bench: Bench) -> None:
    assert bench.succeeds(POWER | {"ignore_status": True}) == [[[0, "node2.example.com"], [3, None]]]
    bench.config["cluster"]["ndparams"]["oob_program"] = "/bin/true"
    refused(bench, POWER, "Cannot power off node node2.example.com because it is not marked offline")
    refused(bench, POWER | {"node_names": ["node1"]}, "Operating on the master node node1.example.com is not allowed")
    bench.config["nodes"][uuid(1, 2)]["offline"] = True
    assert bench.succeeds(POWER) == [[[0, "node2.example.com"], [0, None]]]
    assert bench.config["nodes"][uuid(1, 2)]["powered"] is False
    answers = bench.succeeds({"OP_ID": "OP_OOB_COMMAND", "command": "power-status"})
    assert [row[1] for row in answers] == [[0, {"powered": number != 2}] for number in (1, 2, 3, 4)]
    bench.succeeds({"OP_ID": "OP_OOB_COMMAND", "command": "power-on", "node_names": ["node2"], "power_delay": 0.0})
    assert bench.config["nodes"][uuid(1, 2)]["powered"] is True
