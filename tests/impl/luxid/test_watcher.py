"""The watcher over job files in a directory: by notification, by process, and by the sweep alone."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from impl.luxid import watcher as module
from impl.luxid.watcher import Watcher
from impl.process.livelock import is_dead
from impl.queue.files import job_path, write_job
from spec.jobs.model import Job, Opcode, Status
from tests.impl.process.test_livelock import HOLDER

Body = Callable[[Watcher, "Seen"], Coroutine[Any, Any, None]]


class Seen:
    """What a watcher reported."""

    def __init__(self) -> None:
        self.changes: list[Job] = []
        self.deaths: list[Job] = []
        self.damaged: list[tuple[int, str]] = []
        self._news = asyncio.Event()

    def note_change(self, job: Job) -> None:
        self.changes.append(job)
        self._news.set()

    def note_death(self, job: Job) -> None:
        self.deaths.append(job)
        self._news.set()

    def note_damage(self, job_id: int, reason: str) -> None:
        self.damaged.append((job_id, reason))
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                self._news.clear()
                await self._news.wait()


def run(directory: Path, body: Body, *, tracked: int = 25, polling_only: bool = False) -> Seen:
    seen = Seen()

    async def main() -> None:
        watcher = Watcher(
            str(directory),
            seen.note_change,
            seen.note_death,
            seen.note_damage,
            lambda: tracked,
            polling_only=polling_only,
        )
        following = [asyncio.create_task(work) for work in (watcher.listen(), watcher.sweep())]
        try:
            await asyncio.sleep(0)
            await body(watcher, seen)
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)
            watcher.close()

    asyncio.run(main())
    return seen


def job(number: int, status: Status = Status.RUNNING, livelock: str = "/none") -> Job:
    return Job(number, (Opcode({"OP_ID": "OP_TEST_DELAY"}, status=status),), livelock=livelock, process_id=1)


def write(directory: Path, *jobs: Job) -> None:
    for one in jobs:
        write_job(job_path(str(directory), one.id), one, durable=False)


def damage(directory: Path) -> None:
    Path(job_path(str(directory), 1)).write_bytes(b"{")


def holder_of_a_live_lock(directory: Path) -> tuple["subprocess.Popen[str]", str]:
    """A process, and the live-lock that it holds."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    return holder, holder.stdout.readline().strip()


def test_a_changed_file_is_reported_once(tmp_path: Path) -> None:
    async def body(watcher: Watcher, seen: Seen) -> None:
        write(tmp_path, job(1))
        watcher.add(1, "/none", None, None)
        for _ in range(3):
            watcher.look(1)
        assert seen.changes == [job(1)]
        write(tmp_path, job(1, Status.WAITING))
        watcher.look(1)
        watcher.look(1)

    assert run(tmp_path, body).changes == [job(1), job(1, Status.WAITING)]


def test_a_job_that_ended_is_followed_no_longer(tmp_path: Path) -> None:
    async def body(watcher: Watcher, seen: Seen) -> None:
        write(tmp_path, job(1))
        watcher.add(1, "/none", 17, None)
        assert watcher.process_id(1) == 17
        write(tmp_path, job(1, Status.SUCCESS))
        watcher.look(1)
        assert (watcher.process_id(1), watcher.tracked) == (None, 0)
        write(tmp_path, job(1, Status.ERROR))
        watcher.look(1)
        assert len(seen.changes) == 2

    run(tmp_path, body)


def test_a_missing_or_damaged_file_is_passed_over(tmp_path: Path) -> None:
    async def body(watcher: Watcher, _: Seen) -> None:
        watcher.add(1, "/none", None, None)
        damage(tmp_path)
        watcher.look(1)

    assert run(tmp_path, body).changes == []


def test_notifications_are_taken_for_as_many_jobs_as_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SWEEP_SECONDS", 1000.0)

    async def body(watcher: Watcher, seen: Seen) -> None:
        write(tmp_path, job(1), job(2))
        watcher.add(1, "/none", None, None)
        watcher.add(2, "/none", None, None)
        assert watcher.tracked == 1
        write(tmp_path, job(2, Status.WAITING), job(1, Status.WAITING))
        await seen.until(lambda: len(seen.changes) == 3)

    assert run(tmp_path, body, tracked=1).changes == [job(1), job(2), job(1, Status.WAITING)]


def test_the_sweep_alone_finds_changes_and_deaths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SWEEP_SECONDS", 0.001)
    alive = {"/alive"}
    monkeypatch.setattr(module, "is_dead", lambda path: path not in alive)

    async def body(watcher: Watcher, seen: Seen) -> None:
        write(tmp_path, job(1), job(2))
        watcher.add(1, "/alive", None, None)
        watcher.add(2, "/dead", None, None)
        await seen.until(lambda: seen.deaths == [job(2)])
        write(tmp_path, job(1, Status.WAITING))
        await seen.until(lambda: seen.changes[-1] == job(1, Status.WAITING))
        assert (watcher.tracked, watcher.notifications) == (0, 0)

    assert run(tmp_path, body, polling_only=True).deaths == [job(2)]


def test_an_end_is_no_death(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "is_dead", lambda _: True)

    async def body(watcher: Watcher, _: Seen) -> None:
        write(tmp_path, job(1))
        watcher.add(1, "/dead", None, None)
        write(tmp_path, job(1, Status.SUCCESS))
        watcher.look(1, check_owner=True)

    seen = run(tmp_path, body)
    assert (seen.changes, seen.deaths) == ([job(1), job(1, Status.SUCCESS)], [])


def test_a_killed_process_is_seen_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SWEEP_SECONDS", 1000.0)

    holder, path = holder_of_a_live_lock(tmp_path)

    async def body(watcher: Watcher, seen: Seen) -> None:
        write(tmp_path, job(1, livelock=path))
        watcher.add(1, path, holder.pid, None)
        holder.send_signal(signal.SIGKILL)
        await seen.until(lambda: seen.deaths == [job(1, livelock=path)])

    with holder:
        run(tmp_path, body)
    assert is_dead(path)
