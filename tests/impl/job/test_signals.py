"""Signals of a job process: each wakes it, two leave a flag, and two do nothing."""

import os
import signal
from collections.abc import Iterator

import pytest

from impl.job.signals import Signals

CAUGHT = (signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGINT, signal.SIGPIPE)


@pytest.fixture
def signals() -> Iterator[Signals]:
    """Signals of this process, put back afterwards."""
    before = {number: signal.getsignal(number) for number in CAUGHT}
    made = Signals()
    yield made
    signal.set_wakeup_fd(-1)
    for number, handler in before.items():
        signal.signal(number, handler)
    os.close(made._read)
    os.close(made._write)


@pytest.mark.parametrize(
    ("number", "flags"),
    [(signal.SIGHUP, (False, False)), (signal.SIGTERM, (True, False)), (signal.SIGUSR1, (False, True))],
)
@pytest.mark.timeout(10)
def test_a_signal_wakes_and_leaves_its_flag(signals: Signals, number: int, flags: tuple[bool, bool]) -> None:
    signal.raise_signal(number)
    signals.wait(3600)  # returns at once
    assert (signals.cancel, signals.reprioritise) == flags


@pytest.mark.timeout(10)
def test_many_signals_wake_once(signals: Signals) -> None:
    for _ in range(5):
        signal.raise_signal(signal.SIGHUP)
    signals.wait(3600)
    with pytest.raises(BlockingIOError):
        os.read(signals._read, 1)
    signals.wait(0)


def test_interrupts_and_broken_pipes_are_ignored(signals: Signals) -> None:
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGPIPE)
    assert (signals.cancel, signals.reprioritise) == (False, False)
