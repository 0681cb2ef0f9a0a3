"""Job files that cannot be used: a living process's is waited for, any other is set aside; the daemon goes on."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import replace

from impl.luxid.context import Log
from impl.luxid.store import QueueStore
from impl.luxid.watcher import SWEEP_SECONDS
from impl.paths import Root
from impl.process.clock import timestamp
from impl.process.livelock import is_dead
from impl.queue.files import JobFileError, job_path
from impl.queue.transitions import extended, nanoseconds
from spec.jobs.model import Job

_SOURCE = "gnt:daemon:luxid:jobfile"
"""Who says in a reason trail that a job's file was damaged."""


class DamagedJobs:
    """The damaged job files of one queue.

    Args:
        root: the cluster's directory.
        store: its queue.
        log: structured log.
    """

    def __init__(self, root: Root, store: QueueStore, log: Log) -> None:
        self._root = root
        self._store = store
        self._log = log
        self._livelocks: list[str] = []
        self._waiting: dict[int, str] = {}

    @property
    def waiting(self) -> int:
        """How many damaged files of living processes there are."""
        return len(self._waiting)

    def begin(self) -> None:
        """Begin to read the queue."""
        self._waiting = {}
        self._livelocks = os.listdir(self._root.livelocks)

    def load(self, job_id: int) -> Job | None:
        """Return a live job; None if its file cannot be used now.

        Raises:
            OSError: the machine lacks something.
        """
        try:
            return self._store.load(job_id)
        except FileNotFoundError:
            return None
        except JobFileError as error:
            livelock = self._livelock_of(job_id)
            if livelock is None:
                self.set_aside(job_id, error.reason)
            else:  # its process writes the whole file again, or ends
                self._waiting[job_id] = livelock
            return None

    def _livelock_of(self, job_id: int) -> str | None:
        """Return the live-lock of a job's living process, found by its name."""
        prefix = f"job_{job_id:06d}_"
        paths = [f"{self._root.livelocks}/{name}" for name in self._livelocks if name.startswith(prefix)]
        return next((path for path in paths if not is_dead(path)), None)

    def set_aside(self, job_id: int, reason: str) -> str:
        """Keep a job's file out of the way; returns where it is now."""
        where = self._store.aside.keep(job_path(self._root.queue, job_id), reason)
        self._log("job file set aside", job=job_id, reason=reason, path=where)
        return where

    def after_death(self, job: Job, reason: str) -> Job:
        """Return a running job as it was read last: its process is dead, its file unusable; its trail says so."""
        where = self.set_aside(job.id, reason)
        text = f"its job file could not be used ({reason}); what there was is kept as {where}"
        entry = (_SOURCE, text, nanoseconds(timestamp()))
        ops = tuple(op if op.status.finalised else replace(op, input=extended(op.input, entry)) for op in job.ops)
        return replace(job, ops=ops)

    async def follow(self, reread: Callable[[], None]) -> None:
        """Have the queue read again once a living process has written its file, or is dead."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            with contextlib.suppress(OSError):
                if any(is_dead(path) or self._store.read(job_id) for job_id, path in self._waiting.items()):
                    reread()
