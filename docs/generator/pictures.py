"""Pictures of what the programs show: hbal's plot, the graph of waits, and the demonstration on a terminal."""

import io
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from docs.generator.graphs import head
from docs.generator.parsers import describe_locks, waits_dot
from docs.generator.sources import ROOT
from spec.locks.model import Try, Wait
from spec.locks.names import Level, Lock, Mode, Request, job, lockset

EXAMPLE = "examples/office-20.txt"
COMMITTED = ROOT / "docs" / "pictures"
"""Pictures that take a while or that README.md shows; `python -m docs.generator --renew-pictures` renews them."""

_TERMINAL = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">
<style>
.{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: {char_height}px;
  line-height: {line_height}px; white-space: pre; }}
{styles}
</style>
<rect fill="#1b2330" width="{width}" height="{height}" rx="8"/>
<defs>
{lines}
</defs>
<g transform="translate(14, 14)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def program(name: str) -> str:
    """Return the path of a program of ours in the environment that runs."""
    return str(Path(sys.executable).parent / name)


def run(words: Sequence[str], directory: Path = ROOT) -> str:
    """Return what a program of ours prints on standard output; it must succeed."""
    done = subprocess.run(
        [program(words[0]), *words[1:]], cwd=directory, capture_output=True, text=True, encoding="utf-8", check=True
    )
    return done.stdout


def plot(file: Path) -> None:
    """Draw hbal's plot of the example."""
    file.parent.mkdir(parents=True, exist_ok=True)
    run(["hbal", "-t", EXAMPLE, "--plot", str(file)])


def waits() -> dict[str, Any]:
    """Return what `describeLocks` answers of jobs that wait for one another; the lock core computes it."""
    node = {name: Lock(Level.NODE, 1, name) for name in ("hv01", "hv02", "hv03")}
    instance = {name: Lock(Level.INSTANCE, 1, name) for name in ("web", "mail")}

    def wants(*entries: tuple[Lock, Mode]) -> tuple[Request, ...]:
        return tuple(Request(lock, mode) for lock, mode in sorted(entries))

    exclusive, shared = Mode.EXCLUSIVE, Mode.SHARED
    return describe_locks(
        [
            Try(job(11), wants((instance["web"], exclusive), (node["hv01"], exclusive), (node["hv02"], exclusive))),
            Try(job(12), wants((instance["mail"], exclusive))),
            Wait(job(12), 0, wants((node["hv02"], exclusive), (node["hv03"], exclusive))),
            Wait(job(13), 0, wants((instance["mail"], exclusive), (node["hv01"], shared))),
            Wait(job(14), 10, wants((lockset(Level.NODE), shared))),
        ]
    )


def waits_picture() -> str:
    """Return its graph of waits, as `gantry locks --dot` prints it, in the colours of the other pictures."""
    graph = [line for line in waits_dot(waits()).splitlines() if line.startswith('  "') or line == "}"]
    return "\n".join([*head(across=True), "  ranksep=1.2;", *graph])


def terminal(text: str, columns: int) -> str:
    """Return a text as an SVG picture of a terminal; no font is fetched from anywhere."""
    console = Console(record=True, file=io.StringIO(), width=columns, force_terminal=True, color_system="truecolor")
    for line in text.splitlines():
        styled = Text(line)
        styled.highlight_regex(r"^\$ .*", "bold cyan")
        styled.highlight_regex(r"^\[.*?\] .*", "bold")
        styled.highlight_regex(r"\bok\b(?=  )", "green")
        styled.highlight_regex(r"waits for .*", "yellow")
        console.print(styled, overflow="ellipsis", no_wrap=True)
    picture = console.export_svg(title="", code_format=_TERMINAL, unique_id="gantry", font_aspect_ratio=0.61)
    return "\n".join(line.rstrip() for line in picture.splitlines()) + "\n"


def shortened(text: str, most: int = 5) -> str:
    """Return the demonstration's lines, runs of progress cut to their first ones and the last."""
    out: list[str] = []
    block: list[str] = []

    def close() -> None:
        if len(block) > most + 1:
            out.extend([*block[:most], "          …", block[-1]])
        else:
            out.extend(block)
        block.clear()

    for line in text.splitlines():
        if re.match(r"^ {10,}", line):
            block.append(line)
        else:
            close()
            out.append(line)
    close()
    return "\n".join(out)


def demo() -> str:
    """Return the picture of a whole demonstration, run now."""
    out = run(["gantry", "demo", "--plain"])
    story = out[: out.index("\nTry next")].rstrip()
    return terminal("$ make demo\n" + shortened(story), 110)


def renew() -> None:
    """Renew the committed pictures."""
    plot(COMMITTED / "office-20.svg")
    (COMMITTED / "demo.svg").write_text(demo(), "utf-8")
