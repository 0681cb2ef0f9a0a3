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
import signal
import struct
import time

_FLOCK = struct.Struct("@hhqqi4x")


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
            fcntl.lockf(descriptor, fcntl.LOCK_EX)  # whoever looks whether we are dead has it for a moment
            if is_same_file(path, descriptor):
                return LiveLock(path, descriptor)
            os.close(descriptor)  # taken for a dead owner's before it was locked, and removed

    def release(self) -> None:
        """Remove the file, unless its name is another's by now, and drop the lock."""
        if is_same_file(self.path, self._descriptor):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
        os.close(self._descriptor)


def is_same_file(path: str, descriptor: int) -> bool:
    """Return whether a path still names the file that is open."""
    try:
        named = os.stat(path, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return os.path.samestat(named, os.fstat(descriptor))


def is_dead(path: str) -> bool:
    """Return whether the owner of the live-lock `path` is proved dead; what cannot be examined counts as alive."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def livelock_holder(path: str) -> int | None:
    """Return the process id that holds a live-lock; None if nobody does or it is not known."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    except (OSError, struct.error):
        return None
    finally:
        os.close(descriptor)
    return None if kind == fcntl.F_UNLCK else pid


def pidfd_of_holder(pid: int, path: str) -> int | None:
    """Open a pidfd of a live-lock's holder, for the caller to close; None if that is not proved to be `pid`.

    Whatever number a file or a message gives (-1, 1, a stranger's), no other process is meant by it: the lock is asked
    for after the process was opened, so the id was not reused.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except (OSError, OverflowError):
        return None
    if livelock_holder(path) == pid != os.getpid():
        return descriptor
    os.close(descriptor)
    return None


def signal_holder(pid: int, path: str, number: signal.Signals) -> bool:
    """Send a signal to the process `pid` if it holds a live-lock; returns whether it was sent."""
    descriptor = pidfd_of_holder(pid, path)
    if descriptor is None:
        return False
    try:
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True
