"""What queries are answered from: live jobs first, then the files; and parts that were not fetched."""

from pathlib import Path

import pytest

from impl.cluster.view import ClusterView
from impl.luxid.query_source import MissingPartError, QuerySource
from impl.luxid.store import QueueStore
from impl.queue.files import archived_path, job_path, write_job
from spec.jobs.model import Job, Opcode, Status

QUEUED = (Opcode({"OP_ID": "OP_TEST_DELAY"}),)
ENDED = (Opcode({"OP_ID": "OP_TEST_DELAY"}, status=Status.SUCCESS),)


@pytest.fixture
def source(tmp_path: Path) -> QuerySource:
    """Job 3 is live, 2 has ended, 1 is in the archive; the file of job 3 is older than the memory."""
    (tmp_path / "archive").mkdir()
    store = QueueStore(str(tmp_path))
    write_job(job_path(str(tmp_path), 2), Job(2, ENDED))
    write_job(job_path(str(tmp_path), 3), Job(3, ENDED))
    path = archived_path(str(tmp_path), 1)
    Path(path).parent.mkdir(exist_ok=True)
    write_job(path, Job(1, ENDED))
    return QuerySource(store, {3: Job(3, QUEUED)}, [2])


def test_ids_come_in_order_with_the_archive_if_asked_for(source: QuerySource) -> None:
    assert list(source.job_ids(archived=False)) == [2, 3]
    assert list(source.job_ids(archived=True)) == [1, 2, 3]


def test_a_live_job_is_the_one_in_memory(source: QuerySource) -> None:
    found = source.job(3, archived=True)
    assert found is not None
    assert (found[0].ops[0].status, found[1]) == (Status.QUEUED, False)


@pytest.mark.parametrize(
    ("number", "archived", "found"),
    [(2, False, False), (2, True, False), (1, True, True), (1, False, None), (9, True, None)],
)
def test_ended_jobs_are_read(source: QuerySource, number: int, archived: bool, found: bool | None) -> None:
    job = source.job(number, archived=archived)
    assert (None if job is None else job[1]) == found
    assert job is None or job[0].id == number


def test_what_was_not_fetched_is_a_bug(source: QuerySource) -> None:
    with pytest.raises(MissingPartError, match="configuration") as caught:
        _ = source.view
    assert caught.value.part == "configuration"
    with pytest.raises(MissingPartError, match="locks"):
        source.lock_status()


def test_what_was_fetched_is_handed_on(source: QuerySource) -> None:
    view = ClusterView({})
    whole = QuerySource(source._store, {}, view=view, locks=([], [1]))
    assert whole.view is view
    assert whole.lock_status() == ([], [1])
    assert whole.observer is not None
