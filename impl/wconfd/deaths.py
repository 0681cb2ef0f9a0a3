"""Deaths of owners: a live-lock that can be taken, or is gone, proves its owner dead.

The look at the live-locks is blocking and runs in a thread. A dead owner's file is removed under the file's own lock,
so that a live-lock that was re-created under the same name is left alone.

Source: Ganeti 3.0.2's death detection.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterable

from impl.process.livelock import is_dead
from spec.locks.names import Owner


def find_dead(owners: Iterable[Owner], mine: str) -> list[Owner]:
    """Those of `owners` that are proved dead; `mine` is the daemon's own live-lock, which is never looked at."""
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
    """Remove a dead owner's live-lock file, if it lies in the live-locks' directory and is still nobody's."""
    if os.path.dirname(path) != directory:
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            there, ours = os.stat(path), os.fstat(descriptor)
            if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
                os.unlink(path)
        finally:
            os.close(descriptor)
