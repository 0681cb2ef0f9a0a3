"""Reading the queue again: clients are answered while tries fail."""

import asyncio
from typing import Any

import pytest

from impl.luxid import rereading
from impl.luxid.queue_errors import QueueFullDiskError
from impl.luxid.rereading import Rereading


def test_while_tries_fail_whoever_waits_gets_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rereading, "RETRY_SECONDS", 0.01)
    lines: list[str] = []
    done = asyncio.Event()
    full = True

    async def read() -> None:
        if full:
            raise OSError(28, "No space left on device")

    def log(text: str, **_: Any) -> None:
        lines.append(text)

    async def body() -> None:
        nonlocal full
        again = Rereading(read, done.set, log)
        await again.wait()  # nothing to wait for
        again.begin()
        again.begin()
        for _ in range(5):
            with pytest.raises(QueueFullDiskError, match="No space left on device"):
                await again.wait()
        full = False
        await asyncio.wait_for(done.wait(), 10)
        assert not again.active
        await again.wait()

    asyncio.run(body())
    assert lines == ["queue not readable"], "one line for one reason"


def test_whoever_waits_for_a_try_that_works_goes_on() -> None:
    async def body() -> None:
        go = asyncio.Event()

        async def read() -> None:
            await go.wait()

        again = Rereading(read, lambda: None, lambda *_, **__: None)
        again.begin()
        waiting = asyncio.create_task(again.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        go.set()
        await asyncio.wait_for(waiting, 10)

    asyncio.run(body())
