"""How our programs are started: from the installed packages only, with a small environment of named variables.

Daemons, jobs and allocators run as root, in whatever directory and environment somebody has typed a command. So `-P`
keeps the current directory off Python's search path, and no variable of the caller's is handed on but those named here.
"""

import os
import pwd
import sys
from typing import BinaryIO

PATH = "/sbin:/bin:/usr/sbin:/usr/bin"
"""Where the programs that we start look for others. Source: Ganeti's path for hooks."""

ALLOCATORS = "GANTRY_IALLOCATORS"
"""The variable with which an administrator names directories of allocators, separated by colons."""

INHERITED = (ALLOCATORS,)
"""Variables that are handed on where they are set."""

DIRECTORY = "/"
"""The working directory of what we start: nobody else writes there, and it cannot be removed."""

UMASK = 0o027
"""The umask of what we start: group members may read what is made without a mode of its own, others nothing."""


def open_output(path: str) -> BinaryIO:
    """Open a log that a process appends its output to (mode 0640, whatever the umask is); no link is followed."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    os.fchmod(descriptor, 0o640)
    return os.fdopen(descriptor, "ab")


def small_environment() -> dict[str, str]:
    """Return all variables of a daemon, a job or an allocator that is started now."""
    try:
        home = pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        home = "/"
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {"PATH": PATH, "LANG": "C.UTF-8", "HOME": home, **kept}


def module_command(module: str, *words: str) -> list[str]:
    """Return the command line that runs one of our modules as a program."""
    return [sys.executable, "-P", "-m", module, *words]
