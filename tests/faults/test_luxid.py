"""luxid, its spawner and its jobs under SIGKILL, without notifications, without wconfd, without room on the disk."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from impl.paths import Root
from impl.queue.files import encode, job_path, read_job, temporary_path, write_job
from impl.queue.status import job_status
from impl.wire.framing import FrameDecoder, frame
from impl.wire.messages import encode_request
from spec.errors import PeerError
from spec.jobs.model import Job, Opcode, Status
from tests import budget
from tests.control import Control
from tests.impl.luxid.fakes import FakeWconfd, Luxid, delay, wait_all, wait_status

pytestmark = pytest.mark.xdist_group("luxid-faults")


BAD_STREAMS = (
    b"nonsense\x03",
    b"\xff\xfe\x03",
    b"[]\x03",
    b'{"method":1}\x03',
    b'{"method":"QueryJobs","args":[[{}],[[]]]}\x03',
    b'{"method":"Query","args":["x",1,2]}\x03',
)


@contextlib.contextmanager
def running(root: Root, *options: str) -> Iterator[Luxid]:
    luxid = Luxid(root, *options)
    try:
        luxid.start()
        yield luxid
    finally:
        luxid.stop()


def test_a_killed_luxid_loses_nothing_and_runs_nothing_twice(root: Root, wconfd: FakeWconfd) -> None:
    wconfd.set(max_running_jobs=3)
    with running(root) as luxid:
        with luxid.client() as client:
            ids = [job_id for _, job_id in client.call("SubmitManyJobs", [[delay(600)] for _ in range(5)])]
            wait_all(client, ids[:3], "running")
            pids = {job_id: read_job(job_path(root.queue, job_id)).process_id for job_id in ids[:3]}
        luxid.kill()
        os.kill(pids[ids[2]] or 0, signal.SIGKILL)
        luxid.start()
        with luxid.client() as client:
            wait_status(client, ids[2], "error")
            wait_all(client, [ids[0], ids[1], ids[3]], "running")
            assert client.call("QueryJobs", [ids[4]], ["status"]) == [["queued"]]
            assert [read_job(job_path(root.queue, job_id)).process_id for job_id in ids[:2]] == [
                pids[i] for i in ids[:2]
            ]
            for job_id in ids[:2]:
                assert client.call("ChangeJobPriority", job_id, 1)[0]
                wait_status(client, job_id, "success")
            wait_status(client, ids[4], "running")
            for job_id in ids[3:]:
                client.call("ChangeJobPriority", job_id, 1)
                wait_status(client, job_id, "success")
            logs = client.call("QueryJobs", ids, ["oplog"])
            assert [len(log) for ((log,),) in logs] == [1] * 5  # the fake writes one entry a run


def test_an_adopted_job_that_dies_is_seen_in_a_second(root: Root, wconfd: FakeWconfd) -> None:
    with running(root) as luxid:
        with luxid.client() as client:
            job_id = client.call("SubmitJob", [delay(600)])
            wait_status(client, job_id, "running")
        luxid.kill()
        luxid.start()
        wconfd.cleaned.clear()
        with luxid.client() as client:
            assert client.call("QueryJobs", [job_id], ["status"]) == [["running"]]
            with Control() as control:
                os.kill(read_job(job_path(root.queue, job_id)).process_id or 0, signal.SIGKILL)
                wait_status(client, job_id, "error", seconds=60)
                assert wconfd.cleaned.wait(60)
        assert control.seconds < 1.0


def test_without_any_notification_nothing_waits_longer_than_a_second(root: Root, wconfd: FakeWconfd) -> None:
    wconfd.set(max_running_jobs=1)
    with running(root, "--polling-only") as luxid, luxid.client() as client:
        first, second = (job_id for _, job_id in client.call("SubmitManyJobs", [[delay()], [delay(600)]]))
        with Control() as control:
            wait_status(client, second, "running", seconds=60)
        assert control.seconds < 2.5  # two hand-overs and two sweeps
        assert client.call("QueryJobs", [first], ["status"]) == [["success"]]
        os.kill(read_job(job_path(root.queue, second)).process_id or 0, signal.SIGKILL)
        with Control() as control:
            wait_status(client, second, "error", seconds=60)
        assert control.seconds < 1.0


def test_luxid_waits_for_a_wconfd_that_comes_later(root: Root) -> None:
    Path(root.config).write_text("{}", encoding="utf-8")
    with running(root) as luxid, luxid.client() as client:
        job_id = client.call("SubmitJob", [delay()])
        assert client.call("QueryJobs", [job_id], ["status"]) == [["queued"]]
        with pytest.raises(PeerError, match="I do not have access to a valid configuration"):
            client.call("QueryClusterInfo")
        fake = FakeWconfd(root)
        try:
            wait_status(client, job_id, "success")
            assert fake.cleaned.wait(60)
        finally:
            fake.close()


def test_a_second_luxid_is_refused(root: Root, wconfd: FakeWconfd) -> None:
    with running(root) as luxid, luxid.client() as client:
        other = Luxid(root)
        other.start(wait=False)
        assert other.process is not None
        assert other.process.wait(60) == 1
        assert client.call("QueryConfigValues", ["cluster_name"]) == ["c"]


def test_files_that_a_power_cut_tore_are_mended_from_the_journal(root: Root, wconfd: FakeWconfd) -> None:
    with running(root) as luxid:
        with luxid.client() as client:
            client.call("SetDrainFlag", True)
            wconfd.set(max_running_jobs=0)
            client.call("QueryClusterInfo")
            ids = [client.call("SubmitJobToDrainedQueue", [delay(comment=str(n))]) for n in range(4)]
            client.call("CancelJob", ids[3])
        luxid.kill()
        paths = [job_path(root.queue, job_id) for job_id in ids]
        canceled = read_job(paths[3])
        os.unlink(paths[0])
        with open(paths[1], "wb"):
            pass
        older = replace(canceled, ops=tuple(replace(op, status=Status.QUEUED) for op in canceled.ops))
        write_job(paths[3], older)
        with open(f"{root.queue}/serial", "w", encoding="ascii") as serial:
            serial.write("0\n")
        with open(temporary_path(paths[2]), "wb") as torn:
            torn.write(b'{"id"')
        wconfd.set(max_running_jobs=20)
        luxid.start()
        with luxid.client() as client:
            wait_all(client, ids[:3])
            assert client.call("QueryJobs", ids[3:], ["status"]) == [["canceled"]]
            assert client.call("SubmitJobToDrainedQueue", [delay()]) == ids[3] + 1
            assert client.call("QueryConfigValues", ["drain_flag"]) == [True]


def test_jobs_that_ganeti_started_or_ended_are_taken_over(root: Root, wconfd: FakeWconfd) -> None:
    op = Opcode(delay())
    jobs = {
        1: Job(1, (op,)),
        2: Job(2, (replace(op, status=Status.RUNNING),), livelock="/gone", process_id=1),
        3: Job(3, (replace(op, status=Status.SUCCESS),)),
        4: Job(4, (op,), livelock="/gone"),
        5: Job(5, (replace(op, status=Status.SUCCESS), op), livelock="/gone", process_id=1),
    }
    for job_id, job in jobs.items():
        write_job(job_path(root.queue, job_id), job)
    Path(root.queue, "serial").write_text("6\n", encoding="ascii")
    with open(job_path(root.queue, 6), "wb") as damaged:
        damaged.write(b"{")
    with running(root) as luxid, luxid.client() as client:
        wait_all(client, [1, 4])
        wait_all(client, [2, 5], "error")
        ((statuses,),) = client.call("QueryJobs", [5], ["opstatus"])
        assert statuses == ["success", "error"]
        assert client.call("SubmitJob", [delay()]) == 7


def test_a_process_that_was_not_confirmed_is_not_adopted(root: Root, wconfd: FakeWconfd) -> None:
    """It holds its live-lock while the new luxid starts, and ends shortly after: nothing of the job has run."""
    program = (
        "import sys, time; from impl.process.livelock import LiveLock\n"
        "print(LiveLock.create(sys.argv[1], 'job_000001').path, flush=True); time.sleep(0.7)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, root.livelocks], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    livelock = process.stdout.readline().strip()
    write_job(job_path(root.queue, 1), Job(1, (Opcode(delay()),), livelock=livelock))
    with running(root) as luxid, luxid.client() as client:
        wait_status(client, 1, "success")
    process.stdout.close()
    process.wait()


def test_query_only(root: Root, wconfd: FakeWconfd) -> None:
    write_job(job_path(root.queue, 1), Job(1, (Opcode(delay()),)))
    with running(root, "--query-only") as luxid, luxid.client() as client:
        assert client.call("QueryJobs", None, ["id", "status"]) == [[1, "queued"]]
        assert client.call("QueryConfigValues", ["cluster_name", "drain_flag"]) == ["c", False]
        with pytest.raises(PeerError, match="answers queries only"):
            client.call("SubmitJob", [delay()])
    assert not os.path.exists(f"{root.queue}/lock")
    assert os.listdir(root.livelocks) == []
    assert os.listdir(root.sockets) == ["ganeti-wconfd"]
    assert not os.path.exists(root.pid_file("luxid"))
    assert job_status(read_job(job_path(root.queue, 1))) is Status.QUEUED


@pytest.mark.parametrize("option", ["--query-only", "--polling-only"])
def test_a_second_luxid_takes_nothing_from_the_first(root: Root, wconfd: FakeWconfd, option: str) -> None:
    with running(root) as luxid, luxid.client() as client:
        command = [sys.executable, "-m", "impl.luxid", "--root", root.directory, option]
        second = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        assert second.returncode == 1
        assert "another luxid serves this root" in second.stderr
        assert client.call("QueryJobs", None, ["id"]) == []
        luxid.client().close()
        assert luxid.process is not None
        assert Path(root.pid_file("luxid")).read_text(encoding="ascii") == f"{luxid.process.pid}\n"


def test_bad_streams_harm_nobody(root: Root, wconfd: FakeWconfd) -> None:
    with running(root) as luxid, luxid.client() as client:
        for data in BAD_STREAMS:
            with socket.socket(socket.AF_UNIX) as raw:
                raw.settimeout(60)
                raw.connect(root.luxi_socket)
                raw.sendall(data)
                received = b""
                while chunk := raw.recv(1 << 16):
                    received += chunk
                assert json.loads(received.rstrip(b"\x03"))["success"] is False
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(60)
            raw.connect(root.luxi_socket)
            raw.sendall(b"[" * 100_000 + b"\x03" + frame(encode_request("QueryJobs", (None, ["id"]))))
            received = b""
            while received.count(b"\x03") < 2:
                received += raw.recv(1 << 16)
            deep, after, _ = received.split(b"\x03")
            assert json.loads(deep)["success"] is False
            assert json.loads(after) == {"success": True, "result": []}
        half = socket.socket(socket.AF_UNIX)
        half.connect(root.luxi_socket)
        half.sendall(b'{"method":"SubmitJob","args":[[')
        half.close()
        assert client.call("QueryJobs", None, ["id"]) == []


def test_pipelined_requests_are_answered_in_order(root: Root, wconfd: FakeWconfd) -> None:
    with running(root) as luxid, socket.socket(socket.AF_UNIX) as raw:
        luxid.client().close()
        raw.settimeout(20)
        raw.connect(root.luxi_socket)
        requests = [frame(encode_request("SubmitJob", ([delay()],))) for _ in range(120)]
        raw.sendall(b"".join(requests))
        decoder = FrameDecoder()
        answers: list[bytes] = []
        while len(answers) < len(requests):
            answers += decoder.receive_data(raw.recv(1 << 16))
        assert [json.loads(answer)["result"] for answer in answers] == list(range(1, 121))
        with luxid.client() as client:
            wait_all(client, list(range(1, 121)))


def test_a_full_disk_refuses_submissions_and_spoils_nothing(root: Root, wconfd: FakeWconfd) -> None:
    wconfd.set(max_running_jobs=0)
    with running(root) as luxid, luxid.client() as client:
        kept = client.call("SubmitJob", [delay()])
        client.call("QueryClusterInfo")
        path = temporary_path(job_path(root.queue, kept + 1))
        os.mkdir(path)  # the next job's file cannot be written, as if the disk were full
        for _ in range(3):
            with pytest.raises(PeerError, match="cannot write the job queue"):
                client.call("SubmitJob", [delay()])
        os.rmdir(path)
        assert client.call("SubmitJob", [delay()]) == kept + 1
        assert client.call("QueryJobs", None, ["id", "status"]) == [[kept, "queued"], [kept + 1, "queued"]]
        wconfd.set(max_running_jobs=5)
        client.call("QueryClusterInfo")
        wait_all(client, [kept, kept + 1])


def test_too_many_waiting_clients_are_refused_politely(root: Root, wconfd: FakeWconfd) -> None:
    with running(root, "--max-waiters", "20") as luxid, contextlib.ExitStack() as stack:
        client = stack.enter_context(luxid.client())
        job_id = client.call("SubmitJob", [delay(600)])
        wait_status(client, job_id, "running")
        request = frame(encode_request("WaitForJobChange", (job_id, ["status"], ["running"], 10**6, 30)))
        waiting = []
        for _ in range(20):
            raw = stack.enter_context(socket.socket(socket.AF_UNIX))
            raw.settimeout(20)
            raw.connect(root.luxi_socket)
            raw.sendall(request)
            waiting.append(raw)
        while "gantry_waiting_clients 20.0" not in client.call("QueryMetrics"):
            pass
        with pytest.raises(PeerError, match="20 clients wait for jobs already"):
            client.call("WaitForJobChange", job_id, ["status"], ["running"], 10**6, 30)
        waiting.pop().close()  # a client that disconnects makes room
        while "gantry_waiting_clients 19.0" not in client.call("QueryMetrics"):
            pass
        client.call("ChangeJobPriority", job_id, 0)
        for raw in waiting:
            assert json.loads(raw.recv(1 << 16).rstrip(b"\x03"))["result"] == [["success"], []]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_ten_thousand_jobs_leak_nothing(root: Root, wconfd: FakeWconfd) -> None:
    """Ten thousand weekly, four thousand in CI."""

    def used(pid: int) -> tuple[int, int]:
        with open(f"/proc/{pid}/statm", encoding="ascii") as memory:
            return len(os.listdir(f"/proc/{pid}/fd")), int(memory.read().split()[1]) * 4

    with running(root) as luxid, luxid.client() as client:
        assert luxid.process is not None
        before = None
        for number in range(budget.spent(ci=8, weekly=20)):
            wait_all(client, [job_id for _, job_id in client.call("SubmitManyJobs", [[delay()]] * 500)])
            client.call("AutoArchiveJobs", -1, 60)
            if number == 3:
                before = used(luxid.process.pid)
        after = used(luxid.process.pid)
        assert before is not None
        assert after[0] <= before[0] + 2, (before, after)
        assert after[1] <= before[1] + 8_000, (before, after)  # KiB


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has used, in seconds."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.long
def test_fifty_thousand_files_at_the_start(root: Root, wconfd: FakeWconfd) -> None:
    op = Opcode(delay())
    for job_id in range(1, 50_001):
        job = Job(job_id, (replace(op, status=Status.SUCCESS if job_id % 2 else Status.QUEUED),))
        with open(job_path(root.queue, job_id), "wb") as file:
            file.write(encode(job))
    wconfd.set(max_running_jobs=0)
    with running(root) as luxid, luxid.client() as client:
        assert luxid.process is not None
        assert processor_seconds(luxid.process.pid) < 5.0
        assert len(client.call("QueryJobs", None, ["id"])) == 50_000
