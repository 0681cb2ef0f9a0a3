"""Going back to what the disk has, when memory is ahead of it: the queue is read again until that works.

A disk that stays full must not make clients wait: while tries fail, requests are refused with the reason.
"""

import asyncio
from collections.abc import Awaitable, Callable

from impl.luxid.context import Log
from impl.luxid.queue_errors import QueueFullDiskError
from spec.errors import GantryError

RETRY_SECONDS = 1.0
"""Between two tries."""


class Rereading:
    """Reads the queue again, in a task.

    Args:
        read: reads it once.
        done: called when that has worked.
        log: structured log.
    """

    def __init__(self, read: Callable[[], Awaitable[None]], done: Callable[[], None], log: Log) -> None:
        self._read = read
        self._done = done
        self._log = log
        self._task: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self._reason = ""

    @property
    def active(self) -> bool:
        """Whether memory is not what the disk has."""
        return self._task is not None

    def begin(self) -> None:
        """Read the queue again from now on; returns at once."""
        if self._task is None:
            self._tried.clear()
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def wait(self) -> None:
        """Wait for the end of the try under way.

        Raises:
            QueueFullDiskError: it failed.
        """
        task = self._task
        if task is None:
            return
        waiting = asyncio.ensure_future(self._tried.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not task.done():
            raise QueueFullDiskError(self._reason)

    async def _run(self) -> None:
        try:
            while True:
                try:
                    await self._read()
                    break
                except (GantryError, OSError) as error:
                    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
                    if reason != self._reason or not self._tried.is_set():
                        self._log("queue not readable", error=str(error))
                    self._reason = reason
                    self._tried.set()
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            self._task = None
        self._done()

    def cancel(self) -> None:
        """Stop trying."""
        if self._task is not None:
            self._task.cancel()
