"""One client's connection: frames in, answers out in the order of the requests, bounds kept.

A connection is ended when its client may not talk to us, sends what is no message, sends a message too long, takes too
long to complete one, or is idle for too long. While its answers pile up it is not read from, and what it has sent
already is not served.
"""

import asyncio
import socket
import struct
import time
from collections import deque
from typing import Any, Protocol, cast

from impl.limits import LimitError
from impl.wire.framing import MessageTooLongError, TimedDecoder, frame
from impl.wire.messages import MalformedMessageError, Request, decode_request, encode_error, encode_malformed


class Slot:
    """The place of one answer in a connection's order of answers."""

    __slots__ = ("connection", "data", "size")

    def __init__(self, connection: "Connection") -> None:
        self.connection = connection
        self.data: bytes | None = None
        self.size = 0

    def announce(self, size: int) -> None:
        """Note how many bytes the answer has, which waits for the disk."""
        self.size = size
        self.connection.waiting_bytes += size

    def fill(self, answer: bytes) -> None:
        """Give the answer; it is sent when all before it were."""
        self.put(answer)
        self.connection.flush()

    def put(self, answer: bytes) -> None:
        """Give the answer, which is sent when the connection is flushed next."""
        self.data = frame(answer)

    @property
    def gone(self) -> bool:
        """Whether nobody is there any more to read the answer."""
        return self.connection.closed


class Service(Protocol):
    """What a connection talks to.

    Attributes:
        message_limit: bytes of one message.
        received: what was just received, on any of its connections: the loop fills it and hands it over in one go.
            (For a protocol that is not buffered it allocates as much at each read: ten times a read's own cost.)
        connections: those that are open.
    """

    message_limit: int
    received: memoryview
    connections: "set[Connection]"

    def admits(self, uid: int, gid: int) -> bool:
        """Return whether a client of this user and group may talk to us."""

    def handle(self, request: Request, slot: Slot) -> None:
        """Serve a request; its answer goes into the slot, now or later."""


RECEIVED_AT_ONCE = 1 << 18
"""Bytes of a service's buffer for what it receives."""

MAX_WAITING_ANSWERS = 4096
"""Answers that may wait on one connection before it is no longer read from."""
MAX_WAITING_BYTES = 1 << 20
"""Bytes of answers that may wait on one connection before no further request of it is served."""


def peer_credentials(connected: socket.socket) -> tuple[int, int, int]:
    """Return the process, user and group id of a unix socket's other end."""
    size = struct.calcsize("3i")
    pid, uid, gid = struct.unpack("3i", connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return pid, uid, gid


class Connection(asyncio.BufferedProtocol):
    """The protocol of one connection."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._decoder = TimedDecoder(service.message_limit)
        self._slots: deque[Slot] = deque()
        self._unserved: deque[bytes] = deque()
        self._ended = False
        self.waiting_bytes = 0
        self._transport: asyncio.Transport | None = None
        self._ending = False
        self._serving = False
        self.held_back = False
        self._write_held_back = False
        self.closed = False
        self.last_message = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Check who it is."""
        connected = cast("asyncio.Transport", transport)
        self._transport = connected
        _, uid, gid = peer_credentials(connected.get_extra_info("socket"))
        if not self._service.admits(uid, gid):
            connected.write(frame(encode_malformed(f"user {uid} may not use this socket")))
            connected.close()
            self._ending = True
            return
        self._service.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Forget it; what its requests changed stays."""
        self.closed = True
        self._service.connections.discard(self)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """Return the buffer into which the loop puts what it receives."""
        return self._service.received

    def buffer_updated(self, nbytes: int) -> None:
        """Take what the loop received."""
        self.data_received(bytes(self._service.received[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Serve the requests that `data` completes."""
        if self._ending:
            return
        now = time.monotonic()
        try:
            messages = self._decoder.receive_at(data, now)
        except MessageTooLongError as error:
            self.end(encode_malformed(f"Failed to parse request: {error}"))
            return
        if messages:
            self.last_message = now
            self._unserved.extend(messages)
            self._serve()

    def _serve(self) -> None:
        """Serve what came while answers find room; those that are answered on the spot are answered in one go."""
        while self._unserved and not self._ending and not self._full():
            self._serving = True
            try:
                while self._unserved and not self._full():
                    slot = Slot(self)
                    self._slots.append(slot)
                    self._decode(self._unserved.popleft(), slot)
            except MalformedMessageError as error:
                self._ending = True
                slot.put(encode_malformed(f"Failed to parse request: {error.reason}"))
            finally:
                self._serving = False
                self.flush()

    def _decode(self, message: bytes, slot: Slot) -> None:
        try:
            request = decode_request(message)
        except LimitError as error:
            slot.put(refusal("GenericError", f"request refused: {error}"))
        else:
            self._service.handle(request, slot)

    def end(self, last_words: bytes) -> None:
        """Answer one last thing after everything else, and close."""
        if self._ending:
            return
        self._ending = True
        slot = Slot(self)
        self._slots.append(slot)
        slot.fill(last_words)

    def stop_reading(self) -> None:
        """Take no more requests; what was asked for is still answered."""
        self._ending = True
        self.flush()

    def abort(self) -> None:
        """Close at once."""
        self._ending = True
        if self._transport is not None:
            self._transport.abort()

    @property
    def unfinished_since(self) -> float | None:
        """Since when a message has been unfinished, by the monotonic clock."""
        return self._decoder.unfinished_since

    @property
    def waiting(self) -> bool:
        """Whether a request of this connection is being served."""
        return bool(self._slots)

    def flush(self) -> None:
        """Send the answers that are ready, in order."""
        if self._serving:
            return
        slots = self._slots
        ready: list[bytes] = []
        while slots and (data := slots[0].data) is not None:
            self.waiting_bytes -= slots.popleft().size
            ready.append(data)
        if self._transport is None or self.closed:
            return
        if ready:
            self._transport.write(b"".join(ready))
        if not slots and (self._ending or (self._ended and not self._unserved)):
            self._transport.close()
        elif self.held_back or self._full():
            self._regulate()

    def pause_writing(self) -> None:
        """Stop reading from the client: it reads slowly."""
        self._write_held_back = True
        self._regulate()

    def resume_writing(self) -> None:
        """Read from the client again: it has caught up."""
        self._write_held_back = False
        self._regulate()

    def _full(self) -> bool:
        """Return whether the client's answers have piled up."""
        many = len(self._slots) > MAX_WAITING_ANSWERS or self.waiting_bytes > MAX_WAITING_BYTES
        return many or self._write_held_back

    def _regulate(self) -> None:
        hold_back = self._full()
        if hold_back != self.held_back and self._transport is not None and not self.closed:
            self.held_back = hold_back
            if hold_back:
                if not self._ended:
                    self._transport.pause_reading()
            else:
                self._decoder.restart(time.monotonic())
                if not self._ended:
                    self._transport.resume_reading()
                self._serve()

    def eof_received(self) -> bool:
        """Keep the connection open until all that the client asked is answered: it sends no more."""
        self._ended = True
        return bool(self._slots or self._unserved)


def refusal(error_class: str, *arguments: Any) -> bytes:
    """Encode the answer to a call that is refused."""
    return encode_error(error_class, *arguments)
