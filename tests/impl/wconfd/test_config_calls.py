"""The configuration over the socket: locks on it, whole writes, single objects, reservations."""

from typing import Any

import pytest

from impl.wire.client import Client
from spec.errors import PeerError
from tests.impl.wconfd.conftest import MINIMAL, Daemon


def refused(client: Client, method: str, *arguments: Any) -> tuple[str, str]:
    with pytest.raises(PeerError) as caught:
        client.call(method, *arguments)
    return caught.value.error_class, str(caught.value.arguments[0])


def test_lock_write_unlock(daemon: Daemon) -> None:
    client, one, two = daemon.client(), daemon.owner(1), daemon.owner(2)
    config = client.call("lockConfig", one, False)
    assert config == MINIMAL
    assert client.call("lockConfig", one, True) == MINIMAL, "who has it may ask again"
    assert client.call("lockConfig", two, True) is None
    assert client.call("updateNode", config["nodes"]["n1"]) is None, "no single object changes meanwhile"
    assert client.call("removeInstance", "i1") is False
    assert client.call("writeConfigAndUnlock", two, config) is False
    config["nodes"]["n1"]["name"] = "ünï"
    assert client.call("writeConfig", one, config) == []
    written = client.call("readConfig")
    assert written["serial_no"] == 8
    assert written["mtime"] > 1.5
    assert {**written, "serial_no": 7, "mtime": 1.5} == config
    assert client.call("writeConfigAndUnlock", one, {**written, "nodes": MINIMAL["nodes"]}) is True
    assert client.call("readConfig")["nodes"] == MINIMAL["nodes"]
    assert client.call("lockConfig", two, True) is not None
    assert client.call("unlockConfig", two) == []
    assert client.call("listAllLocks") == []


def test_an_object_is_updated_at_its_serial_number_only(daemon: Daemon) -> None:
    client = daemon.client()
    node = MINIMAL["nodes"]["n2"]
    serial, mtime = client.call("updateNode", {**node, "drained": True})
    assert serial == 2
    config = client.call("readConfig")
    assert config["nodes"]["n2"] == {**node, "drained": True, "serial_no": 2, "mtime": mtime}
    assert (config["serial_no"], config["cluster"]["serial_no"]) == (8, 4)
    # the very same call again: its answer got lost, nothing changes
    assert client.call("updateNode", {**node, "drained": True}) == [2, mtime]
    assert client.call("readConfig") == config
    assert refused(client, "updateNode", {**node, "drained": False}) == (
        "ConfigurationError",
        "Configuration object updated since it has been read: 2 != 1",
    )
    assert refused(client, "updateNode", {**node, "uuid": "n9"}) == (
        "ConfigurationError",
        "Configuraton object unknown",
    )
    assert client.call("updateCluster", {**config["cluster"], "tags": ["x"]})[0] == 5
    assert client.call("updateInstance", {**MINIMAL["instances"]["i1"], "primary_node": "n2"})[0] == 5
    assert client.call("updateNodeGroup", {**MINIMAL["nodegroups"]["g1"], "name": "g"})[0] == 2
    assert client.call("updateNetwork", {**MINIMAL["networks"]["net1"], "name": "g"})[0] == 2
    assert client.call("readObject", "instances", "i1")["primary_node"] == "n2"
    assert client.call("readConfig")["from the future"] == {"kept": [1, "ü"]}


def test_instances_and_disks_come_and_go(daemon: Daemon) -> None:
    client, one = daemon.client(), daemon.owner(1)
    ip = client.call("generateIp", one, "net1")
    assert ip == "192.0.2.1"
    instance = {
        "uuid": "i2",
        "name": "i2",
        "disks": [],
        "nics": [{"mac": "aa:bb:cc:00:00:02", "network": "net1", "ip": ip}],
    }
    assert client.call("addInstance", instance, one, False) is True
    assert client.call("readObject", "networks", "net1")["reservations"] == "01100000", "the reservation is committed"
    assert refused(client, "addInstance", {**instance, "nics": []}, one, False)[0] == "ConfigurationError"
    assert "already in use" in refused(client, "addInstance", {**instance, "uuid": "i3"}, one, False)[1]
    assert client.call("allocateDRBDMinor", "d2", ["n1", "n2"]) == [1, 0]
    disk = {"uuid": "d2", "dev_type": "drbd", "logical_id": ["n1", "n2", 11001, 1, 0, "s"], "nodes": ["n1", "n2"]}
    assert client.call("addInstanceDisk", "i2", disk, None, False) is True
    assert client.call("computeDRBDMap") == [["n1", [[0, "d1"], [1, "d2"]]], ["n2", [[0, "d2"], [1, "d1"]]]]
    assert refused(client, "attachInstanceDisk", "i1", "d2", 0) == (
        "ReservationError",
        'Disk d2 already attached to instance "i2"',
    )
    assert client.call("detachInstanceDisk", "i2", "d2") is True
    assert client.call("attachInstanceDisk", "i1", "d2", 0) is True
    assert client.call("readObject", "instances", "i1")["disks"] == ["d2", "d1"]
    assert client.call("readObject", "disks", "d1")["iv_name"] == "disk/1"
    assert refused(client, "removeInstanceDisk", "i2", "d2")[0] == "ProgrammerError"
    assert client.call("removeInstanceDisk", "i1", "d2") is True
    assert client.call("readObject", "disks", "d2") is None
    assert client.call("readObject", "disks", "d1")["iv_name"] == "disk/0"
    assert client.call("removeInstance", "i2") is True
    assert client.call("readObject", "networks", "net1")["reservations"] == "00100000", "its address is free again"


def test_instance_state_ports_and_primary_node(daemon: Daemon) -> None:
    client = daemon.client()
    before = client.call("readConfigSerial")
    same = client.call("setInstanceStatus", "i1", "up", None, None)
    assert same == MINIMAL["instances"]["i1"]
    assert client.call("readConfigSerial") == before, "what changes nothing bumps nothing"
    changed = client.call("setInstanceStatus", "i1", "down", False, "admin")
    assert (changed["admin_state"], changed["disks_active"], changed["serial_no"]) == ("down", False, 5)
    assert refused(client, "setInstanceStatus", "i9", "up", None, None) == (
        "ConfigurationError",
        "Could not find instance with UUID i9",
    )
    assert client.call("setInstancePrimaryNode", "i1", "n2") is True
    assert [client.call("allocatePort"), client.call("allocatePort")] == [11001, 11002]
    assert client.call("addTcpUdpPort", 11001) is True
    assert client.call("allocatePort") == 11001


def test_objects_of_any_kind_are_added_and_removed_when_nothing_refers_to_them(daemon: Daemon) -> None:
    client = daemon.client()
    assert client.call("addObject", "nodes", {"uuid": "n3", "name": "n3", "group": "g1", "x": 1}) is True
    assert client.call("readObject", "nodes", "n3")["x"] == 1
    assert refused(client, "addObject", "nodes", {"uuid": "n3"})[0] == "ConfigurationError"
    assert "still use it" in refused(client, "removeObject", "nodegroups", "g1")[1]
    assert "still use it" in refused(client, "removeObject", "nodes", "n2")[1]
    assert "still use it" in refused(client, "removeObject", "networks", "net1")[1]
    assert client.call("removeObject", "nodes", "n3") is True
    assert client.call("verifyConfig") == []


def test_reservations_exclude_one_another_and_end_with_their_owner(daemon: Daemon) -> None:
    client, one, two = daemon.client(), daemon.owner(1), daemon.owner(2)
    assert refused(client, "reserveMAC", one, "aa:bb:cc:00:00:01") == ("ReservationError", "MAC already in use")
    assert client.call("reserveMAC", one, "aa:bb:cc:00:00:07") == []
    assert refused(client, "reserveMAC", two, "aa:bb:cc:00:00:07") == (
        "ReservationError",
        "Duplicate reservation for resource '\"aa:bb:cc:00:00:07\"'",
    )
    assert client.call("generateMAC", one, None).startswith("aa:bb:cc:")
    assert len(client.call("generateDRBDSecret", one)) == 40
    assert refused(client, "reserveIp", one, "net1", "192.0.2.2", True)[1] == "IP address already in use"
    assert refused(client, "reserveIp", one, "net1", "192.0.2.7", True)[1] == "IP is externally reserved"
    assert client.call("reserveIp", one, "net1", "192.0.2.7", False) == []
    assert client.call("releaseIp", one, "net1", "192.0.2.2") == []
    assert client.call("listReservedIps", one) == [["release", "192.0.2.2", "net1"], ["reserve", "192.0.2.7", "net1"]]
    assert client.call("commitTemporaryIps", one) == []
    assert client.call("readObject", "networks", "net1")["reservations"] == "00000001"
    assert client.call("commitReleaseTemporaryIp", "net1", "192.0.2.7") == []
    assert client.call("dropAllReservations", one) == []
    assert client.call("reserveMAC", two, "aa:bb:cc:00:00:07") == []
    assert refused(client, "allocateDRBDMinor", "d", ["n1", "n1"])[0] == "ReservationError"
    assert [client.call("generateIp", two, "net1") for _ in range(2)] == ["192.0.2.1", "192.0.2.2"]


def test_the_bgl_passes_to_the_daemon_when_the_cluster_ends(daemon: Daemon) -> None:
    client, one = daemon.client(), daemon.owner(1)
    assert refused(client, "prepareClusterDestruction", one)[0] == "GenericError"
    client.call("tryUpdateLocks", one, [["cluster/BGL", "exclusive"]])
    assert client.call("prepareClusterDestruction", one) == []
    assert client.call("readCluster")["master_node"] == ""
    [_, [_, [[holder, mode]]]] = client.call("listAllLocksOwners")
    assert (holder[0], mode) == ("wconfd", "exclusive")
