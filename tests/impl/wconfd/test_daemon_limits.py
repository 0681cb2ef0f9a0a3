"""Requests beyond the limits: wconfd refuses them whole, goes on, and starts again with what it acknowledged."""

import json
from typing import Any

import pytest

from impl.limits import MAX_VALUE_DEPTH
from impl.wconfd.lock_calls import STATELESS
from impl.wconfd.methods import DAEMON_METHODS, METHODS
from impl.wire.client import Client
from impl.wire.framing import frame
from impl.wire.messages import decode_answer, encode_request
from spec.errors import PeerError
from tests.impl.wconfd.conftest import MINIMAL, Daemon

TEN_MEGABYTES = 10_000_000


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


def ask(client: Client, payload: bytes) -> Any:
    """Return a message's answer, or what it was refused with."""
    client._send(frame(payload))
    try:
        return decode_answer(client._next_message())
    except PeerError as error:
        return str(error)


def test_a_configuration_of_ten_megabytes_passes_both_ways(daemon: Daemon) -> None:
    client, one = daemon.client(), daemon.owner(1)
    config = client.call("lockConfig", one, False)
    nodes = dict(config["nodes"])
    size = 0
    while size < TEN_MEGABYTES:
        node = {**nodes["n1"], "uuid": f"u{len(nodes)}", "name": f"node{len(nodes)}.example", "notes": "[{" * 500}
        nodes[node["uuid"]] = node
        size += len(json.dumps(node))
    assert client.call("writeConfigAndUnlock", one, {**config, "nodes": nodes}) is True
    assert client.call("readConfig")["nodes"] == nodes
    assert daemon.end() == 0
    daemon.start()
    again = daemon.client()
    assert again.call("readConfig")["nodes"] == nodes
    assert again.call("lockConfig", one, False)["nodes"] == nodes


@pytest.mark.parametrize("padding", [0, 1 << 17], ids=["small", "above 64 KB"])
def test_the_deepest_object_that_is_accepted_can_be_sent_and_read_again(daemon: Daemon, padding: int) -> None:
    """Objects of 970 levels were taken, and no whole configuration could be written any more."""
    client, one = daemon.client(), daemon.owner(1)
    node = {**MINIMAL["nodes"]["n1"], "notes": "x" * padding}
    [serial, _] = client.call("updateNode", {**node, "deep": nested(MAX_VALUE_DEPTH - 1)})
    shallow = encode_request("updateNode", ({**node, "serial_no": serial, "deep": []},))
    for levels in (MAX_VALUE_DEPTH, 62, 64, 960, 970, 975, 1100):
        deep = shallow.replace(b'"deep":[]', b'"deep":' + b"[" * levels + b"]" * levels)
        assert "nested deeper" in ask(client, deep), levels
    config = client.call("lockConfig", one, False)
    assert config["nodes"]["n1"]["deep"] == nested(MAX_VALUE_DEPTH - 1)
    assert client.call("writeConfigAndUnlock", one, config) is True
    assert daemon.end() == 0
    daemon.start()
    assert daemon.client().call("readConfig")["nodes"] == config["nodes"]


@pytest.mark.parametrize("section", ["nodes", "nodegroups"])
def test_names_of_thousands_of_digits_are_refused_and_change_nothing(daemon: Daemon, section: str) -> None:
    client, one = daemon.client(), daemon.owner(1)
    before = client.call("readConfig")
    bad = {"uuid": "u9", "name": "1" * 5000, "group": "g1"}
    with pytest.raises(PeerError, match="name"):
        client.call("addObject", section, bad)
    config = client.call("lockConfig", one, False)
    with pytest.raises(PeerError, match="name"):
        client.call("writeConfigAndUnlock", one, {**config, section: {**config[section], "u9": bad}})
    assert client.call("unlockConfig", one) == []
    assert client.call("readConfig") == before


def test_a_client_with_a_live_lock_that_is_no_path_does_not_stop_the_search_for_the_dead(daemon: Daemon) -> None:
    """One such owner made every look at the live-locks fail."""
    client, dead = daemon.client(), daemon.owner(1)
    client.call("tryUpdateLocks", dead, [["node/n1", "exclusive"]])
    with pytest.raises(PeerError, match="no path"):
        client.call("tryUpdateLocks", [2, "/lock\0", 5], [["node/n2", "exclusive"]])
    daemon.die(dead)
    assert client.call("cleanupLocks") == []
    assert client.call("listAllLocks") == []


def test_a_network_larger_than_any_pool_takes_no_memory(daemon: Daemon) -> None:
    client, one = daemon.client(), daemon.owner(1)
    for network in ("0.0.0.0/0", "10.0.0.0/8", "x", "::/0"):
        client.call("addObject", "networks", {"uuid": f"u{network}", "name": "n", "network": network})
        for method, more in (("generateIp", []), ("reserveIp", ["10.0.0.1", False])):
            with pytest.raises(PeerError) as refused:
                client.call(method, one, f"u{network}", *more)
            assert refused.value.error_class == "ReservationError"


HOSTILE: list[Any] = [
    10**300, -(10**300), 10**19 - 1, 1e300, -1e300, "1" * 5000, "\0", "/" * 5000, "", nested(40), [nested(40)],
    None, True, -1, {"a": nested(40)}, {},
    [], [[]], [{}], [1e300], {"uuid": 5}, {"uuid": []}, {"uuid": "n1", "serial_no": "x"},
    {"uuid": "i1", "serial_no": 4, "nics": 5}, {"uuid": "i9", "nics": [5]}, {"uuid": "i9", "nics": [{"network": []}]},
    {"uuid": "d1", "serial_no": 1, "logical_id": 5}, {"uuid": "d9", "children": 5},
    {"uuid": "d9", "logical_id": [[], {}, 1]},
    {"uuid": "n1", "serial_no": 1, "mtime": 1e308}, [["node/n1", []]], [[["x"], "shared"]], [["node/n1", "shared", 1]],
    ["x" * 2000], ["n1", "n1"], ["n1", ["n2"]], [1, "/l", 0], [1, "\0", 5], [[1], "/l", 5], [1, "/l", 10**18],
    "cluster",
]  # fmt: skip
OWNER = ["tester", "/nowhere", 0]
LOCKS = [["node/n1", "shared"]]
INSTANCE, DISK = {"uuid": "i9", "name": "i9"}, {"uuid": "d9", "name": "d9"}
USUAL: dict[str, list[Any]] = {
    "tryUpdateLocks": [OWNER, LOCKS], "updateLocksWaiting": [OWNER, 0, LOCKS], "freeLocksLevel": [OWNER, "node"],
    "downGradeLocksLevel": [OWNER, "node"], "intersectLocks": [OWNER, ["node/n1"]], "echo": ["x"],
    "opportunisticLockUnion": [OWNER, LOCKS], "guardedOpportunisticLockUnion": [1, OWNER, LOCKS],
    "writeConfig": [OWNER, MINIMAL], "writeConfigAndUnlock": [OWNER, MINIMAL], "lockConfig": [OWNER, True],
    "addInstance": [INSTANCE, OWNER, False], "removeInstance": ["i9"], "addInstanceDisk": ["i1", DISK, None, False],
    "attachInstanceDisk": ["i1", "d1", None], "detachInstanceDisk": ["i1", "d9"], "removeInstanceDisk": ["i1", "d9"],
    "setInstanceStatus": ["i1", None, None, None], "setInstancePrimaryNode": ["i1", "n1"], "addTcpUdpPort": [11_000],
    "addObject": ["nodes", {"uuid": "n9"}], "removeObject": ["nodes", "n9"], "readObject": ["nodes", "n1"],
    "allocateDRBDMinor": ["d1", ["n1"]], "releaseDRBDMinors": ["d1"], "reserveMAC": [OWNER, "aa"],
    "reserveLV": [OWNER, "a/b"],
    "generateMAC": [OWNER, None], "reserveIp": [OWNER, "net1", "192.0.2.3", True],
    "releaseIp": [OWNER, "net1", "192.0.2.3"],
    "generateIp": [OWNER, "net1"], "commitReleaseTemporaryIp": ["net1", "192.0.2.3"], "waitForGrant": [OWNER, 0],
    "flushConfigGroup": ["x"],
    **{f"update{kind}": [{"uuid": "u"}] for kind in ("Cluster", "Node", "NodeGroup", "Network")},
    "updateInstance": [{"uuid": "i1"}], "updateDisk": [{"uuid": "d1"}],
}  # fmt: skip


def test_no_argument_of_any_method_fails_within_wconfd_or_harms_the_next_request(daemon: Daemon) -> None:
    client = daemon.client()
    lock = encode_request("tryUpdateLocks", (daemon.owner(1), [["cluster/config", "exclusive"]]))
    for method in sorted({*METHODS, *STATELESS, *DAEMON_METHODS}):
        usual = USUAL.get(method, [OWNER])
        for place in range(len(usual)):
            for value in HOSTILE:
                args = (*usual[:place], value, *usual[place + 1 :])
                answer = ask(client, encode_request(method, args))
                assert "internal error" not in str(answer), (method, args, answer)
    assert client.call("echo", "still here") == "still here"
    ask(client, lock)
    assert daemon.end() == 0
    daemon.start()
    again = daemon.client()
    assert again.call("readConfig")["cluster"]
    assert again.call("listLocksWaitingStatus")
