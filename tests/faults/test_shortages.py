"""luxid while the machine lacks room on the disk or descriptors; and what becomes of a job that can never start."""

import json
import os
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from htools.plan.execution import wait
from impl.paths import Root
from impl.queue.files import job_path, read_job
from impl.wire.client import Client
from spec.errors import PeerError
from spec.jobs.model import Status
from tests.faults.test_luxid import running
from tests.impl.luxid.fakes import FakeWconfd, Luxid, delay, end_jobs, short_root, wait_all, wait_status

pytestmark = pytest.mark.xdist_group("luxid-faults")

UNKNOWN = Path(os.environ.get("GANTRY_SHARED", "../shared"), "cases", "queued-unknown-opcode.job-7002")

needs_shared = pytest.mark.skipif(
    not UNKNOWN.exists(), reason="no shared inputs: set GANTRY_SHARED or put shared/ beside the checkout"
)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Root]:
    """A root whose queue lies on a file system of 1 MiB."""
    with short_root() as made:
        os.makedirs(made.queue, exist_ok=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "small", made.queue], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("no right to mount a file system")
        made.make_directories()
        try:
            yield made
        finally:
            end_jobs(made)
            subprocess.run(["umount", made.queue], check=True)


def fill(root: Root) -> str:
    """Take all the room there is; returns the file that has it."""
    path = f"{root.queue}/.filler"
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return path


def timed_refusal(client: Client) -> float:
    began = time.monotonic()
    with pytest.raises(PeerError, match="No space left on device") as caught:
        client.call("SubmitJob", [delay()])
    assert caught.value.error_class == "JobQueueError"
    return time.monotonic() - began


def test_while_the_disk_is_full_submissions_are_answered_and_afterwards_taken(small: Root) -> None:
    fake = FakeWconfd(small)
    try:
        with running(small) as luxid, luxid.client() as client:
            running_job = client.call("SubmitJob", [delay(600)])
            wait_status(client, running_job, "running")
            fake.set(max_running_jobs=1)
            client.call("QueryClusterInfo")
            queued = client.call("SubmitJob", [delay()])
            filler = fill(small)
            assert max(timed_refusal(client) for _ in range(3)) < 5
            fake.set(max_running_jobs=20)  # the queued job is chosen, which cannot be written either
            client.call("QueryClusterInfo")
            assert max(timed_refusal(client) for _ in range(3)) < 5
            assert client.call("QueryJobs", [running_job, queued], ["id", "status"]) == [
                [running_job, "running"], [queued, "queued"],
            ]  # fmt: skip
            with pytest.raises(PeerError, match="JobQueueError"):
                client.call("CancelJob", queued)
            os.unlink(filler)
            wait_all(client, [queued])
            deadline = time.monotonic() + 20
            while True:
                try:
                    later = client.call("SubmitJob", [delay()])
                    break
                except PeerError:
                    assert time.monotonic() < deadline
            wait_all(client, [later])
            assert later == queued + 1
            assert client.call("CancelJob", running_job, True)[0] is True
    finally:
        fake.close()


def spawner_of(luxid: Luxid) -> int:
    return int([line["pid"] for line in luxid.log() if line["event"] == "spawner started"][-1])


def test_without_descriptors_jobs_stay_queued_and_start_when_there_are_some_again(
    root: Root, wconfd: FakeWconfd
) -> None:
    with running(root) as luxid, luxid.client() as client:
        wait_all(client, [client.call("SubmitJob", [delay()])])
        spawner = spawner_of(luxid)
        limits = resource.prlimit(spawner, resource.RLIMIT_NOFILE)
        open_ones = len(os.listdir(f"/proc/{spawner}/fd"))
        resource.prlimit(spawner, resource.RLIMIT_NOFILE, (open_ones, limits[1]))
        ids = [client.call("SubmitJob", [delay()]) for _ in range(8)]
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            statuses = {row[0] for row in client.call("QueryJobs", ids, ["status"])}
            assert statuses == {"queued"}
        canceled = ids.pop()
        assert client.call("CancelJob", canceled) == [True, f"Dequeued job {canceled}"]
        broken = [line for line in luxid.log() if line["event"] == "hand-over broke off"]
        assert broken
        assert len(broken) < 80
        resource.prlimit(spawner, resource.RLIMIT_NOFILE, limits)
        wait_all(client, ids)


@pytest.mark.long
def test_without_descriptors_of_its_own_luxid_keeps_every_job(root: Root, wconfd: FakeWconfd) -> None:
    wconfd.set(max_running_jobs=0)
    with running(root) as luxid, luxid.client() as client:
        assert luxid.process is not None
        client.call("QueryClusterInfo")
        ids = [client.call("SubmitJob", [delay()]) for _ in range(8)]
        pid = luxid.process.pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{pid}/fd")), limits[1]))
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            with pytest.raises(PeerError, match="Too many open files"):
                client.call("SubmitJob", [delay()])
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        wconfd.set(max_running_jobs=20)
        client.call("QueryClusterInfo")
        wait_all(client, ids)


@pytest.mark.skipif(
    not UNKNOWN.exists(), reason="no shared inputs: set GANTRY_SHARED or put shared/ beside the checkout"
)
def test_a_queued_job_with_an_unknown_opcode_ends_with_the_reason(root: Root, wconfd: FakeWconfd) -> None:
    shutil.copy(UNKNOWN, job_path(root.queue, 7002))
    Path(root.queue, "serial").write_text("7002\n", encoding="ascii")
    with running(root) as luxid, luxid.client() as client:
        wait_status(client, 7002, "error")
        ((result, summary),) = client.call("QueryJobs", [7002], ["opresult", "summary"])
        assert "Unknown opcode OP_NO_SUCH" in json.dumps(result)
        assert summary == ["NO_SUCH"]
        assert client.call("SubmitJob", [delay()]) == 7003


@pytest.mark.skipif(
    not UNKNOWN.exists(), reason="no shared inputs: set GANTRY_SHARED or put shared/ beside the checkout"
)
def test_a_queued_job_with_an_unknown_opcode_can_be_canceled(root: Root, wconfd: FakeWconfd) -> None:
    shutil.copy(UNKNOWN, job_path(root.queue, 7002))
    Path(root.queue, "serial").write_text("7002\n", encoding="ascii")
    wconfd.set(max_running_jobs=0)
    with running(root) as luxid, luxid.client() as client:
        assert client.call("CancelJob", 7002) == [True, "Dequeued job 7002"]
        assert read_job(job_path(root.queue, 7002)).ops[0].status is Status.CANCELED


class Counted:
    """A client that counts its questions."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.calls = 0

    def call(self, method: str, *args: object) -> object:
        self.calls += 1
        return self._client.call(method, *args)


def test_waiting_for_a_job_costs_a_question_a_change(root: Root, wconfd: FakeWconfd) -> None:
    with running(root) as luxid, luxid.client() as client:
        job_id = client.call("SubmitJob", [delay(1.0)])
        counted = Counted(client)
        assert wait(counted, job_id) == "success"
        assert counted.calls < 10
