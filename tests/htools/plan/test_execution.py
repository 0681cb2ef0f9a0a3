"""Plans are submitted set by set, stop where they must, and carry who submitted them; against a recorded luxid."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import pytest

from htools.backends.luxi import UnreachableError
from htools.plan import execution
from htools.plan.execution import Annotation, ExecutionError, JobSet, run
from htools.plan.opcodes import add_node_tags, migrate
from spec.errors import PeerError

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
        self.on_submit: Any = None
        self.on_connect: Any = None
        self.archived: dict[int, str | None] = {}
        self.at_work: list[tuple[int, str, str]] = []
        self.places: dict[str, tuple[str, ...]] = {}

    def __call__(self, path: str, timeout: float | None = None) -> Self:
        if self.on_connect:
            self.on_connect()
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def call(self, method: str, *args: Any) -> Any:
        self.calls.append((method, args))
        if method == "SubmitManyJobs":
            if self.on_submit:
                self.on_submit()
            if self.refuse:
                return [[False, "queue is drained"] for _ in args[0]]
            ids = list(range(self.next_id, self.next_id + len(args[0])))
            self.next_id += len(ids)
            return [[True, job] for job in ids]
        if method == "QueryJobs":
            return [[self.archived[job], True] for job in args[0]]
        if method == "Query" and args[0] == "job":
            rows: list[Any] = [
                [job, [{"OP_ID": f"OP_{what}", "instance_name": name}, {"OP_ID": "OP_TEST_DELAY"}]]
                for job, what, name in self.at_work
            ]
            return {"data": [[[0, value] for value in row] for row in rows]}
        if method == "Query":
            rows = [[name, primary, list(others)] for name, (primary, *others) in self.places.items()]
            return {"data": [[[0, value] for value in row] for row in rows]}
        assert method == "WaitForJobChange"
        if self.on_wait:
            self.on_wait()
        if args[0] in self.archived:
            raise PeerError("JobLost", ("Can't load job file",))
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


def test_a_refusal_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
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


def submissions(luxid: FakeLuxid) -> list[Any]:
    return [args[0] for method, args in luxid.calls if method == "SubmitManyJobs"]


def test_all_jobs_of_a_run_carry_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    luxid, times = FakeLuxid(), iter(range(7, 99))
    monkeypatch.setattr(execution, "connect", luxid)
    assert run("socket", PLAN, WHO, say=lambda _: None, clock=lambda: next(times))
    assert {op["reason"][0][2] for jobs in submissions(luxid) for job in jobs for op in job} == {7}


def test_a_drained_queue_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    luxid = FakeLuxid()

    def drained() -> None:
        raise PeerError("GenericError", ("Queue drained",))

    luxid.on_submit = drained
    with pytest.raises(ExecutionError, match=r"^Job submission error: Queue drained$"):
        executed(monkeypatch, luxid)


def test_jobs_that_may_have_been_submitted_are_not_submitted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    luxid = FakeLuxid()

    def away() -> None:
        raise UnreachableError("socket", "connection closed")

    luxid.on_submit = away
    with pytest.raises(ExecutionError, match="they may have been submitted: see 'gantry job list' before you start"):
        executed(monkeypatch, luxid)
    assert len(submissions(luxid)) == 1


def test_luxid_may_be_away_between_two_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    luxid, away = FakeLuxid(), iter([False, False, True, True, False, False])
    monkeypatch.setattr(execution, "_PAUSE", 0.0)

    def absent() -> None:
        if next(away):
            raise UnreachableError("socket", "Connection refused")

    luxid.on_connect = absent
    assert executed(monkeypatch, luxid) == (True, ["Got job IDs 1,2", "Got job IDs 3"])


def test_the_user_may_stop_while_luxid_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    luxid, connections = FakeLuxid(), iter(range(9))

    def absent() -> None:
        if next(connections) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
            raise UnreachableError("socket", "Connection refused")

    luxid.on_connect = absent
    finished, said = executed(monkeypatch, luxid)
    assert not finished
    assert said[1] == "Exiting early due to user request,"
    assert len(submissions(luxid)) == 1


def test_a_job_that_is_archived_while_another_is_waited_for_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    luxid = FakeLuxid()
    luxid.archived = {2: "success"}
    assert executed(monkeypatch, luxid)[0]
    luxid = FakeLuxid()
    luxid.archived = {2: "error"}
    with pytest.raises(ExecutionError, match="job 2: error"):
        executed(monkeypatch, luxid)
    luxid = FakeLuxid()
    luxid.archived = {2: None}
    with pytest.raises(ExecutionError, match="job 2 is gone"):
        executed(monkeypatch, luxid)


def test_a_job_is_waited_for_also_where_too_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    luxid, busy = FakeLuxid(), iter([True, True])
    luxid.archived = {1: "running", 2: "running", 3: "running"}
    monkeypatch.setattr(execution, "_INTERVAL", 0.0)

    def still() -> None:
        if next(busy, None) is None:
            luxid.archived = dict.fromkeys(luxid.archived, "success")

    luxid.on_wait = still
    assert executed(monkeypatch, luxid)[0]
    assert sum(method == "QueryJobs" for method, _ in luxid.calls) == 5


class LoggedJob:
    """A job with log entries: a question by an earlier serial is answered at once, another one waits for a change."""

    def __init__(self, *, hasty: bool = False) -> None:
        self.questions: list[tuple[Any, ...]] = []
        self.hasty = hasty

    def call(self, _: str, *args: Any) -> Any:
        self.questions.append(args)
        assert len(self.questions) < 50, "asked again and again"
        _, _, previous, serial, _ = args
        logs = [[number, [0, 0], "message", "x"] for number in (1, 2, 3) if serial is None or number > serial]
        ended = len(self.questions) > 8 if self.hasty else previous == ["running"] and not logs
        return [["success" if ended else "running"], logs]


def test_whoever_waits_for_a_job_names_the_last_log_entry() -> None:
    job = LoggedJob()
    assert execution.wait(job, 1) == "success"
    assert [(args[2], args[3]) for args in job.questions] == [(None, None), (["running"], 3)]


def test_a_luxid_that_does_not_wait_is_not_asked_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    assert execution.wait(LoggedJob(hasty=True), 1) == "success"
    assert len(pauses) == 7


MOVE = JobSet("move", ((migrate("vm"),),), {"vm": ("n1", "n2")})


@pytest.mark.parametrize("busy", [[], [(7, "INSTANCE_MIGRATE", "other")], [(7, "INSTANCE_REBOOT", "vm")]])
def test_a_set_is_submitted_where_its_instances_are_as_planned(
    monkeypatch: pytest.MonkeyPatch, busy: list[tuple[int, str, str]]
) -> None:
    luxid = FakeLuxid()
    luxid.places, luxid.at_work = {"vm": ("n1", "n2")}, busy
    monkeypatch.setattr(execution, "connect", luxid)
    assert run("socket", [MOVE], WHO, say=lambda _: None)


def test_an_instance_that_a_job_is_about_to_move_is_not_moved_again(monkeypatch: pytest.MonkeyPatch) -> None:
    luxid = FakeLuxid()
    luxid.places, luxid.at_work = {"vm": ("n1", "n2")}, [(7, "INSTANCE_FAILOVER", "vm")]
    monkeypatch.setattr(execution, "connect", luxid)
    with pytest.raises(ExecutionError, match="job 7 moves vm, which would be moved twice: wait for it"):
        run("socket", [MOVE], WHO)
    assert not submissions(luxid)


@pytest.mark.parametrize("places", [{}, {"vm": ("n2", "n1")}, {"vm": ("n1", "n3")}, {"vm": ("n1",)}])
def test_an_instance_that_somebody_moved_is_not_moved(
    monkeypatch: pytest.MonkeyPatch, places: dict[str, tuple[str, ...]]
) -> None:
    luxid = FakeLuxid()
    luxid.places = places
    monkeypatch.setattr(execution, "connect", luxid)
    with pytest.raises(ExecutionError, match="vm: no longer on the nodes that the plan moves it from; plan again"):
        run("socket", [PLAN[0], MOVE], WHO, say=lambda _: None)
    assert len(submissions(luxid)) == 1


class Interrupted(io.RawIOBase):
    """A file during whose writing the user presses ^C."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb", buffering=0)
        self.pressed = False

    def close(self) -> None:
        super().close()
        self.file.close()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.file.fileno()

    def write(self, data: Any) -> int:
        if not self.pressed:
            self.pressed = True
            os.kill(os.getpid(), signal.SIGINT)
        return self.file.write(data)


def test_a_signal_while_something_is_printed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is printed is locked then, so that the handler must not print."""
    monkeypatch.setattr(execution, "connect", FakeLuxid())
    said = tmp_path / "said"
    with io.TextIOWrapper(io.BufferedWriter(Interrupted(said)), "utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert not run("socket", PLAN, WHO)
    lines = said.read_text().splitlines()
    assert lines[:2] == ["Cancel request registered, will exit at the end of the current job set...", "Got job IDs 1,2"]


def test_ctrl_c_before_anything_is_submitted_ends_hbal_in_silence(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "cluster")
    command = [sys.executable, "-m", "htools.hbal", "-t", str(tmp_path / "cluster")]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process,
        (tmp_path / "cluster").open("wb"),  # which waits until hbal has opened it too
    ):
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == (b"", b"")
    assert process.returncode == -signal.SIGINT
