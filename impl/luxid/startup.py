"""What luxid does before it listens: it opens its log, and asks for descriptors for its clients."""

import contextlib
import json
import resource
import time
from typing import Any, TextIO

RESERVED_DESCRIPTORS = 256
"""Descriptors that are not for clients: files, pidfds, hand-overs."""


class Logger:
    """One JSON object a line: the time, what happened, and its facts."""

    def __init__(self, *streams: TextIO) -> None:
        self._streams = streams

    def __call__(self, text: str, **facts: Any) -> None:
        """Write one line."""
        line = json.dumps({"time": f"{time.time():.6f}", "daemon": "luxid", "event": text, **facts}, default=str)
        for stream in self._streams:
            with contextlib.suppress(OSError, ValueError):
                stream.write(line + "\n")
                stream.flush()


def raise_descriptor_limit() -> int:
    """Ask for as many descriptors as are allowed; returns how many clients that makes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536
    if soft == resource.RLIM_INFINITY or soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(16, min(soft, 20_000) - RESERVED_DESCRIPTORS)
