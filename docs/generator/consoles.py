"""Commands in pages and what they print: run, compared and renewed, so that the pages stay true.

A block ```` ```console ```` holds lines that begin with `$ ` and, below each, what it prints. A command goes on in
lines that begin with `> `. A line `…` stands for any lines, `…` within a line for any text. The blocks of a page run
one after the other in one directory, which has `examples/`, by a shell that finds our programs. A page whose blocks
are run says so in its first lines: `<!-- commands: checked -->`.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from docs.generator.sources import ROOT

MARK = "<!-- commands: checked -->"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANY = "…"


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a page and the output that the page shows."""

    line: str
    shown: str


_LEFT_BEHIND = Command("ls -A", "examples\n")
"""Run after a page's commands: whoever follows the page is left with nothing but what there was."""


def blocks(text: str) -> list[list[Command]]:
    """Return the commands of a page, block by block."""
    found = []
    for match in _BLOCK.finditer(text):
        commands: list[Command] = []
        for line in match[1].splitlines():
            if line.startswith("$ "):
                commands.append(Command(line[2:], ""))
            elif line.startswith("> ") and commands and not commands[-1].shown:
                commands[-1] = Command(f"{commands[-1].line}\n{line[2:]}", "")
            elif commands:
                commands[-1] = Command(commands[-1].line, commands[-1].shown + line + "\n")
            else:
                raise ValueError(f"a console block begins with '$ ', not with {line!r}")
        found.append(commands)
    return found


def matches(shown: str, printed: str) -> bool:
    """Return whether an output is as a page shows it."""
    parts = []
    for line in shown.splitlines():
        if line.strip() == ANY:
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(re.escape(line.rstrip()).replace(re.escape(ANY), ".*") + r"[ ]*\n")
    return re.fullmatch("".join(parts), printed) is not None


def run(commands: Iterable[Command], directory: Path) -> Iterator[tuple[Command, str]]:
    """Run commands in a directory; yields each with what it printed."""
    bin_directory = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "PATH": f"{bin_directory}{os.pathsep}{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "100",
    }
    environment.pop("GANTRY_ROOT", None)
    for command in commands:
        done = subprocess.run(
            ["/bin/sh", "-c", command.line],
            cwd=directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            check=False,
        )
        text = done.stdout
        yield command, text if text.endswith("\n") or not text else text + "\n"


def checked_pages() -> list[Path]:
    """Return the pages whose commands are run."""
    docs = ROOT / "docs"
    return [
        file
        for file in sorted([ROOT / "README.md", *docs.rglob("*.md")])
        if MARK in file.read_text("utf-8").partition("\n\n")[0] or MARK in file.read_text("utf-8")[:200]
    ]


def run_page(file: Path) -> Iterator[tuple[Command, str]]:
    """Run a page's commands in a new directory, then list what they leave; clusters that it started are stopped."""
    with tempfile.TemporaryDirectory(prefix="gantry-docs-") as name:
        directory = Path(name)
        shutil.copytree(ROOT / "examples", directory / "examples")
        try:
            yield from run((command for block in blocks(file.read_text("utf-8")) for command in block), directory)
            yield from run([_LEFT_BEHIND], directory)
        finally:
            for root in directory.glob("*/var/run/ganeti"):
                words = [str(Path(sys.executable).parent / "gantry"), "cluster", "stop", "--root", str(root.parents[2])]
                subprocess.run(words, capture_output=True, check=False)


def wrong(file: Path) -> list[str]:
    """Return what a page shows that is not so."""
    return [
        f"{file.name}: $ {command.line}\nshown:\n{command.shown}printed:\n{printed}"
        for command, printed in run_page(file)
        if not matches(command.shown, printed)
    ]


def renew() -> Iterator[str]:
    """Write what the commands print into the pages where it differs; places with `…` are left to the writer."""
    for file in checked_pages():
        text = file.read_text("utf-8")
        new = text
        for command, printed in run_page(file):
            if not matches(command.shown, printed):
                line = "$ " + command.line.replace("\n", "\n> ") + "\n"
                new = new.replace(line + command.shown, line + printed, 1)
        if new != text:
            file.write_text(new, "utf-8")
            yield file.relative_to(ROOT).as_posix()
