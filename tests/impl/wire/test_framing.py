import pytest

from impl.wire.framing import FrameDecoder, MessageTooLongError, frame

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
