"""The LUXI socket: connections, framing, limits. `methods` decides what a request means.

Requests of one connection are answered in order. A connection is not read from while more than `PIPELINE_LIMIT`
requests, or more than `MESSAGE_LIMIT` bytes of them, wait. It may take `MESSAGE_SECONDS` to finish a message that it
began; a message that is no request is answered with a plain text, after which the connection ends. No request ends the
daemon.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from impl.limits import MAX_MESSAGE_BYTES
from impl.process.listener import Listener
from impl.wire.framing import MessageTooLongError, TimedDecoder, frame
from impl.wire.messages import encode_malformed

PIPELINE_LIMIT = 256
MESSAGE_SECONDS = 60.0
MESSAGE_LIMIT = MAX_MESSAGE_BYTES

Answer = Callable[[bytes], Awaitable[tuple[bytes, bool]]]
"""Answers one message: the payload, and whether the connection stays open."""


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, server: "LuxiServer") -> None:
        self._server = server
        self._decoder = TimedDecoder(MESSAGE_LIMIT)
        self._line: deque[bytes] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._waiting_bytes = 0
        self._ending = False
        self.paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a client in, or send it away when there are too many."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what a unix server gives
        self._transport = transport
        if not self._server.enter(self):
            text = f"too many clients ({self._server.limit}): try again later"
            transport.write(frame(encode_malformed(text)))
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """Forget the client and whatever it waits for."""
        self._server.leave(self)
        self._writable.set()
        if self._worker is not None:
            self._worker.cancel()

    def pause_writing(self) -> None:
        """Hold answers back: the client reads too slowly."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Send answers again: the client caught up."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        if self._ending:
            return
        try:
            messages = self._decoder.receive_at(data, time.monotonic())
        except MessageTooLongError as error:
            self.end_with(f"Failed to parse request: {error}")
            return
        self._line.extend(messages)
        self._waiting_bytes += sum(map(len, messages))
        if self._line and self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._work())
        full = len(self._line) > PIPELINE_LIMIT or self._waiting_bytes > MESSAGE_LIMIT
        if full and not self.paused and self._transport is not None:
            self.paused = True
            self._transport.pause_reading()

    def end_with(self, text: str) -> None:
        """Answer what is wrong with the client's stream, and close."""
        self._ending = True
        self._line.clear()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame(encode_malformed(text)))
            self._transport.close()

    async def _work(self) -> None:
        transport = self._transport
        assert transport is not None  # noqa: S101 - data came over it
        try:
            while self._line:
                request = self._line.popleft()
                self._waiting_bytes -= len(request)
                payload, stay = await self._server.answer(request)
                if transport.is_closing():
                    return
                transport.write(frame(payload))
                if not stay:
                    self._ending = True
                    transport.close()
                    return
                low = len(self._line) < PIPELINE_LIMIT // 2 and self._waiting_bytes <= MESSAGE_LIMIT // 2
                if self.paused and low:
                    self.paused = False
                    self._decoder.restart(time.monotonic())
                    transport.resume_reading()
                if not self._writable.is_set():
                    await self._writable.wait()
        finally:
            self._worker = None

    @property
    def unfinished_since(self) -> float | None:
        """Since when a message has been unfinished, by the monotonic clock."""
        return self._decoder.unfinished_since

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()


class LuxiServer:
    """The listening socket and its clients.

    Args:
        path: of the socket; made with mode 0660.
        answer: answers one message.
        limit: clients at the same time.
    """

    def __init__(self, path: str, answer: Answer, limit: int) -> None:
        self.path = path
        self.answer = answer
        self.limit = limit
        self._clients: set[Connection] = set()
        self.listener = Listener(path, 0o660, lambda: Connection(self))

    @property
    def clients(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    def enter(self, client: Connection) -> bool:
        """Let one more client in; return whether there was room."""
        if len(self._clients) >= self.limit:
            return False
        self._clients.add(client)
        return True

    def leave(self, client: Connection) -> None:
        """Forget a client that went."""
        self._clients.discard(client)

    async def start(self) -> None:
        """Listen. The socket appears under its name only when it is ready, with its final mode."""
        await self.listener.open()

    async def expire(self) -> None:
        """Send away clients that leave a message unfinished for too long."""
        while True:
            await asyncio.sleep(MESSAGE_SECONDS / 12)
            oldest = time.monotonic() - MESSAGE_SECONDS
            for client in list(self._clients):
                since = client.unfinished_since
                if since is not None and not client.paused and since < oldest:
                    client.end_with(f"Failed to parse request: no end of message within {MESSAGE_SECONDS:.0f} s")

    async def stop(self) -> None:
        """Stop listening and close all connections."""
        self.listener.stop_listening()
        for client in list(self._clients):
            client.abort()
        await asyncio.sleep(0)  # the transports close their sockets in the loop's next round
        self.listener.remove_name()
