"""The clock, in the form that job files have."""

import time

from spec.jobs.model import Timestamp


def timestamp() -> Timestamp:
    """Return the time now: seconds since the epoch, and microseconds."""
    now = time.time_ns()
    return now // 1_000_000_000, now % 1_000_000_000 // 1000
