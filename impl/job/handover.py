"""The job's half of the hand-over: live-lock out, confirmation in, secrets in. `impl.luxid.handover` has the order.

The messages are framed as on the sockets. Until the confirmation has come the job is luxid's, and this process must
not touch its file.
"""

import contextlib
import json
import os
from typing import Any

from impl.files import write_all
from impl.wire.framing import FrameDecoder, frame
from spec.errors import GantryError

_CHUNK = 1 << 16


class NotConfirmedError(GantryError):
    """luxid ended the hand-over before it confirmed it: the job is not ours."""

    def __init__(self) -> None:
        super().__init__("luxid did not confirm the hand-over: it will start the job again")


class Channel:
    """Framed messages over two descriptors, or twice the same one."""

    def __init__(self, receive: int, send: int) -> None:
        self._receive = receive
        self._send = send
        self._decoder = FrameDecoder()
        self._ready: list[bytes] = []

    def call(self, payload: bytes) -> bytes:
        """Send one message and return the answer.

        Raises:
            NotConfirmedError: the other side went away.
        """
        try:
            write_all(self._send, frame(payload))
            while not self._ready:
                data = os.read(self._receive, _CHUNK)
                if not data:
                    raise NotConfirmedError
                self._ready.extend(self._decoder.receive_data(data))
        except OSError:
            raise NotConfirmedError from None
        return self._ready.pop(0)

    def refuse(self, reason: str) -> None:
        """Send why this process cannot take the job over, in place of a live-lock."""
        with contextlib.suppress(OSError):
            write_all(self._send, frame(f"!{reason}".encode()))

    def close(self) -> None:
        """Close both descriptors."""
        for descriptor in {self._receive, self._send}:
            os.close(descriptor)


def take_over(channel: Channel, livelock: str) -> list[dict[str, Any] | None]:
    """Send luxid our live-lock, wait for its confirmation, and get the secret parameters of each opcode.

    Raises:
        NotConfirmedError: luxid went away before it confirmed.
    """
    channel.call(livelock.encode())
    try:
        answer = channel.call(b"")
    except NotConfirmedError:
        return []  # confirmed, but luxid died before the secrets: run without; who needs them says so
    return json.loads(answer) or [] if answer else []
