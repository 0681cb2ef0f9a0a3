"""Nodes, groups, tags, cluster parameters and verification."""

from typing import Any

import pytest

from impl.cluster.view import ClusterView
from tests.impl.clusters import GIB, uuid
from tests.impl.job.conftest import Bench

ADD: dict[str, Any] = {"OP_ID": "OP_NODE_ADD", "node_name": "new.example.com", "primary_ip": "192.0.2.50"}
GROUP: dict[str, Any] = {"OP_ID": "OP_GROUP_ADD", "group_name": "second"}
POWER: dict[str, Any] = {"OP_ID": "OP_OOB_COMMAND", "command": "power-off", "node_names": ["node2"]}
PARAMS: dict[str, Any] = {"OP_ID": "OP_CLUSTER_SET_PARAMS"}


def refused(bench: Bench, op: dict[str, Any], text: str) -> None:
    result = bench.fails(op)
    assert result[1][0].startswith(text), result


# --- nodes


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


# --- groups


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


# --- tags


@pytest.mark.parametrize(
    ("kind", "name"), [("cluster", None), ("node", "node2"), ("instance", "web1"), ("nodegroup", "default")]
)
def test_tags_come_and_go(bench: Bench, kind: str, name: str | None) -> None:
    about = {"kind": kind, "name": name}
    before = bench.succeeds({"OP_ID": "OP_TAGS_GET", **about})
    bench.succeeds({"OP_ID": "OP_TAGS_SET", "tags": ["x:b", "x:a"], **about})
    assert bench.succeeds({"OP_ID": "OP_TAGS_GET", **about}) == sorted([*before, "x:a", "x:b"])
    assert len(bench.succeeds({"OP_ID": "OP_TAGS_SEARCH", "pattern": "^x:"})) == 2
    bench.succeeds({"OP_ID": "OP_TAGS_DEL", "tags": ["x:a", "x:b"], **about})
    assert bench.succeeds({"OP_ID": "OP_TAGS_GET", **about}) == before
    refused(bench, {"OP_ID": "OP_TAGS_DEL", "tags": ["x:a"], **about}, "Tag(s) 'x:a' not found")


@pytest.mark.parametrize("tag", ["", "a b", "ä", "x" * 129])
def test_tags_that_may_not_be(bench: Bench, tag: str) -> None:
    assert bench.fails({"OP_ID": "OP_TAGS_SET", "kind": "cluster", "tags": [tag]})[0] == "TagError"


# --- cluster parameters


def test_parameters_change_at_run_time(bench: Bench) -> None:
    bench.succeeds(PARAMS | {"max_running_jobs": 7, "max_tracked_jobs": 9, "vg_name": "other"})
    cluster = bench.config["cluster"]
    assert (cluster["max_running_jobs"], cluster["max_tracked_jobs"], cluster["volume_group_name"]) == (7, 9, "other")
    bench.succeeds(PARAMS | {"beparams": {"vcpus": 3}, "ndparams": {"ssh_port": 23}, "hvparams": {"fake": {"x": 1}}})
    cluster = bench.config["cluster"]
    assert cluster["beparams"]["default"]["vcpus"] == 3
    assert cluster["beparams"]["default"]["maxmem"] == 512
    assert cluster["hvparams"]["fake"] == {"migration_mode": "live", "x": 1}
    bench.succeeds(PARAMS | {"hidden_os": [["add", "a"], ["add", "b"], ["remove", "a"]]})
    assert bench.config["cluster"]["hidden_os"] == ["b"]
    bench.succeeds(PARAMS | {"enabled_data_collectors": {"lv": False}, "data_collector_interval": {"lv": 7}})
    assert bench.config["cluster"]["data_collectors"] == {"lv": {"active": False, "interval": 7}}


def test_a_larger_pool_gets_its_candidates(bench: Bench) -> None:
    bench.succeeds(PARAMS | {"candidate_pool_size": 3})
    assert [node["master_candidate"] for _, node in sorted(bench.config["nodes"].items())] == [True, True, True, False]


def test_nothing_in_use_is_switched_off(bench: Bench) -> None:
    refused(bench, PARAMS | {"enabled_hypervisors": ["kvm"]}, "Cannot disable hypervisor 'fake': instances use it: db")
    refused(bench, PARAMS | {"enabled_disk_templates": ["plain"]}, "Cannot disable disk template 'drbd'")
    refused(bench, PARAMS | {"enabled_hypervisors": []}, "At least one hypervisor")
    refused(bench, PARAMS | {"vg_name": ""}, "Cannot disable lvm storage")
    refused(
        bench, PARAMS | {"max_running_jobs": 9, "max_tracked_jobs": 3}, "Cannot track fewer jobs (3) than may run (9)"
    )


# --- verification


def verify_group(bench: Bench, **more: Any) -> tuple[bool, list[str]]:
    op = {"OP_ID": "OP_CLUSTER_VERIFY_GROUP", "group_name": "default", "error_codes": True, **more}
    good = bench.succeeds(op)
    return good, [str(entry.message).strip() for entry in bench.read().ops[0].log[1:]]


def test_a_sound_cluster(bench: Bench) -> None:
    assert bench.succeeds({"OP_ID": "OP_CLUSTER_VERIFY_CONFIG"}) is True
    assert verify_group(bench) == (True, [])


def test_redundancy(bench: Bench) -> None:
    bench.config["nodes"][uuid(1, 2)]["gantry"]["memory_total"] = 4 * GIB
    good, found = verify_group(bench)
    assert not good
    assert found == [
        (
            "- ERROR:ENODEN1:node:node2.example.com:not enough memory to accommodate instance failovers should node"
            " node1.example.com fail (2048 MiB needed, 1024 MiB available)"
        )
    ]
    assert verify_group(bench, skip_checks=["nplusone_mem"]) == (True, [])
    assert verify_group(bench, ignore_errors=["ENODEN1"])[0] is True


def test_overfull_and_offline_nodes_and_broken_policies(bench: Bench) -> None:
    bench.config["nodes"][uuid(1, 2)]["gantry"] |= {"memory_total": 2 * GIB, "disk_total": GIB}
    bench.config["nodes"][uuid(1, 1)]["offline"] = True
    bench.instance("db")["beparams"]["vcpus"] = 99
    good, found = verify_group(bench)
    assert not good
    codes = {line.split(":")[1] for line in found}
    assert codes == {"ENODEHV", "ENODELVM", "ENODEN1", "EINSTANCEBADNODE", "EINSTANCEPOLICY"}


BROKEN = [
    ("nodes", uuid(1, 3), "group", "x", "ECLUSTERDANGLINGNODES"),
    ("instances", uuid(3, 1), "primary_node", "x", "ECLUSTERDANGLINGINST"),
    ("instances", uuid(3, 1), "disks", ["x"], "EINSTANCEMISSINGDISK"),
    ("instances", uuid(3, 1), "disks", [uuid(4, 2)], "EINSTANCELAYOUT"),
    ("instances", uuid(3, 1), "name", "db", "ECLUSTERCFG"),
    ("disks", uuid(4, 1), "logical_id", [uuid(1, 2), uuid(1, 3), 1, 2, 2, "s"], "ENODEDRBD"),
]


@pytest.mark.parametrize(("container", "key", "name", "value", "code"), BROKEN)
def test_a_broken_configuration(bench: Bench, container: str, key: str, name: str, value: Any, code: str) -> None:
    bench.config[container][key][name] = value
    assert bench.succeeds({"OP_ID": "OP_CLUSTER_VERIFY_CONFIG", "error_codes": True}) is False
    assert any(f"ERROR:{code}:" in str(entry.message) for entry in bench.read().ops[0].log)


def test_verifying_all_submits_jobs_in_order(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs: list[Any] = []

    def submit(_: str, __: Any, new: Any) -> Any:
        jobs.extend(new)
        return [[True, number] for number in range(len(new))]

    monkeypatch.setattr("impl.job.process.submit_jobs", submit)
    bench.succeeds(GROUP)
    bench.succeeds({"OP_ID": "OP_CLUSTER_VERIFY"})
    assert [(job[0]["OP_ID"], job[0].get("group_name"), job[0].get("depends")) for job in jobs] == [
        ("OP_CLUSTER_VERIFY_CONFIG", None, None),
        ("OP_CLUSTER_VERIFY_GROUP", "default", [[-1, []]]),
        ("OP_CLUSTER_VERIFY_GROUP", "second", [[-2, []]]),
    ]
