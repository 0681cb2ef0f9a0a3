import socket
import threading
from typing import Any, Self

import pytest

from impl.queue.status import job_status
from tests.impl.clusters import uuid
from tests.impl.job.conftest import Bench

DELAY: dict[str, Any] = {"OP_ID": "OP_TEST_DELAY", "duration": 30.0, "on_master": False}
JQUEUE: dict[str, Any] = {"OP_ID": "OP_TEST_JQUEUE"}


class Visitor:
    """Connects to every socket that a job's log names, and hangs up."""

    def __init__(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        self.messages: list[list[Any]] = []
        right = bench_log(bench, monkeypatch)
        right.append(self._on_log)

    def _on_log(self, message: Any, kind: str) -> None:
        if kind in {"delay-test", "jqueue-test"}:
            self.messages.append(message[1:])
            threading.Thread(target=self._visit, args=(message[0],), daemon=True).start()

    @staticmethod
    def _visit(path: str) -> None:
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.connect(path)


def bench_log(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Listeners to the job's log, called before it is written."""
    from impl.job.process import JobRunner

    listeners: list[Any] = []
    right = JobRunner.log

    def log(self: JobRunner, message: Any, kind: str = "message") -> None:
        for listener in listeners:
            listener(message, kind)
        right(self, message, kind)

    monkeypatch.setattr(JobRunner, "log", log)
    return listeners


def messages(bench: Bench) -> list[Any]:
    return [entry.message for entry in bench.read().ops[0].log if entry.kind == "message"]


def test_a_delay_is_interrupted_by_a_visitor(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    Visitor(bench, monkeypatch)
    bench.succeeds(DELAY | {"interruptible": True, "repeat": 5})
    log = messages(bench)
    assert log[0] == "Test delay iteration 0/4"
    assert log[-1].startswith("interrupted, ")
    assert bench.read().ops[0].log[1].kind == "delay-test"


def test_nobody_comes(bench: Bench) -> None:
    bench.succeeds(DELAY | {"interruptible": True, "duration": 0.001})
    assert messages(bench) == []


def test_repetitions(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    bench.succeeds(DELAY | {"repeat": 3})
    assert slept == [30.0] * 3


def test_a_node_that_is_offline_does_not_answer(bench: Bench) -> None:
    bench.config["nodes"][uuid(1, 2)]["offline"] = True
    assert bench.fails(DELAY | {"on_nodes": ["node2"]}) == [
        "OpExecError",
        ["Failure during rpc call to node node2.example.com: Node is marked offline"],
    ]


def test_the_queue_s_own_test(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = Visitor(bench, monkeypatch)
    statuses: list[str] = []
    bench_log(bench, monkeypatch).append(lambda *_: statuses.append(str(bench.read().ops[0].status)))
    op = JQUEUE | {"notify_waitlock": True, "notify_exec": True, "log_messages": ["one", "two"]}
    assert bench.succeeds(op) is True
    assert visitor.messages == [["expandnames", None], ["exec", None], ["startmsg", 2], ["logmsg", 1], ["logmsg", 2]]
    assert [text for text in messages(bench) if text.startswith("TESTMSG=")] == ["TESTMSG=one", "TESTMSG=two"]
    assert statuses[0] == "waiting"
    assert set(statuses[2:]) == {"running"}


def test_failing_as_requested(bench: Bench) -> None:
    assert bench.fails(JQUEUE | {"fail": True}) == ["OpExecError", ["Opcode failure was requested"]]
    dummy = {"OP_ID": "OP_TEST_DUMMY", "messages": ["a"], "result": 5, "submit_jobs": None}
    assert bench.fails(dummy | {"fail": True}) == ["OpExecError", ["Opcode failure was requested"]]
    assert bench.succeeds(dummy | {"fail": False}) == 5


def test_jobs_of_a_job_inherit(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    class Luxid:
        def __init__(self, _: str) -> None:
            pass

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def call(self, method: str, jobs: Any) -> Any:
            assert method == "SubmitManyJobs"
            sent.extend(jobs)
            return [[True, 9]]

    monkeypatch.setattr("impl.job.submitting.Client", Luxid)
    inner = {"OP_ID": "OP_TEST_DELAY", "duration": 1.0}
    outer = {
        "OP_ID": "OP_TEST_DUMMY", "messages": [], "result": None, "fail": False, "submit_jobs": [[inner]],
        "priority": -10, "reason": [["user", "why", 5]], "debug_level": 2,
    }  # fmt: skip
    job = bench.run(outer)
    assert job_status(job) == "success"
    assert job.ops[0].result == {"jobs": [[True, 9]], "result": None}
    op = sent[0][0]
    assert (op["priority"], op["debug_level"]) == (-10, 2)
    assert [step[:2] for step in op["reason"]] == [["user", "why"], ["gnt:opcode:test_dummy", "submitted by opcode"]]
