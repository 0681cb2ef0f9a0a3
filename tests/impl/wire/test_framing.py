import pytest

from impl.wire.framing import FrameDecoder, MessageTooLongError, TimedDecoder, frame

STREAM = frame(b'{"a":1}') + frame(b"") + frame("ä€".encode())
MESSAGES = [b'{"a":1}', b"", "ä€".encode()]


def test_fed_byte_by_byte() -> None:
    decoder = FrameDecoder()
    messages = [m for i in range(len(STREAM)) for m in decoder.receive_data(STREAM[i : i + 1])]
    assert messages == MESSAGES
    assert decoder.unfinished == 0


def test_every_cut_in_two_gives_the_same() -> None:
    for cut in range(len(STREAM) + 1):
        decoder = FrameDecoder()
        assert decoder.receive_data(STREAM[:cut]) + decoder.receive_data(STREAM[cut:]) == MESSAGES


def test_limit_holds_for_finished_and_unfinished_messages() -> None:
    assert FrameDecoder(limit=4).receive_data(b"1234\x03") == [b"1234"]
    with pytest.raises(MessageTooLongError):
        FrameDecoder(limit=4).receive_data(b"12345\x03")
    decoder = FrameDecoder(limit=4)
    decoder.receive_data(b"123")
    assert decoder.unfinished == 3
    with pytest.raises(MessageTooLongError):
        decoder.receive_data(b"45")


def test_since_when_a_message_is_unfinished() -> None:
    decoder = TimedDecoder()
    seen = []
    for now, data in enumerate([b"a", b"b", b"c\x03d", b"e", b"\x03", b"f\x03", b""]):
        decoder.receive_at(data, float(now))
        seen.append(decoder.unfinished_since)
    assert seen == [0.0, 0.0, 2.0, 2.0, None, None, None]


def test_an_unfinished_message_may_be_counted_again_and_nothing_else() -> None:
    decoder = TimedDecoder()
    decoder.restart(5.0)
    assert decoder.unfinished_since is None
    decoder.receive_at(b"a", 6.0)
    decoder.restart(7.0)
    assert decoder.unfinished_since == 7.0
