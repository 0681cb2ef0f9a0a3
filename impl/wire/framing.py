r"""Messages on a byte stream: JSON text followed by one byte 0x03, both ways. Pure: bytes in, messages out.

The decoder never holds more than `limit` bytes of an unfinished message; a longer one raises, and the decoder is
of no further use: the caller ends the connection. The caller also decides how long a message may take to arrive;
`unfinished` says whether a part of one is waiting.

A stream comes in pieces of any size:

>>> decoder = FrameDecoder()
>>> frame(b"{}")
b'{}\x03'
>>> decoder.receive_data(b'{"a":1}\x03{"b"')
[b'{"a":1}']
>>> decoder.unfinished
4
>>> decoder.receive_data(b':2}\x03')
[b'{"b":2}']
"""

from impl.limits import MAX_MESSAGE_BYTES
from spec.errors import GantryError

END_OF_MESSAGE = b"\x03"


class MessageTooLongError(GantryError):
    """A message exceeds the limit; its `limit` is in bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"message exceeds {limit} bytes: send it in smaller parts")


class FrameDecoder:
    """Cuts a byte stream into messages."""

    __slots__ = ("_limit", "_parts", "_size")

    def __init__(self, limit: int = MAX_MESSAGE_BYTES) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def receive_data(self, data: bytes) -> list[bytes]:
        """Take bytes from the stream and return the messages that they complete, in order.

        Raises:
            MessageTooLongError: a message, finished or not, is longer than the limit.
        """
        if (
            not self._parts and 0 < data.find(END_OF_MESSAGE) + 1 == len(data) <= self._limit
        ):  # one whole message, mostly
            return [data[:-1]]
        *ends, rest = data.split(END_OF_MESSAGE)
        messages: list[bytes] = []
        for end in ends:
            self._append(end)
            messages.append(b"".join(self._parts))
            self._parts, self._size = [], 0
        if rest:
            self._append(rest)
        return messages

    def _append(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            raise MessageTooLongError(self._limit)
        self._parts.append(part)

    @property
    def unfinished(self) -> int:
        """Bytes of the message that has begun and not ended."""
        return self._size


class TimedDecoder(FrameDecoder):
    """A decoder that knows since when a message has been unfinished; times come from the caller."""

    __slots__ = ("unfinished_since",)

    def __init__(self, limit: int = MAX_MESSAGE_BYTES) -> None:
        super().__init__(limit)
        self.unfinished_since: float | None = None

    def receive_at(self, data: bytes, now: float) -> list[bytes]:
        """Take bytes that came at `now`, as `receive_data` does."""
        messages = self.receive_data(data)
        if not self._size:
            self.unfinished_since = None
        elif messages or self.unfinished_since is None:
            self.unfinished_since = now
        return messages

    def restart(self, now: float) -> None:
        """Count from `now`: the rest of a message could not arrive while nobody read."""
        if self.unfinished_since is not None:
            self.unfinished_since = now


def frame(payload: bytes) -> bytes:
    """Return the bytes that carry one message; JSON never holds a raw 0x03, so no escape is needed."""
    return payload + END_OF_MESSAGE
