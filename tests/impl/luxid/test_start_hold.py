"""Starts are held back for growing pauses."""

import asyncio

import pytest

from impl.luxid import start_hold
from impl.luxid.start_hold import StartHold


def test_pauses_grow_until_a_start_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_hold, "START_PAUSES", (0.01, 0.02, 0.03))

    async def body() -> None:
        pauses: list[float] = []
        ended = asyncio.Event()
        changes: list[bool] = []

        def changed() -> None:
            changes.append(hold.active)
            if not hold.active:
                ended.set()

        loop = asyncio.get_running_loop()
        later = loop.call_later

        def call_later(pause: float, *work: object) -> asyncio.TimerHandle:
            pauses.append(pause)
            return later(pause, *work)  # type: ignore[arg-type]

        monkeypatch.setattr(loop, "call_later", call_later)
        hold = StartHold(changed)
        for number in range(5):
            if number == 4:
                hold.note_start()
            ended.clear()
            hold.note_shortage()
            hold.note_shortage()  # of the same round
            await asyncio.wait_for(ended.wait(), 10)
        assert [pause for pause in pauses if pause < 1] == [0.01, 0.02, 0.03, 0.03, 0.01]
        assert changes == [True, False] * 5

    asyncio.run(body())
