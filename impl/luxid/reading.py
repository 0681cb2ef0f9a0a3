"""Reading the queue's jobs at a start: what broken hand-overs and dead owners left behind is waited for or removed."""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence

from impl.luxid.damage import DamagedJobs
from impl.process.livelock import is_dead
from impl.queue.status import is_finalised
from spec.jobs.model import Job

UNCONFIRMED_SECONDS = 2.0
"""How long a restart waits, over all jobs, for processes whose hand-over was broken off by the predecessor's death."""


def remove_dead_livelocks(directory: str, own: str) -> None:
    """Remove what dead owners left behind.

    Only before the first hand-over: a file that was made and is not locked yet looks dead as well. Whoever holds
    such a one now was not confirmed by the luxid before us, and ends by itself.
    """
    for name in os.listdir(directory):
        path = f"{directory}/{name}"
        if name.startswith(("job_", "luxid_")) and path != own and is_dead(path):
            with contextlib.suppress(OSError):
                os.unlink(path)


def read_jobs(damaged: DamagedJobs, ids: Sequence[int], own: str) -> Iterator[Job]:
    """Return the jobs with these ids whose files can be used; `own` is the daemon's live-lock."""
    deadline = time.monotonic() + UNCONFIRMED_SECONDS
    damaged.begin()
    for job_id in ids:
        job = _read_decided(damaged, job_id, own, deadline)
        if job is not None:
            yield job


def _read_decided(damaged: DamagedJobs, job_id: int, own: str, deadline: float) -> Job | None:
    """Return a live job; wait for one that was being handed over, until its process has begun or ended.

    A process that our predecessor did not confirm sees the end of its pipe and ends; nothing of the job ran, so
    it must not be adopted now and be found dead a moment later.
    """
    job = damaged.load(job_id)
    while job is not None and job.process_id is None and job.livelock not in {None, own}:
        if is_finalised(job) or is_dead(job.livelock or "") or time.monotonic() > deadline:
            break
        time.sleep(0.005)
        job = damaged.load(job_id)
    return job
