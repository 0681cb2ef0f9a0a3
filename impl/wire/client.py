"""A blocking client of either socket, for job processes and tools. One request at a time, or several pipelined."""

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


class Client:
    """One connection to a daemon's unix socket.

    Args:
        path: the socket.
        timeout: seconds that one answer may take; None waits for ever.

    Raises:
        UnreachableError: nobody listens there (also from each call, when the connection breaks).
    """

    def __init__(self, path: str, timeout: float | None = 60.0) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        self._decoder = FrameDecoder()
        self._ready: list[bytes] = []
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise UnreachableError(path, error.strerror or str(error)) from error

    def call(self, method: str, *args: Any) -> Any:
        """Call a method and return its result.

        Raises:
            PeerError: the daemon answered an error.
            UnreachableError: the connection broke or timed out.
        """
        self._send(frame(encode_request(method, args)))
        return decode_answer(self._next_message())

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
