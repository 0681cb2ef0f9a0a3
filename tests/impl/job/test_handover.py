"""The job's half of the hand-over, against luxid's half as messages."""

import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from impl.job.handover import Channel, NotConfirmedError, take_over
from impl.wire.framing import FrameDecoder, frame


def hand_over(answers: Sequence[bytes]) -> tuple[Callable[[], Any], list[bytes], threading.Thread]:
    """A job's half, what luxid's half receives, and luxid's half: it answers so many messages and hangs up."""
    ours, theirs = socket.socketpair()
    received: list[bytes] = []

    def luxid() -> None:
        decoder = FrameDecoder()
        waiting: list[bytes] = []
        with ours:
            for answer in answers:
                while not waiting:
                    data = ours.recv(3)
                    if not data:
                        return
                    waiting += decoder.receive_data(data)
                received.append(waiting.pop(0))
                ours.sendall(frame(answer))

    thread = threading.Thread(target=luxid)
    thread.start()
    descriptor = theirs.detach()
    channel = Channel(descriptor, descriptor)

    def take() -> Any:
        try:
            return take_over(channel, "/livelocks/job_000007")
        finally:
            channel.close()

    return take, received, thread


@pytest.mark.parametrize(
    ("secrets", "found"), [(b'[{"key": "v"}, null]', [{"key": "v"}, None]), (b"null", []), (b"", []), (b"[]", [])]
)
def test_live_lock_out_confirmation_and_secrets_in(secrets: bytes, found: list[Any]) -> None:
    take, received, thread = hand_over([b"", secrets])
    assert take() == found
    thread.join(30)
    assert received == [b"/livelocks/job_000007", b""]


def test_without_a_confirmation_the_job_is_not_ours() -> None:
    take, _, thread = hand_over([])
    with pytest.raises(NotConfirmedError, match="it will start the job again"):
        take()
    thread.join(30)


def test_a_luxid_that_dies_after_the_confirmation_leaves_a_job_without_secrets() -> None:
    take, received, thread = hand_over([b""])
    assert take() == []
    thread.join(30)
    assert received[0] == b"/livelocks/job_000007"
