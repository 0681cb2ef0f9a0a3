"""Who waits for news of which job."""

import asyncio
import contextlib
from collections import defaultdict


class Waiters:
    """Futures by job; waking a job wakes all that wait for it."""

    def __init__(self) -> None:
        self._by_job: dict[int, set[asyncio.Future[None]]] = defaultdict(set)
        self.count = 0

    def subscribe(self, job_id: int) -> "asyncio.Future[None]":
        """Return a future that ends with the job's next news; give it back with `leave`."""
        future = asyncio.get_running_loop().create_future()
        self._by_job[job_id].add(future)
        self.count += 1
        return future

    def leave(self, job_id: int, future: "asyncio.Future[None]") -> None:
        """Wait no longer."""
        waiting = self._by_job.get(job_id)
        if waiting is not None and future in waiting:
            waiting.discard(future)
            self.count -= 1
            if not waiting:
                del self._by_job[job_id]

    def wake(self, job_id: int) -> None:
        """Wake all who wait for news of a job."""
        waiting = self._by_job.pop(job_id, None)
        if waiting is None:
            return
        self.count -= len(waiting)
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def wait(self, job_id: int, seconds: float) -> bool:
        """Wait for news of a job; whether there was any in time."""
        future = self.subscribe(job_id)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await future
                    return True
            return False
        finally:
            self.leave(job_id, future)
