"""Small files, replaced whole: whatever happens, a reader finds the old content or the new one, never a part."""

import contextlib
import errno
import os
import stat

from spec.errors import GantryError

SHORTAGES = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ENOBUFS, errno.ENOSPC, errno.EDQUOT, errno.EROFS}
)
"""Errors that say nothing about a file or a process: the machine lacks something, for now."""


class UnusableFileError(GantryError):
    """There is something at a path, and it cannot be read as a file; `reason` says why."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path} cannot be read ({reason}): restore it or move it away")


Signature = tuple[int, int, int]
"""Inode, time of modification in nanoseconds, and size of a file."""


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data` to a blocking descriptor, in as many pieces as it takes.

    Raises:
        OSError: it could not be written; a part of it may have been.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def write_file(
    path: str, data: bytes, *, mode: int = 0o640, durable: bool = True, temporary: str | None = None
) -> None:
    """Replace a file: its new content is synced under a temporary name beside it, which is then renamed.

    Args:
        path: the file.
        data: its new content.
        mode: permission bits of the new file, whatever the umask is.
        durable: also sync the directory, so that the replacement itself survives a power cut.
        temporary: the temporary name, in the same directory; for files with one writer at a time, so that a killed one
            leaves a single file behind. By default it is this process's own.

    Raises:
        OSError: it could not be written; the old file is untouched.
    """
    if temporary is None:
        temporary = f"{path}.new-{os.getpid()}"
    try:
        descriptor = create_file(temporary, mode)
        try:
            write_all(descriptor, data)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    if durable:
        sync_directory(os.path.dirname(path) or ".")


def create_file(path: str, mode: int) -> int:
    """Create a file for writing, in place of what a killed writer left; returns its descriptor.

    Nothing that lies under the name is written to or followed: neither a link nor a file that others have open.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, mode)
    except FileExistsError:
        os.unlink(path)
        descriptor = os.open(path, flags, mode)
    os.fchmod(descriptor, mode)
    return descriptor


def read_regular(path: str, limit: int) -> bytes:
    """Return a regular file's content; nothing else is waited for or followed (a FIFO, a device, a link).

    Args:
        path: the file.
        limit: the largest size in bytes that is read.

    Raises:
        FileNotFoundError: there is none.
        UnusableFileError: it is no regular file, too large, or must not or cannot be read.
        OSError: the machine lacks something (`SHORTAGES`); the file may be sound.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY)
        try:
            return _read_all(descriptor, path, limit)
        finally:
            os.close(descriptor)
    except OSError as error:
        if isinstance(error, FileNotFoundError) or error.errno in SHORTAGES:
            raise
        reason = "it is a link" if error.errno == errno.ELOOP else error.strerror or str(error)
        raise UnusableFileError(path, reason) from None


def _read_all(descriptor: int, path: str, limit: int) -> bytes:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise UnusableFileError(path, "it is no regular file")
    if found.st_size > limit:
        raise UnusableFileError(path, f"it has {found.st_size} bytes, more than {limit}")
    data = os.read(descriptor, found.st_size + 1)
    if len(data) == found.st_size:  # the usual case: files are replaced, they do not grow
        return data
    parts = [data]
    while part := os.read(descriptor, 1 << 16):
        parts.append(part)
    return b"".join(parts)


def set_aside(path: str) -> str:
    """Give a file that cannot be used a name that nothing has yet, `PATH.damaged-N`; return that name.

    Raises:
        OSError: it cannot be renamed.
    """
    number = 1
    while True:
        name = f"{path}.damaged-{number}"
        try:
            os.link(path, name, follow_symlinks=False)
        except FileExistsError:
            number += 1
            continue
        os.unlink(path)
        sync_directory(os.path.dirname(path) or ".")
        return name


def sync_directory(directory: str) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def signature_of(path: str) -> Signature | None:
    """Return what changes whenever somebody writes or replaces a file; None if there is none."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
