"""Signals of a job process as flags and a wake-up; each is a hint, after which the job asks for the facts.

HUP: a lock may have come; TERM: cancel; USR1: a new priority lies in the job's message file.
"""

import os
import select
import signal
from types import FrameType
from typing import Protocol


class SignalFlags(Protocol):
    """What a running job needs to know about signals."""

    cancel: bool
    reprioritise: bool

    def wait(self, seconds: float) -> None:
        """Wait for a signal, or for some seconds."""


class Signals:
    """Installed for the life of the process, before anybody knows its process id."""

    def __init__(self) -> None:
        self.cancel = False
        self.reprioritise = False
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        signal.signal(signal.SIGHUP, self._wake)
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGUSR1, self._on_usr1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    def _wake(self, _: int, __: FrameType | None) -> None:
        """Do nothing: that the call of `wait` ends is enough."""

    def _on_term(self, _: int, __: FrameType | None) -> None:
        self.cancel = True

    def _on_usr1(self, _: int, __: FrameType | None) -> None:
        self.reprioritise = True

    def wait(self, seconds: float) -> None:
        """Wait for a signal, or for some seconds."""
        ready, _, _ = select.select([self._read], [], [], seconds)
        if ready:
            os.read(self._read, 512)
