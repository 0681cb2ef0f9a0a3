"""Errors of the allocator's programs: input that cannot be used.

Scripts look for the phrases of Ganeti's htools, so an error begins with Ganeti's own line where there is one; a second
line says where the fault is and what was expected.

Source: what htools 3.0.2 print on unusable input; GHC's names for the system's refusals (`System.IO.Error`).
"""

import errno
from enum import StrEnum

from spec.errors import GantryError

_SHOWN = 60
"""The number of letters shown of a quoted text."""
_HEAD, _TAIL = 500, 200
"""The numbers of letters shown of a longer phrase: of its begin and of its end."""


def printable(text: str) -> str:
    """Return text from an input as one line, with control characters escaped."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def quoted(text: str) -> str:
    """Return text from an input as errors quote it, shortened if it is long."""
    return f"'{printable(text if len(text) <= _SHOWN else text[:_SHOWN] + '...')}'"


class LoadError(GantryError):
    """A backend's data cannot be used.

    Attributes:
        source: file, socket or address that the data came from.
        line: number of the line, from 1; None where the format has no lines.
        field: name of the field, None where it is not about one.
        reason: what is wrong and what was expected; empty where the phrase suffices.
        phrase: what Ganeti says about it, in one line; empty where Ganeti accepts the data.
    """

    def __init__(
        self, source: str, reason: str, *, line: int | None = None, field: str | None = None, phrase: str = ""
    ) -> None:
        self.source = source
        self.line = line
        self.field = field
        self.reason = reason
        cut = phrase if len(phrase) <= _HEAD + _TAIL else f"{phrase[:_HEAD]}...{phrase[-_TAIL:]}"
        self.phrase = printable(cut)
        place = source if line is None else f"{source}, line {line}"
        detail = f"{place}: {reason}" if field is None else f"{place}, field '{field}': {reason}"
        super().__init__("\n".join(filter(None, (self.phrase, detail if reason else ""))))

    @property
    def plain(self) -> str:
        """The text without Ganeti's phrase, for programs that Ganeti does not have."""
        return str(self).removeprefix(f"{self.phrase}\n")


class Doing(StrEnum):
    """The operation that the system refused, as Ganeti's programs name it."""

    OPEN = "openFile"
    READ = "hGetContents"
    WRITE = "hClose"
    CONNECT = "Network.Socket.connect"


class AccessError(LoadError):
    """The system refuses access to a file or a socket; `doing` is the refused operation.

    Where Ganeti's programs do not handle that, their messages begin with the program's name instead of `Error`.
    `refused` is the kind of the refusal, and in brackets what the system says.
    """

    def __init__(self, source: str, doing: Doing, refused: str, reason: str = "", *, line: int | None = None) -> None:
        self.doing = doing
        self.refused = refused
        phrase = f"{doing}: <socket: 3>: {refused}" if doing is Doing.CONNECT else f"{source}: {doing}: {refused}"
        super().__init__(source, reason, line=line, phrase=phrase)

    @property
    def plain(self) -> str:
        """The refusal in the system's own words."""
        verb = {Doing.OPEN: "open", Doing.READ: "read", Doing.WRITE: "write", Doing.CONNECT: "reach"}[self.doing]
        why = self.refused.partition(" (")[2].removesuffix(")") or self.refused
        return f"cannot {verb} {self.source}: {why}{f': {self.reason}' if self.reason else ''}"


_REFUSALS = {
    errno.ENOENT: "does not exist",
    errno.ENXIO: "does not exist",
    errno.ECONNREFUSED: "does not exist",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "permission denied",
    errno.EISDIR: "inappropriate type",
    errno.ENOTDIR: "inappropriate type",
    errno.ENAMETOOLONG: "invalid argument",
    errno.ELOOP: "invalid argument",
    errno.EINVAL: "invalid argument",
    errno.EMFILE: "resource exhausted",
    errno.ENFILE: "resource exhausted",
    errno.ENOSPC: "resource exhausted",
    errno.EDQUOT: "permission denied",
    errno.EAGAIN: "resource exhausted",
    errno.ETXTBSY: "resource busy",
    errno.EBUSY: "resource busy",
    errno.EIO: "hardware fault",
}


def refusal(error: OSError) -> str:
    """Return the system's refusal with GHC's name for its kind: `does not exist (No such file or directory)`."""
    return f"{_REFUSALS.get(error.errno or 0, 'failed')} ({error.strerror or error})"
