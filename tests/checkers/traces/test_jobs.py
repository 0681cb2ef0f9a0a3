"""Traces of a running luxid are behaviours of the specification, and damaged ones are not."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from checkers.traces.jobs import JobsModel
from checkers.traces.validation import read, validate
from checkers.verdict import Illegal, Ok
from spec.jobs.events import Effect, Event
from spec.jobs.model import Timestamp
from spec.jobs.queue import Queue, step
from tests.impl.luxid.fakes import FakeWconfd, Luxid, delay, short_root, wait_all, wait_status

pytestmark = pytest.mark.xdist_group("luxid")


@pytest.fixture(scope="module")
def trace() -> Iterator[bytes]:
    """What a luxid wrote over two runs, the first of which was killed."""
    with short_root() as root:
        wconfd, file = FakeWconfd(root, max_running_jobs=2), f"{root.directory}/trace"
        luxid = Luxid(root, "--trace", file)
        luxid.start()
        with luxid.client() as client:
            answers = client.call(
                "SubmitManyJobs",
                [[delay()], [delay(depends=[[-1, ["success"]]])], [delay(600)], [delay(600)], [delay(priority=10)],
                 [delay(priority=-10)]],
            )  # fmt: skip
            ids = [job_id for _, job_id in answers]
            wait_status(client, ids[0], "success")
            client.call("ChangeJobPriority", ids[4], 5)
            client.call("CancelJob", ids[4])
            client.call("ArchiveJob", ids[0])
            wait_all(client, ids[2:4], "running")
        luxid.kill()
        luxid.start()
        with luxid.client() as client:
            client.call("CancelJob", ids[2], True)
            client.call("ChangeJobPriority", ids[3], 1)
            wait_status(client, ids[2], "error")
            wait_all(client, [ids[3], ids[1], ids[5]])
            client.call("SetDrainFlag", True)
            client.call("AutoArchiveJobs", -1, 10)
        luxid.stop()
        wconfd.close()
        with open(file, "rb") as written:
            yield written.read()


def lines_of(trace: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in trace.splitlines()]


def joined(lines: list[dict[str, Any]]) -> bytes:
    """The lines renumbered, so that only the content is wrong."""
    numbers = 0
    result = []
    for line in lines:
        numbers = 1 if line["event"] == "start" else numbers + 1
        result.append(json.dumps({**line, "seq": numbers}).encode() + b"\n")
    return b"".join(result)


def test_a_recorded_trace_is_a_behaviour(trace: bytes) -> None:
    verdict = validate(JobsModel(), read(trace))
    assert isinstance(verdict, Ok), verdict.witness.describe() if isinstance(verdict, Illegal) else verdict
    assert "2 runs" in verdict.covered
    kinds = {line["event"] for line in lines_of(trace)}
    assert {"Submit", "Owned", "Changed", "Died", "Cancel", "ChangePriority", "durable", "done", "end"} <= kinds


def test_every_dropped_step_is_noticed(trace: bytes) -> None:
    """A line that changed nothing may go unnoticed; of the others none does."""
    lines = lines_of(trace)
    unnoticed, changed = [], 0
    model = JobsModel()
    for index, line in enumerate(lines):
        if line["event"] not in {"Submit", "Cancel", "SetDrain", "Owned", "Died"}:
            continue
        verdict = validate(model, read(joined(lines[:index] + lines[index + 1 :])))
        changed += 1
        if isinstance(verdict, Ok):
            unnoticed.append((index, line["event"]))
    assert changed >= 10
    assert [event for _, event in unnoticed] in ([], ["SetDrain"], ["Cancel"]), unnoticed


@pytest.mark.parametrize("damage", ["twice", "swapped", "other effect", "early done", "done twice", "lost job"])
def test_damaged_traces_are_rejected(trace: bytes, damage: str) -> None:
    lines = lines_of(trace)
    submit = next(i for i, line in enumerate(lines) if line["event"] == "Submit")
    done = next(i for i, line in enumerate(lines) if line["event"] == "done" and line["of"] == lines[submit]["seq"])
    durable = next(i for i, line in enumerate(lines) if line["event"] == "durable" and i > submit)
    second = [i for i, line in enumerate(lines) if line["event"] == "start"][1]
    match damage:
        case "twice":
            lines.insert(submit, lines[submit])
        case "swapped":
            owned = next(i for i, line in enumerate(lines) if line["event"] == "Owned")
            lines.insert(submit, lines.pop(owned))
        case "other effect":
            lines[submit]["effects"][0][1]["jobs"].pop()
        case "early done":
            lines.insert(durable, lines.pop(done))
        case "done twice":
            lines.insert(done, lines[done])
        case "lost job":
            lines[second]["state"]["running"].pop()
    verdict = validate(JobsModel(), read(joined(lines)))
    assert isinstance(verdict, Illegal)
    assert verdict.witness.describe()


def test_a_planted_bug_in_the_rules_is_found_by_the_trace(trace: bytes) -> None:
    def unordered(queue: Queue, event: Event, now: Timestamp) -> tuple[Queue, tuple[Effect, ...]]:
        after, effects = step(queue, event, now)
        return after, tuple(reversed(effects))

    assert isinstance(validate(JobsModel(unordered), read(trace)), Illegal)
