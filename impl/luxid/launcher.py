"""Launching chosen jobs: secrets, hand-over, and what to do when one breaks off."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from impl.luxid.handover import HandOver, HandOverError, SpawnerLostError, Starter
from impl.opcodes import secrets
from impl.process.clock import timestamp
from spec.jobs.events import NotStarted, Owned
from spec.jobs.model import Job

START_ATTEMPTS = 3
"""Hand-overs of one job that may break off by its own doing before the job is failed."""

SPAWNER_ATTEMPTS = 30
"""Hand-overs of one job that may break off because the spawner ended."""

Secrets = list[dict[str, Any] | None]


class Launcher:
    """Hands jobs over, each in a task of its own.

    Args:
        starter: starts processes.
        apply: puts an event into the queue; whether an owner was confirmed.
        adopt: called for each job that was handed over: id, live-lock, process, pidfd (the called one closes it).
        started: called with the seconds that each hand-over took.
        log: the daemon's log.
    """

    def __init__(
        self,
        starter: Starter,
        apply: Callable[[Owned | NotStarted], Awaitable[bool]],
        adopt: Callable[[int, str, int, int | None], None],
        started: Callable[[float], None],
        log: Callable[..., None],
    ) -> None:
        self._starter = starter
        self._apply = apply
        self._adopt = adopt
        self._started = started
        self._log = log
        self._under_way: dict[int, HandOver] = {}
        self._spent: dict[int, int] = {}
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

    def break_off(self) -> None:
        """Break every hand-over off; nothing of those jobs has run."""
        for hand_over in list(self._under_way.values()):
            hand_over.close()

    async def launch(self, job: Job) -> None:
        """Hand over a job that was chosen, or report that it was not possible."""
        known = self._secrets.get(job.id)
        if known is None and any(secrets(dict(op.input)) for op in job.ops):
            text = "its secret parameters went with the luxid that took them: submit it again"
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
        except (HandOverError, OSError) as error:
            weight = START_ATTEMPTS if isinstance(error, SpawnerLostError) else SPAWNER_ATTEMPTS
            spent = self._spent[job.id] = self._spent.get(job.id, 0) + weight
            why = str(error) if spent >= START_ATTEMPTS * SPAWNER_ATTEMPTS else None
            self._log("hand-over broke off", job=job.id, error=str(error))
            await self._apply(NotStarted(job.id, timestamp(), why))
        finally:
            self._under_way.pop(job.id, None)
