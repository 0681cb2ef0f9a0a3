"""Fields of jobs, of live, archived and missing ones."""

from dataclasses import replace
from typing import Any

import pytest

from impl.query import QueryError, run_query
from impl.query.model import NORMAL, UNAVAILABLE
from spec.jobs.model import Job, LogEntry, Opcode, Status
from tests.impl.clusters import make_config
from tests.impl.query.fakes import FakeSource

FIRST = Opcode(
    {"OP_ID": "OP_TEST_DELAY", "duration": 3}, status=Status.SUCCESS, priority=3, result="r",
    log=(LogEntry(1, (1, 2), "message", "text"),), start_timestamp=(2, 0), exec_timestamp=(3, 0), end_timestamp=(4, 0),
)  # fmt: skip
SECOND = Opcode({"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": "web1"}, status=Status.RUNNING, priority=-5)
JOB = Job(4, (FIRST, SECOND), received_timestamp=(1, 7), start_timestamp=(2, 0))


@pytest.fixture
def source() -> FakeSource:
    ended = replace(JOB, id=2, ops=(FIRST,), end_timestamp=(4, 0))
    return FakeSource(make_config(), {4: JOB}, {2: ended})


def rows(source: FakeSource, *fields: str, qfilter: Any = None) -> list[list[Any]]:
    return [list(row) for row in run_query("job", list(fields), qfilter, source)["data"]]


def test_every_field_of_a_running_job(source: FakeSource) -> None:
    expected: dict[str, Any] = {
        "id": 4, "status": "running", "priority": -5, "opresult": ["r", None], "opstatus": ["success", "running"],
        "opstart": [(2, 0), None], "opexec": [(3, 0), None], "opend": [(4, 0), None], "oppriority": [3, -5],
        "summary": ["TEST_DELAY(3.0)", "INSTANCE_MIGRATE(web1)"], "received_ts": (1, 7), "start_ts": (2, 0),
        "oplog": [FIRST.log, ()], "ops": [FIRST.input, SECOND.input],
    }  # fmt: skip
    (row,) = rows(source, *expected)
    assert dict(zip(expected, row, strict=True)) == {name: (NORMAL, value) for name, value in expected.items()}
    assert rows(source, "end_ts") == [[(UNAVAILABLE, None)]]


def test_archived_jobs_are_listed_if_the_field_is_asked_for_or_tested(source: FakeSource) -> None:
    assert rows(source, "id", "archived") == [[(NORMAL, 2), (NORMAL, True)], [(NORMAL, 4), (NORMAL, False)]]
    assert rows(source, "id", qfilter=["?", "archived"]) == [[(NORMAL, 2)]]
    assert rows(source, "id") == [[(NORMAL, 4)]]


def test_a_job_asked_for_by_id_is_found_in_the_archive_or_reported_as_missing(source: FakeSource) -> None:
    wanted = ["|", ["=", "id", 2], ["=", "id", 4], ["=", "id", 9], ["=", "id", 2]]
    assert rows(source, "id", "status", qfilter=wanted) == [
        [(NORMAL, 2), (NORMAL, "success")], [(NORMAL, 4), (NORMAL, "running")], [(NORMAL, 9), (UNAVAILABLE, None)]
    ]  # fmt: skip


def test_times_compare_by_their_seconds(source: FakeSource) -> None:
    assert rows(source, "id", qfilter=["=", "received_ts", 1]) == [[(NORMAL, 4)]]
    assert rows(source, "id", qfilter=[">", "received_ts", 1]) == []


@pytest.mark.parametrize(("value", "said"), [("x", "cannot parse string 'x'"), (-3, "Invalid value for job ID ' -3'")])
def test_what_is_no_job_id_is_refused(source: FakeSource, value: Any, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        rows(source, "id", qfilter=["=", "id", value])
