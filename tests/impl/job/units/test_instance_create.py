from typing import Any

import pytest

from impl.cluster.view import ClusterView
from impl.job.allocator import AllocatorError
from tests.impl.clusters import GIB, uuid
from tests.impl.job.conftest import Bench

CREATE: dict[str, Any] = {
    "OP_ID": "OP_INSTANCE_CREATE", "instance_name": "new.example.com", "mode": "create", "os_type": "noop",
    "disk_template": "drbd", "disks": [{"size": 5 * GIB}, {"size": "1G", "name": "data"}], "nics": [{}],
    "beparams": {"maxmem": GIB, "minmem": GIB}, "tags": ["b", "a"],
}  # fmt: skip
NAMED = CREATE | {"pnode": "node3", "snode": "node4"}
CHOSEN = CREATE | {"iallocator": "hail"}
NODE3, NODE4 = uuid(1, 3), uuid(1, 4)
OTHER: list[Any] = [99, "/livelock/99", 1]


@pytest.fixture
def asked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Questions to the allocator, which chooses nodes 3 and 4; and what was locked meanwhile."""
    questions: list[Any] = []

    def allocate(program: str, question: Any, _: Any) -> Any:
        assert program == "hail"
        questions.append((question["request"], bench.wconfd.held_by(bench.client())))
        return ["node3.example.com", "node4.example.com"]

    monkeypatch.setattr("impl.job.process.run_allocator", allocate)
    return questions


def test_on_named_nodes(bench: Bench) -> None:
    assert bench.succeeds(NAMED) == ["node3.example.com", "node4.example.com"]
    view = ClusterView(bench.config)
    instance = view.find("instance", "new")
    first, second = view.disks(instance)
    assert (instance["admin_state"], instance["tags"], instance["serial_no"]) == ("up", ["a", "b"], 1)
    assert view.nodes_of(instance) == (NODE3, NODE4)
    assert view.disk_usage(instance) == 6 * GIB + 256
    assert first["logical_id"][:2] == [NODE3, NODE4]
    ports = {first["logical_id"][2], second["logical_id"][2]}
    assert len(ports) == 2
    assert [first["logical_id"][3:5], second["logical_id"][3:5]] == [[0, 0], [1, 1]]
    assert instance["nics"][0]["mac"].startswith("aa:00:00")
    assert second["name"] == "data"
    assert len(first["children"]) == 2


def test_minors_do_not_clash_with_those_in_use(bench: Bench) -> None:
    bench.succeeds(NAMED)
    bench.succeeds(NAMED | {"instance_name": "two", "pnode": "node4", "snode": "node1"})
    view = ClusterView(bench.config)
    used = [
        (node, minor)
        for disk in view.config["disks"].values()
        if disk["dev_type"] == "drbd"
        for node, minor in zip(disk["logical_id"][:2], disk["logical_id"][3:5], strict=True)
    ]
    assert len(used) == len(set(used))


def mirror_ports(bench: Bench, name: str) -> list[int]:
    return [bench.config["disks"][uuid]["logical_id"][2] for uuid in bench.instance(name)["disks"]]


def test_ports_come_from_the_pool_first_and_go_back_there(bench: Bench) -> None:
    bench.config["cluster"] |= {"tcpudp_port_pool": [11900], "highest_used_port": 12000}
    bench.succeeds(NAMED)
    assert mirror_ports(bench, "new") == [11900, 12001]
    cluster = bench.config["cluster"]
    assert (cluster["tcpudp_port_pool"], cluster["highest_used_port"]) == ([], 12001)
    bench.succeeds({"OP_ID": "OP_INSTANCE_REMOVE", "instance_name": "new"})
    assert bench.config["cluster"]["tcpudp_port_pool"] == [11900, 12001]


def test_a_port_that_another_job_has_set_aside_is_left_to_it(bench: Bench) -> None:
    bench.config["cluster"]["highest_used_port"] = 12000
    bench.wconfd.do_reserveLV(OTHER, "tcp-port/12001")
    bench.succeeds(NAMED)
    assert mirror_ports(bench, "new") == [12002, 12003]
    assert bench.config["cluster"]["tcpudp_port_pool"] == [12001]
    assert set(bench.wconfd.volumes) == {"tcp-port/12001"}  # that of the other job


def test_a_create_that_fails_late_leaves_nothing(bench: Bench) -> None:
    def before(method: str, _: list[Any]) -> None:
        if method == "lockConfig":
            cluster = {**bench.config["cluster"], "highest_used_port": 12010}
            bench.wconfd.config = {**bench.config, "cluster": cluster, "serial_no": bench.config["serial_no"] + 1}

    bench.config["cluster"]["highest_used_port"] = 12000
    bench.wconfd.before = before
    op = bench.run(NAMED).ops[0]
    assert "TCP port 12001 was taken by somebody else" in op.result[1][0]
    logged = [entry.message for entry in op.log]
    assert logged[-2:] == [f"removing 2 disks of new.example.com on {node}.example.com" for node in ("node3", "node4")]
    assert (bench.wconfd.minors, bench.wconfd.volumes) == ({}, {})
    bench.wconfd.before = lambda *_: None
    bench.succeeds(NAMED)
    assert mirror_ports(bench, "new") == [12011, 12012]


def test_no_port_is_left(bench: Bench) -> None:
    bench.config["cluster"]["highest_used_port"] = 14999
    assert bench.fails(NAMED)[1][0].startswith("no TCP port is free for a mirror")


def test_minors_that_a_dead_job_left_are_free_again(bench: Bench) -> None:
    elsewhere = (uuid(1, 1), 5)
    bench.wconfd.minors = {(NODE4, 0): "of-a-dead-job", (NODE3, 3): "of-a-dead-job", elsewhere: "of-a-live-one"}
    bench.succeeds(NAMED)
    assert bench.disk("new")["logical_id"][3:5] == [0, 0]
    assert bench.wconfd.minors == {elsewhere: "of-a-live-one"}


def test_other_templates(bench: Bench) -> None:
    assert bench.succeeds(CREATE | {"disk_template": "plain", "pnode": "node3"}) == ["node3.example.com"]
    bench.succeeds(
        CREATE | {"instance_name": "x", "disk_template": "diskless", "disks": [], "pnode": "node3", "start": False}
    )
    view = ClusterView(bench.config)
    assert view.disk_template(view.find("instance", "new")) == "plain"
    assert view.find("instance", "x")["admin_state"] == "down"


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"instance_name": "web1.example.com"}, "Instance 'web1.example.com' is already in the cluster", "already_exists"),
    ({"instance_name": "no name"}, "'no name' is no valid instance name", "wrong_input"),
    ({"mode": "import"}, "Gantry cannot create instances by import", "wrong_input"),
    ({"os_type": None}, "No guest OS specified", "wrong_input"),
    ({"disk_template": "rbd"}, "Disk template 'rbd' is not enabled in cluster", "wrong_input"),
    ({"hypervisor": "kvm"}, "Selected hypervisor (kvm) not enabled", "wrong_state"),
    ({"disks": []}, "Please give at least one disk", "wrong_input"),
    ({"disks": [{}]}, "Missing size of disk 0", "wrong_input"),
    ({"snode": None}, "The networked disk templates need a mirror node", "wrong_input"),
    ({"snode": "node3"}, "The secondary node cannot be the primary node", "wrong_input"),
    ({"iallocator": "hail"}, "Do not specify both, iallocator and node.", "wrong_input"),
    ({"pnode": "nosuch"}, "Node 'nosuch' not known", "unknown_entity"),
    ({"beparams": {"vcpus": 0}}, "Backend parameter vcpus must be a positive number", "wrong_input"),
    ({"beparams": {"maxmem": 1, "minmem": 2}}, "Minimum memory must not exceed", "wrong_input"),
    ({"beparams": {"maxmem": 2048 * GIB}}, "Not enough memory on node node3.example.com", "insufficient_resources"),
    ({"disks": [{"size": 2048 * GIB}]}, "Not enough disk space on node node3.example.com", "insufficient_resources"),
    ({"beparams": {"vcpus": 17}}, "Instance allocation to group default violates policy: cpu-count", "wrong_input"),
    ({"nics": [{}] * 9}, "Instance allocation to group default violates policy: nic-count", "wrong_input"),
]


@pytest.mark.parametrize(("change", "text", "code"), REFUSED)
def test_refusals_change_nothing(bench: Bench, change: dict[str, Any], text: str, code: str) -> None:
    error_class, arguments = bench.fails(NAMED | change)
    assert error_class == "OpPrereqError"
    assert arguments[0].startswith(text), arguments
    assert arguments[1] == code


def test_what_breaks_policy_goes_if_that_is_ignored(bench: Bench) -> None:
    bench.succeeds(NAMED | {"beparams": {"vcpus": 17}, "ignore_ipolicy": True})


def test_the_allocator_is_shown_all_and_the_rest_is_let_go(bench: Bench, asked: list[Any]) -> None:
    after: list[dict[str, str]] = []

    def before(method: str, _: list[Any]) -> None:
        if method == "writeConfigAndUnlock":
            after.append(bench.wconfd.held_by(bench.client()))

    bench.wconfd.before = before
    assert bench.succeeds(CHOSEN) == ["node3.example.com", "node4.example.com"]
    ((request, locks),) = asked
    assert "restrict-to-nodes" not in request
    assert locks["node/[lockset]"] == locks["node-res/[lockset]"] == "exclusive"
    assert {name for name in after[0] if name.startswith("node")} == {
        f"{level}/{node}" for level in ("node", "node-res") for node in (NODE3, NODE4)
    }


def test_opportunistic_locking_takes_what_is_free(bench: Bench, asked: list[Any]) -> None:
    bench.wconfd.take(OTHER, (f"node/{uuid(1, 1)}", "exclusive"))
    bench.succeeds(CHOSEN | {"opportunistic_locking": True})
    ((request, locks),) = asked
    assert request["restrict-to-nodes"] == [f"node{n}.example.com" for n in (2, 3, 4)]
    assert f"node/{uuid(1, 1)}" not in locks


def test_opportunistic_locking_waits_for_enough_nodes(bench: Bench, asked: list[Any]) -> None:
    """One free node is too few: the job asks again instead of failing, and takes none meanwhile."""
    bench.wconfd.take(OTHER, *((f"node/{uuid(1, n)}", "exclusive") for n in (1, 2, 3)))

    def on_wait() -> None:
        assert not any(name.startswith("node/") for name in bench.wconfd.held_by(bench.client()))
        if bench.signals.waits == 2:
            bench.wconfd.free(OTHER)

    bench.signals.on_wait = on_wait
    bench.succeeds(CHOSEN | {"opportunistic_locking": True})
    assert len(asked[0][0]["restrict-to-nodes"]) == 4


def test_only_when_patience_ends_is_the_failure_temporary(bench: Bench) -> None:
    bench.config["cluster"]["gantry"]["opportunistic_seconds"] = 0
    bench.wconfd.take(OTHER, *((f"node/{uuid(1, n)}", "exclusive") for n in (1, 2, 3)))
    error_class, arguments = bench.fails(CHOSEN | {"opportunistic_locking": True})
    assert (error_class, arguments[1]) == ("OpPrereqError", "temp_insufficient_resources")


@pytest.mark.parametrize(
    ("opportunistic", "code"), [(False, "insufficient_resources"), (True, "temp_insufficient_resources")]
)
def test_no_solution(bench: Bench, monkeypatch: pytest.MonkeyPatch, opportunistic: bool, code: str) -> None:
    def allocate(program: str, *_: Any) -> Any:
        raise AllocatorError(program, "no room")

    monkeypatch.setattr("impl.job.process.run_allocator", allocate)
    error_class, arguments = bench.fails(CHOSEN | {"opportunistic_locking": opportunistic})
    assert error_class == "OpPrereqError"
    assert arguments == ["Can't compute nodes using iallocator 'hail': no room", code]


def test_cancelled_while_waiting_for_nodes(bench: Bench) -> None:
    bench.wconfd.take(OTHER, ("node/[lockset]", "exclusive"))
    bench.signals.on_wait = lambda: setattr(bench.signals, "cancel", True)
    assert bench.run(CHOSEN | {"opportunistic_locking": True}).ops[0].status == "canceled"
    assert bench.wconfd.held_by(bench.client()) == {}


def test_reserving_only(bench: Bench) -> None:
    bench.succeeds(NAMED | {"forthcoming": True})
    assert ClusterView(bench.config).find("instance", "new")["forthcoming"] is True
    assert bench.fails({"OP_ID": "OP_INSTANCE_STARTUP", "instance_name": "new.example.com"})[1][1] == "wrong_state"
