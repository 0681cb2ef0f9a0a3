"""Each error says what became of the request, and what to do."""

import pytest

from impl.luxid.queue_errors import (
    FaultError,
    JobIdTakenError,
    QueueFullDiskError,
    QueueRefusedError,
    QueueUnknownError,
    SerialLostError,
)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (QueueFullDiskError("No space"), "make room or repair the disk"),
        (JobIdTakenError("/q/job-4"), "/q/job-4 is there already"),
        (SerialLostError("/q/serial", 12), "highest in use is 12"),
        (FaultError("KeyError()"), "nothing of it was done"),
    ],
)
def test_a_refusal_says_that_nothing_was_done_and_what_to_do(error: Exception, words: str) -> None:
    assert isinstance(error, QueueRefusedError)
    assert words in str(error)


def test_what_is_unknown_is_no_refusal() -> None:
    error = QueueUnknownError("Input/output error")
    assert not isinstance(error, QueueRefusedError)
    assert "unknown whether this was done" in str(error)
