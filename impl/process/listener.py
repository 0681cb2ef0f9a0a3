"""A daemon's listening socket under its name, opened again when the name is lost; connections that are there stay."""

import asyncio
import contextlib
import os
from collections.abc import Callable

from impl.process.ground import Identity, identity_of
from impl.process.pidfile import bound_socket

BACKLOG = 1024


class Listener:
    """A listening unix socket.

    Args:
        path: its name.
        mode: permission bits.
        connection: makes the protocol of each connection.
    """

    def __init__(self, path: str, mode: int, connection: Callable[[], asyncio.BaseProtocol]) -> None:
        self.path = path
        self._mode = mode
        self._connection = connection
        self._server: asyncio.Server | None = None
        self._identity: Identity | None = None

    async def open(self) -> None:
        """Listen under the name, in place of whatever has it."""
        before = self._server
        bound = bound_socket(self.path, self._mode)
        self._identity = identity_of(self.path)
        self._server = await asyncio.get_running_loop().create_unix_server(
            self._connection, sock=bound, backlog=BACKLOG
        )
        if before is not None:
            before.close()

    @property
    def is_ours(self) -> bool:
        """Whether the name leads to this socket."""
        return self._identity is not None and identity_of(self.path) == self._identity

    def stop_listening(self) -> None:
        """Take no more connections."""
        if self._server is not None:
            self._server.close()

    def remove_name(self) -> None:
        """Remove the name, unless it is another's by now."""
        if self.is_ours:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
