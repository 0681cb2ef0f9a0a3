"""Making wconfd look for dead owners of locks, until it answers."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from impl.luxid.context import Log
from impl.luxid.wconfd import Wconfd
from impl.wire.client import UnreachableError
from spec.errors import PeerError


class LockCleaner:
    """Asks wconfd, in one task at a time.

    Args:
        wconfd: whom to ask.
        spawn: runs a coroutine as a task of the daemon's.
        log: structured log.
    """

    def __init__(self, wconfd: Wconfd, spawn: Callable[[Coroutine[Any, Any, Any]], None], log: Log) -> None:
        self._wconfd = wconfd
        self._spawn = spawn
        self._log = log
        self._cleaning = False

    def clean(self) -> None:
        """Make wconfd look for dead owners of locks; asks again until it answers."""
        if not self._cleaning:
            self._cleaning = True
            self._spawn(self._clean())

    async def _clean(self) -> None:
        while True:
            try:
                self._cleaning = False  # a death from here on needs another round
                await self._wconfd.call("cleanupLocks")
            except UnreachableError:
                self._cleaning = True
                await asyncio.sleep(0.2)
            except PeerError as error:
                self._log("cleanupLocks refused", error=str(error))
                return
            else:
                return
