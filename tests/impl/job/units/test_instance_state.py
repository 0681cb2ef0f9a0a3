from typing import Any

import pytest

from impl.cluster.view import ClusterView
from tests.impl.clusters import GIB, uuid
from tests.impl.job.conftest import Bench

START: dict[str, Any] = {"OP_ID": "OP_INSTANCE_STARTUP", "instance_name": "web1"}
STOP: dict[str, Any] = {"OP_ID": "OP_INSTANCE_SHUTDOWN", "instance_name": "web1"}
REBOOT: dict[str, Any] = {"OP_ID": "OP_INSTANCE_REBOOT", "instance_name": "web1", "reboot_type": "hard"}
REMOVE: dict[str, Any] = {"OP_ID": "OP_INSTANCE_REMOVE", "instance_name": "web1"}


def state(bench: Bench) -> tuple[str, bool]:
    instance = bench.instance("web1")
    return instance["admin_state"], instance["disks_active"]


def test_stop_and_start(bench: Bench) -> None:
    bench.succeeds(STOP)
    assert state(bench) == ("down", False)
    bench.succeeds(START)
    assert state(bench) == ("up", True)
    bench.succeeds(START)
    bench.succeeds(REBOOT)
    assert state(bench) == ("up", True)


def test_no_remembering(bench: Bench) -> None:
    bench.succeeds(STOP | {"no_remember": True})
    assert state(bench) == ("up", True)


def test_a_user_s_shutdown_is_distinguished(bench: Bench) -> None:
    bench.succeeds(STOP | {"admin_state_source": "user"})
    assert bench.instance("web1")["admin_state_source"] == "user"


@pytest.mark.parametrize("op", [START, STOP, REBOOT])
def test_an_instance_that_is_offline_stays_so(bench: Bench, op: dict[str, Any]) -> None:
    bench.instance("web1")["admin_state"] = "offline"
    error_class, arguments = bench.fails(op)
    assert (error_class, arguments[1]) == ("OpPrereqError", "wrong_state")


@pytest.mark.parametrize("op", [START, STOP, REBOOT, REMOVE])
def test_an_offline_node_answers_nothing(bench: Bench, op: dict[str, Any]) -> None:
    bench.config["nodes"][uuid(1, 1)]["offline"] = True
    assert bench.fails(op)[1] == ["Can't use offline node node1.example.com", "wrong_state"]


def test_unless_that_is_ignored(bench: Bench) -> None:
    bench.config["nodes"][uuid(1, 1)]["offline"] = True
    bench.succeeds(STOP | {"ignore_offline_nodes": True})
    assert state(bench) == ("down", False)
    bench.succeeds(START | {"ignore_offline_nodes": True})
    assert state(bench) == ("up", True)
    bench.succeeds(REMOVE | {"ignore_failures": True})
    assert not ClusterView(bench.config).has("instance", "web1")


def test_starting_needs_memory(bench: Bench) -> None:
    bench.succeeds(STOP)
    bench.config["nodes"][uuid(1, 1)]["gantry"]["memory_total"] = 2 * GIB
    assert bench.fails(START)[1][1] == "insufficient_resources"


def test_removing_gives_all_back(bench: Bench) -> None:
    disk = bench.disk("web1")
    bench.succeeds(REMOVE)
    config = bench.config
    assert not ClusterView(config).has("instance", "web1")
    assert disk["uuid"] not in config["disks"]
    assert config["cluster"]["tcpudp_port_pool"] == [disk["logical_id"][2]]
    assert ClusterView(config).secondaries_on(uuid(1, 2)) == []


def test_locks(bench: Bench) -> None:
    seen: list[Any] = []

    def before(method: str, args: list[Any]) -> None:
        if method == "updateLocksWaiting":
            seen.append([name for name, _ in args[2]])

    bench.wconfd.before = before
    for op in (STOP, START, REBOOT, REMOVE):
        bench.succeeds(op)
    instance, bgl = "instance/web1.example.com", "cluster/BGL"
    nodes = [f"{level}/{uuid(1, n)}" for level in ("node", "node-res") for n in (1, 2)]
    assert seen == [
        [bgl, instance],
        [bgl, instance, f"node-res/{uuid(1, 1)}"],
        [bgl, instance],
        [bgl, instance, *nodes],
    ]


def test_everything_about_instances_but_the_secret(bench: Bench) -> None:
    query = {"OP_ID": "OP_INSTANCE_QUERY_DATA", "instances": ["web1"]}
    (found,) = bench.succeeds(query).values()
    assert (found["name"], found["run_state"], found["snodes"]) == ("web1.example.com", "up", ["node2.example.com"])
    assert found["be_actual"]["maxmem"] == 2 * GIB
    (disk,) = found["disks"]
    assert disk["drbd_info"]["primary_node"] == "node1.example.com"
    assert disk["drbd_info"]["secondary_minor"] == bench.disk("web1")["logical_id"][4]
    assert bench.disk("web1")["logical_id"][5] not in str(found)
    bench.succeeds(STOP)
    assert bench.succeeds(query)["web1.example.com"]["run_state"] == "down"
    assert bench.succeeds(query | {"static": True})["web1.example.com"]["run_state"] is None
    assert len(bench.succeeds({"OP_ID": "OP_INSTANCE_QUERY_DATA", "use_locking": True})) == 3
