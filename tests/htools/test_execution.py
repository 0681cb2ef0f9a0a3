"""Plans are submitted set by set, stop where they must, and carry who submitted them; against a recorded luxid."""

import os
import signal
from typing import Any, Self

import pytest

from htools import execution
from htools.execution import Annotation, ExecutionError, JobSet, run
from htools.opcodes import add_node_tags

WHO = Annotation("hbal", "because", "comment", priority=10)
PLAN = [
    JobSet("first", ((add_node_tags("n1", ["a"]),), (add_node_tags("n2", ["a"]),))),
    JobSet("second", ((add_node_tags("n3", ["a"]),),)),
]


class FakeLuxid:
    """Answers as luxid would; `states` are the final states of jobs by id."""

    def __init__(self, states: dict[int, str] | None = None, refuse: bool = False) -> None:
        self.states = states or {}
        self.refuse = refuse
        self.calls: list[tuple[str, Any]] = []
        self.next_id = 1
        self.on_wait: Any = None

    def __call__(self, path: str, timeout: float | None = None) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def call(self, method: str, *args: Any) -> Any:
        self.calls.append((method, args))
        if method == "SubmitManyJobs":
            if self.refuse:
                return [[False, "queue is drained"] for _ in args[0]]
            ids = list(range(self.next_id, self.next_id + len(args[0])))
            self.next_id += len(ids)
            return [[True, job] for job in ids]
        assert method == "WaitForJobChange"
        if self.on_wait:
            self.on_wait()
        job, _, last = args[0], args[1], args[2]
        return [["running"], []] if last is None else [[self.states.get(job, "success")], []]


def executed(monkeypatch: pytest.MonkeyPatch, luxid: FakeLuxid) -> tuple[bool, list[str]]:
    monkeypatch.setattr(execution, "connect", luxid)
    said: list[str] = []
    return run("socket", PLAN, WHO, say=said.append, clock=lambda: 7), said


def test_sets_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    luxid = FakeLuxid()
    assert executed(monkeypatch, luxid) == (True, ["Got job IDs 1,2", "Got job IDs 3"])
    order = [(method, args[0]) for method, args in luxid.calls if method == "WaitForJobChange"]
    assert [job for _, job in order] == [1, 1, 2, 2, 3, 3]
    opcode = luxid.calls[0][1][0][0][0]
    assert opcode["reason"] == [["hbal", "because", 7]]
    assert (opcode["priority"], opcode["comment"], opcode["OP_ID"]) == (10, "comment", "OP_TAGS_SET")


def test_a_failed_job_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    luxid = FakeLuxid({2: "error"})
    with pytest.raises(ExecutionError, match="job 2: error") as caught:
        executed(monkeypatch, luxid)
    assert caught.value.jobs == {1: "success", 2: "error"}
    assert sum(method == "SubmitManyJobs" for method, _ in luxid.calls) == 1


def test_a_refusal_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ExecutionError, match="queue is drained"):
        executed(monkeypatch, FakeLuxid(refuse=True))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_running_set(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    luxid = FakeLuxid()
    before = signal.getsignal(number)

    def once() -> None:
        luxid.on_wait = None
        os.kill(os.getpid(), number)

    luxid.on_wait = once
    finished, said = executed(monkeypatch, luxid)
    assert not finished
    assert said == [
        "Got job IDs 1,2",
        "Exiting early due to user request,",
        "1 job set(s) submitted:",
        "  first",
        "1 job set(s) not submitted:",
        "  second",
    ]
    assert signal.getsignal(number) is before


def test_two_signals_end_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    luxid = FakeLuxid()
    ended: list[int] = []

    class Ended(BaseException):
        pass

    def end(code: int) -> None:
        ended.append(code)
        raise Ended

    monkeypatch.setattr(os, "_exit", end)

    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)

    luxid.on_wait = twice
    with pytest.raises(Ended):
        executed(monkeypatch, luxid)
    assert ended == [2]
