"""Messages on a byte stream: JSON text followed by one byte 0x03, both ways. Pure: bytes in, messages out.

The decoder never holds more than `limit` bytes of an unfinished message; a longer one raises, and the decoder is
of no further use (the caller ends the connection). How long a message may take to arrive is the caller's affair:
`unfinished` tells whether a part of one is waiting.
"""

from spec.errors import GantryError

END_OF_MESSAGE = b"\x03"
DEFAULT_LIMIT = 64 << 20
"""Bytes of one message; a 10 MB configuration fits well."""


class MessageTooLongError(GantryError):
    """A message exceeds the limit; its `limit` is in bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"message exceeds {limit} bytes: send it in smaller parts")


class FrameDecoder:
    """Cuts a byte stream into messages."""

    __slots__ = ("_limit", "_parts", "_size")

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
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


def frame(payload: bytes) -> bytes:
    """The bytes that carry one message; JSON never holds a raw 0x03, so no escape is needed."""
    return payload + END_OF_MESSAGE
