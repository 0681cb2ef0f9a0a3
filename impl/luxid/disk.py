"""The few things that the queue's store does to a disk: `RealDisk` here, a simulated one in the crash explorer."""

import contextlib
import fcntl
import os
from typing import Protocol

from impl.files import read_regular, sync_directory, write_all
from impl.limits import MAX_QUEUE_FILE_BYTES
from spec.errors import GantryError


class UnknownContentError(GantryError):
    """Whether a failed append is on the disk cannot be told; `reason` is the system's."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"a record may be on the disk or not ({reason}): read the disk again")


class Disk(Protocol):
    """A disk. What is written is durable only once it is synced; a name, once its directory is."""

    def lock(self, path: str) -> int | None:
        """Take a lock file for this process; None if another has it."""

    def unlock(self, handle: int) -> None:
        """Give a lock file up."""

    def read(self, path: str) -> bytes:
        """Return a file's content.

        Raises:
            FileNotFoundError: there is none.
            UnusableFileError: there is something else, or it cannot be read.
        """

    def write(self, path: str, data: bytes) -> None:
        """Create or replace a file's content, in place and without a sync."""

    def append(self, path: str, data: bytes, size: int) -> None:
        """Append to a file that is `size` bytes long, and sync its content.

        Raises:
            OSError: it failed, and the file is durably as it was.
            UnknownContentError: it failed, and the file may hold all, a part or nothing of the data.
        """

    def sync(self, path: str) -> bool:
        """Sync a file's content; whether there is such a file."""

    def rename(self, source: str, target: str) -> None:
        """Give a file another name, in place of whatever has that name."""

    def unlink(self, path: str) -> None:
        """Remove a name, if it is there."""

    def exists(self, path: str) -> bool:
        """Return whether there is such a name, whatever it stands for."""

    def names(self, directory: str) -> list[str]:
        """Return the names in a directory."""

    def make_directory(self, directory: str) -> None:
        """Make a directory, if it is not there."""

    def sync_directory(self, directory: str) -> None:
        """Make the names in a directory durable."""


_FOR_WRITING = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""Nothing is written through a link, and no FIFO's reader is waited for."""


class RealDisk:
    """The machine's own disk."""

    def __init__(self) -> None:
        self._appending: tuple[str, int] | None = None

    def lock(self, path: str) -> int | None:
        """Take a record lock on a file."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return descriptor

    def unlock(self, handle: int) -> None:
        """Close the lock file, and the file that was appended to."""
        self._stop_appending()
        os.close(handle)

    def read(self, path: str) -> bytes:
        """Return a file's content."""
        return read_regular(path, MAX_QUEUE_FILE_BYTES)

    def write(self, path: str, data: bytes) -> None:
        """Create or replace a file's content."""
        descriptor = os.open(path, _FOR_WRITING, 0o640)
        try:
            write_all(descriptor, data)
        finally:
            os.close(descriptor)

    def append(self, path: str, data: bytes, size: int) -> None:
        """Append and sync; the descriptor is kept for the next time."""
        if self._appending is None or self._appending[0] != path:
            self._stop_appending()
            self._appending = path, os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        descriptor = self._appending[1]
        try:
            view, at = memoryview(data), size
            while view:
                count = os.pwrite(descriptor, view, at)
                view, at = view[count:], at + count
            os.fdatasync(descriptor)
        except OSError:
            try:
                os.ftruncate(descriptor, size)
                os.fdatasync(descriptor)
            except OSError as error:
                raise UnknownContentError(error.strerror or str(error)) from None
            raise

    def _stop_appending(self) -> None:
        if self._appending is not None:
            os.close(self._appending[1])
            self._appending = None

    def sync(self, path: str) -> bool:
        """Sync a file's content."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return False
        try:
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        return True

    def rename(self, source: str, target: str) -> None:
        """Give a file another name."""
        os.rename(source, target)

    def unlink(self, path: str) -> None:
        """Remove a name."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)

    def exists(self, path: str) -> bool:
        """Return whether there is such a name, whatever it stands for."""
        return os.path.lexists(path)

    def names(self, directory: str) -> list[str]:
        """Return the names in a directory."""
        return os.listdir(directory)

    def make_directory(self, directory: str) -> None:
        """Make a directory."""
        os.makedirs(directory, mode=0o750, exist_ok=True)

    def sync_directory(self, directory: str) -> None:
        """Make the names in a directory durable."""
        sync_directory(directory)
