"""The machine's disk for a daemon whose root may be replaced: whoever changes something by a name looks first."""

from impl.luxid.disk import RealDisk
from impl.process.ground import Ground


class GroundedDisk(RealDisk):
    """A disk that changes nothing once the ground is lost; what would raises `GroundLostError`, an `OSError`."""

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self._ground = ground

    def write(self, path: str, data: bytes) -> None:
        """Create or replace a file's content."""
        self._ground.require()
        super().write(path, data)

    def append(self, path: str, data: bytes, size: int) -> None:
        """Append to a file, and sync its content."""
        self._ground.require()
        super().append(path, data, size)

    def rename(self, source: str, target: str) -> None:
        """Give a file another name."""
        self._ground.require()
        super().rename(source, target)

    def unlink(self, path: str) -> None:
        """Remove a name."""
        self._ground.require()
        super().unlink(path)

    def make_directory(self, directory: str) -> None:
        """Make a directory."""
        self._ground.require()
        super().make_directory(directory)
