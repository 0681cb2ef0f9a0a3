"""The file that makes Ganeti's watcher pause until a time."""

import contextlib
import os

from impl.files import sync_directory, write_file
from impl.paths import Root


def _path(root: Root) -> str:
    return f"{root.state}/watcher.pause"


def write_pause(root: Root, until: float | None) -> None:
    """Set the pause, durably; None ends it. `until` is in seconds since the epoch."""
    path = _path(root)
    if until is None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        sync_directory(os.path.dirname(path))
    else:
        write_file(path, b"%d\n" % int(until))


def read_pause(root: Root, now: float) -> float | None:
    """Return until when the watcher is paused, in seconds since the epoch; None if it is not, or no longer."""
    try:
        with open(_path(root), encoding="ascii", errors="replace") as file:
            until = float(file.read().strip() or "nan")
    except (FileNotFoundError, ValueError):
        return None
    return until if until > now else None
