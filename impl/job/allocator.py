"""Running an instance allocator: a separate program, its question a JSON file, its answer one JSON object.

Source: Ganeti's iallocator protocol, version 2.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from spec.errors import GantryError

ENVIRONMENT = "GANTRY_IALLOCATORS"
"""The variable that names directories to look in first, separated by colons."""


def search_path() -> list[str]:
    """Return the directories to look in: the environment's, then that of our own programs, then Ganeti's."""
    named = [part for part in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if part]
    return [*named, os.path.dirname(sys.executable), "/usr/local/lib/ganeti/iallocators", "/usr/lib/ganeti/iallocators"]


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


def find_allocator(program: str, directories: Sequence[str]) -> str:
    """Return the path of an allocator; its name may not lead out of the directories.

    Raises:
        AllocatorError: there is none.
    """
    if os.path.basename(program) == program:
        found = shutil.which(program, path=os.pathsep.join(directories))
        if found is not None:
            return found
    raise AllocatorError(program, f"not found in {', '.join(directories)}: install it there")


def run_allocator(program: str, request: Mapping[str, Any], options: Sequence[str] = ()) -> Any:
    """Ask an allocator and answer its `result`.

    Raises:
        AllocatorError: it could not be run, answered nonsense, or found no solution.
    """
    path = find_allocator(program, search_path())
    with tempfile.NamedTemporaryFile("w", prefix="gantry-allocator.", suffix=".json", encoding="utf-8") as file:
        json.dump(request, file)
        file.flush()
        try:
            done = subprocess.run(
                [path, *options, file.name],
                capture_output=True,
                check=False,
                timeout=TIMEOUT_SECONDS,
                stdin=subprocess.DEVNULL,
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
