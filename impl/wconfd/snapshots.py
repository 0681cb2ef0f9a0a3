"""Snapshots of the durable state in Ganeti's own formats, written behind the batches in a thread.

They are for Ganeti's tools and for administrators; the store is what counts. At most one is written at a time, and
writing takes at most a tenth of the time, whatever the size.
"""

import asyncio
import logging
import time
from collections.abc import Callable

import msgspec

from impl.paths import Root
from impl.store.files import write_atomic
from impl.store.port import Batch
from impl.wconfd.core import State
from impl.wire import wconfd as codec

_log = logging.getLogger("wconfd")
_encode = msgspec.json.Encoder().encode
MIN_INTERVAL = 1.0


class Snapshots:
    """Writes config.data, locks.data and tempres.data after the state has changed."""

    def __init__(self, root: Root, durable: Callable[[], State]) -> None:
        self._root = root
        self._durable = durable
        self._stale: set[str] = set()
        self._changed = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._write_behind())
        self._writing = asyncio.Lock()
        self.failures = 0

    def note(self, batch: Batch) -> None:
        """Note what a durable batch has changed."""
        if batch.config:
            self._stale.add("config")
        if batch.held or batch.waiting:
            self._stale.add("locks")
        if batch.reservations:
            self._stale.add("tempres")
        self._changed.set()

    async def _write_behind(self) -> None:
        while True:
            await self._changed.wait()
            start = time.monotonic()
            await self.write_now()
            await asyncio.sleep(max(MIN_INTERVAL, 9 * (time.monotonic() - start)))

    async def write_now(self, *, force: bool = False) -> None:
        """Write what is stale (with `force`: everything) and wait for it."""
        async with self._writing:
            self._changed.clear()
            stale, self._stale = self._stale, set()
            if force:
                stale = {"config", "locks", "tempres"}
            try:
                await asyncio.to_thread(self._write, self._durable(), stale)
            except OSError as error:
                self.failures += 1
                self._stale |= stale
                self._changed.set()
                _log.error("cannot write snapshots in %s (%s): will try again", self._root.state, error)

    def _write(self, state: State, stale: set[str]) -> None:
        if "config" in stale and not state.config.empty:
            write_atomic(self._root.config, state.config.text())
        if "locks" in stale:
            write_atomic(self._root.locks, _encode(codec.locks_file(state.locks)), 0o600)
        if "tempres" in stale:
            write_atomic(self._root.reservations, _encode(codec.reservations_file(state.reservations)), 0o600)

    async def close(self) -> None:
        """Write what is stale and stop."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.write_now()
