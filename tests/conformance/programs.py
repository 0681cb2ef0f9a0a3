"""Runs a Ganeti program and ours on the same words, and compares streams, exit code and written files."""

import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from htools.errors import printable


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run did: exit code, streams, and the files that it wrote into its directory."""

    code: int
    output: str
    errors: str
    files: tuple[tuple[str, str], ...]


def _files(directory: Path) -> tuple[tuple[str, str], ...]:
    return tuple(
        (path.name, path.read_bytes().decode(errors="surrogateescape")) for path in sorted(directory.iterdir())
    )


def run_ganeti(program: str, words: Sequence[str], directory: Path) -> Outcome:
    """Run one of Ganeti's programs in an empty directory."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run([program, *words], capture_output=True, check=False, cwd=directory, env=environment)
    output, errors = (stream.decode(errors="surrogateescape") for stream in (done.stdout, done.stderr))
    return Outcome(done.returncode, output, errors, _files(directory))


def run_ours(main: Callable[[Sequence[str]], int], words: Sequence[str], directory: Path) -> Outcome:
    """Run one of our programs in this process, in an empty directory, with the recursion limit of a new process.

    What else runs in this process (the TLA+ checker) may have raised that, and decoders lean on it.
    """
    output, errors = io.StringIO(), io.StringIO()
    before, limit = os.getcwd(), sys.getrecursionlimit()
    os.chdir(directory)
    sys.setrecursionlimit(1000)
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            try:
                code = main(words)
            except SystemExit as ending:
                code = ending.code if isinstance(ending.code, int) else 1
    finally:
        os.chdir(before)
        sys.setrecursionlimit(limit)
    return Outcome(code, output.getvalue(), errors.getvalue(), _files(directory))


def _usage(errors: str) -> str:
    """Return the errors for a wrong command line, without the help that follows and the lists of options."""
    first_part = errors.partition("\n\n")[0]
    return "\n".join(line for line in first_part.split("\n") if not line.startswith("  "))


def begins_alike(theirs: str, ours: str) -> bool:
    """Return whether our error begins with Ganeti's, to the end of a line.

    Ours shows control characters as escapes, and of long phrases the begin and the end; Ganeti breaks lines within
    large values.
    """
    if theirs.startswith("Command line error: "):
        theirs, ours = _usage(theirs), _usage(ours)
    whole, mine = printable(re.sub(",\n +", ", ", theirs.removesuffix("\n"))), printable(ours.removesuffix("\n"))
    if mine.startswith(whole):
        return mine[len(whole) : len(whole) + 2] in {"", "\\n"}
    head, cut, tail = mine.partition("...")
    return bool(cut) and whole.startswith(head) and any(whole.endswith(tail[:end]) for end in range(100, 201))


def difference(ganeti: Outcome, ours: Outcome) -> str:
    """Return the first thing that differs, or an empty text. An error begins with Ganeti's; more may follow."""
    if ganeti.code != ours.code:
        return f"exit code {ganeti.code} became {ours.code}: {ours.errors[-300:]}"
    if ganeti.code != 0 and not begins_alike(ganeti.errors, ours.errors):
        return f"error:\n  Ganeti: {ganeti.errors}\n  ours: {ours.errors}"
    pairs = [("standard output", ganeti.output, ours.output)]
    if ganeti.code == 0:
        pairs.append(("standard error", ganeti.errors, ours.errors))
    names = sorted({name for name, _ in ganeti.files + ours.files})
    pairs += [(name, dict(ganeti.files).get(name, "(none)"), dict(ours.files).get(name, "(none)")) for name in names]
    for name, theirs, mine in pairs:
        if theirs == mine:
            continue
        lines = zip(theirs.split("\n") + [""] * 999, mine.split("\n"), strict=False)
        for number, (left, right) in enumerate(lines, 1):
            if left != right:
                return f"{name}, line {number}:\n  Ganeti: {left}\n  ours:   {right}"
        return f"{name} ends too early"
    return ""
