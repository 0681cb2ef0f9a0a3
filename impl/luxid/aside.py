"""Files of the queue that cannot be used: kept below `queue/aside`, each beside a file that says why."""

import contextlib

from impl.files import UnusableFileError
from impl.luxid.disk import Disk
from impl.queue.files import job_id_of

_REASON = ".reason"


class Aside:
    """What was set aside of one queue.

    Args:
        queue: the queue's directory.
        disk: where it lies.
    """

    def __init__(self, queue: str, disk: Disk) -> None:
        self._queue = queue
        self._directory = f"{queue}/aside"
        self._disk = disk
        self._left: dict[str, str] = {}

    def keep(self, path: str, reason: str) -> str:
        """Move what is at `path` away, and return where it is now; what cannot be moved is only noted.

        Its reason is on the disk before it is; nothing that was kept before is replaced.
        """
        name = path.rpartition("/")[2]
        try:
            self._disk.make_directory(self._directory)
            target, number = f"{self._directory}/{name}", 0
            while self._disk.exists(target):
                number += 1
                target = f"{self._directory}/{name}.{number}"
            self._disk.write(target + _REASON, reason.encode(errors="replace") + b"\n")
            self._disk.sync(target + _REASON)
            self._disk.rename(path, target)
            self._disk.sync_directory(self._directory)
            self._disk.sync_directory(path.rpartition("/")[0])
        except FileNotFoundError:
            return path
        except OSError as error:
            self._left[name] = f"{reason}; it could not be moved ({error.strerror or error})"
            return path
        return target

    def files(self) -> dict[str, str]:
        """Each file that was set aside, by name, with its reason."""
        found = dict(self._left)
        with contextlib.suppress(OSError):
            for name in self._disk.names(self._directory):
                if not name.endswith(_REASON):
                    found[name] = self._reason(f"{self._directory}/{name}{_REASON}")
        return found

    def _reason(self, path: str) -> str:
        try:
            return self._disk.read(path).decode(errors="replace").strip()
        except (OSError, UnusableFileError):
            return "its reason is not known"

    def highest_id(self) -> int:
        """Return the highest id of a job that was set aside, 0 if there is none."""
        return max((job_id_of(name.partition(".")[0]) or 0 for name in self.files()), default=0)
