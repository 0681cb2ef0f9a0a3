"""Watching running jobs: files by inotify, processes by pidfd, both by polling; no single notification is needed.

A sweep every half second looks at each running job's file (one stat) and live-lock. inotify, on the queue's directory,
only makes it faster, and only for as many jobs as `max_tracked_jobs` says; a pidfd reports an end at once.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass

import asyncinotify

from impl.files import Signature, signature_of
from impl.process.livelock import is_dead, pidfd_of_holder
from impl.queue.files import JobFileError, job_id_of, job_path, read_job
from impl.queue.status import is_finalised
from spec.jobs.model import Job

SWEEP_SECONDS = 0.5


@dataclass(slots=True)
class _Watch:
    livelock: str
    process_id: int | None
    pidfd: int | None
    signature: Signature | None = None
    tracked: bool = False


class Watcher:
    """Follows the running jobs.

    Args:
        queue: the directory of the job files.
        on_change: a running job's file reads so now.
        on_death: a running job's owner is dead, and its file, not final, reads so.
        on_damage: a running job's owner is dead, and its file cannot be used, for this reason.
        max_tracked: how many jobs inotify may follow, asked again for each.
        polling_only: never use inotify or pidfds (the test of the sweep).
    """

    def __init__(
        self,
        queue: str,
        on_change: Callable[[Job], None],
        on_death: Callable[[Job], None],
        on_damage: Callable[[int, str], None],
        max_tracked: Callable[[], int],
        *,
        polling_only: bool = False,
    ) -> None:
        self._queue = queue
        self._on_change = on_change
        self._on_death = on_death
        self._on_damage = on_damage
        self._max_tracked = max_tracked
        self._polling_only = polling_only
        self._loop = asyncio.get_running_loop()
        self._watches: dict[int, _Watch] = {}
        self._tracked = 0
        self.notifications = 0
        self.sweeps = 0

    @property
    def tracked(self) -> int:
        """How many jobs inotify follows."""
        return self._tracked

    def add(self, job_id: int, livelock: str, process_id: int | None, pidfd: int | None) -> None:
        """Follow a job from now on; the pidfd, where there is one, belongs to the watcher."""
        if job_id in self._watches:
            self.remove(job_id)
        if pidfd is None and process_id is not None and not self._polling_only:
            pidfd = pidfd_of_holder(process_id, livelock)
        if self._polling_only and pidfd is not None:
            os.close(pidfd)
            pidfd = None
        watch = self._watches[job_id] = _Watch(livelock, process_id, pidfd)
        if not self._polling_only and self._tracked < self._max_tracked():
            watch.tracked = True
            self._tracked += 1
        if pidfd is not None:
            self._loop.add_reader(pidfd, self._on_exit, job_id)
        self.look(job_id)

    def process_id(self, job_id: int) -> int | None:
        """Return the process id of a job that is followed; None if it is not known."""
        watch = self._watches.get(job_id)
        return None if watch is None else watch.process_id

    def remove(self, job_id: int) -> None:
        """Follow a job no longer."""
        watch = self._watches.pop(job_id, None)
        if watch is None:
            return
        self._tracked -= watch.tracked
        self._drop_pidfd(watch)

    def _drop_pidfd(self, watch: _Watch) -> None:
        if watch.pidfd is not None:
            self._loop.remove_reader(watch.pidfd)
            os.close(watch.pidfd)
            watch.pidfd = None

    def _on_exit(self, job_id: int) -> None:
        watch = self._watches.get(job_id)
        if watch is not None:
            self._drop_pidfd(watch)
            self.look(job_id, check_owner=True)

    def look(self, job_id: int, *, check_owner: bool = False) -> None:
        """Read a job's file if it changed; with `check_owner` also find out whether its owner is alive."""
        watch = self._watches.get(job_id)
        if watch is None:
            return
        dead = check_owner and is_dead(watch.livelock)
        path, signature = job_path(self._queue, job_id), None
        try:
            with contextlib.suppress(OSError):
                signature = signature_of(path)
            if signature == watch.signature and not dead:
                return
            job = read_job(path)
        except FileNotFoundError:
            self._damaged(job_id, "there is none", dead=dead)
            return
        except JobFileError as error:
            self._damaged(job_id, error.reason, dead=dead)
            return
        except OSError:  # the machine lacks something: the next sweep reads it
            return
        changed = signature != watch.signature
        watch.signature = signature
        if dead and not is_finalised(job):
            self.remove(job_id)
            self._on_death(job)
            return
        if is_finalised(job):
            self.remove(job_id)
        if changed or is_finalised(job):
            self._on_change(job)

    def _damaged(self, job_id: int, reason: str, *, dead: bool) -> None:
        """Report a damaged file of a dead process; a living one writes the whole file again."""
        if dead:
            self.remove(job_id)
            self._on_damage(job_id, reason)

    async def sweep(self) -> None:
        """Look at every job, again and again."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.sweeps += 1
            for count, job_id in enumerate(list(self._watches)):
                self.look(job_id, check_owner=True)
                if count % 50 == 49:
                    await asyncio.sleep(0)

    async def listen(self) -> None:
        """Take inotify's notifications."""
        if self._polling_only:
            return
        with asyncinotify.Inotify() as inotify:
            inotify.add_watch(self._queue, asyncinotify.Mask.MOVED_TO | asyncinotify.Mask.CLOSE_WRITE)
            async for event in inotify:
                self.notifications += 1
                job_id = None if event.name is None else job_id_of(str(event.name))
                watch = None if job_id is None else self._watches.get(job_id)
                if watch is not None and watch.tracked and job_id is not None:
                    self.look(job_id)

    def close(self) -> None:
        """Give all descriptors back."""
        for job_id in list(self._watches):
            self.remove(job_id)
