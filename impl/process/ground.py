"""The ground that a daemon or a job stands on: the directories and files that it found at its start, by their inodes.

A root may be removed under running processes, and another be made in its place. From then on its names lead to what
belongs to others, so each process looks before it writes by a name, and its daemons look twice a second besides.

>>> import os, tempfile
>>> above = tempfile.TemporaryDirectory()
>>> place = above.name + "/queue"
>>> os.mkdir(place)
>>> ground = Ground([place])
>>> ground.require()
>>> os.rename(place, above.name + "/elsewhere")
>>> ground.loss() == f"{place} is gone"
True
>>> os.mkdir(place)
>>> ground.loss() == f"{place} was replaced"
True
>>> ground.close()
>>> above.cleanup()
"""

import os
import time
from collections.abc import Iterable

from impl.paths import Root
from spec.errors import GantryError

FRESH_SECONDS = 0.01
"""How old a look may be that a write relies on."""

Identity = tuple[int, int]
"""Device and inode."""


class GroundLostError(GantryError, OSError):
    """What lies under our names is another's, or nothing; `loss` says what. Nothing was written."""

    def __init__(self, loss: str) -> None:
        self.loss = loss
        super().__init__(f"{loss}: this process belongs to what was there before, and writes nothing more")


def identity_of(path: str) -> Identity | None:
    """Return the device and inode that a path leads to; None if there is nothing.

    Raises:
        OSError: nobody can tell now.
    """
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


class Ground:
    """Paths that must lead to what they lead to now.

    Args:
        paths: directories and files; those that are missing are left out.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._known: dict[str, Identity] = {}
        self._descriptors: list[int] = []
        self._looked = 0.0
        self.add(*paths)

    def add(self, *paths: str) -> None:
        """Stand on these, too, as they are now. They are kept open, or another file might get the inode's number."""
        for path in paths:
            try:
                descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except (FileNotFoundError, NotADirectoryError):
                continue
            self._descriptors.append(descriptor)
            found = os.fstat(descriptor)
            self._known[path] = found.st_dev, found.st_ino

    def close(self) -> None:
        """Stand on nothing any more."""
        while self._descriptors:
            os.close(self._descriptors.pop())
        self._known.clear()

    def loss(self) -> str | None:
        """Return what is gone or was replaced; None while everything is there, or cannot be looked at now."""
        for path, known in self._known.items():
            try:
                found = identity_of(path)
            except OSError:
                continue
            if found != known:
                return f"{path} is gone" if found is None else f"{path} was replaced"
        return None

    def require(self) -> None:
        """Look, unless that was done a moment ago.

        Raises:
            GroundLostError: something is gone or was replaced.
        """
        now = time.monotonic()
        if now - self._looked > FRESH_SECONDS:
            self.require_now()
            self._looked = now

    def require_now(self) -> None:
        """Look.

        Raises:
            GroundLostError: something is gone or was replaced.
        """
        loss = self.loss()
        if loss is not None:
            raise GroundLostError(loss)


def ground_of_daemon(root: Root) -> Ground:
    """Return what a daemon stands on. Live-locks are part of it: without them every owner would look dead."""
    return Ground((root.directory, root.state, root.queue, root.run, root.sockets, root.livelocks))


def ground_of_job(root: Root) -> Ground:
    """Return what a job stands on."""
    return Ground((root.directory, root.state, root.queue))
