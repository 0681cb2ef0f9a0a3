"""The display of the demonstration: lines on any output, a live picture on a terminal. It only prints."""

import sys
import time
from typing import TYPE_CHECKING, Protocol

from gantry.demo.watch import FINAL, Sight

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

_ROWS = 6
"""The largest number of active jobs shown."""
_MARK = {True: "ok  ", False: "NOT "}


class Display(Protocol):
    """A display of the demonstration."""

    def step(self, text: str) -> None:
        """Begin a new part."""

    def say(self, text: str) -> None:
        """Show a line."""

    def check(self, good: bool, text: str) -> None:
        """Show the outcome of one verification."""

    def progress(self, sight: Sight, expected: int, goal: float) -> None:
        """Show the progress: `expected` jobs in all, the score to reach is `goal`."""

    def end_progress(self) -> None:
        """End the display of progress."""


class Lines:
    """Prints plain lines, one for each event."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._printed: tuple[object, ...] = ()

    def step(self, text: str) -> None:
        """Print a new part, with the seconds so far."""
        print(f"\n[{time.monotonic() - self._begin:5.1f} s] {text}", flush=True)

    def say(self, text: str) -> None:
        """Print a line."""
        print(f"          {text}", flush=True)

    def check(self, good: bool, text: str) -> None:
        """Print an outcome."""
        print(f"     {_MARK[good]} {text}", flush=True)

    def progress(self, sight: Sight, expected: int, goal: float) -> None:
        """Print the progress, when a job ended or a wait began."""
        now = (sight.count(*FINAL), sight.waiting)
        if now == self._printed:
            return
        self._printed = now
        self.say(f"{time.monotonic() - self._begin:5.1f} s  {_tally(sight, expected)}{_score(sight, goal)}")
        for line in _waits(sight):
            self.say(f"         {line}")

    def end_progress(self) -> None:
        """Do nothing: lines stay."""


class Picture:
    """Draws a picture that changes in place, on a terminal."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console: Console = Console(highlight=False)
        self._live: Live | None = None
        self._begin = time.monotonic()

    def step(self, text: str) -> None:
        """Print a new part."""
        self._console.print(f"\n[dim]{time.monotonic() - self._begin:5.1f} s[/dim]  [bold]{text}[/bold]")

    def say(self, text: str) -> None:
        """Print a line."""
        self._console.print(f"         {text}", markup=False, soft_wrap=True)

    def check(self, good: bool, text: str) -> None:
        """Print an outcome."""
        mark = "[green]ok[/green] " if good else "[bold red]NOT[/bold red]"
        self._console.print(f"     {mark} ", end="")
        self._console.print(text, markup=False, soft_wrap=True)

    def progress(self, sight: Sight, expected: int, goal: float) -> None:
        """Draw the picture again."""
        from rich.live import Live

        if self._live is None:
            self._live = Live(console=self._console, refresh_per_second=8, transient=True)
            self._live.start()
        self._live.update(_picture(sight, expected, goal, time.monotonic() - self._begin))

    def end_progress(self) -> None:
        """Remove the picture."""
        if self._live is not None:
            self._live.stop()
            self._live = None


def make_display(*, plain: bool) -> Display:
    """Return a `Picture` on a terminal, `Lines` elsewhere or on request."""
    return Lines() if plain or not sys.stdout.isatty() else Picture()


def _picture(sight: Sight, expected: int, goal: float, seconds: float) -> "RenderableType":
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    head = Text(f"         {_tally(sight, expected)}{_score(sight, goal)}")
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        Text(f"{seconds:5.1f} s "), ProgressBar(total=max(1, expected), completed=sight.count(*FINAL), width=50)
    )
    jobs = Table.grid(padding=(0, 2))
    waits = {waiting.job: line for waiting, line in zip(sight.waiting, _waits(sight), strict=True)}
    for job in sight.active[:_ROWS]:
        style = {"running": "green", "waiting": "yellow"}.get(job.status, "red")
        what = waits.get(job.number, job.what)
        jobs.add_row(
            Text(f"         {job.number}", "dim"),
            Text(job.status, style),
            Text(what, no_wrap=True, overflow="ellipsis"),
        )
    return Group(bar, head, jobs)


def _tally(sight: Sight, expected: int) -> str:
    parts = [f"{sight.count(*FINAL):2}/{max(expected, len(sight.jobs))} jobs done"]
    for status in ("running", "waiting"):
        if sight.count(status):
            parts.append(f"{sight.count(status)} {status}")
    return ", ".join(parts)


def _score(sight: Sight, goal: float) -> str:
    return "" if sight.score is None else f"   score {sight.score:.4f} (goal {goal:.4f})"


def _waits(sight: Sight) -> list[str]:
    """Return who waits for what, a line for each."""
    return [
        f"job {waiting.job} waits for {waiting.lock}"
        + (f", held by job {', '.join(map(str, waiting.holders))}" if waiting.holders else "")
        for waiting in sight.waiting
    ]
