"""Only a job's own process is signalled, whatever process id its file holds."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from impl.luxid.daemon import Daemon
from impl.luxid.job_signals import cancel_running, reprioritise_running
from impl.queue.files import job_path, write_job
from spec.jobs.model import Job, Opcode, Status
from tests.impl.process.test_livelock import HOLDER

SLEEPER = "import sys; print('up', flush=True); sys.stdin.read()"


class Watched:
    def __init__(self, pid: int | None) -> None:
        self.pid = pid
        self.looked: list[int] = []

    def process_id(self, _: int) -> int | None:
        return self.pid

    def look(self, job_id: int, *, check_owner: bool = False) -> None:
        self.looked.append(job_id)


class OneJob:
    """What the functions need of a daemon that follows one job."""

    def __init__(self, directory: Path, pid: int | None, livelock: str | None) -> None:
        op = Opcode({"OP_ID": "OP_TEST_DELAY"}, status=Status.RUNNING)
        self.job = Job(1, (op,), livelock=livelock, process_id=pid)
        self.queue = SimpleNamespace(running={1: self.job})
        self.watcher = Watched(pid)
        self.ground = SimpleNamespace(require=lambda: None)
        self.root = SimpleNamespace(luxid_messages=str(directory))
        self.store = SimpleNamespace(read=lambda _: (self.job, False))

    async def process_of(self, job_id: int, _: float) -> Job | None:
        return self.job


@contextlib.contextmanager
def process(program: str, *words: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A process, and the first line that it prints."""
    command = [sys.executable, "-c", program, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        yield started, started.stdout.readline().strip()  # it ends when its input does


def cancel(directory: Path, pid: int, livelock: str | None, *, kill: bool) -> list[Any]:
    daemon = cast("Daemon", OneJob(directory, pid, livelock))
    return asyncio.run(cancel_running(daemon, 1, kill=kill))


@pytest.fixture
def never_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal by number alone may reach anybody: sending one fails the test before it is sent."""

    def refuse(pid: int, number: int) -> None:
        raise AssertionError(f"signal {number} to {pid}")

    monkeypatch.setattr(os, "kill", refuse)
    monkeypatch.setattr(os, "killpg", refuse)


ODD = [-1, 0, 1, -(2**31), 2**31, 2**62, 10**30]


@pytest.mark.usefixtures("never_by_number")
@pytest.mark.parametrize("pid", ODD)
@pytest.mark.parametrize("kill", [False, True])
def test_an_odd_process_id_signals_nobody(tmp_path: Path, pid: int, kill: bool) -> None:
    with process(HOLDER, str(tmp_path)) as (holder, livelock):
        assert cancel(tmp_path, pid, livelock, kill=kill) == [False, "Job 1's pid unknown"]
        daemon = cast("Daemon", OneJob(tmp_path, pid, livelock))
        assert asyncio.run(reprioritise_running(daemon, 1, 3)) == [False, "Job 1's pid unknown"]
        assert holder.poll() is None
    assert [name for name in os.listdir(tmp_path) if name.endswith(".prio")] == []


@pytest.mark.usefixtures("never_by_number")
@pytest.mark.parametrize("kill", [False, True])
def test_a_process_that_does_not_hold_the_live_lock_is_not_signalled(tmp_path: Path, kill: bool) -> None:
    with process(HOLDER, str(tmp_path)) as (_, livelock), process(SLEEPER) as (stranger, _):
        assert cancel(tmp_path, stranger.pid, livelock, kill=kill) == [False, "Job 1's pid unknown"]
        assert cancel(tmp_path, stranger.pid, str(tmp_path / "gone"), kill=kill)[0] is True
        assert cancel(tmp_path, stranger.pid, None, kill=kill)[0] is True
        assert stranger.poll() is None


def test_the_job_s_own_process_is_signalled(tmp_path: Path) -> None:
    with process(HOLDER, str(tmp_path)) as (holder, livelock):
        write_job(job_path(str(tmp_path), 1), OneJob(tmp_path, holder.pid, livelock).job)
        assert cancel(tmp_path, holder.pid, livelock, kill=True) == [True, "SIGKILL send to the process"]
        assert holder.wait(30) == -signal.SIGKILL
        assert cancel(tmp_path, holder.pid, livelock, kill=True) == [True, "Job 1 has been already dead"]
