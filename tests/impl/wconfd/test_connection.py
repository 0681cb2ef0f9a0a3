"""One connection alone, between a service and a transport that the test plays."""

import asyncio
from typing import cast

import pytest

from impl.wconfd.connection import MAX_WAITING_BYTES, Connection, Slot
from impl.wire.framing import frame
from impl.wire.messages import Request, decode_answer, encode_request
from spec.errors import PeerError

BIG = b"x" * (MAX_WAITING_BYTES // 4)


class Disk:
    """A service whose answers are big and wait until they are released."""

    message_limit = 1 << 20

    def __init__(self, *, at_once: bool = False) -> None:
        self.connections: set[Connection] = set()
        self.received = memoryview(bytearray(16))
        self.waiting: list[Slot] = []
        self.served: list[object] = []
        self.at_once = at_once

    def admits(self, uid: int, gid: int) -> bool:
        return True

    def handle(self, request: Request, slot: Slot) -> None:
        self.served.append(request.args[0])
        slot.announce(len(BIG))
        if self.at_once:
            slot.fill(BIG)
        else:
            self.waiting.append(slot)


class Reader:
    """A transport that holds one write; its client reads when the test says so."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.reading, self.closed = True, False
        self.unread = 0
        self.got = 0

    def write(self, data: bytes) -> None:
        self.unread += len(data)
        self.connection.pause_writing()

    def read(self) -> None:
        self.got, self.unread = self.got + self.unread, 0
        self.connection.resume_writing()

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def close(self) -> None:
        self.closed = True


def connected(service: Disk) -> tuple[Connection, Reader]:
    connection = Connection(service)
    reader = Reader(connection)
    connection._transport = cast("asyncio.Transport", reader)
    return connection, reader


def requests(count: int) -> bytes:
    return b"".join(frame(encode_request("readConfig", (number,))) for number in range(count))


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("half_closed", [True, False])
def test_answers_that_nobody_reads_do_not_pile_up(at_once: bool, half_closed: bool) -> None:
    service = Disk(at_once=at_once)
    connection, reader = connected(service)
    connection.data_received(requests(1000))
    if half_closed:
        assert connection.eof_received()
    most = 0
    while len(service.served) < 1000 or service.waiting or reader.unread:
        held = reader.unread + len(BIG) * len(service.waiting)
        most = max(most, held)
        assert held, "it goes on until all is served"
        for slot in service.waiting[:]:
            service.waiting.remove(slot)
            slot.fill(BIG)
        reader.read()
    assert most <= 2 * MAX_WAITING_BYTES
    assert service.served == list(range(1000))
    assert reader.got == 1000 * (len(BIG) + 1)
    assert reader.closed == half_closed
    assert reader.reading or half_closed
    assert connection.waiting_bytes == 0


def test_a_request_beyond_a_limit_is_refused_and_those_after_it_are_served() -> None:
    written: list[bytes] = []

    class Transport(Reader):
        def write(self, data: bytes) -> None:
            written.append(data)

    service = Disk(at_once=True)
    connection = Connection(service)
    connection._transport = cast("asyncio.Transport", Transport(connection))
    deep = b'{"method":"m","args":' + b"[" * 70 + b"]" * 70 + b"}"
    huge = encode_request("m", (10**30,))
    connection.data_received(b"".join(map(frame, (encode_request("m", (1,)), deep, huge, encode_request("m", (2,))))))
    assert service.served == [1, 2]
    answers = b"".join(written).split(b"\x03")
    assert [answer == BIG for answer in answers] == [True, False, False, True, False]
    refusals = [decode_answer_of(answer) for answer in answers[1:3]]
    assert [error_class for error_class, _ in refusals] == ["GenericError"] * 2
    assert [text for _, (text,) in refusals] == [
        "request refused: nested deeper than 64", "request refused: a whole number of more than 19 digits",
    ]  # fmt: skip


def decode_answer_of(answer: bytes) -> tuple[str, tuple[object, ...]]:
    with pytest.raises(PeerError) as caught:
        decode_answer(answer)
    return caught.value.error_class, caught.value.arguments
