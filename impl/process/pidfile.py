"""What a daemon claims before it serves a root: its pid file, locked for as long as it runs, and its socket.

The lock makes sure that no second daemon takes the socket away from one that serves. It is a record lock: closing any
descriptor of the pid file in the daemon's own process would drop it, so nothing but this module opens it there. The
file is removed while it is locked; who locks it after that has a file without a name, sees that, and takes the next
one.
"""

import contextlib
import fcntl
import os
import socket
from types import TracebackType
from typing import Self

from impl.paths import Root
from impl.process.livelock import is_same_file
from spec.errors import GantryError


class AlreadyRunningError(GantryError):
    """Another daemon of this name serves this root; `pid_file` names it."""

    def __init__(self, daemon: str, pid_file: str) -> None:
        self.daemon = daemon
        self.pid_file = pid_file
        super().__init__(f"another {daemon} serves this root (see {pid_file}): stop it first")


class PidFile:
    """A daemon's pid file, written and locked within a `with` block, or until the process's end."""

    def __init__(self, daemon: str, path: str) -> None:
        self.path = path
        self._daemon = daemon
        self._descriptor = _take(daemon, path)

    @staticmethod
    def take(root: Root, daemon: str) -> "PidFile":
        """Take a daemon's pid file for this process.

        Raises:
            AlreadyRunningError: another process has it.
        """
        return PidFile(daemon, root.pid_file(daemon))

    @property
    def is_ours(self) -> bool:
        """Whether the name still leads to the file that this process has locked."""
        return is_same_file(self.path, self._descriptor)

    def take_again(self) -> None:
        """Take the name again after it was lost.

        Raises:
            AlreadyRunningError: another process has it by now.
        """
        before, self._descriptor = self._descriptor, _take(self._daemon, self.path)
        os.close(before)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the file, unless its name is another's by now, and drop the lock."""
        if self.is_ours:
            os.unlink(self.path)
        os.close(self._descriptor)


def _take(daemon: str, path: str) -> int:
    """Open and lock a pid file and write our id into it; returns its descriptor."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise AlreadyRunningError(daemon, path) from None
        if is_same_file(path, descriptor):
            break
        os.close(descriptor)  # whoever had it has removed it meanwhile: the lock of a file without a name is none
    os.fchmod(descriptor, 0o640)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def bound_socket(path: str, mode: int) -> socket.socket:
    """Bind a unix socket under its name, in place of one left behind. Nobody can connect before it listens.

    Args:
        path: its name, which the caller's pid file makes its own.
        mode: permission bits, whatever the umask is.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(bound.fileno(), 0o600)  # the name appears with no more rights than these
        bound.bind(path)
        os.chmod(path, mode)
    except BaseException:
        bound.close()
        raise
    return bound
