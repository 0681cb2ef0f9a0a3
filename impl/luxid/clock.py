"""The clock, as job files have it."""

import time

from spec.jobs.model import Timestamp


def timestamp() -> Timestamp:
    """The time now."""
    now = time.time_ns()
    return now // 1_000_000_000, now % 1_000_000_000 // 1000
