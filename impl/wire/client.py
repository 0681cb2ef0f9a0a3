"""A blocking client of either socket, for job processes and tools. One request at a time, or several pipelined.

A daemon closes a connection that is idle for long. A call that finds its connection closed is made over a new one, if
it cannot have been carried out: the other end of a unix socket was closed before the request was sent (`EPIPE`), or
while a part of it was unread (`ECONNRESET`). Whatever else breaks off a call leaves its outcome unknown.
"""

import socket
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from impl.wire.framing import FrameDecoder, frame
from impl.wire.messages import decode_answer, encode_request
from spec.errors import GantryError

_CHUNK = 1 << 18


class UnreachableError(GantryError):
    """A daemon's socket cannot be reached or went away; `path` is the socket."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(
            f"no answer from {path} ({reason}): is the daemon running ('gantry cluster start' starts Gantry's), "
            "and is --root or $GANTRY_ROOT the cluster's directory?"
        )


class NotDeliveredError(UnreachableError):
    """Nobody listens, or the connection was closed before the whole request was read: nothing was carried out."""


NOT_DELIVERED = (BrokenPipeError, ConnectionResetError)
"""What the system says, on a unix socket, when the other end has not read all that was sent."""


class Client:
    """A connection to a daemon's unix socket, made again when a call finds it closed.

    Args:
        path: the socket.
        timeout: seconds that one answer may take; None waits for ever.

    Raises:
        UnreachableError: nobody listens there (also from each call, when the connection breaks).
    """

    def __init__(self, path: str, timeout: float | None = 60.0) -> None:
        self.path = path
        self._timeout = timeout
        self._connect()

    def _connect(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(self._timeout)
        self._decoder = FrameDecoder()
        self._ready: list[bytes] = []
        try:
            self._socket.connect(self.path)
        except OSError as error:
            self._socket.close()
            raise NotDeliveredError(self.path, error.strerror or str(error)) from error

    def call(self, method: str, *args: Any) -> Any:
        """Call a method and return its result.

        Raises:
            PeerError: the daemon answered an error.
            UnreachableError: the connection broke or timed out.
            NotDeliveredError: it broke, and nobody listens there now, or it broke again; nothing was carried out.
        """
        request = frame(encode_request(method, args))
        try:
            answer = self._exchange(request)
        except NotDeliveredError:
            self.close()
            self._connect()
            answer = self._exchange(request)
        return decode_answer(answer)

    def _exchange(self, request: bytes) -> bytes:
        try:
            self._send(request)
            return self._next_message()
        except UnreachableError as error:
            if isinstance(error.__cause__, NOT_DELIVERED) and not self._decoder.unfinished:
                raise NotDeliveredError(self.path, error.reason) from error.__cause__
            raise

    def call_all(self, calls: Iterable[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Send several calls at once and return their results in order; the first failed one raises at the end."""
        requests = [frame(encode_request(method, tuple(args))) for method, args in calls]
        self._send(b"".join(requests))
        answers = [self._next_message() for _ in requests]
        return [decode_answer(answer) for answer in answers]

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise UnreachableError(self.path, error.strerror or str(error)) from error

    def _next_message(self) -> bytes:
        while not self._ready:
            try:
                data = self._socket.recv(_CHUNK)
            except OSError as error:
                raise UnreachableError(self.path, error.strerror or str(error)) from error
            if not data:
                raise UnreachableError(self.path, "connection closed")
            self._ready.extend(self._decoder.receive_data(data))
        return self._ready.pop(0)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
