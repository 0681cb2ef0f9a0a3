r"""Live-lock files: a file under an fcntl record lock for the life of its owner's process.

Who can take the lock shared proves the owner dead; a missing file counts as dead too. It is a record lock (F_SETLK):
flock(2) is not seen by it, and closing *any* descriptor of the file in the owner's process drops it. So this module
opens a file of its own process only once, and `is_dead` must never be asked about a live-lock of the asking process.

Source: Ganeti 3.0.2's live-lock module, observed behaviour.

Another process asks, since a record lock never stands in its own process's way:

>>> import subprocess, sys, tempfile
>>> directory = tempfile.TemporaryDirectory()
>>> livelock = LiveLock.create(directory.name, "job_000001")
>>> ask = [sys.executable, "-c", "import sys; from impl.process.livelock import is_dead; print(is_dead(sys.argv[1]))"]
>>> subprocess.run([*ask, livelock.path], capture_output=True, text=True).stdout
'False\n'
>>> livelock.release()
>>> is_dead(livelock.path)
True
>>> directory.cleanup()
"""

import contextlib
import fcntl
import os
import time


class LiveLock:
    """A live-lock of this process, held until `release` or the process's end."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @staticmethod
    def create(directory: str, name: str) -> "LiveLock":
        """Create `<name>_<epoch>` in `directory` and take its lock; the descriptor is not inherited.

        A file of that name (left over, or of the same second) is never taken over: a later number is tried.
        """
        epoch = int(time.time())
        while True:
            path = os.path.join(directory, f"{name}_{epoch}")
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            except FileExistsError:
                epoch += 1
                continue
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return LiveLock(path, descriptor)

    def release(self) -> None:
        """Remove the file and drop the lock."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        os.close(self._descriptor)


def is_dead(path: str) -> bool:
    """Return whether the owner of the live-lock `path` is proved dead; what cannot be examined counts as alive."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
