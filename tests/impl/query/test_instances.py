"""Fields of instances: statuses, nodes, disks, network interfaces and parameters."""

import pytest

from impl.hypervisor.facts import ConfiguredObserver, InstanceInfo
from impl.query import query_fields
from impl.query.model import NO_DATA, NORMAL, OFFLINE, UNAVAILABLE
from tests.impl.clusters import GIB, uuid
from tests.impl.query.fakes import FakeSource, entries, office, rows

WEB1 = ["=", "name", "web1"]


@pytest.fixture
def source() -> FakeSource:
    return office()


@pytest.mark.parametrize(("state", "status"), [("up", "running"), ("down", "ADMIN_down"), ("offline", "ADMIN_offline")])
def test_statuses_of_instances(source: FakeSource, state: str, status: str) -> None:
    source.config["instances"][uuid(3, 1)]["admin_state"] = state
    assert rows(source, "instance", ["status"], ["=", "name", "web1"]) == [[status]]


def test_an_offline_node_hides_its_instances(source: FakeSource) -> None:
    source.config["nodes"][uuid(1, 1)]["offline"] = True
    fields = ["status", "oper_state", "oper_vcpus", "console"]
    assert entries(source, "instance", fields, WEB1) == [
        [(NORMAL, "ERROR_nodeoffline"), (NO_DATA, None), (OFFLINE, None), (OFFLINE, None)]
    ]
    del source.config["nodes"][uuid(1, 1)]["offline"]
    assert entries(source, "instance", fields, WEB1) == [
        [(NORMAL, "running"), (NORMAL, True), (NORMAL, 2), (NO_DATA, None)]
    ]


def test_what_the_hypervisor_says_against_what_should_be(source: FakeSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """An instance that should be up and is not, and one that runs on another node."""
    for found, status in ((None, "ERROR_down"), (InstanceInfo(uuid(1, 3), 1, 1), "ERROR_wrongnode")):
        monkeypatch.setattr(ConfiguredObserver, "instance_info", lambda *_, found=found: found)
        assert rows(source, "instance", ["status"], WEB1) == [[status]]
    source.config["instances"][uuid(3, 1)]["admin_state"] = "down"
    monkeypatch.setattr(ConfiguredObserver, "instance_info", lambda *_: InstanceInfo(uuid(1, 1), 1, 1))
    assert rows(source, "instance", ["status"], WEB1) == [["ERROR_up"]]


def test_nodes_and_groups(source: FakeSource) -> None:
    fields = ["pnode", "snodes", "pnode.group", "snodes.group", "snodes.group.uuid", "disk_template"]
    found = dict(zip(("db", "web1", "web10"), rows(source, "instance", fields), strict=True))
    assert found["db"] == ["node3.example.com", [], "default", [], [], "plain"]
    assert found["web1"][:3] == ["node1.example.com", ["node2.example.com"], "default"]
    assert found["web1"][3:] == [["default"], [uuid(2, 1)], "drbd"]


def test_disks_one_by_one_and_together(source: FakeSource) -> None:
    fields = ["disk.count", "disk.sizes", "disk.size/0", "disk.size/1", "disk.spindles", "sda_size", "disk_usage"]
    assert entries(source, "instance", fields, WEB1) == [
        [
            (NORMAL, 1), (NORMAL, [10 * GIB]), (NORMAL, 10 * GIB), (UNAVAILABLE, None), (NORMAL, [None]),
            (NORMAL, 10 * GIB), (NORMAL, 10 * GIB + 128),
        ]
    ]  # fmt: skip


def test_network_interfaces(source: FakeSource) -> None:
    source.config["networks"]["u-net"] = {"uuid": "u-net", "name": "net", "network": "192.0.2.0/29"}
    source.config["instances"][uuid(3, 1)]["nics"] = [
        {"mac": "aa:00:00:00:00:01", "network": "u-net"},
        {"mac": "aa:00:00:00:00:02", "nicparams": {"mode": "openvswitch", "link": "sw", "vlan": "7"}},
    ]
    each = ["macs", "modes", "links", "bridges", "vlans", "networks.names"]
    assert rows(source, "instance", [f"nic.{name}" for name in each], WEB1) == [
        [
            ["aa:00:00:00:00:01", "aa:00:00:00:00:02"], ["bridged", "openvswitch"], ["br0", "sw"], ["br0", None],
            [None, "7"], ["net", None],
        ]
    ]  # fmt: skip
    fields = ["nic.count", "nic.bridge/0", "nic.bridge/1", "nic.mac/2", "mac", "nic_link"]
    assert entries(source, "instance", fields, WEB1) == [
        [
            (NORMAL, 2), (NORMAL, "br0"), (UNAVAILABLE, None), (UNAVAILABLE, None), (NORMAL, "aa:00:00:00:00:01"),
            (NORMAL, "br0"),
        ]
    ]  # fmt: skip


def test_parameters_are_merged_and_the_cluster_s_own_ones_are_not_shown(source: FakeSource) -> None:
    source.config["instances"][uuid(3, 1)]["hvparams"] = {"kernel_path": "/boot/k", "migration_mode": "non-live"}
    fields = ["hvparams", "custom_hvparams", "hv/kernel_path", "hv/acpi", "be/vcpus", "be/memory", "be/auto_balance"]
    (found,) = entries(source, "instance", fields, WEB1)
    assert found[0] == (NORMAL, {"kernel_path": "/boot/k"})
    assert found[1][1]["migration_mode"] == "non-live"
    assert found[2:] == [
        (NORMAL, "/boot/k"), (UNAVAILABLE, None), (NORMAL, 2), (NORMAL, 2 * GIB), (NORMAL, True)
    ]  # fmt: skip


def test_places_are_counted_in_words() -> None:
    docs = {field["name"]: field["doc"] for field in query_fields("instance")["fields"]}
    numbers = (0, 1, 2, 3, 10, 11, 12)
    assert [docs[f"disk.size/{at}"].split()[3] for at in numbers] == [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "11th",
        "12th",
        "13th",
    ]


def test_an_alias_has_the_value_of_what_it_names(source: FakeSource) -> None:
    pairs = [("vcpus", "be/vcpus"), ("be/memory", "be/maxmem"), ("sdb_size", "disk.size/1"), ("ip", "nic.ip/0")]
    for alias, name in pairs:
        for one, other in entries(source, "instance", [alias, name]):
            assert one == other
