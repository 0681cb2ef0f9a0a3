"""How much the long tests try, and from which seed on.

Each commit brings fresh seeds: they are drawn from its id, so that every run of CI covers new ground, and the same
commit repeats what it did. `GANTRY_SEED=N` (or `pytest --seed N`) draws others, which is how a failure of another
commit is repeated. `GANTRY_BUDGET=weekly` (or `pytest --budget weekly`, or `make weekly`) spends what is too much for
CI in the same tests, from the same seeds on. Fast tests use their own, fixed seeds unless one is given.
"""

import os
import subprocess
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

Seen = TypeVar("Seen", int, Counter[str], Counter[bool], Counter[tuple[str, bool]])


@cache
def seed() -> int:
    """Return the first seed of this run; 0 where there is neither a given one nor a commit."""
    given = os.environ.get("GANTRY_SEED")
    return int(given) if given else int(commit()[:7] or "0", 16)


@cache
def commit() -> str:
    """Return the id of the commit that is checked out; empty if it is not known."""
    here = Path(__file__).resolve().parent
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def fixed(usual: int) -> int:
    """Return the seed of a fast test: the given one, else its usual one."""
    return int(os.environ.get("GANTRY_SEED") or usual)


def is_weekly() -> bool:
    """Return whether the large budgets are spent."""
    return os.environ.get("GANTRY_BUDGET", "ci") == "weekly"


def spent(*, ci: int, weekly: int) -> int:
    """Return how many: `ci` in CI, `weekly` in the weekly run."""
    return weekly if is_weekly() else ci


def seeds(*, ci: int, weekly: int) -> range:
    """So many seeds, the first of which is the run's."""
    return range(seed(), seed() + spent(ci=ci, weekly=weekly))


def compare_until(compare: Callable[[range], Seen], enough: Callable[[Seen], bool], *, ci: int, weekly: int) -> Seen:
    """Return what comparing the run's seeds saw; seeds after them are tried until that is enough.

    Whether so many cases of a kind are among the run's seeds is chance. If ten times as many seeds do not have them
    either, the generator makes too few: an `AssertionError`.
    """
    first = seeds(ci=ci, weekly=weekly)
    step = max(1, len(first) // 10)
    seen = compare(first)
    for start in range(first.stop, first.stop + 9 * len(first), step):
        if enough(seen):
            return seen
        seen = seen + compare(range(start, start + step))
    assert enough(seen), f"not enough was compared in {10 * len(first)} seeds from {first.start} on: {seen}"
    return seen


def describe() -> str:
    """Return what to say of a run, so that it can be repeated."""
    origin = "given" if os.environ.get("GANTRY_SEED") else f"of commit {commit()[:12] or 'unknown'}"
    budget = "weekly" if is_weekly() else "ci"
    return f"seed {seed()} ({origin}), budget {budget}; to repeat: GANTRY_SEED={seed()} GANTRY_BUDGET={budget}"
