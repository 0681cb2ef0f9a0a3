"""The queue's directory for reading."""

from pathlib import Path

import pytest

from impl.luxid.queue_files import QueueFiles
from impl.queue.files import JobFileError, archived_path, encode, job_path
from spec.jobs.model import Job


@pytest.mark.parametrize(
    ("live", "archived", "aside", "highest"),
    [((), (), (), 0), ((3,), (), (), 3), ((3,), (20_004, 7), (), 20_004), ((3,), (7,), (9,), 9)],
)
def test_the_highest_id_is_the_one_of_any_file(
    tmp_path: Path, live: tuple[int, ...], archived: tuple[int, ...], aside: tuple[int, ...], highest: int
) -> None:
    queue = str(tmp_path)
    paths = [job_path(queue, number) for number in live] + [archived_path(queue, number) for number in archived]
    for path in (*paths, *(f"{queue}/aside/job-{number}.3" for number in aside)):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(b"")
    (tmp_path / "archive" / "99").mkdir(parents=True)  # an empty directory, and one that is none
    (tmp_path / "archive" / "98").write_bytes(b"")
    assert QueueFiles(queue).highest_id() == highest


def test_a_file_of_another_job_is_no_job(tmp_path: Path) -> None:
    files = QueueFiles(str(tmp_path))
    Path(job_path(str(tmp_path), 5)).write_bytes(encode(Job(6)))
    with pytest.raises(JobFileError, match="it is of job 6"):
        files.load(5)
    assert files.read(5) is None
    with pytest.raises(FileNotFoundError):
        files.load(6)
