from typing import Any

import pytest

from impl.cluster.view import ClusterView
from impl.job.units.verification import configuration_findings
from tests.impl.clusters import GIB, uuid
from tests.impl.job.conftest import Bench
from tests.impl.job.units.test_instance_moves import locks_during

SET: dict[str, Any] = {"OP_ID": "OP_INSTANCE_SET_PARAMS", "instance_name": "web1"}
RENAME: dict[str, Any] = {"OP_ID": "OP_INSTANCE_RENAME", "instance_name": "db", "new_name": "base.example.com"}
GROW: dict[str, Any] = {"OP_ID": "OP_INSTANCE_GROW_DISK", "instance_name": "web1", "disk": 0, "amount": GIB}
STOP: dict[str, Any] = {"OP_ID": "OP_INSTANCE_SHUTDOWN", "instance_name": "web1"}
NETWORK = uuid(5, 1)


def sound(bench: Bench) -> None:
    assert list(configuration_findings(ClusterView(bench.config))) == []
    assert (bench.wconfd.minors, bench.wconfd.volumes) == ({}, {})


def test_backend_hypervisor_and_os_parameters(bench: Bench) -> None:
    op = SET | {
        "beparams": {"vcpus": 3, "minmem": GIB}, "hvparams": {"acpi": True}, "osparams": {"dhcp": "yes"},
        "osparams_private": {"password": "x"}, "os_name": "debian",
    }  # fmt: skip
    assert bench.succeeds(op) == [
        ["be/vcpus", 3], ["be/minmem", GIB], ["hv/acpi", True], ["os/dhcp", "yes"],
        ["os_private/password", "<redacted>"],
    ]  # fmt: skip
    instance = bench.instance("web1")
    assert instance["beparams"] == {"maxmem": 2 * GIB, "minmem": GIB, "vcpus": 3}
    assert (instance["hvparams"], instance["osparams"], instance["os"]) == ({"acpi": True}, {"dhcp": "yes"}, "debian")
    assert instance["osparams_private"] == {"password": "x"}
    bench.succeeds(SET | {"beparams": {"vcpus": "default", "memory": GIB}, "hvparams": {"acpi": "default"}})
    instance = bench.instance("web1")
    assert (instance["beparams"], instance["hvparams"]) == ({"maxmem": GIB, "minmem": GIB}, {})


def test_locks(bench: Bench) -> None:
    assert locks_during(bench, SET | {"beparams": {"vcpus": 3}}, "updateInstance") == {
        "cluster/BGL": "shared", "instance/web1.example.com": "exclusive", f"nodegroup/{uuid(2, 1)}": "shared",
        f"node/{uuid(1, 1)}": "exclusive", f"node/{uuid(1, 2)}": "exclusive",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "text", "code"),
    [
        ({}, "No changes submitted", "wrong_input"),
        ({"disk_template": "plain"}, "Gantry does not change disk_template", "wrong_input"),
        ({"hotplug": True, "nics": [["add", -1, {}]]}, "Gantry does not change hotplug", "wrong_input"),
        ({"beparams": {"minmem": 3 * GIB}}, "Minimum memory must not exceed", "wrong_input"),
        ({"beparams": {"vcpus": -1}}, "Backend parameter vcpus must be a positive number", "wrong_input"),
        ({"beparams": {"maxmem": 63 * GIB}}, "prevent the instance from failover to its secondary", "wrong_state"),
        ({"beparams": {"maxmem": 99 * GIB}}, "prevent the instance from starting, due to", "insufficient_resources"),
        ({"beparams": {"vcpus": 17}}, "violates policy: cpu-count value 17", "wrong_input"),
        ({"offline": True}, "is marked to be up", "wrong_state"),
        ({"disks": [["remove", 0, {}]]}, "can't remove volume from a running instance", "wrong_state"),
        ({"disks": [["modify", 0, {"size": 5}]]}, "use grow-disk", "wrong_input"),
        ({"disks": [["modify", 0, {"spindles": 5}]]}, "'spindles' cannot be changed", "wrong_input"),
        ({"disks": [["modify", 1, {"mode": "ro"}]]}, "Got disk index 1", "wrong_input"),
        ({"disks": [["modify", "x", {"mode": "ro"}]]}, "Cannot find disk with identifier x", "unknown_entity"),
        ({"disks": [["add", -1, {}]]}, "'size' missing", "wrong_input"),
        ({"disks": [["add", 7, {"size": 1}]]}, "Got disk index 7", "wrong_input"),
        ({"disks": [["add", -1, {"size": 10**9}]]}, "Not enough disk space", "insufficient_resources"),
        ({"disks": [["attach", -1, {"name": "x"}]]}, "Gantry does not attach a disk", "wrong_input"),
        ({"disks": ["add"]}, "is not [action, index, parameters]", "wrong_input"),
        ({"disks": [["add", {"size": 1}], ["remove", {}]]}, "Only one disk add/attach/remove", "wrong_input"),
        ({"nics": [["remove", 0, {"ip": "x"}]]}, "No settings should be passed", "wrong_input"),
        ({"nics": [["add", -1, {"ip": "pool"}]]}, "does not give out addresses", "wrong_input"),
        ({"nics": [["add", -1, {"ip": "x"}]]}, "Invalid IP address 'x'", "wrong_input"),
        ({"nics": [["add", -1, {"network": "nosuch"}]]}, "Network 'nosuch' not known", "unknown_entity"),
        ({"nics": [["add", -1, {}]] * 9}, "too many network interfaces", "wrong_state"),
        ({"nics": [["modify", 0, {"mac": "auto"}]]}, "'auto' is not a valid MAC", "wrong_input"),
        ({"nics": [["modify", 0, {"link": "br1"}]]}, "Got NIC index 0", "wrong_input"),
    ],
)  # fmt: skip
def test_what_is_refused(bench: Bench, change: dict[str, Any], text: str, code: str) -> None:
    result = bench.fails(SET | change)
    assert text in result[1][0]
    assert result[1][1] == code


def test_what_was_out_of_bounds_before_does_not_stop_other_changes(bench: Bench) -> None:
    bench.config["cluster"]["ipolicy"]["minmax"][0]["min"]["nic-count"] = 1
    bench.succeeds(SET | {"beparams": {"vcpus": 3}})


def test_interfaces(bench: Bench) -> None:
    bench.config["networks"][NETWORK] = {"uuid": NETWORK, "name": "net", "network": "10.0.0.0/8", "mac_prefix": None}
    bench.config["nodegroups"][uuid(2, 1)]["networks"] = {NETWORK: {"mode": "routed", "link": "rt", "vlan": ""}}
    added = bench.succeeds(SET | {"nics": [["add", -1, {"ip": "192.0.2.7", "bridge": "br9"}], ["add", 0, {}]]})
    assert added[0][0] == "nic.0"
    first, second = bench.instance("web1")["nics"]
    assert (second["ip"], second["nicparams"]) == ("192.0.2.7", {"link": "br9"})
    assert first["mac"] != second["mac"]
    mac = "aa:00:00:99:99:99"
    result = bench.succeeds(
        SET | {"nics": [["modify", 1, {"ip": "none", "mac": mac}], ["modify", 0, {"network": "net"}]]}
    )
    assert ["nic.mac/1", mac] in result
    first, second = bench.instance("web1")["nics"]
    assert (first["network"], first["nicparams"]["mode"]) == (NETWORK, "routed")
    assert (second["mac"], "ip" in second) == (mac, False)
    assert bench.succeeds(SET | {"nics": [["remove", {}]]}) == [["NIC/1", "remove"]]
    assert bench.instance("web1")["nics"] == [first]
    sound(bench)


def test_disks_come_and_go_with_their_ports(bench: Bench) -> None:
    highest = bench.config["cluster"]["highest_used_port"]
    result = bench.succeeds(SET | {"disks": [["add", 0, {"size": GIB, "name": "log"}]]})
    assert result == [["disk/0", f"add:size={GIB},mode=rw"]]
    view = ClusterView(bench.config)
    new, old = view.disks(bench.instance("web1"))
    assert (new["name"], new["iv_name"], old["iv_name"]) == ("log", "disk/0", "disk/1")
    assert new["logical_id"][2] == highest + 1
    sound(bench)
    bench.succeeds(STOP)
    assert bench.succeeds(SET | {"disks": [["modify", "log", {"mode": "ro", "name": "none"}]]}) == [
        ["disk.mode/0", "ro"], ["disk.name/0", None]
    ]  # fmt: skip
    bench.succeeds(SET | {"disks": [["remove", 1, {}], ["add", -1, {"size": 5}]]})
    view = ClusterView(bench.config)
    assert [disk["size"] for disk in view.disks(bench.instance("web1"))] == [GIB, 5]
    assert [disk["iv_name"] for disk in view.disks(bench.instance("web1"))] == ["disk/0", "disk/1"]
    assert old["uuid"] not in bench.config["disks"]
    cluster = bench.config["cluster"]
    assert (cluster["tcpudp_port_pool"], cluster["highest_used_port"]) == ([old["logical_id"][2]], highest + 2)
    sound(bench)


def test_offline_and_back(bench: Bench) -> None:
    bench.succeeds(STOP)
    assert bench.succeeds(SET | {"offline": True}) == [["admin_state", "offline"]]
    assert bench.instance("web1")["admin_state"] == "offline"
    assert "offline" in bench.fails({"OP_ID": "OP_INSTANCE_STARTUP", "instance_name": "web1"})[1][0]
    bench.succeeds(SET | {"offline": False})
    bench.succeeds({"OP_ID": "OP_INSTANCE_STARTUP", "instance_name": "web1"})


def test_renaming(bench: Bench) -> None:
    assert "marked to be up" in bench.fails(RENAME)[1][0]
    bench.succeeds(STOP | {"instance_name": "db"})
    assert bench.fails(RENAME | {"new_name": "web1.example.com"})[1][1] == "already_exists"
    assert bench.fails(RENAME | {"new_name": "a b"})[1][1] == "wrong_input"
    assert bench.fails(RENAME | {"name_check": False})[1][1] == "wrong_input"
    locks = locks_during(bench, RENAME, "updateInstance")
    assert {"instance/db", "instance/base.example.com"} <= set(locks)
    assert bench.instance("base")["uuid"] == uuid(3, 3)


def test_growing_a_disk(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    bench.config["cluster"]["gantry"]["seconds_per_gib"] = 3.0
    bench.disk("web1")["children"] = [{"size": 10 * GIB, "dev_type": "plain"}, {"size": 128, "dev_type": "plain"}]
    bench.succeeds(GROW)
    assert sum(slept) == 3.0
    disk = bench.disk("web1")
    assert (disk["size"], [child["size"] for child in disk["children"]]) == (11 * GIB, [11 * GIB, 128])
    bench.succeeds(GROW | {"absolute": True, "amount": 12 * GIB})
    assert bench.disk("web1")["size"] == 12 * GIB
    for change, code in (
        ({"absolute": True}, "wrong_state"),
        ({"amount": 2000 * GIB}, "insufficient_resources"),
        ({"disk": 1}, "wrong_input"),
    ):
        assert bench.fails(GROW | change)[1][1] == code
    bench.config["cluster"]["ipolicy"]["minmax"][0]["max"]["disk-size"] = 12 * GIB
    assert "violates policy" in bench.fails(GROW)[1][0]
    bench.succeeds(GROW | {"ignore_ipolicy": True})
