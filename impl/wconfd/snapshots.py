"""Snapshots of the durable state in Ganeti's own formats, written behind the batches in a thread.

They are for Ganeti's tools and for administrators; the store is what counts. At most one is written at a time, and
writing takes at most a tenth of the time, whatever the size.

A config.data that somebody else has written meanwhile is noticed within seconds, and never overwritten unread: one with
a newer serial number than ours is an administrator's and is handed over to be taken in; one that cannot be read is set
aside; one of another version's format is left alone; any other one is replaced by ours. Each is logged.
"""

import asyncio
import logging
import time
from collections.abc import Callable

import msgspec

from impl.config.errors import ConfigurationError
from impl.config.model import TOP, Config, parse
from impl.config.version import VersionError, check_version
from impl.files import Signature, set_aside, signature_of, write_file
from impl.paths import Root
from impl.process.ground import Ground
from impl.store.port import Batch
from impl.wconfd.core import State
from impl.wire import wconfd as codec

_log = logging.getLogger("wconfd")
_encode = msgspec.json.Encoder().encode
MIN_INTERVAL = 1.0


class Snapshots:
    """Writes config.data, locks.data and tempres.data after the state has changed.

    Args:
        root: where they lie.
        durable: asked for the state.
        take_in: given an administrator's newer configuration; answers whether it could be taken in now.
        ground: what must be there for anything to be written.
    """

    def __init__(
        self,
        root: Root,
        durable: Callable[[], State],
        take_in: Callable[[Config], bool],
        ground: Ground | None = None,
    ) -> None:
        self._ground = ground or Ground((root.state,))
        self._root = root
        self._durable = durable
        self._take_in = take_in
        self._mine = signature_of(root.config)
        self._foreign: Signature | None = None
        self._stale: set[str] = set()
        self._changed = asyncio.Event()
        if self._mine is None and not durable().config.empty:
            self._stale.add("config")
            self._changed.set()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._write_behind()), loop.create_task(self._look_for_others())]
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

    async def _look_for_others(self) -> None:
        """Notice that somebody else has written config.data: what to do about it is decided where it is written."""
        while True:
            await asyncio.sleep(MIN_INTERVAL)
            if signature_of(self._root.config) != self._mine and not self._durable().config.empty:
                self._stale.add("config")
                self._changed.set()

    async def write_now(self, *, force: bool = False) -> None:
        """Write what is stale (with `force`: everything) and wait for it."""
        async with self._writing:
            self._changed.clear()
            stale, self._stale = self._stale, set()
            if force:
                stale = {"config", "locks", "tempres"}
            try:
                newer = await asyncio.to_thread(self._write, self._durable(), stale)
                if newer is not None and not self._take_in(newer):
                    self._stale.add("config")
                    self._changed.set()
            except OSError as error:
                self.failures += 1
                self._stale |= stale
                self._changed.set()
                _log.error("cannot write snapshots in %s (%s): will try again", self._root.state, error)

    def _write(self, state: State, stale: set[str]) -> Config | None:
        """Write what is stale; answers an administrator's newer configuration, which is left alone."""
        newer: Config | None = None
        self._ground.require_now()
        if "config" in stale and not state.config.empty:
            newer = self._newer_one(state.config.serial)
            if newer is None and self._foreign is None:
                write_file(self._root.config, state.config.text())
                self._mine = signature_of(self._root.config)
        if "locks" in stale:
            write_file(self._root.locks, _encode(codec.locks_file(state.locks)), mode=0o600)
        if "tempres" in stale:
            write_file(self._root.reservations, _encode(codec.reservations_file(state.reservations)), mode=0o600)
        return newer

    def _newer_one(self, serial: int) -> Config | None:
        """Read the config.data that somebody else has written; None unless its serial number is newer than ours."""
        path = self._root.config
        signature = signature_of(path)
        if signature == self._mine:
            return None
        self._foreign = None
        try:
            with open(path, "rb") as file:
                found = parse(file.read())
            check_version(found.get(TOP, "version"), path)
        except VersionError as error:
            self._mine = self._foreign = signature
            _log.error("%s", error)
            return None
        except FileNotFoundError:
            _log.warning("%s is gone: writing it again", path)
            return None
        except ConfigurationError as error:
            _log.warning("%s was changed and cannot be read (%s): keeping it as %s", path, error, set_aside(path))
            return None
        if found.serial > serial:
            return found
        _log.warning(
            "%s was changed, but its serial number %d is not newer than our %d: replacing it by ours",
            path, found.serial, serial,
        )  # fmt: skip
        return None

    async def close(self) -> None:
        """Write what is stale and stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.write_now()
