"""Atomic files: a snapshot is the old one or the new one, never a part."""

import contextlib
import os


def write_atomic(path: str, data: bytes, mode: int = 0o640) -> None:
    """Write a file whole: a temporary one is synced, renamed over `path`, and the directory is synced.

    Raises:
        OSError: it could not be written; the old file is untouched.
    """
    temporary = f"{path}.new-{os.getpid()}"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    directory = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
