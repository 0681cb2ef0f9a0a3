"""What a daemon does about its ground: it takes its names again where they are still its own to take, or ends.

* A directory of the root is gone or was replaced: it ends at once and touches nothing more, as if it was killed.
* The pid file is gone or was replaced: it takes the name again; where another daemon holds that for long, it ends.
* The socket is gone or was replaced: it listens under the name again.

Each is logged.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

from impl.process.ground import Ground
from impl.process.listener import Listener
from impl.process.pidfile import AlreadyRunningError, PidFile

LOOK_SECONDS = 0.5
CONFLICT_SECONDS = 5.0
"""How long another process may hold the pid file: one that starts and finds the daemon at work ends by itself."""

EXIT_CODE = 3
"""Of a daemon that lost its ground."""


class Keeper:
    """Looks after one daemon's ground.

    Args:
        ground: what it cannot be without.
        pid_file: its pid file.
        listener: its socket.
        say: logs a text.
        save: called when a file of `goods` is lost while the ground is there, to end in order.
        goods: further files.
    """

    def __init__(
        self,
        ground: Ground,
        pid_file: PidFile,
        listener: Listener,
        say: Callable[[str], Any],
        save: Callable[[], Awaitable[None]] | None = None,
        goods: Ground | None = None,
    ) -> None:
        self._ground = ground
        self._pid_file = pid_file
        self._listener = listener
        self._say = say
        self._save = save
        self._goods = goods
        self._conflict: float | None = None

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Look once."""
        loss = self._ground.loss()
        if loss is not None:
            self._end(loss)
        if self._goods is not None and self._save is not None and (loss := self._goods.loss()) is not None:
            self._say(f"{loss}: what is in memory is saved, and this daemon ends")
            self._goods = None
            await self._save()
            return
        try:
            if not self._pid_file.is_ours:
                self._pid_file.take_again()
                self._say(f"{self._pid_file.path} was gone or replaced: taken again")
            self._conflict = None
            if not self._listener.is_ours:
                await self._listener.open()
                self._say(f"{self._listener.path} was gone or replaced: listening there again")
        except AlreadyRunningError:
            now = time.monotonic()
            self._conflict = self._conflict or now
            if now - self._conflict > CONFLICT_SECONDS:
                self._end(f"{self._pid_file.path} is another daemon's by now")
        except OSError as error:
            self._say(f"cannot take a name again, will try again: {error}")

    def _end(self, loss: str) -> None:
        self._say(f"{loss}: this daemon belongs to what was there before; it ends and touches nothing more")
        os._exit(EXIT_CODE)
