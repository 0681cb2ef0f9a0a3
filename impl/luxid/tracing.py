"""What luxid writes with `--trace`: steps, when they are durable, when their visible effects are performed.

The format is defined in `checkers.traces.validation`.
"""

from collections.abc import Sequence

from impl.luxid.queue_files import QueueFiles
from impl.process.trace import TraceWriter
from impl.queue.queue import JobQueue
from spec.jobs.events import Effect, Event, Move, Persist, SetDrainFile
from spec.jobs.model import Job, Timestamp


class QueueTrace:
    """The trace of one daemon; without a file every method does nothing."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._writer: TraceWriter | None = None
        self._durable = 0

    def begin(self, queue: JobQueue, files: QueueFiles) -> None:
        """Begin a run: the queue as it was read, the archive included."""
        if self._path is None:
            return
        if self._writer is not None:
            self._writer.close()
        shot = queue.snapshot()
        self._writer = TraceWriter(self._path)
        state = {
            "serial": shot.serial,
            "drained": shot.drained,
            "max_running": shot.max_running,
            "livelock": queue.livelock,
            "queued": shot.queued,
            "running": shot.running,
            "starting": sorted(shot.starting),
            "ended": _read(files, sorted(queue.ended)),
            "archived": _read(files, files.archived_ids()),
        }
        self._durable = self._writer.record("start", state=state)

    def step(self, event: Event, effects: Sequence[Effect], now: Timestamp) -> int:
        """Write a step; returns its line's number."""
        return 0 if self._writer is None else self._writer.step(event, effects, now=now)

    def record_durable(self, line: int) -> None:
        """Write that everything up to a line is on disk."""
        if self._writer is not None:
            self._durable = max(self._durable, line)
            self._writer.record("durable", upto=self._durable)

    def record_done(self, line: int, index: int, effect: Effect) -> None:
        """Write that an effect of a line was performed."""
        if self._writer is not None and not isinstance(effect, Persist | Move | SetDrainFile):
            self._writer.record("done", of=line, effect=index)

    def end(self) -> None:
        """Write that the daemon stops cleanly."""
        if self._writer is not None:
            self._writer.record("end")
            self._writer.close()
            self._writer = None


def _read(files: QueueFiles, ids: Sequence[int]) -> list[Job]:
    return [found[0] for job_id in ids if (found := files.read(job_id)) is not None]
