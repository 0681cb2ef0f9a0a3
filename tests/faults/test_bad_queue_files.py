"""A bad file in the queue stops nobody, and no id is ever given twice."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gantry.cli import main
from impl.luxid.queue_files import QueueFiles
from impl.paths import Root
from impl.queue.files import archived_path, encode, job_path, read_job, write_job
from impl.wire.client import Client
from spec.errors import PeerError
from spec.jobs.model import Job, Opcode, Status
from tests.faults.test_luxid import running
from tests.impl.luxid.fakes import FakeWconfd, delay, wait_all, wait_status

pytestmark = pytest.mark.xdist_group("luxid-faults")


def text(content: str) -> Callable[[str], object]:
    return lambda path: Path(path).write_text(content, encoding="utf-8")


def instead(make: Callable[[str], None]) -> Callable[[str], object]:
    """Put something else in a file's place."""

    def put(path: str) -> None:
        os.unlink(path)
        make(path)

    return put


def op(**more: Any) -> str:
    return encode(Job(1, (Opcode({**delay(), **more}),))).decode()


BAD: dict[str, Callable[[str], object]] = {
    "an empty file": text(""),
    "a cut file": text(op()[:100]),
    "no job": text('{"jobs": []}'),
    "a file of another job": text(op().replace('"id":1', '"id":7')),
    "an odd reason": text(op(reason=17)),
    "an odd entry of a reason": text(op(reason=[[1, {}, None]])),
    "an odd depends": text(op(depends={"a": 1})),
    "an odd dependency": text(op(depends=[7])),
    "an odd status": text(op().replace('"queued"', '"odd"')),
    "a process of -1": text(op()[:-1] + ',"livelock":"/x","process_id":-1}'),
    "a live-lock that is no path": text(op()[:-1] + ',"livelock":"\\u0000"}'),
    "deep nesting": text(op(comment="@").replace('"@"', "[" * 5000 + "]" * 5000)),
    "a long number": text(op(comment="@").replace('"@"', "9" * 5000)),
    "a directory": os.mkdir,
    "a link loop": lambda path: os.symlink(path, path),
    "a link": lambda path: os.symlink("/etc/hostname", path),
    "a FIFO": os.mkfifo,
}


def metrics(client: Client) -> dict[str, float]:
    lines = [line.split(" ") for line in client.call("QueryMetrics").splitlines() if not line.startswith("#")]
    return {line[0]: float(line[1]) for line in lines if "{" not in line[0]}


def test_a_bad_job_file_stops_nobody(root: Root, wconfd: FakeWconfd, capsys: pytest.CaptureFixture[str]) -> None:
    good = Job(len(BAD) + 1, (Opcode(delay()),))
    write_job(job_path(root.queue, good.id), good)
    for number, make in enumerate(BAD.values(), 1):
        make(job_path(root.queue, number))
    Path(root.queue, "job-" + "9" * 200).write_text("x", encoding="utf-8")
    Path(root.queue, "serial").write_text(f"{good.id}\n", encoding="ascii")
    with running(root) as luxid, luxid.client() as client:
        wait_all(client, [good.id])
        assert client.call("SubmitJob", [delay()]) == good.id + 1
        kept = QueueFiles(root.queue).aside.files()
        assert set(kept) == {f"job-{number}" for number in range(1, len(BAD) + 1)}
        assert all(reason and "not known" not in reason for reason in kept.values()), kept
        assert metrics(client)["gantry_queue_files_set_aside"] == len(BAD)
        assert main(["cluster", "status", "--root", root.directory]) in {0, 1}
        shown = capsys.readouterr().out
        assert f"{len(BAD)} could not be used" in shown
        assert "job-1: " in shown
    assert sorted(os.listdir(f"{root.queue}/aside")) == sorted([*kept, *(f"{name}.reason" for name in kept)])


def test_what_a_bad_file_hid_is_never_given_out_again(root: Root, wconfd: FakeWconfd) -> None:
    Path(job_path(root.queue, 41)).write_text("{", encoding="utf-8")
    Path(root.queue, "serial").write_text("3\n", encoding="ascii")
    for _ in range(2):  # the second time the file is in the directory of those that were set aside
        with running(root) as luxid, luxid.client() as client:
            assert client.call("SubmitJob", [delay()]) > 41
        Path(root.queue, "serial").write_text("0\n", encoding="ascii")


def test_a_running_job_whose_file_is_damaged_ends_when_its_process_is_dead(root: Root, wconfd: FakeWconfd) -> None:
    with running(root) as luxid, luxid.client() as client:
        ids = [client.call("SubmitJob", [delay(600), delay()]) for _ in range(3)]
        for job_id in ids:
            wait_status(client, job_id, "running")
        pids = [read_job(job_path(root.queue, job_id)).process_id for job_id in ids]
        Path(job_path(root.queue, ids[0])).write_text("{", encoding="utf-8")
        os.unlink(job_path(root.queue, ids[1]))
        os.unlink(job_path(root.queue, ids[2]))
        os.mkdir(job_path(root.queue, ids[2]))
        for pid in pids:
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
        for job_id in ids:
            wait_status(client, job_id, "error")
            job = read_job(job_path(root.queue, job_id))
            assert [op.status for op in job.ops] == [Status.ERROR] * 2
            assert "job file could not be used" in str(job.ops[0].input["reason"])
        kept = QueueFiles(root.queue).aside.files()
        assert set(kept) == {f"job-{ids[0]}", f"job-{ids[2]}"}


def test_a_damaged_file_of_a_living_process_is_waited_for(root: Root, wconfd: FakeWconfd) -> None:
    with running(root) as luxid:
        with luxid.client() as client:
            first, second = (client.call("SubmitJob", [delay(600)]) for _ in range(2))
            for job_id in (first, second):
                wait_status(client, job_id, "running")
        whole = Path(job_path(root.queue, first)).read_bytes()
        job = read_job(job_path(root.queue, second))
        assert job.process_id is not None
        luxid.stop()  # cleanly: no journal mends them
        for job_id in (first, second):
            Path(job_path(root.queue, job_id)).write_bytes(b"{")
        luxid.start()
        with luxid.client() as client:
            assert metrics(client)["gantry_queue_files_damaged"] == 2
            Path(job_path(root.queue, first)).write_bytes(whole)  # as its process does with its next step
            os.kill(job.process_id, signal.SIGKILL)
            deadline = time.monotonic() + 20
            while metrics(client)["gantry_queue_files_damaged"] and time.monotonic() < deadline:
                client.call("QueryClusterInfo")
            wait_status(client, first, "running")
            assert set(QueueFiles(root.queue).aside.files()) == {f"job-{second}"}
            assert client.call("CancelJob", first, True)[0] is True
            wait_status(client, first, "error")


def test_a_file_in_the_place_of_another_directory_or_mark_stops_nobody(root: Root, wconfd: FakeWconfd) -> None:
    os.mkfifo(f"{root.queue}/journal-7")
    os.mkdir(f"{root.queue}/journal-8")
    Path(root.queue, "journal-" + "9" * 200).write_text("x", encoding="utf-8")
    Path(root.queue, "archive", "0").write_text("no directory", encoding="utf-8")
    with running(root) as luxid, luxid.client() as client:
        job_id = client.call("SubmitJob", [delay()])
        wait_all(client, [job_id])
        with pytest.raises(PeerError, match="unknown whether"):
            client.call("ArchiveJob", job_id)
        os.unlink(f"{root.queue}/archive/0")
        assert client.call("ArchiveJob", job_id) is True
        assert set(QueueFiles(root.queue).aside.files()) == {"journal-7", "journal-8"}


LOST: dict[str, Callable[[str], object]] = {
    "missing": os.unlink,
    "empty": text(""),
    "nonsense": text("x\n"),
    "negative": text("-4\n"),
    "long": text("9" * 5000),
    "a directory": instead(os.mkdir),
    "a FIFO": instead(os.mkfifo),
}


def archived_once(root: Root) -> int:
    """Run a job, archive it, and stop; returns its id."""
    with running(root) as luxid, luxid.client() as client:
        job_id = int(client.call("SubmitJob", [delay()]))
        wait_all(client, [job_id])
        assert client.call("ArchiveJob", job_id) is True
    return job_id


@pytest.mark.parametrize("kind", LOST)
def test_without_a_serial_no_id_is_given_out(root: Root, wconfd: FakeWconfd, kind: str) -> None:
    first = archived_once(root)
    path = f"{root.queue}/serial"
    LOST[kind](path)
    with running(root) as luxid, luxid.client() as client:
        with pytest.raises(PeerError, match=f"might be given twice.*highest in use is {first}") as caught:
            client.call("SubmitJob", [delay()])
        assert caught.value.error_class == "JobQueueError"
        assert client.call("QueryJobs", [first], ["id", "archived"]) == [[first, True]]
        if os.path.isdir(path):
            os.rmdir(path)
        elif os.path.exists(path):
            os.unlink(path)
        Path(path).write_text("17\n", encoding="ascii")
        assert client.call("SubmitJob", [delay()]) == 18


@pytest.mark.parametrize("content", ["0\n", "0", " 0 \n"])
def test_the_archive_counts(root: Root, wconfd: FakeWconfd, content: str) -> None:
    first = archived_once(root)
    Path(root.queue, "serial").write_text(content, encoding="ascii")
    before = Path(archived_path(root.queue, first)).read_bytes()
    second = archived_once(root)
    assert second == first + 1
    assert Path(archived_path(root.queue, first)).read_bytes() == before


def test_no_file_is_replaced_in_the_archive_or_in_the_queue(root: Root, wconfd: FakeWconfd) -> None:
    with running(root) as luxid, luxid.client() as client:
        job_id = client.call("SubmitJob", [delay()])
        wait_all(client, [job_id])
        os.makedirs(os.path.dirname(archived_path(root.queue, job_id)), exist_ok=True)
        Path(archived_path(root.queue, job_id)).write_text("the first life's", encoding="utf-8")
        assert client.call("ArchiveJob", job_id) is True
        assert Path(archived_path(root.queue, job_id)).read_text(encoding="utf-8") == "the first life's"
        assert "archive holds another" in QueueFiles(root.queue).aside.files()[f"job-{job_id}"]
        foreign = replace(Job(job_id + 1, (Opcode(delay()),)), ops=(Opcode(delay(), status=Status.SUCCESS),))
        write_job(job_path(root.queue, job_id + 1), foreign)
        with pytest.raises(PeerError, match="id is taken"):
            client.call("SubmitJob", [delay()])
        assert read_job(job_path(root.queue, job_id + 1)) == foreign
        assert client.call("SubmitJob", [delay()]) == job_id + 2
