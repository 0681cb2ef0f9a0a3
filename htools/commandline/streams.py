"""Standard streams that are closed or full: what a program prints there is lost, its other work is not."""

import os
import sys
from contextlib import suppress


def open_missing() -> None:
    """Print into nothing where the caller closed standard output or error, as Ganeti's programs do."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - as long as the program runs


def is_full(error: OSError) -> bool:
    """Return whether standard output takes no more; drop then what is still buffered."""
    import errno

    if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EIO} or error.filename is not None:
        return False
    with suppress(OSError):  # else the interpreter tries again when it ends, and complains
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True
