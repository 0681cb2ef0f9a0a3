"""wconfd is asked until it answers, by one task at a time."""

import asyncio
from typing import Any

import pytest

from impl.luxid.lock_cleaning import LockCleaner
from impl.wire.client import UnreachableError
from spec.errors import PeerError


@pytest.mark.parametrize(
    ("answers", "calls"), [([None], 1), ([UnreachableError("/s", "away"), None], 2), ([PeerError("X", ())], 1)]
)
def test_it_is_asked_until_it_answers(answers: list[Exception | None], calls: int) -> None:
    asked = 0

    class Wconfd:
        async def call(self, method: str) -> Any:
            nonlocal asked
            asked += 1
            assert method == "cleanupLocks"
            answer = answers[asked - 1]
            if answer is not None:
                raise answer

    async def body() -> None:
        tasks: list[asyncio.Task[Any]] = []
        cleaner = LockCleaner(
            Wconfd(),  # type: ignore[arg-type]
            lambda work: tasks.append(asyncio.create_task(work)),
            lambda *_, **__: None,
        )
        for _ in range(3):
            cleaner.clean()
        await asyncio.wait_for(asyncio.gather(*tasks), 10)
        assert len(tasks) == 1

    asyncio.run(body())
    assert asked == calls
