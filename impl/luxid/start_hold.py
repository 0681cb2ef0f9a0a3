"""Starting no job for a while, when the machine lacks descriptors, processes, memory or room: jobs stay queued.

Each pause is longer than the one before, until a start works.
"""

import asyncio
from collections.abc import Callable

from impl.limits import START_PAUSES


class StartHold:
    """Whether starts are held back.

    Args:
        changed: called when that changes.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._pauses = 0
        self.active = False

    def note_shortage(self) -> None:
        """Hold starts back for a while; while they are, another shortage changes nothing."""
        if self.active:
            return
        pause = START_PAUSES[min(self._pauses, len(START_PAUSES) - 1)]
        self._pauses += 1
        self.active = True
        asyncio.get_running_loop().call_later(pause, self._end)
        self._changed()

    def note_start(self) -> None:
        """Make the next pause short again: a job was started."""
        self._pauses = 0

    def _end(self) -> None:
        self.active = False
        self._changed()
