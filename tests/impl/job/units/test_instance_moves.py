from typing import Any

import pytest

from impl.cluster.view import ClusterView
from impl.hypervisor.facts import ConfiguredObserver
from tests.impl.clusters import GIB, uuid
from tests.impl.job.conftest import Bench

MIGRATE: dict[str, Any] = {"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": "web1"}
FAILOVER: dict[str, Any] = {"OP_ID": "OP_INSTANCE_FAILOVER", "instance_name": "web1"}
REPLACE: dict[str, Any] = {
    "OP_ID": "OP_INSTANCE_REPLACE_DISKS", "instance_name": "web1", "mode": "replace_new_secondary",
    "remote_node": "node4",
}  # fmt: skip
NODE1, NODE2, NODE3, NODE4 = (uuid(1, number) for number in range(1, 5))


def locks_during(bench: Bench, op: dict[str, Any], method: str) -> dict[str, str]:
    """The locks that a successful opcode holds when it first calls a method of wconfd."""
    seen: list[dict[str, str]] = []

    def before(name: str, _: list[Any]) -> None:
        if name == method:
            seen.append(bench.wconfd.held_by(bench.client()))

    bench.wconfd.before = before
    bench.succeeds(op)
    return seen[0]


@pytest.mark.parametrize("op", [MIGRATE, FAILOVER])
def test_a_move_swaps_primary_and_secondary(bench: Bench, op: dict[str, Any]) -> None:
    bench.succeeds(op)
    instance = bench.instance("web1")
    assert (instance["primary_node"], instance["serial_no"]) == (NODE2, 2)
    view = ClusterView(bench.config)
    assert view.secondaries_of(instance) == (NODE1,)


@pytest.mark.parametrize("op", [MIGRATE, FAILOVER])
def test_a_move_holds_instance_nodes_and_resources(bench: Bench, op: dict[str, Any]) -> None:
    assert locks_during(bench, op, "updateInstance") == {
        "cluster/BGL": "shared", "instance/web1.example.com": "exclusive",
        f"node/{NODE1}": "exclusive", f"node/{NODE2}": "exclusive",
        f"node-res/{NODE1}": "exclusive", f"node-res/{NODE2}": "exclusive",
    }  # fmt: skip


def test_a_migration_reports_its_progress(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    bench.config["cluster"]["gantry"]["seconds_per_gib"] = 3.0
    bench.succeeds(MIGRATE)
    log = [entry.message for entry in bench.read().ops[0].log]
    assert sum(slept) == 6.0
    assert log[0] == "Migrating instance web1.example.com from node1.example.com to node2.example.com"
    assert "50 % of 2.0 GiB copied" in log
    assert [entry.serial for entry in bench.read().ops[0].log] == list(range(1, len(log) + 1))


MISPLACED: list[tuple[dict[str, Any], str, str]] = [
    (MIGRATE | {"instance_name": "nosuch"}, "Instance 'nosuch' not known", "unknown_entity"),
    (MIGRATE | {"instance_name": "db"}, "Instance's disk layout 'plain' does not allow migrations", "wrong_state"),
    (MIGRATE | {"target_node": "node3"}, "Instances with disk template drbd can only", "wrong_input"),
    (MIGRATE | {"target_node": "node9"}, "Node 'node9' not known", "unknown_entity"),
    (REPLACE | {"remote_node": None}, "When changing the secondary", "wrong_input"),
    (REPLACE | {"remote_node": "node1"}, "The specified node is the primary node", "wrong_input"),
    (REPLACE | {"remote_node": "node2"}, "The specified node is already the secondary", "wrong_input"),
    (REPLACE | {"disks": [0]}, "A new secondary gets all disks", "wrong_input"),
    (REPLACE | {"instance_name": "db"}, "Can only run replace disks for DRBD8", "wrong_input"),
    (REPLACE | {"mode": "replace_on_primary"}, "A new node can only be given when", "wrong_input"),
    (REPLACE | {"mode": "replace_auto", "remote_node": None, "disks": [3]}, "Invalid disk index 3", "wrong_input"),
]


@pytest.mark.parametrize(("op", "text", "code"), MISPLACED)
def test_what_cannot_be_is_refused_and_changes_nothing(bench: Bench, op: dict[str, Any], text: str, code: str) -> None:
    error_class, arguments = bench.fails(op)
    assert error_class == "OpPrereqError"
    assert arguments[0].startswith(text)
    assert arguments[1] == code


@pytest.mark.parametrize("flag", ["offline", "drained"])
@pytest.mark.parametrize(("op", "node"), [(MIGRATE, NODE2), (FAILOVER, NODE2), (REPLACE, NODE4)])
def test_no_instance_goes_to_a_node_that_is_not_in_service(
    bench: Bench, op: dict[str, Any], node: str, flag: str
) -> None:
    bench.config["nodes"][node][flag] = True
    error_class, arguments = bench.fails(op)
    assert (error_class, arguments[1]) == ("OpPrereqError", "wrong_state")
    assert flag in arguments[0]


def test_no_instance_goes_where_it_does_not_fit(bench: Bench) -> None:
    bench.config["nodes"][NODE2]["gantry"]["memory_total"] = 4 * GIB
    assert bench.fails(MIGRATE)[1] == [
        (
            "Not enough memory on node node2.example.com for migrating instance web1.example.com:"
            " needed 2048 MiB, available 1024 MiB"
        ),
        "insufficient_resources",
    ]
    bench.config["nodes"][NODE4]["gantry"]["disk_total"] = 10 * GIB
    assert bench.fails(REPLACE)[1][0].startswith("Not enough disk space on node node4.example.com")
    del bench.config["nodes"][NODE2]["gantry"]
    assert bench.fails(MIGRATE)[1][0] == "Can't compute free memory on node node2.example.com"


def test_a_stopped_instance_fails_over_if_that_is_allowed_and_needs_no_memory(bench: Bench) -> None:
    bench.instance("web1")["admin_state"] = "down"
    bench.config["nodes"][NODE2]["gantry"]["memory_total"] = 1
    assert bench.fails(MIGRATE)[1][1] == "wrong_state"
    bench.succeeds(MIGRATE | {"allow_failover": True})
    assert bench.instance("web1")["primary_node"] == NODE2


def test_a_fail_over_leaves_an_offline_node(bench: Bench) -> None:
    bench.config["nodes"][NODE1]["offline"] = True
    assert bench.fails(MIGRATE)[1][1] == "wrong_state"
    bench.succeeds(FAILOVER)
    assert bench.instance("web1")["primary_node"] == NODE2


def test_replacing_the_secondary(bench: Bench) -> None:
    before = bench.disk("web1")
    locks = locks_during(bench, REPLACE, "updateDisk")
    disk = bench.disk("web1")
    assert disk["logical_id"] == [
        NODE1,
        NODE4,
        before["logical_id"][2],
        before["logical_id"][3],
        0,
        before["logical_id"][5],
    ]
    assert disk["nodes"] == [NODE1, NODE4]
    assert {name for name in locks if name.startswith("node/")} == {f"node/{node}" for node in (NODE1, NODE2, NODE4)}


def test_another_group_s_policy_counts_unless_it_is_ignored(bench: Bench) -> None:
    tight = {"min": {"memory-size": 1}, "max": {"memory-size": 1024}}
    second = {
        **bench.config["nodegroups"][uuid(2, 1)],
        "uuid": uuid(2, 2),
        "name": "second",
        "ipolicy": {"minmax": [tight]},
    }
    bench.config["nodegroups"][uuid(2, 2)] = second
    bench.config["nodes"][NODE4]["group"] = uuid(2, 2)
    result = bench.fails(REPLACE)
    assert result[1][0].startswith("Instance does not meet target node group's (second) instance policy: memory-size")
    bench.succeeds(REPLACE | {"ignore_ipolicy": True})
    assert bench.fails(MIGRATE)[1][1] == "wrong_input"
    bench.succeeds(MIGRATE | {"ignore_ipolicy": True})


def test_early_release_lets_the_old_secondary_go(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[dict[str, str]] = []

    def remove(*_: Any, **__: Any) -> None:
        held.append(bench.wconfd.held_by(bench.client()))

    monkeypatch.setattr("impl.hypervisor.embedded.EmbeddedDriver.remove_disks", remove)
    bench.succeeds(REPLACE | {"early_release": True})
    assert f"node/{NODE2}" not in held[0]
    assert f"node/{NODE1}" in held[0]


def test_an_allocator_chooses_the_new_secondary(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def allocate(_: str, question: Any, __: Any) -> Any:
        asked.append((question["request"], bench.wconfd.held_by(bench.client())))
        return ["node4.example.com"]

    monkeypatch.setattr("impl.job.process.run_allocator", allocate)
    locks = locks_during(bench, REPLACE | {"remote_node": None, "iallocator": "hail"}, "updateDisk")
    ((request, before),) = asked
    assert request["relocate_from"] == ["node2.example.com"]
    assert {f"node/{uuid(1, number)}" for number in (1, 2, 3, 4)} <= set(before)
    assert {name for name in locks if name.startswith("node/")} == {f"node/{node}" for node in (NODE1, NODE2, NODE4)}
    assert bench.disk("web1")["logical_id"][1] == NODE4
    monkeypatch.setattr("impl.job.process.run_allocator", lambda *_: ["node1.example.com"])
    assert bench.fails(REPLACE | {"remote_node": None, "iallocator": "hail"})[1][1] == "wrong_input"


def reach_everywhere(bench: Bench) -> None:
    """Put web1 on storage that every node reaches."""
    disk = bench.disk("web1")
    disk.update(dev_type="rbd", logical_id=["rbd", "web1"], nodes=[NODE1])


@pytest.mark.parametrize("op", [MIGRATE, FAILOVER, MIGRATE | {"iallocator": "."}])
def test_an_allocator_chooses_the_target(bench: Bench, monkeypatch: pytest.MonkeyPatch, op: dict[str, Any]) -> None:
    asked: list[Any] = []

    def allocate(program: str, question: Any, __: Any) -> Any:
        asked.append((program, question["request"], bench.wconfd.held_by(bench.client())))
        return ["node3.example.com"]

    reach_everywhere(bench)
    monkeypatch.setattr("impl.job.process.run_allocator", allocate)
    locks = locks_during(bench, op, "lockConfig")
    ((program, request, before),) = asked
    assert (program, request["type"], request["name"]) == ("hail", "relocate", "web1.example.com")
    assert request["relocate_from"] == ["node1.example.com"]
    assert {f"node/{uuid(1, number)}" for number in (1, 2, 3, 4)} <= set(before)
    assert {name for name in locks if name.startswith("node/")} == {f"node/{NODE1}", f"node/{NODE3}"}
    assert bench.instance("web1")["primary_node"] == NODE3
    assert bench.disk("web1")["nodes"] == [NODE3]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (["node1.example.com"], "where the instance is already"),
        (["node3.example.com", "node4.example.com"], "not one node"),
        ([], "not one node"),
        (["elsewhere"], "Node 'elsewhere' not known"),
        (["node2.example.com"], "Can't use drained node"),
        (["node4.example.com"], "which is in another group"),
    ],
)
def test_an_allocator_that_answers_nonsense(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, answer: list[str], text: str
) -> None:
    reach_everywhere(bench)
    bench.config["nodes"][NODE2]["drained"] = True
    bench.config["nodegroups"][uuid(2, 2)] = {**bench.config["nodegroups"][uuid(2, 1)], "uuid": uuid(2, 2), "name": "b"}
    bench.config["nodes"][NODE4]["group"] = uuid(2, 2)
    monkeypatch.setattr("impl.job.process.run_allocator", lambda *_: answer)
    assert text in bench.fails(MIGRATE)[1][0]


def test_a_mirrored_instance_takes_no_allocator(bench: Bench) -> None:
    text, code = bench.fails(MIGRATE | {"iallocator": "hail"})[1]
    assert text.endswith("no allocator is asked: replace the secondary first")
    assert code == "wrong_input"
    assert bench.fails(MIGRATE | {"iallocator": "hail", "target_node": "node2"})[1][0].startswith("Do not specify both")
    reach_everywhere(bench)
    del bench.config["cluster"]["default_iallocator"]
    assert "the cluster has no default" in bench.fails(MIGRATE)[1][0]


def test_replacing_reaches_the_children_too(bench: Bench) -> None:
    disk = bench.disk("web1")
    disk["children"] = [{"dev_type": "plain", "nodes": [NODE1, NODE2], "logical_id": ["xenvg", "x"], "size": 1}]
    bench.succeeds(REPLACE)
    assert bench.disk("web1")["children"][0]["nodes"] == [NODE1, NODE4]


def test_remaking_disks_in_place_changes_no_configuration(bench: Bench) -> None:
    before = bench.config
    for mode in ("replace_on_primary", "replace_on_secondary", "replace_auto"):
        bench.succeeds(REPLACE | {"mode": mode, "remote_node": None})
    assert bench.config == before


def test_reported_free_amounts_follow_the_moves(bench: Bench) -> None:
    for node in (NODE1, NODE2, NODE4):
        bench.config["nodes"][node]["gantry"] |= {"memory_free_reported": 10_000, "disk_free_reported": 20_000}
    bench.succeeds(MIGRATE)
    bench.succeeds(REPLACE | {"remote_node": "node4"})
    view, observer = ClusterView(bench.config), ConfiguredObserver()
    infos = [observer.node_info(view, view.nodes[node]) for node in (NODE1, NODE2, NODE4)]
    used = 10 * GIB + 128
    assert [(info.memory_free, info.disk_free) for info in infos if info] == [
        (12_048, 20_000 + used), (7_952, 20_000), (10_000, 20_000 - used)
    ]  # fmt: skip


def test_a_job_killed_between_action_and_change_leaves_the_configuration(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change is one transaction: before it there is the old configuration, after it the new one."""

    class KilledError(BaseException):
        pass

    def before(method: str, _: list[Any]) -> None:
        if method in {"updateInstance", "lockConfig"}:
            raise AssertionError

    def kill(*_: Any, **__: Any) -> None:
        raise KilledError

    monkeypatch.setattr("impl.job.service.Service.change", kill)
    configuration = bench.config
    bench.wconfd.before = before
    with pytest.raises(KilledError):
        bench.run(MIGRATE)
    assert bench.config == configuration
    monkeypatch.undo()
    bench.wconfd.before = lambda *_: None
    bench.succeeds(MIGRATE)


def test_an_instance_that_moved_meanwhile_is_not_moved_back(bench: Bench) -> None:
    """Whoever ignored the locks: the job finds the instance elsewhere and fails instead of guessing."""

    def before(method: str, _: list[Any]) -> None:
        asked = [name for name in bench.wconfd.calls if name == "readConfigSerial"]
        if method == "readConfigSerial" and len(asked) == 1:  # the move is done, the change is about to be made
            config = bench.wconfd.config
            config["instances"][uuid(3, 1)] = {**config["instances"][uuid(3, 1)], "primary_node": NODE3}
            config["serial_no"] += 1

    bench.wconfd.before = before
    job = bench.run(MIGRATE)
    assert job.ops[0].result == [
        "OpExecError",
        ["the instance is no longer on node1.example.com, its primary was changed"],
    ]
