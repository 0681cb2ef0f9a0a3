"""What can go wrong with the queue's files: each error says what became of the request."""

from spec.errors import GantryError


class QueueBusyError(GantryError):
    """Another process serves this queue; `path` is its lock file."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"{path} is locked: another luxid serves this queue, stop it first")


class QueueRefusedError(GantryError):
    """A request was not carried out: nothing of it is on the disk, and nothing of it will be."""


class QueueFullDiskError(QueueRefusedError):
    """The queue's files could not be written; `reason` is the system's. Nothing of the commit was kept."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"cannot write the job queue ({reason}): make room or repair the disk, then try again")


class JobIdTakenError(QueueRefusedError):
    """A new job's id is in use by a file that somebody else put there; `path` is that file."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"the next job's id is taken ({path} is there already): try again, for a later id")


class SerialLostError(QueueRefusedError):
    """The last id that was given out is not known; `path` is the serial file, `highest` the highest id in use."""

    def __init__(self, path: str, highest: int) -> None:
        self.path = path
        self.highest = highest
        super().__init__(
            f"{path} is missing or unreadable, so an id might be given twice and no new job is taken:"
            f" write the last id that was given out into it (the highest in use is {highest}), then submit again"
        )


class QueueUnknownError(GantryError):
    """A write broke off, and whether the request was carried out is not known yet; `reason` is the system's."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"it is unknown whether this was done: writing the job queue broke off ({reason});"
            " look with 'gantry job list' before you ask again"
        )


class FaultError(QueueRefusedError):
    """A fault of luxid itself kept it from carrying an event out; nothing of it was done."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"luxid failed on this request ({reason}); nothing of it was done, see its log")
