"""Deaths of owners: seen at once where a process can be watched, at the next look at the live-locks otherwise.

An owner is dead if its live-lock can be taken or is gone; or if the process that held its live-lock under the owner's
process id has ended while we watched it. The second proof needs no file: it sees an owner whose live-lock was created
again by somebody else under the same name. A stopped process is alive; a reused process id proves nothing, because a
process is only watched if it holds the owner's live-lock when the watch begins.

Source: Ganeti 3.0.2's death detection (live-locks); the watching is ours.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import Callable, Iterable

from impl.process.livelock import is_dead, is_same_file, pidfd_of_holder, signal_holder
from spec.locks.names import Owner

MAX_WATCHED = 4096


def find_dead(owners: Iterable[Owner], mine: str) -> list[Owner]:
    """Return those of `owners` whose live-locks prove them dead; skip `mine`, the daemon's own."""
    verdicts: dict[str, bool] = {}
    dead: list[Owner] = []
    for owner in owners:
        path = owner.livelock
        if path == mine:
            continue
        if path not in verdicts:
            verdicts[path] = is_dead(path)
        if verdicts[path]:
            dead.append(owner)
    return dead


def remove_file(path: str, directory: str) -> None:
    """Remove a dead owner's live-lock file, if it lies in the live-locks' directory and nobody holds it."""
    if os.path.dirname(path) != directory:
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_same_file(path, descriptor):
                os.unlink(path)
        finally:
            os.close(descriptor)


STALE_AGE = 60.0
"""Seconds after which a live-lock file that nobody holds is stale: its owner has had the time to take the lock."""


def remove_stale(directory: str, mine: str, now: float) -> list[str]:
    """Remove the live-lock files that were left behind by processes that owned nothing; answers their paths."""
    removed: list[str] = []
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(directory)):
            with contextlib.suppress(OSError):
                old = now - entry.stat(follow_symlinks=False).st_mtime > STALE_AGE
                if old and entry.path != mine and entry.is_file(follow_symlinks=False) and is_dead(entry.path):
                    remove_file(entry.path, directory)
                    removed.append(entry.path)
    return removed


class Watch:
    """The processes of owners that are being watched, each through a descriptor that becomes readable when it ends.

    Args:
        mine: the daemon's own live-lock, never looked at.
        died: called with an owner whose process has ended.
    """

    def __init__(self, mine: str, died: Callable[[Owner], None]) -> None:
        self._mine = mine
        self._died = died
        self._descriptors: dict[Owner, int] = {}
        self._known: set[Owner] = set()

    def see(self, owner: Owner) -> None:
        """Watch an owner's process, if it is not watched yet and can be."""
        if owner in self._known or owner.livelock == self._mine:
            return
        self._known.add(owner)
        if len(self._descriptors) >= MAX_WATCHED:
            return
        descriptor = pidfd_of_holder(owner.pid, owner.livelock)
        if descriptor is None:
            return
        self._descriptors[owner] = descriptor
        asyncio.get_running_loop().add_reader(descriptor, self._ended, owner)

    def _ended(self, owner: Owner) -> None:
        self.forget(owner)
        self._died(owner)

    def signal(self, owner: Owner, number: signal.Signals) -> bool:
        """Send a signal to an owner's process, if it is proved to hold the live-lock; return whether it was sent."""
        descriptor = self._descriptors.get(owner)
        if descriptor is None:
            return signal_holder(owner.pid, owner.livelock, number)
        try:
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return False
        return True

    def forget(self, owner: Owner) -> None:
        """Watch an owner's process no more."""
        self._known.discard(owner)
        descriptor = self._descriptors.pop(owner, None)
        if descriptor is not None:
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)

    def keep_only(self, owners: set[Owner]) -> None:
        """Watch nobody but `owners`."""
        for owner in self._known - owners:
            self.forget(owner)

    @property
    def watched(self) -> int:
        """How many processes are being watched."""
        return len(self._descriptors)
