"""Launching jobs with a starter that answers as the test says: secrets, tries, and who learns of it."""

import asyncio
import errno
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from impl.limits import MAX_START_SECONDS
from impl.luxid.handover import HandOverError, ShortageError, SpawnerLostError
from impl.luxid.launcher import START_ATTEMPTS, Launcher, Secrets
from impl.luxid.queue_errors import QueueFullDiskError, QueueUnknownError
from spec.jobs.events import NotStarted, Owned
from spec.jobs.model import Job, Opcode

PLAIN = Job(1, (Opcode({"OP_ID": "OP_TEST_DELAY", "duration": 1}),))
SECRET = Job(2, (Opcode({"OP_ID": "OP_TEST_OS_PARAMS", "osparams_secret": {"key": "<redacted>"}}),))


class FakeHandOver:
    def __init__(self) -> None:
        self.pid = 77
        self.pidfd: int | None = 5
        self.closed = False

    def close(self) -> None:
        self.closed = True


class Bench:
    """A launcher with everything around it."""

    def __init__(self) -> None:
        self.events: list[Owned | NotStarted] = []
        self.adopted: list[tuple[int, str, int, int | None]] = []
        self.started: list[float] = []
        self.secrets: list[Any] = []
        self.confirm = True
        self.failures: list[Exception] = []
        self.shortages: list[int] = []
        self.hand_over_made = FakeHandOver()
        self.launcher = Launcher(
            self,  # type: ignore[arg-type]
            self.apply,
            lambda *facts: self.adopted.append(facts),
            self.started.append,
            lambda: self.shortages.append(len(self.events)),
            lambda *_, **__: None,
        )

    async def apply(self, event: Owned | NotStarted) -> bool:
        self.events.append(event)
        return self.confirm

    async def hand_over(self, job_id: int, secrets: Any, take: Callable[[str, Any], Awaitable[bool]]) -> None:
        self.secrets.append((job_id, secrets))
        if self.failures:
            raise self.failures.pop(0)
        await take(f"/livelocks/job_{job_id}", self.hand_over_made)

    def launch(self, job: Job, times: int = 1) -> None:
        for _ in range(times):
            asyncio.run(self.launcher.launch(job))

    @property
    def texts(self) -> list[str | None]:
        return [event.text for event in self.events if isinstance(event, NotStarted)]


def test_a_job_is_handed_over_and_followed() -> None:
    bench = Bench()
    bench.launch(PLAIN)
    assert bench.events == [Owned(1, "/livelocks/job_1")]
    assert bench.adopted == [(1, "/livelocks/job_1", 77, 5)]
    assert bench.hand_over_made.pidfd is None, "it belongs to the one who follows the job"
    assert (len(bench.started), bench.secrets) == (1, [(1, [None])])


def test_a_hand_over_that_is_not_confirmed_is_not_followed() -> None:
    bench = Bench()
    bench.confirm = False
    bench.launch(PLAIN)
    assert (bench.adopted, bench.started, bench.hand_over_made.pidfd) == ([], [], 5)


def test_secrets_are_kept_until_the_job_is_handed_over() -> None:
    bench = Bench()
    values: Secrets = [{"osparams_secret": {"key": "value"}}]
    bench.launcher.keep_secrets([[True, 2], [True, 3], [False, "refused"]], [values, [None], [{"x": 1}]])
    bench.failures = [HandOverError("away")]
    bench.launch(SECRET, times=2)
    assert bench.secrets == [(2, values), (2, values)]
    bench.launch(SECRET)
    assert bench.texts[-1] == "its secret parameters went with the luxid that took them: submit it again"
    assert len(bench.secrets) == 2


def test_a_job_is_failed_after_so_many_tries() -> None:
    bench = Bench()
    error = HandOverError("its own doing")
    bench.failures = [error] * START_ATTEMPTS
    bench.launch(PLAIN, times=START_ATTEMPTS)
    assert bench.texts == [None] * (START_ATTEMPTS - 1) + [str(error)]
    assert bench.shortages == []


SHORTAGES = [
    SpawnerLostError(), ShortageError("cannot fork: Resource temporarily unavailable"), MemoryError("no memory"),
    *(OSError(number, "short") for number in (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOSPC)),
]  # fmt: skip


@pytest.mark.parametrize("error", SHORTAGES, ids=repr)
def test_while_the_machine_lacks_something_a_job_is_tried_again_for_a_bounded_time(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    bench = Bench()
    bench.failures = [error] * 500
    bench.launch(PLAIN, times=100)
    assert bench.texts == [None] * 100
    assert bench.shortages == list(range(100)), "starts are held back before the job is queued again"
    now += MAX_START_SECONDS - 1
    bench.launch(PLAIN)
    assert bench.texts[-1] is None
    now += 1
    bench.launch(PLAIN)
    assert bench.texts[-1] == f"{error}, for 60 s"


def test_an_unknown_opcode_ends_at_once_with_the_reason() -> None:
    bench = Bench()
    for name in ("OP_NO_SUCH", None):
        bench.launch(Job(3, (PLAIN.ops[0], Opcode({"OP_ID": name} if name else {}))))
    assert bench.texts == ["Unknown opcode OP_NO_SUCH", "Unknown opcode None"]
    assert bench.secrets == []


def test_a_queue_that_cannot_be_written_is_no_failure_of_the_job() -> None:
    bench = Bench()
    bench.failures = [QueueFullDiskError("No space left on device"), QueueUnknownError("Input/output error")]
    bench.launch(PLAIN, times=2)
    assert bench.events == []


def test_whatever_breaks_a_hand_over_the_job_does_not_stay_between() -> None:
    bench = Bench()
    bench.failures = [KeyError("odd")] * START_ATTEMPTS
    bench.launch(PLAIN, times=START_ATTEMPTS)
    assert bench.texts == [None] * (START_ATTEMPTS - 1) + ["'odd'"]


def test_a_hand_over_that_worked_resets_the_count() -> None:
    bench = Bench()
    bench.failures = [HandOverError("x")] * (START_ATTEMPTS - 1)
    bench.launch(PLAIN, times=START_ATTEMPTS)
    bench.failures = [HandOverError("x")]
    bench.launch(PLAIN)
    assert bench.texts == [None] * START_ATTEMPTS
