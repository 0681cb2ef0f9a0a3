"""SIGKILL for luxid, spawner, wconfd and jobs under load: every answered job ends once, and nothing is left over."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.daemons import configuration
from checkers.traces.jobs import JobsModel
from checkers.traces.validation import read, validate
from checkers.verdict import Ok
from impl.paths import Root
from impl.process.livelock import is_dead
from impl.queue.files import JobFileError, job_path, read_job
from impl.queue.status import is_finalised, job_status
from impl.wire.client import Client, UnreachableError
from spec.errors import PeerError
from spec.jobs.model import Status
from tests import budget
from tests.impl.luxid.fakes import Luxid, delay, short_root

PROGRAM = "impl.job.process:run_job"


class Wconfd:
    """A running wconfd that may be killed and started again."""

    def __init__(self, root: Root) -> None:
        self.root = root
        Path(root.config).write_text(json.dumps(configuration()), encoding="utf-8")
        self.start()

    def start(self) -> None:
        with open(f"{self.root.log}/wconfd.err", "ab") as output:
            command = [sys.executable, "-m", "impl.wconfd", "--root", self.root.directory]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=output)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(UnreachableError):
                Client(self.root.wconfd_socket).close()
                return
            time.sleep(0.02)
        raise AssertionError(Path(f"{self.root.log}/wconfd.err").read_text(encoding="utf-8"))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def children(pid: int) -> list[int]:
    """Return the children of a process."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(word) for word in text.split()]


def running_jobs(root: Root, ids: list[int]) -> list[tuple[int, int]]:
    """Return (job, process) of the running jobs, from their files."""
    found = []
    for job_id in ids:
        with contextlib.suppress(FileNotFoundError, JobFileError):
            job = read_job(job_path(root.queue, job_id))
            if job.process_id and job.livelock and not is_finalised(job) and not is_dead(job.livelock):
                found.append((job_id, job.process_id))
    return found


class Torture:
    def __init__(self, root: Root, seed: int) -> None:
        self.root = root
        self.random = random.Random(seed)
        self.wconfd = Wconfd(root)
        self.trace = f"{root.directory}/trace"
        self.luxid = Luxid(root, "--trace", self.trace, program=PROGRAM)
        self.luxid.start()
        self.answered: list[int] = []
        self.shot: set[int] = set()
        self.kills = 0

    def submit(self) -> None:
        durations = [self.random.choice((0.001, 0.02, 0.2)) for _ in range(6)]
        jobs = [[delay(seconds, no_locks=self.random.random() < 0.3)] for seconds in durations]
        jobs.append([delay(0.01, depends=[[-1, []]]), delay(0.01)])
        with contextlib.suppress(UnreachableError, PeerError), Client(self.root.luxi_socket, 10) as client:
            self.answered += [job_id for good, job_id in client.call("SubmitManyJobs", jobs) if good]

    def kill(self) -> None:
        victim = self.random.choice(("luxid", "spawner", "job", "job", "wconfd"))
        assert self.luxid.process is not None
        if victim == "luxid":
            self.luxid.kill()
            time.sleep(self.random.random() * 0.1)  # the jobs must continue meanwhile
            self.luxid.start()
        elif victim == "spawner":
            for pid in children(self.luxid.process.pid)[:1]:
                os.kill(pid, signal.SIGKILL)
        elif victim == "wconfd":
            self.wconfd.kill()
            self.wconfd.start()
        else:
            alive = running_jobs(self.root, self.answered[-40:])
            if not alive:
                return
            job_id, pid = self.random.choice(alive)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.shot.add(job_id)
        self.kills += 1

    def finish(self) -> None:
        """Wait for the end of every answered job; fail if none ends within a minute."""
        left, progress = list(self.answered), time.monotonic()
        with Client(self.root.luxi_socket) as client:
            while left:
                rows = client.call("QueryJobs", left, ["id", "status"])
                still = [job_id for job_id, status in rows if status not in {"success", "error", "canceled"}]
                if len(still) < len(left):
                    left, progress = still, time.monotonic()
                assert time.monotonic() < progress + 60, [row for row in rows if row[0] in still][:10]
                if left:
                    client.call("WaitForJobChange", left[0], ["status"], None, 10**6, 1)
                    time.sleep(0.05)

    def stop(self) -> None:
        self.luxid.stop()
        self.wconfd.process.terminate()
        self.wconfd.process.wait(60)


def torture(kills: int, seed: int) -> None:
    with short_root() as root:
        run = Torture(root, seed)
        try:
            while run.kills < kills:
                if len(run.answered) < 7 * run.kills // 2 + 20:
                    run.submit()
                run.kill()
            run.finish()
            assert len(run.answered) > 2 * kills, "too few jobs were answered to prove anything"
            jobs = {job_id: read_job(job_path(root.queue, job_id)) for job_id in run.answered}
            assert len(jobs) == len(run.answered)
            for job_id, job in jobs.items():
                if job_status(job) is Status.ERROR:
                    assert job_id in run.shot, (job_id, [op.result for op in job.ops])
                else:
                    assert job_status(job) is Status.SUCCESS
            with Client(root.wconfd_socket) as client:
                deadline = time.monotonic() + 60
                while client.call("listLocksWaitingStatus") != [[], []] and time.monotonic() < deadline:
                    time.sleep(0.05)
                assert client.call("listLocksWaitingStatus") == [[], []]
        finally:
            run.stop()
        run.luxid.start()
        run.luxid.stop()
        assert [name for name in os.listdir(root.livelocks) if name.startswith(("job_", "luxid_"))] == []
        for job in jobs.values():
            assert job.process_id is None or job.livelock is None or is_dead(job.livelock)
        with open(run.trace, "rb") as file:
            verdict = validate(JobsModel(), read(file.read()))
        assert isinstance(verdict, Ok), verdict


@pytest.mark.xdist_group("luxid-faults")
def test_a_few_kills() -> None:
    torture(kills=8, seed=budget.fixed(7))


@pytest.mark.long
@pytest.mark.xdist_group("luxid-faults")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(2))
def test_two_hundred_kills(number: int) -> None:
    """Two hundred weekly, forty in CI."""
    torture(kills=budget.spent(ci=40, weekly=200), seed=budget.seed() + number)
