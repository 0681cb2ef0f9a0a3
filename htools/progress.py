"""A line of progress on a terminal while a long search goes on; nothing anywhere else."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from htools.numbers import fixed
from htools.plan import Planned

_T = TypeVar("_T", bound=Planned)

PATIENCE = 2.0
"""Seconds after which a search counts as long."""

CELLS = 24


def shown(plan: Iterable[_T], before: float, target: float, *, quiet: bool) -> Iterator[_T]:
    """The plan's moves as they come, with a line about them on standard error if that alone is a terminal.

    Args:
        plan: yields moves.
        before: the score at first.
        target: the score at which the search would stop.
        quiet: say nothing.
    """
    if quiet or not sys.stderr.isatty() or sys.stdout.isatty():
        yield from plan
        return
    start = time.monotonic()
    written = False
    for rounds, planned in enumerate(plan, 1):
        spent = time.monotonic() - start
        if spent >= PATIENCE:
            span = before - target
            share = min(1.0, max(0.0, (before - planned.score) / span)) if span > 0 else 1.0
            filled = round(share * CELLS)
            bar = "#" * filled + "." * (CELLS - filled)
            rate = f"{spent / rounds:.2f} s a round"
            sys.stderr.write(f"\r[{bar}] round {rounds}, score {fixed(planned.score, 4)}, {rate} ")
            sys.stderr.flush()
            written = True
        yield planned
    if written:
        sys.stderr.write("\r" + " " * 78 + "\r")
        sys.stderr.flush()
