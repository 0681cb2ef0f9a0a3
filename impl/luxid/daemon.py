"""The daemon: events go into the queue's core one by one, and its effects are carried out in order.

Rules:
* nothing that a client or a process sees happens before the commits handed in so far are durable;
* a step that raises changes nothing; one whose effects cannot be encoded is undone;
* if a commit fails, memory is ahead of the disk: the step is undone, or the queue is read again from the disk, and
  those who waited get the error: refused, or unknown;
* whoever waits for a job is woken by its id.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from impl.luxid.context import Context, Log
from impl.luxid.damage import DamagedJobs
from impl.luxid.dispatch import LuxidStoppedError
from impl.luxid.grounded import GroundedDisk
from impl.luxid.handover import Starter
from impl.luxid.journal import Entry, entry_of
from impl.luxid.launcher import Launcher
from impl.luxid.lock_cleaning import LockCleaner
from impl.luxid.queue_errors import FaultError, QueueFullDiskError, QueueRefusedError, QueueUnknownError
from impl.luxid.reading import read_jobs, remove_dead_livelocks
from impl.luxid.rereading import RETRY_SECONDS, Rereading
from impl.luxid.start_hold import StartHold
from impl.luxid.store import QueueStore
from impl.luxid.tracing import QueueTrace
from impl.luxid.waiters import Waiters
from impl.luxid.watcher import Watcher
from impl.luxid.writer import Writer
from impl.paths import Root
from impl.process.clock import timestamp
from impl.process.ground import Ground, ground_of_daemon
from impl.process.livelock import LiveLock, is_dead
from impl.process.spawner import DEFAULT_PROGRAM
from impl.queue.queue import JobQueue
from impl.queue.rules import read_rules
from spec.jobs.events import (
    Abort,
    Cancel,
    Changed,
    ChangePriority,
    CleanLocks,
    Configure,
    Confirm,
    Died,
    Effect,
    Event,
    Fail,
    Launch,
    Move,
    NotStarted,
    Owned,
    Persist,
    Reply,
    SetDrainFile,
    Signal,
    Submit,
)
from spec.jobs.model import FilterRule, Job, Timestamp

DEFAULT_MAX_RUNNING = 20
DEFAULT_MAX_TRACKED = 25


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an event led to, once it is durable: an answer, a refusal, or a signal for a running job."""

    reply: Any = None
    fail: Fail | None = None
    signal: Signal | None = None


class Daemon(Context):
    """One queue and everything around it.

    Args:
        root: the cluster's directory.
        log: structured log, called with a text and facts by name.
        trace: the file that every event is written to with its effects, when it takes place.
        program: what a forked child runs.
        polling_only: use neither inotify nor pidfds.
        max_waiters: clients that may wait for changes of jobs at the same time.
        ground: what it stands on; by default as it is now.
    """

    def __init__(
        self,
        root: Root,
        log: Log,
        trace: str | None = None,
        program: str = DEFAULT_PROGRAM,
        *,
        polling_only: bool = False,
        max_waiters: int = 4096,
        ground: Ground | None = None,
    ) -> None:
        self.max_waiters = max_waiters
        self.ground = ground or ground_of_daemon(root)
        self.store = QueueStore(root.queue, GroundedDisk(self.ground))
        self.ground.add(f"{root.queue}/lock")
        super().__init__(root, log, self.store)
        self._trace = QueueTrace(trace)
        self._loop = asyncio.get_running_loop()
        self.livelock = LiveLock.create(root.livelocks, "luxid")
        self.writer = Writer(self.store, self._loop)
        self.queue = JobQueue(self.livelock.path, self.store.archived_status)
        self.waiters = Waiters()
        self.starter = Starter(root, log, program)
        self.watcher = Watcher(
            root.queue,
            self._on_change,
            self._on_death,
            self._on_damage,
            lambda: self.configuration.parameter("max_tracked_jobs", DEFAULT_MAX_TRACKED),
            polling_only=polling_only,
        )
        self.hold = StartHold(self._reconfigure)
        self.launcher = Launcher(
            self.starter, self._hand_over, self.watcher.add, self._on_start, self.hold.note_shortage, log
        )
        self._tasks: set[asyncio.Task[Any]] = set()
        self._settings: tuple[int, tuple[FilterRule, ...]] | None = None
        self._unreadable_rules = 0
        self._rereading = Rereading(self._reread_queue, self._on_reread, log)
        self._damaged = DamagedJobs(root, self.store, log)
        self._last_event: Event | None = None
        self._cleaner = LockCleaner(self.wconfd, self.spawn, log)
        self._stopping = False

    # ---- what queries see

    async def wait_until_written(self) -> None:
        """Wait until what was decided is on disk, and what could not be written is out of memory."""
        await self.writer.wait_until_written()
        if self.writer.broken or self._rereading.active:
            self._reread()
            with contextlib.suppress(QueueRefusedError):  # what the disk had last
                await self._rereading.wait()

    def live_jobs(self) -> Mapping[int, Job]:
        """Return the jobs that have not ended, by id, as their files read now."""
        for job_id in list(self.queue.running):
            self.watcher.look(job_id)
        return {**self.queue.queued, **self.queue.running}

    def live(self, job_id: int) -> Job | None:
        """Return a job that has not ended, as its file reads now; None if there is none."""
        if job_id in self.queue.running:
            self.watcher.look(job_id)
        return self.queue.live(job_id)

    def gauges(self) -> Mapping[str, float]:
        """Return the values of the moment for the metrics."""
        return {
            **super().gauges(),
            "jobs_queued": len(self.queue.queued),
            "jobs_running": len(self.queue.running),
            "jobs_starting": len(self.queue.starting),
            "starts_held_back": float(self.hold.active),
            "jobs_in_directory": len(self.queue.queued) + len(self.queue.running) + len(self.queue.ended),
            "waiting_clients": self.waiters.count,
            "tracked_jobs": self.watcher.tracked,
            "spawner_starts": self.starter.spawner_starts,
            "queue_syncs": self.store.syncs,
            "filters_unreadable": self._unreadable_rules,
            "queue_files_damaged": self._damaged.waiting,
        }

    def ended_ids(self) -> Sequence[int]:
        """Return the ids of the ended jobs that are not archived."""
        return list(self.queue.ended)

    @property
    def drained(self) -> bool:
        """Whether the queue is closed for new jobs."""
        return self.queue.drained

    # ---- life

    async def start(self) -> None:
        """Read the queue, adopt what runs, begin to follow everything."""
        self.starter.start_spawner()
        began = time.monotonic()
        remove_dead_livelocks(self.root.livelocks, self.livelock.path)
        await self._read_queue()
        self.log(
            "queue read",
            seconds=round(time.monotonic() - began, 3),
            queued=len(self.queue.queued),
            running=len(self.queue.running),
            ended=len(self.queue.ended),
        )
        for follow in (self.watcher.sweep(), self.watcher.listen(), self.configuration.follow()):
            self.spawn(follow)
        self.spawn(self._damaged.follow(self._reread))

    async def _read_queue(self) -> None:
        queue = JobQueue(self.livelock.path, self.store.archived_status)
        queue.drained = self.store.drained
        queue.max_running = 0  # nothing starts before the configuration is known
        own = self.livelock.path
        ids = self.store.job_ids()
        queue.serial = max([self.store.serial, *ids[-1:]])
        rewritten = queue.recover(
            read_jobs(self._damaged, ids, own), lambda path: path == own or is_dead(path), timestamp()
        )
        self.queue = queue
        self.watcher.close()
        if rewritten:
            await self.writer.commit([entry_of(job) for job in rewritten])
        self._trace.begin(queue, self.store)
        for job in list(queue.running.values()):  # looking at one may end it
            self.watcher.add(job.id, job.livelock or "", job.process_id, None)
        self.clean_locks()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine as a task; its failure is logged."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self._stopping:
            self.log("task failed", error=repr(error), task=task.get_coro().__qualname__)  # type: ignore[union-attr]

    async def stop(self) -> None:
        """Stop in order; running jobs run on."""
        self._stopping = True
        self._rereading.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.watcher.close()
        self.starter.close()
        self.wconfd.close()
        await self._loop.run_in_executor(None, self.writer.close)
        self.livelock.release()
        self._trace.end()

    # ---- events

    async def apply(self, event: Event, secrets_of: Sequence[list[dict[str, Any] | None]] = ()) -> Outcome:
        """Put an event into the queue, carry out what follows, and return once it is durable.

        Args:
            event: what happened.
            secrets_of: of a submission, each job's secret parameters; they stay in memory.

        Raises:
            QueueRefusedError: it could not be made durable; nothing happened.
            QueueUnknownError: whether it was made durable is not known.
            FaultError: a fault of ours; nothing happened.
        """
        if self._rereading.active:
            await self._rereading.wait()
        if isinstance(event, Submit):
            self.store.check_serial()
            self.queue.serial = max(self.queue.serial, self.store.serial)
        return await self._carry_out(event, secrets_of)

    def _carry_out(
        self, event: Event, secrets_of: Sequence[list[dict[str, Any] | None]] = ()
    ) -> "Coroutine[Any, Any, Outcome]":
        """Take the step now; the rest happens when the result is awaited."""
        if self._stopping:
            raise LuxidStoppedError
        now = timestamp()
        effects, written, serial = self._decide(event, now)
        self._last_event = event
        line = self._trace.step(event, effects, now)
        durable: list[asyncio.Future[Any]] = []
        for effect in effects:
            match effect:
                case Reply(answers) if secrets_of:
                    self.launcher.keep_secrets(answers, secrets_of)
                case Persist() if written:
                    durable.append(self.writer.commit(written, serial))
                    written = []
                case Move(ids):
                    durable.append(self.writer.call(lambda ids=ids: self.store.archive(ids)))  # type: ignore[misc]
                case SetDrainFile(drained):
                    durable.append(self.writer.call(lambda drained=drained: self.store.set_drain(drained)))  # type: ignore[misc]
        return self._finish(event, effects, durable, line)

    def _decide(self, event: Event, now: Timestamp) -> tuple[Sequence[Effect], list[Entry], int | None]:
        """Take a step, and encode all that it writes, to be committed at once, before anything is handed on."""
        try:
            effects = self.queue.step(event, now)
        except Exception as error:
            raise self._fault(event, error) from error
        try:
            writes = [effect for effect in effects if isinstance(effect, Persist)]
            jobs = {job.id: job for effect in writes for job in effect.jobs}
            serial = max((effect.serial for effect in writes if effect.serial is not None), default=None)
            return effects, [entry_of(job) for job in jobs.values()], serial
        except Exception as error:
            self.queue.undo()
            raise self._fault(event, error) from error

    def _fault(self, event: Event, error: Exception) -> FaultError:
        self.log("event refused by a fault", event_kind=type(event).__name__, error=repr(error))
        return FaultError(repr(error))

    async def _finish(
        self, event: Event, effects: Sequence[Effect], durable: list[asyncio.Future[Any]], line: int
    ) -> Outcome:
        done = 0
        try:
            for future in durable:
                await future
                done += 1
        except Exception as error:
            self.log("queue not written", error=str(error) or repr(error))
            refused = isinstance(error, QueueRefusedError) and not done
            self._go_back(event, nothing_kept=refused and isinstance(error, QueueFullDiskError))
            if refused or isinstance(error, QueueUnknownError):
                raise
            raise QueueUnknownError(getattr(error, "reason", repr(error))) from error
        if durable:
            self._trace.record_durable(line)
        reply, fail, signal = None, None, None
        for index, effect in enumerate(effects):
            self._trace.record_done(line, index, effect)
            match effect:
                case Persist(jobs):
                    for job in jobs:
                        self.waiters.wake(job.id)
                        if job.id not in self.queue.running:
                            self._forget_ended(job)
                case Launch(job_id):
                    if job_id in self.queue.starting:
                        self.spawn(self.launcher.launch(self.queue.running[job_id]))
                case CleanLocks():
                    self.clean_locks()
                case Reply(result):
                    reply = result
                case Fail():
                    fail = effect
                case Signal():
                    signal = effect
        confirmed = any(isinstance(effect, Confirm) for effect in effects)
        aborted = any(isinstance(effect, Abort) for effect in effects)
        self.metrics.count(event, effects)
        return Outcome(confirmed and not aborted if isinstance(event, Owned) else reply, fail, signal)

    def _forget_ended(self, job: Job) -> None:
        if job.id in self.queue.ended:
            self.launcher.forget(job.id)
            self.metrics.count_end(job)

    def apply_in_background(self, event: Event) -> None:
        """Apply an event in the background."""
        if self._rereading.active:
            self.spawn(self.apply(event))
            return
        with contextlib.suppress(LuxidStoppedError, FaultError):
            self.spawn(self._carry_out(event))

    def _go_back(self, event: Event, *, nothing_kept: bool) -> None:
        """Memory is ahead of the disk: go back to what the disk has."""
        asked = isinstance(event, Submit | Cancel | ChangePriority)  # whatever else happened, happened
        if asked and event is self._last_event and nothing_kept and not self._rereading.active:
            self.queue.undo()  # nothing was decided since, and nothing is on the disk
            self._last_event = None
            self.writer.mend()
            self._loop.call_later(RETRY_SECONDS, self._reconfigure)
            return
        self._reread()

    def _reread(self) -> None:
        if not self._stopping:
            self._rereading.begin()

    async def _reread_queue(self) -> None:
        self.launcher.break_off()
        await self.writer.wait_until_written()
        self._last_event = None
        self.writer.mend()
        await self.writer.call(self.store.recover)
        await self._read_queue()

    def _on_reread(self) -> None:
        self._loop.call_later(RETRY_SECONDS, self._reconfigure)

    # ---- configuration

    def _configured(self) -> None:
        view = self.configuration.view
        if view is None:
            return
        limit = self.configuration.parameter("max_running_jobs", DEFAULT_MAX_RUNNING)
        stored = read_rules(view.config)
        settings = (limit, tuple(rule for rule, _ in stored))
        if settings != self._settings:
            self._settings = settings
            self._unreadable_rules = sum(1 for _, faults in stored if faults)
            for rule, faults in stored:
                if faults:
                    text = "job filter cannot be read: jobs that it may concern stay queued"
                    self.log(text, filter=rule.uuid, reason=faults[0])
            self._reconfigure()

    def _reconfigure(self) -> None:
        if self._settings is not None and not self._stopping:
            limit, rules = self._settings
            self.apply_in_background(Configure(0 if self.hold.active else limit, rules))

    # ---- running jobs

    async def _hand_over(self, event: Owned | NotStarted) -> bool:
        return bool((await self.apply(event)).reply)

    def _on_start(self, seconds: float) -> None:
        self.hold.note_start()
        self.metrics.count_start(seconds)

    def _on_change(self, job: Job) -> None:
        running = job.id in self.queue.running
        self.apply_in_background(Changed(job))
        if running:
            self.waiters.wake(job.id)
            if job.id in self.queue.ended:
                self._forget_ended(job)

    def _on_damage(self, job_id: int, reason: str) -> None:
        job = self.queue.running.get(job_id)
        if job is not None:
            self._on_death(self._damaged.after_death(job, reason))

    def _on_death(self, job: Job) -> None:
        self.log("job died", job=job.id, pid=job.process_id)
        if job.livelock is not None and os.path.dirname(job.livelock) == self.root.livelocks:
            with contextlib.suppress(OSError):
                self.ground.require()
                os.unlink(job.livelock)  # a missing live-lock is a dead one
        self.apply_in_background(Died(job, timestamp()))

    def clean_locks(self) -> None:
        """Make wconfd look for dead owners of locks; asks again until it answers."""
        self._cleaner.clean()

    async def process_of(self, job_id: int, seconds: float) -> Job | None:
        """Wait for a running job whose process has written its id into the file; None if it ended or is too slow."""
        deadline = time.monotonic() + seconds
        while True:
            job = self.queue.running.get(job_id)
            if job is None or job.process_id is not None:
                return job
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            await self.waiters.wait(job_id, min(left, 0.2))
            self.watcher.look(job_id)
