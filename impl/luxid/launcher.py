"""Launching chosen jobs: secrets, hand-over, and what to do when one breaks off.

Where the machine lacks something, a job stays queued and is tried again with growing pauses, for a bounded time; what
breaks off by the job's own doing is tried a few times; what can never start ends at once, with the reason.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from impl.files import SHORTAGES
from impl.limits import MAX_START_SECONDS
from impl.luxid.handover import HandOver, ShortageError, Starter
from impl.luxid.queue_errors import QueueRefusedError, QueueUnknownError
from impl.opcodes import OPCODES, secrets
from impl.process.clock import timestamp
from spec.jobs.events import NotStarted, Owned
from spec.jobs.model import Job

START_ATTEMPTS = 3
"""Hand-overs of one job that may break off by its own doing before the job is failed."""

Secrets = list[dict[str, Any] | None]


class Launcher:
    """Hands jobs over, each in a task of its own.

    Args:
        starter: starts processes.
        apply: puts an event into the queue; whether an owner was confirmed.
        adopt: called for each job that was handed over: id, live-lock, process, pidfd (the called one closes it).
        started: called with the seconds that each hand-over took.
        shortage: called when the machine lacks something, before the job is queued again.
        log: the daemon's log.
    """

    def __init__(
        self,
        starter: Starter,
        apply: Callable[[Owned | NotStarted], Awaitable[bool]],
        adopt: Callable[[int, str, int, int | None], None],
        started: Callable[[float], None],
        shortage: Callable[[], None],
        log: Callable[..., None],
    ) -> None:
        self._starter = starter
        self._apply = apply
        self._adopt = adopt
        self._started = started
        self._shortage = shortage
        self._log = log
        self._under_way: dict[int, HandOver] = {}
        self._spent: dict[int, int] = {}
        self._short_since: dict[int, float] = {}
        self._secrets: dict[int, Secrets] = {}

    def keep_secrets(self, answers: Sequence[Sequence[Any]], secrets_of: Sequence[Secrets]) -> None:
        """Keep the secret parameters of submitted jobs, in memory only, until they are handed over."""
        for (good, job_id), values in zip(answers, secrets_of, strict=True):
            if good and any(values):
                self._secrets[job_id] = values

    def forget(self, job_id: int) -> None:
        """Forget a job that ended."""
        self._secrets.pop(job_id, None)
        self._spent.pop(job_id, None)
        self._short_since.pop(job_id, None)

    def break_off(self) -> None:
        """Break every hand-over off; nothing of those jobs has run."""
        for hand_over in list(self._under_way.values()):
            hand_over.close()

    async def launch(self, job: Job) -> None:
        """Hand over a job that was chosen, or report that it was not possible."""
        known = self._secrets.get(job.id)
        text = _obstacle(job, known)
        if text is not None:
            await self._apply(NotStarted(job.id, timestamp(), text))
            return
        began = time.monotonic()

        async def take(livelock: str, hand_over: HandOver) -> bool:
            self._under_way[job.id] = hand_over
            confirmed = await self._apply(Owned(job.id, livelock))
            if confirmed:
                pidfd, hand_over.pidfd = hand_over.pidfd, None
                self._adopt(job.id, livelock, hand_over.pid, pidfd)
                self._started(time.monotonic() - began)
            return confirmed

        try:
            await self._starter.hand_over(job.id, known or [None] * len(job.ops), take)
            self.forget(job.id)
        except (QueueRefusedError, QueueUnknownError) as error:  # the queue is read again, and this job is queued
            self._log("hand-over not written", job=job.id, error=str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the job must not stay between queued and running
            why = self._after_failure(job.id, error)
            self._log("hand-over broke off", job=job.id, error=str(error) or repr(error))
            await self._apply(NotStarted(job.id, timestamp(), why))
        finally:
            self._under_way.pop(job.id, None)

    def _after_failure(self, job_id: int, error: Exception) -> str | None:
        """Say why a job whose hand-over broke off has failed; None if it is tried again."""
        text = str(error) or repr(error)
        if not _is_shortage(error):
            spent = self._spent[job_id] = self._spent.get(job_id, 0) + 1
            return text if spent >= START_ATTEMPTS else None
        now = time.monotonic()
        if now - self._short_since.setdefault(job_id, now) >= MAX_START_SECONDS:
            return f"{text}, for {MAX_START_SECONDS:.0f} s"
        self._shortage()
        return None


def _is_shortage(error: Exception) -> bool:
    return isinstance(error, ShortageError | MemoryError) or (isinstance(error, OSError) and error.errno in SHORTAGES)


def _obstacle(job: Job, known: Secrets | None) -> str | None:
    """Say why a job can never be started; None if it can."""
    for op in job.ops:
        name = op.input.get("OP_ID")
        if name not in OPCODES:
            return f"Unknown opcode {name}"
        if known is None and secrets(dict(op.input)):
            return "its secret parameters went with the luxid that took them: submit it again"
    return None
