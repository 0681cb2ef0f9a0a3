"""The number of the last batch that was acknowledged, in a small file beside the store.

SQLite reads its log up to the first frame that is damaged, and says nothing of what followed. A store that holds fewer
batches than were acknowledged has lost some. The number is written after a batch is synced and before anybody is told,
and is not synced itself: after the end of a process it is exact, after a power cut it may be too low, never too high.

>>> import tempfile
>>> directory = tempfile.TemporaryDirectory()
>>> record = Acknowledged(directory.name + "/wconfd.db-acknowledged")
>>> record.number
0
>>> record.note(7)
>>> record.close()
>>> Acknowledged.read(record.path)
7
>>> directory.cleanup()
"""

import contextlib
import os

_DIGITS = 20


class Acknowledged:
    """The file, open for one process.

    Attributes:
        path: where it is.
        number: what it held when it was opened; 0 if there was none, or it cannot be understood.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.number = self.read(path)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    @staticmethod
    def read(path: str) -> int:
        """Read the number that a file holds."""
        try:
            with open(path, "rb") as file:
                text = file.read(_DIGITS + 1)
        except FileNotFoundError:
            return 0
        return int(text) if len(text) == _DIGITS + 1 and text[:_DIGITS].isdigit() else 0

    def note(self, number: int) -> None:
        """Write the number. Where that fails, the disk is full, and an older number stays."""
        with contextlib.suppress(OSError):
            os.pwrite(self._descriptor, b"%0*d\n" % (_DIGITS, number), 0)

    def close(self) -> None:
        """Close the file, which stays."""
        os.close(self._descriptor)
