"""Fields of nodes: live facts, and what follows from instances, groups and parameters."""

import pytest

from impl.query import run_query
from impl.query.model import NO_DATA, NORMAL, OFFLINE, UNAVAILABLE
from tests.impl.clusters import GIB, uuid
from tests.impl.query.fakes import FakeSource, entries, office, rows


@pytest.fixture
def source() -> FakeSource:
    return office()


def test_free_memory_and_disk_follow_from_the_instances(source: FakeSource) -> None:
    source.config["instances"][uuid(3, 2)]["admin_state"] = "down"
    found = rows(source, "node", ["name", "mfree", "dfree", "pinst_cnt", "sinst_list"])
    assert found[0] == ["node1.example.com", 61 * GIB, 980 * GIB - 256, 1, ["web10.example.com"]]
    assert found[1][1:3] == [63 * GIB, 980 * GIB - 256]
    assert found[2][1:3] == [61 * GIB, 990 * GIB]
    assert found[3][1:4] == [63 * GIB, 1000 * GIB, 0]
    source.config["nodes"][uuid(1, 4)]["gantry"] |= {"memory_free_reported": 7, "disk_free_reported": 8}
    assert rows(source, "node", ["mfree", "dfree"], ["=", "name", "node4"]) == [[7, 8]]


def test_live_data_of_an_offline_node_is_offline(source: FakeSource) -> None:
    source.config["nodes"][uuid(1, 1)]["offline"] = True
    answer = run_query("node", ["mtotal", "offline"], ["=", "name", "node1"], source)
    assert answer["data"] == [[(4, None), (0, True)]]
    answer = run_query("instance", ["status", "oper_state", "oper_ram", "console"], ["=", "name", "web1"], source)
    assert answer["data"] == [[(0, "ERROR_nodeoffline"), (2, None), (4, None), (4, None)]]


def test_a_node_without_hardware_facts_has_no_data(source: FakeSource) -> None:
    del source.config["nodes"][uuid(1, 2)]["gantry"]
    assert run_query("node", ["mfree"], ["=", "name", "node2"], source)["data"] == [[(2, None)]]


def test_what_the_configuration_says_of_a_node(source: FakeSource) -> None:
    source.config["nodes"][uuid(1, 2)] |= {"drained": True, "ndparams": {"ssh_port": 23}}
    fields = ["name", "role", "master", "drained", "group", "group.uuid", "pip", "sip", "custom_ndparams"]
    assert rows(source, "node", fields)[:2] == [
        ["node1.example.com", "M", True, False, "default", uuid(2, 1), "192.0.2.1", "198.51.100.1", {}],
        ["node2.example.com", "D", False, True, "default", uuid(2, 1), "192.0.2.2", "198.51.100.2", {"ssh_port": 23}],
    ]


def test_an_unknown_group_has_no_name(source: FakeSource) -> None:
    source.config["nodes"][uuid(1, 1)]["group"] = "gone"
    assert entries(source, "node", ["group", "group.uuid"])[0] == [(NO_DATA, None), (NORMAL, "gone")]


def test_power_is_known_only_out_of_band(source: FakeSource) -> None:
    assert entries(source, "node", ["powered"])[0] == [(UNAVAILABLE, None)]
    source.config["nodes"][uuid(1, 1)] |= {"ndparams": {"oob_program": "/bin/oob"}, "powered": False}
    assert entries(source, "node", ["powered"])[0] == [(NORMAL, False)]


def test_hardware_facts_come_before_parameters(source: FakeSource) -> None:
    source.config["nodes"][uuid(1, 1)]["gantry"] |= {"cpu_speed": 0.5, "spindles": 7}
    assert rows(source, "node", ["ndp/cpu_speed", "ndp/spindle_count"])[:2] == [[0.5, 7], [1.0, 1]]


def test_hypervisor_and_disk_states_are_never_available(source: FakeSource) -> None:
    source.config["nodes"][uuid(1, 1)]["offline"] = True
    found = entries(source, "node", ["hv_state", "disk_state", "mfree"])
    assert found[0] == [(UNAVAILABLE, None), (UNAVAILABLE, None), (OFFLINE, None)]
