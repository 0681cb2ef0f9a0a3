from typing import Any

import pytest

from impl.job.allocator import AllocatorError
from tests.impl.clusters import GIB, uuid
from tests.impl.job.conftest import Bench

EVACUATE: dict[str, Any] = {"OP_ID": "OP_NODE_EVACUATE", "node_name": "node2", "mode": "secondary-only"}
CREATE: dict[str, Any] = {
    "OP_ID": "OP_INSTANCE_CREATE", "mode": "create", "os_type": "noop", "disk_template": "drbd", "nics": [],
    "disks": [{"size": GIB}],
}  # fmt: skip
MULTI: dict[str, Any] = {
    "OP_ID": "OP_INSTANCE_MULTI_ALLOC",
    "instances": [CREATE | {"instance_name": "one"}, CREATE | {"instance_name": "two"}],
}
ANSWERS = {
    "multi-allocate": [[["one", ["node3.example.com", "node4.example.com"]]], ["two"]],
    "node-evacuate": [
        [["web1.example.com", "default", ["node1.example.com", "node4.example.com"]]],
        [],
        [[{"OP_ID": "OP_INSTANCE_REPLACE_DISKS", "instance_name": "web1.example.com",
           "remote_node": "node4.example.com", "mode": "replace_new_secondary", "early_release": False}]],
    ],
}  # fmt: skip


@pytest.fixture
def submitted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What opcodes submit; they are answered job ids from 101 on."""
    jobs: list[Any] = []

    def submit(_: str, __: Any, new: Any) -> Any:
        jobs.extend(new)
        return [[True, 100 + number] for number in range(1, len(new) + 1)]

    monkeypatch.setattr("impl.job.process.submit_jobs", submit)
    return jobs


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    asked: list[Any] = []

    def allocate(_: str, question: Any, options: Any) -> Any:
        asked.append((question["request"], list(options)))
        return ANSWERS[question["request"]["type"]]

    monkeypatch.setattr("impl.job.process.run_allocator", allocate)
    return asked


def test_evacuating_to_a_named_node(bench: Bench, submitted: list[Any]) -> None:
    assert bench.succeeds(EVACUATE | {"remote_node": "node4"}) == {"jobs": [[True, 101]]}
    assert submitted == [
        [{"OP_ID": "OP_INSTANCE_REPLACE_DISKS", "mode": "replace_new_secondary", "disks": [], "early_release": False,
          "remote_node": "node4.example.com", "instance_name": "web1.example.com"}]
    ]  # fmt: skip


def test_evacuating_by_an_allocator(bench: Bench, submitted: list[Any], questions: list[Any]) -> None:
    bench.succeeds(EVACUATE | {"ignore_soft_errors": True, "early_release": True})
    assert questions == [
        (
            {"type": "node-evacuate", "instances": ["web1.example.com"], "evac_mode": "secondary-only"},
            ["--ignore-soft-errors"],
        )
    ]
    assert submitted[0][0]["early_release"] is True
    bench.succeeds(EVACUATE | {"mode": "primary-only"})
    assert questions[1][0]["instances"] == ["web2.example.com"]


def test_nothing_to_evacuate(bench: Bench, submitted: list[Any]) -> None:
    assert bench.succeeds(EVACUATE | {"node_name": "node4"}) == {"jobs": []}


def test_an_instance_that_cannot_be_moved_stops_all(
    bench: Bench, submitted: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impl.job.process.run_allocator", lambda *_: [[], [["web1", "no room"]], []])
    assert bench.fails(EVACUATE) == ["OpExecError", ["Unable to evacuate instances web1 (no room)"]]
    assert submitted == []


def test_the_allocator_finds_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def allocate(program: str, *_: Any) -> Any:
        raise AllocatorError(program, "full")

    monkeypatch.setattr("impl.job.process.run_allocator", allocate)
    assert bench.fails(EVACUATE)[1] == [
        "Can't compute node evacuation using iallocator 'hail': full",
        "insufficient_resources",
    ]


REFUSED = [
    ({"mode": "all"}, "Due to an issue with the iallocator interface"),
    ({"remote_node": "node2"}, "Can not use evacuated node as a new secondary node"),
    ({"remote_node": "node4", "mode": "primary-only"}, "Without the use of an iallocator only secondary"),
    ({"remote_node": "node4", "iallocator": "hail"}, "Give either an iallocator or"),
    ({"remote_node": "node1"}, "Node node1.example.com is the primary node of instance web1.example.com"),
]


@pytest.mark.parametrize(("change", "text"), REFUSED)
def test_refused_evacuations(bench: Bench, change: dict[str, Any], text: str) -> None:
    error_class, arguments = bench.fails(EVACUATE | change)
    assert (error_class, arguments[1]) == ("OpPrereqError", "wrong_input")
    assert arguments[0].startswith(text)


def test_migrating_a_node_s_primaries(bench: Bench, submitted: list[Any]) -> None:
    bench.succeeds({"OP_ID": "OP_NODE_MIGRATE", "node_name": "node2", "mode": "live"})
    assert submitted == [
        [{"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": "web2.example.com", "mode": "live",
          "allow_runtime_changes": True, "ignore_ipolicy": False}]
    ]  # fmt: skip


def test_allocating_many(bench: Bench, submitted: list[Any], questions: list[Any]) -> None:
    result = bench.succeeds(MULTI | {"iallocator": "hail"})
    assert result == {"jobs": [[True, 101]], "allocatable": ["one"], "failed": ["two"]}
    assert (submitted[0][0]["pnode"], submitted[0][0]["snode"]) == ("node3.example.com", "node4.example.com")
    assert [item["name"] for item in questions[0][0]["instances"]] == ["one", "two"]
    assert "restrict-to-nodes" not in questions[0][0]


def test_allocating_many_on_the_nodes_that_are_free(bench: Bench, submitted: list[Any], questions: list[Any]) -> None:
    bench.wconfd.take([99, "/l/99", 1], (f"node/{uuid(1, 1)}", "exclusive"))
    bench.succeeds(MULTI | {"opportunistic_locking": True})
    assert questions[0][0]["restrict-to-nodes"] == [f"node{n}.example.com" for n in (2, 3, 4)]


def test_allocating_many_on_named_nodes(bench: Bench, submitted: list[Any]) -> None:
    named = [item | {"pnode": "node3", "snode": "node4"} for item in MULTI["instances"]]
    assert bench.succeeds(MULTI | {"instances": named})["allocatable"] == ["one", "two"]
    assert len(submitted) == 2


MANY_REFUSED = [
    ([], "No instances given"),
    ([CREATE | {"instance_name": "one"}] * 2, "There are duplicate instance names: one"),
    ([{"OP_ID": "OP_TEST_DELAY", "duration": 1}], "Instance 0: expected OP_INSTANCE_CREATE"),
    ([{"OP_ID": "OP_INSTANCE_CREATE"}], "Instance 0: key 'instance_name' not found"),
    ([CREATE | {"instance_name": "one", "pnode": "node3"}, CREATE | {"instance_name": "two"}], "Either all instances"),
    ([CREATE | {"instance_name": "web1"}], "Instance 'web1' is already in the cluster"),
]


@pytest.mark.parametrize(("instances", "text"), MANY_REFUSED)
def test_refused_allocations(bench: Bench, instances: list[Any], text: str) -> None:
    error_class, arguments = bench.fails(MULTI | {"instances": instances})
    assert error_class == "OpPrereqError"
    assert arguments[0].startswith(text)
