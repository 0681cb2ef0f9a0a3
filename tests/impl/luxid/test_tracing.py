"""The trace that luxid writes: where a run begins, its steps, what is durable, and which effects are performed."""

import json
from pathlib import Path
from typing import Any

import pytest

from impl.luxid.store import QueueStore
from impl.luxid.tracing import QueueTrace
from impl.queue.files import archived_path, job_path, write_job
from impl.queue.queue import JobQueue
from spec.jobs.events import Effect, Launch, Move, Persist, Reply, SetDrain, SetDrainFile, Submit
from spec.jobs.model import Job, Opcode, Status
from tests.impl.queue.histories import op


@pytest.fixture
def store(tmp_path: Path) -> QueueStore:
    """A directory with an ended and an archived job."""
    (tmp_path / "archive").mkdir()
    made = QueueStore(str(tmp_path))
    for number, path in ((2, job_path(str(tmp_path), 2)), (1, archived_path(str(tmp_path), 1))):
        Path(path).parent.mkdir(exist_ok=True)
        write_job(path, Job(number, (Opcode(op(), status=Status.SUCCESS),)))
    return made


@pytest.fixture
def queue() -> JobQueue:
    """A queue that has read the ended job, and starts a new one."""
    made = JobQueue()
    made.recover([Job(2, (Opcode(op(), status=Status.SUCCESS),))], lambda _: False, (1, 0))
    made.step(Submit(((op(),),), (2, 0)), (2, 0))
    return made


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_run_begins_with_the_whole_queue(tmp_path: Path, store: QueueStore, queue: JobQueue) -> None:
    trace = QueueTrace(str(tmp_path / "trace"))
    trace.begin(queue, store)
    trace.end()
    start, end = lines(tmp_path / "trace")
    assert (start["event"], end["event"]) == ("start", "end")
    state = start["state"]
    assert (state["serial"], state["drained"], state["livelock"], state["starting"]) == (3, False, "luxid", [3])
    assert [[job["id"] for job in state[part]] for part in ("queued", "running", "ended", "archived")] == [
        [], [3], [2], [1]
    ]  # fmt: skip


def test_steps_and_what_becomes_of_them(tmp_path: Path, store: QueueStore, queue: JobQueue) -> None:
    trace = QueueTrace(str(tmp_path / "trace"))
    trace.begin(queue, store)
    effects: tuple[Effect, ...] = (SetDrainFile(drained=True), Persist(()), Move((2,)), Reply(result=True), Launch(3))
    assert trace.step(SetDrain(drained=True), effects, (3, 4)) == 2
    trace.record_durable(2)
    trace.record_durable(1)  # what is durable stays durable
    for index, effect in enumerate(effects):
        trace.record_done(2, index, effect)
    step, *rest = lines(tmp_path / "trace")[1:]
    assert (step["event"], step["args"], step["now"]) == ("SetDrain", {"drained": True}, [3, 4])
    assert [name for name, _ in step["effects"]] == ["SetDrainFile", "Persist", "Move", "Reply", "Launch"]
    assert [line["upto"] for line in rest if line["event"] == "durable"] == [2, 2]
    assert [line["effect"] for line in rest if line["event"] == "done"] == [3, 4]  # what clients and processes see


def test_a_second_run_counts_its_lines_from_one(tmp_path: Path, store: QueueStore, queue: JobQueue) -> None:
    trace = QueueTrace(str(tmp_path / "trace"))
    for _ in range(2):
        trace.begin(queue, store)
        trace.record_durable(0)
    trace.end()
    assert [line["seq"] for line in lines(tmp_path / "trace")] == [1, 2, 1, 2, 3]


def test_without_a_file_nothing_is_written(tmp_path: Path, store: QueueStore, queue: JobQueue) -> None:
    trace = QueueTrace(None)
    trace.begin(queue, store)
    assert trace.step(SetDrain(drained=True), (), (1, 0)) == 0
    trace.record_durable(1)
    trace.record_done(1, 0, Reply(result=True))
    trace.end()
    assert not (tmp_path / "trace").exists()
