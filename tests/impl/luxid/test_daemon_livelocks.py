"""What a job file names as its live-lock is removed only where live-locks lie."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from impl.paths import Root
from impl.queue.files import job_path, write_job
from spec.jobs.model import Job, Opcode, Status
from tests.impl.luxid.fakes import FakeWconfd, Luxid, delay, short_root, wait_status


@pytest.fixture
def root() -> Iterator[Root]:
    with short_root() as root:
        yield root


def test_a_file_elsewhere_that_a_job_names_as_its_live_lock_is_kept(root: Root, tmp_path: Path) -> None:
    precious, left = tmp_path / "precious", Path(root.livelocks, "job_000002_1")
    for path in (precious, left):
        path.write_bytes(b"kept")
    op = replace(Opcode(delay()), status=Status.RUNNING)
    for job_id, path in ((1, precious), (2, left)):
        write_job(job_path(root.queue, job_id), Job(job_id, (op,), livelock=str(path), process_id=2))
    wconfd = FakeWconfd(root)
    wconfd.touch()
    luxid = Luxid(root)
    try:
        luxid.start()
        with luxid.client() as client:
            for job_id in (1, 2):
                wait_status(client, job_id, "error")
    finally:
        luxid.stop()
        wconfd.close()
    assert precious.read_bytes() == b"kept"
    assert not left.exists()
