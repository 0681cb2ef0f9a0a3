"""Running an instance allocator: a separate program, its question a JSON file, its answer one JSON object.

Source: Ganeti's iallocator protocol, version 2.
"""

import json
import os
import re
import stat
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from impl.process.environment import ALLOCATORS, DIRECTORY, module_command, small_environment
from spec.errors import GantryError

OURS = {"hail": "htools.hail"}
"""Our own allocators: name to module."""

GANETIS = ("/usr/local/lib/ganeti/iallocators", "/usr/lib/ganeti/iallocators")
"""Where Ganeti looks. Source: its allocators' search path."""

_NAME = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,63}")
"""Names of allocators. Source: Ganeti's rule for the names of plug-ins; ours allow dots, and no dash at the start."""


def configured_directories() -> list[str]:
    """Return the directories that the administrator named for allocators."""
    return [part for part in os.environ.get(ALLOCATORS, "").split(os.pathsep) if part]


TIMEOUT_SECONDS = 300.0


class AllocatorError(GantryError):
    """An allocator gave no solution.

    Attributes:
        program: the allocator.
        reason: what it said, or why it could not be asked.
    """

    def __init__(self, program: str, reason: str) -> None:
        self.program = program
        self.reason = reason
        super().__init__(f"allocator {program}: {reason}")


def find_allocator(program: str, configured: Sequence[str], ganetis: Sequence[str] = GANETIS) -> list[str]:
    """Return the words that run an allocator: from a configured directory, else one of ours, else from Ganeti's.

    Never from the search path or by a name that leads out of the directories: any client may name an allocator, and it
    runs as root.

    Raises:
        AllocatorError: there is none, or others than root and we could have written it.
    """
    if _NAME.fullmatch(program) is None:
        raise AllocatorError(program[:80], "this is no allocator's name: letters, digits, '_', '.' and '-' only")
    for directory in configured:
        if found := _program_in(directory, program):
            return [found]
    if program in OURS:
        return module_command(OURS[program])
    for directory in ganetis:
        if found := _program_in(directory, program):
            return [found]
    places = ", ".join((*configured, *ganetis))
    raise AllocatorError(program, f"not found in {places}: install it there, or name its directory in ${ALLOCATORS}")


def _program_in(directory: str, program: str) -> str | None:
    """Return the path of an executable file in a directory; None if it has none of that name."""
    path = os.path.join(directory, program)
    try:
        file, above = os.stat(path), os.stat(directory)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise AllocatorError(program, f"{path} cannot be used: {error.strerror}") from None
    if not stat.S_ISREG(file.st_mode) or not os.access(path, os.X_OK):
        return None
    if not os.path.isabs(path):
        raise AllocatorError(program, f"{path} is not used: name the directory with its whole path")
    for place, found in ((path, file), (directory, above)):
        if found.st_mode & stat.S_IWOTH or found.st_uid not in {0, os.geteuid()}:
            raise AllocatorError(program, f"{place} is not used: others may write it; make it root's own")
    return path


def run_allocator(program: str, request: Mapping[str, Any], options: Sequence[str] = ()) -> Any:
    """Ask an allocator and answer its `result`.

    Raises:
        AllocatorError: it could not be run, answered nonsense, or found no solution.
    """
    command = find_allocator(program, configured_directories())
    with tempfile.NamedTemporaryFile("w", prefix="gantry-allocator.", suffix=".json", encoding="utf-8") as file:
        json.dump(request, file)
        file.flush()
        try:
            done = subprocess.run(
                [*command, *options, file.name],
                capture_output=True,
                check=False,
                timeout=TIMEOUT_SECONDS,
                stdin=subprocess.DEVNULL,
                env=small_environment(),
                cwd=DIRECTORY,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise AllocatorError(program, str(error)) from None
    if done.returncode != 0:
        tail = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no error text"]
        raise AllocatorError(program, f"ended with code {done.returncode}: {tail[0]}")
    return read_answer(program, done.stdout)


def read_answer(program: str, text: bytes) -> Any:
    """Return the `result` of an allocator's answer.

    Raises:
        AllocatorError: it is no answer, or says that there is no solution.
    """
    try:
        answer = json.loads(text)
    except ValueError as error:
        raise AllocatorError(program, f"answered no JSON ({error})") from None
    if not isinstance(answer, dict) or not {"success", "info", "result"} <= set(answer):
        raise AllocatorError(program, "its answer lacks 'success', 'info' or 'result'")
    if not answer["success"]:
        raise AllocatorError(program, str(answer["info"]))
    return answer["result"]
