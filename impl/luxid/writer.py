"""The thread that writes the queue: commits wait in a line, and all that wait are made durable together.

The line is strict: what was handed in first is on disk first. While one commit is being synced the next ones gather, so
the number of syncs follows the disk and not the number of jobs. After a failure all that follows fails too, as it was
decided as if what failed had happened, until `mend`.
"""

import asyncio
import contextlib
import functools
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from impl.luxid.journal import Entry
from impl.luxid.queue_errors import QueueFullDiskError
from impl.luxid.store import QueueStore

BATCH_LIMIT = 2_000
"""Jobs in one record."""


class _Commit:
    __slots__ = ("entries", "future", "serial")

    def __init__(self, entries: Sequence[Entry], serial: int | None, future: asyncio.Future[None]) -> None:
        self.entries = entries
        self.serial = serial
        self.future = future


class _Call:
    __slots__ = ("function", "future")

    def __init__(self, function: Callable[[], Any], future: asyncio.Future[Any]) -> None:
        self.function = function
        self.future = future


class Writer:
    """Runs a store's writing methods in order, in a thread of its own."""

    def __init__(self, store: QueueStore, loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._loop = loop
        self._line: deque[_Commit | _Call] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._pending = 0
        self._last: asyncio.Future[Any] | None = None
        self._thread = threading.Thread(target=self._run, name="queue-writer", daemon=True)
        self._settling: threading.Thread | None = None
        self._broken: Exception | None = None
        self._thread.start()

    @property
    def broken(self) -> bool:
        """Whether something failed, so that memory may be ahead of the disk."""
        return self._broken is not None

    def mend(self) -> None:
        """Take work again after a failure: the caller has read the disk again."""
        self._broken = None

    def commit(self, entries: Sequence[Entry], serial: int | None = None) -> asyncio.Future[None]:
        """Hand in job contents; the future ends when they are durable, or with the error."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._put(_Commit(entries, serial, future))
        return future

    def call(self, function: Callable[[], Any]) -> asyncio.Future[Any]:
        """Hand in any other work on the store, in order with the commits."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self._put(_Call(function, future))
        return future

    def _put(self, item: _Commit | _Call) -> None:
        self._pending += 1
        self._last = item.future
        with self._wake:
            self._line.append(item)
            self._wake.notify()

    async def wait_until_written(self) -> None:
        """Wait until all that was handed in so far is done, well or not."""
        if self._pending and self._last is not None:
            await asyncio.wait([self._last])

    def _take(self) -> list[_Commit] | _Call | None:
        with self._wake:
            while not self._line:
                if self._stopping:
                    return None
                self._wake.wait()
            first = self._line.popleft()
            if isinstance(first, _Call):
                return first
            commits = [first]
            size = len(first.entries)
            while self._line and isinstance(self._line[0], _Commit) and size < BATCH_LIMIT:
                following = self._line.popleft()
                assert isinstance(following, _Commit)  # noqa: S101 - looked at above
                commits.append(following)
                size += len(following.entries)
            return commits

    def _run(self) -> None:
        while (work := self._take()) is not None:
            if isinstance(work, _Call):
                self._attempt(work.function, [work.future])
                continue
            entries = [entry for commit in work for entry in commit.entries]
            serial = max((commit.serial for commit in work if commit.serial is not None), default=None)
            self._attempt(functools.partial(self._store.commit, entries, serial), [commit.future for commit in work])
            if self._store.journal_grown and (self._settling is None or not self._settling.is_alive()):
                self._rotate()

    def _attempt(self, function: Callable[[], Any], futures: Sequence[asyncio.Future[Any]]) -> None:
        result, error = None, self._broken
        if error is None:
            try:
                result = function()
            except Exception as caught:  # noqa: BLE001 - it belongs to those who wait
                error = caught
                # of what follows it is certain that nothing was done
                reason = getattr(caught, "reason", None) or getattr(caught, "strerror", None) or repr(caught)
                self._broken = QueueFullDiskError(str(reason))
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._finish, futures, result, error)

    def _finish(self, futures: Sequence[asyncio.Future[Any]], result: Any, error: Exception | None) -> None:
        self._pending -= len(futures)
        for future in futures:
            if future.done():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
                future.exception()  # whoever waits gets it; nobody need wait

    def _rotate(self) -> None:
        number, ids = self._store.rotate()
        self._settling = threading.Thread(target=self._settle, args=(number, ids), name="queue-settler", daemon=True)
        self._settling.start()

    def _settle(self, number: int, ids: tuple[int, ...]) -> None:
        with contextlib.suppress(OSError):  # the journal stays, and is replayed at the next start
            self._store.settle(number, ids)

    def close(self) -> None:
        """Finish the line, then give the store up; blocks."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()
        if self._settling is not None:
            self._settling.join()
        self._store.close()
