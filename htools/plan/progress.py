"""A line of progress during a long search, on a terminal only."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from htools.formatting.numbers import fixed
from htools.model.moves import Planned

_T = TypeVar("_T", bound=Planned)

PATIENCE = 2.0
"""Seconds after which a search counts as long."""

CELLS = 24


def _bar(before: float, target: float, score: float, rounds: int, spent: float) -> str:
    """Return the line, cut to the width of the terminal."""
    import shutil

    span = before - target
    share = min(1.0, max(0.0, (before - score) / span)) if span > 0 else 1.0
    filled = round(share * CELLS)
    cells = "#" * filled + "." * (CELLS - filled)
    line = f"[{cells}] round {rounds}, score {fixed(score, 4)}, {spent / rounds:.2f} s a round"
    return line[: max(0, shutil.get_terminal_size().columns - 1)]


def shown(plan: Iterable[_T], before: float, target: float, *, quiet: bool) -> Iterator[_T]:
    """Yield the plan's moves, with a line of progress on standard error during the search.

    The line is removed before a move is yielded, so that output about moves appears above it.

    Args:
        plan: yields moves.
        before: the score at first.
        target: the score at which the search would stop.
        quiet: print nothing.
    """
    if quiet or not sys.stderr.isatty():
        yield from plan
        return
    start = time.monotonic()
    written = ""
    try:
        for rounds, planned in enumerate(plan, 1):
            _write("\r" + " " * len(written) + "\r" if written else "")
            written = ""
            yield planned
            spent = time.monotonic() - start
            if spent >= PATIENCE:
                written = _bar(before, target, planned.score, rounds, spent)
                _write(written)
    finally:
        _write("\r" + " " * len(written) + "\r" if written else "")


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
