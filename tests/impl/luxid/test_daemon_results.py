"""The protocol's page and the daemon: what `docs/protocols/luxi.md` says that a method answers is what it answers."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from impl.wire.client import Client
from spec.errors import PeerError
from tests.impl.luxid.fakes import FakeWconfd, Luxid, delay, short_root, wait_status

pytestmark = pytest.mark.xdist_group("luxid")

PAGE = Path(__file__).resolve().parents[3] / "docs/protocols/luxi.md"
ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+)(?: \(ours\))? \|[^|]*\| (.+) \|$", re.MULTILINE)
LATER = 4102444800.5


def documented() -> dict[str, str]:
    """The result of every method, as the page words it."""
    found = ROW.findall(PAGE.read_text("utf-8"))
    return {name: result for names, result in found for name in re.findall(r"`(\w+)`", names)}


def is_table(answer: Any, *, columns: int) -> bool:
    return isinstance(answer, list) and all(isinstance(row, list) and len(row) == columns for row in answer)


def is_pair(answer: Any, *kinds: type) -> bool:
    return isinstance(answer, list) and [type(value) for value in answer] == list(kinds)


def is_query(answer: Any) -> bool:
    return (
        set(answer) == {"fields", "data"}
        and [one["name"] for one in answer["fields"]] == ["name"]
        and answer["data"] == [[[0, "node1"]]]
    )


CHECKS: dict[str, Callable[[Any], bool]] = {
    "the job's id": lambda answer: type(answer) is int,
    "the job's id, although the queue is drained": lambda answer: type(answer) is int,
    "for each job `[true, id]` or `[false, error]`; a relative dependency (-1 is the job before) is resolved inside "
    "the list; one opcode that is not valid refuses the whole request": lambda answer: (
        is_pair(answer[0], bool, int) and is_pair(answer[1], bool, str)
    ),
    "`[values, log entries]` as soon as a value or the log differs from the previous one; a job that has ended answers "
    "at once; after the time the same values without log entries": lambda answer: (
        answer[0] == ["success"] and all(is_pair(entry, int, list, str, str) for entry in answer[1])
    ),
    "`[done, text]`": lambda answer: is_pair(answer, bool, str),
    "whether it was archived": lambda answer: type(answer) is bool,
    "`[archived, left]`": lambda answer: is_pair(answer, int, int),
    "a row of values for each job; of a missing job only its id": lambda answer: answer[1:] == [[99999, None]],
    "refused: for Ganeti's own use": lambda answer: answer == "Luxi call 'PickupJob' is for internal use only",
    "`true`": lambda answer: answer is True,
    "the time, or `null`": lambda answer: answer in {LATER, None},
    "rows": lambda answer: is_table(answer, columns=2),
    "the filter's uuid": lambda answer: re.fullmatch(r"[0-9a-f-]{36}", answer) is not None,
    "`null`": lambda answer: answer is None,
    '`{"fields": [definitions], "data": rows}`, each value as `[status, value]`': is_query,
    "definitions: `name`, `title`, `kind`, `doc`": lambda answer: (
        set(answer["fields"][0]) == {"name", "title", "kind", "doc"}
    ),
    "rows of values": lambda answer: is_table(answer, columns=1),
    "`[node, export]` for each export; `null` stands for the exports of a node that are not known": lambda answer: (
        answer == [["node1", None]]
    ),
    "the cluster's properties": lambda answer: answer["name"] == "c",
    "their values": lambda answer: answer == ["c", None],
    "tags": lambda answer: answer == ["mytag"],
    "counters and gauges in Prometheus' text format": lambda answer: "# TYPE gantry_jobs_running gauge\n" in answer,
}
"""What each of the page's wordings promises."""


def answers(client: Client) -> Iterator[tuple[str, Any]]:
    """Call every method, once or more: its name and its answer."""

    def called(method: str, *args: Any) -> tuple[str, Any]:
        try:
            return method, client.call(method, *args)
        except PeerError as error:
            return method, error.arguments[0]

    job_id = client.call("SubmitJob", [delay()])
    wait_status(client, job_id, "success")
    yield "SubmitJob", job_id
    yield called("SubmitJobToDrainedQueue", [delay()])
    yield called("SubmitManyJobs", [[delay()], [delay(depends=[[-9, ["success"]]])]])
    yield called("WaitForJobChange", job_id, ["status"], None, None, 1)
    yield called("CancelJob", 99999)
    yield called("ChangeJobPriority", 99999, 5)
    yield called("QueryJobs", [job_id, 99999], ["id", "status"])
    yield called("ArchiveJob", 99999)
    yield called("ArchiveJob", job_id)
    yield called("AutoArchiveJobs", -1, 30)
    yield called("PickupJob", job_id)
    yield called("SetDrainFlag", True)
    yield called("SetDrainFlag", False)
    yield called("SetWatcherPause", LATER)
    yield called("SetWatcherPause", None)
    made = called("ReplaceFilter", None, 1, [["jobid", ["=", "id", 99999]]], "PAUSE", [["test", "", 1]])
    yield made
    yield called("QueryFilters", [made[1]], ["uuid", "priority"])
    yield called("DeleteFilter", made[1])
    yield called("Query", "node", ["name"], None)
    yield called("QueryFields", "node", None)
    for kind in ("Nodes", "Instances", "Groups", "Networks"):
        yield called(f"Query{kind}", [], ["name"], False)
    yield called("QueryExports", [], False)
    yield called("QueryClusterInfo")
    yield called("QueryConfigValues", ["cluster_name", "nosuch"])
    yield called("QueryTags", "cluster", "")
    yield called("QueryMetrics")


def test_every_method_answers_what_the_page_says() -> None:
    page = documented()
    assert set(page.values()) == set(CHECKS)
    with short_root() as root:
        wconfd, luxid = FakeWconfd(root), Luxid(root)
        try:
            luxid.start()
            with luxid.client() as client:
                seen = list(answers(client))
        finally:
            luxid.stop()
            wconfd.close()
    assert {method for method, _ in seen} == set(page)
    assert [(method, page[method], answer) for method, answer in seen if not CHECKS[page[method]](answer)] == []
