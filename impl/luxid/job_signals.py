"""Signals to a running job: cancel, kill, another priority. The texts are Ganeti's.

A process can be signalled once it has written its id into its file, which it does when its signal handlers are in
place; until then a request waits. `kill` does not wait.
"""

import contextlib
import os
import signal
import time

from impl.files import write_file
from impl.luxid.daemon import Daemon
from impl.process.livelock import is_dead, signal_holder
from impl.queue.status import is_finalised, job_status
from spec.jobs.model import Job, Status

START_SECONDS = 6.0
"""How long a job may be in its start-up phase before a request is given up."""

CANCEL_SECONDS = 44.0
"""How long CancelJob waits for a job that was signalled.

Source: a quarter of Ganeti's read-write time-out.
"""


def _on_disk(daemon: Daemon, job_id: int) -> Job | None:
    found = daemon.store.read(job_id)
    return None if found is None else found[0]


async def cancel_running(daemon: Daemon, job_id: int, *, kill: bool) -> list[object]:
    """Cancel a job that was handed over."""
    job = daemon.queue.running.get(job_id) if kill else None
    pid = daemon.watcher.process_id(job_id) if kill else None
    if pid is None:
        job = await daemon.process_of(job_id, START_SECONDS)
        if job is None:
            ended = _on_disk(daemon, job_id)
            if ended is not None and is_finalised(ended):
                return _exited(ended)
            return [False, "Timeout: job still in its startup phase"]
        pid = job.process_id
    livelock = None if job is None else job.livelock
    if not _send(pid, livelock, signal.SIGKILL if kill else signal.SIGTERM):
        if _has_other_owner(livelock):
            return [False, f"Job {job_id}'s pid unknown"]
        daemon.watcher.look(job_id, check_owner=True)
        return [True, f"Job {job_id} has been already dead"]
    if kill:
        return [True, "SIGKILL send to the process"]
    current = _on_disk(daemon, job_id)
    if current is not None and job_status(current) > Status.WAITING and not is_finalised(current):
        return [False, "Job no longer waiting, can't cancel (informed it anyway)"]
    return await _wait_for_end(daemon, job_id)


def _exited(job: Job) -> list[object]:
    status = job_status(job)
    if status is Status.CANCELED:
        return [True, "Job successfully cancelled"]
    return [False, f"Job exited before it could have been canceled, status JOB_STATUS_{status.upper()}"]


async def _wait_for_end(daemon: Daemon, job_id: int) -> list[object]:
    deadline = time.monotonic() + CANCEL_SECONDS
    while job_id in daemon.queue.running and (left := deadline - time.monotonic()) > 0:
        await daemon.waiters.wait(job_id, left)
    await daemon.writer.wait_until_written()
    job = _on_disk(daemon, job_id)
    if job is None:
        return [False, "Can't read job status: Can't load job file"]
    if is_finalised(job):
        return _exited(job)
    return [False, f"Job could not be canceled, status JOB_STATUS_{job_status(job).upper()}"]


def _send(pid: int | None, livelock: str | None, number: signal.Signals) -> bool:
    """Signal a job's process, known by its id and its live-lock together; returns whether it was signalled."""
    return pid is not None and livelock is not None and signal_holder(pid, livelock, number)


def _has_other_owner(livelock: str | None) -> bool:
    """Return whether a live-lock is held although the process that the file names does not hold it."""
    return livelock is not None and not is_dead(livelock)


async def reprioritise_running(daemon: Daemon, job_id: int, priority: int) -> list[object]:
    """Send a job that was handed over its new priority."""
    job = await daemon.process_of(job_id, START_SECONDS)
    if job is None or job.process_id is None:
        return [False, f"Job {job_id}'s pid unknown"]
    path = f"{daemon.root.luxid_messages}/{job_id}.prio"
    daemon.ground.require()
    write_file(path, b"%d" % priority, durable=False)
    if not _send(job.process_id, job.livelock, signal.SIGUSR1):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        if _has_other_owner(job.livelock):
            return [False, f"Job {job_id}'s pid unknown"]
        return [False, f"Job {job_id} is dead"]
    return [True, f"Job {job_id} with pid {job.process_id} signaled"]
