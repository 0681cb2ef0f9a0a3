"""The trace that a daemon writes with `--trace FILE`: one NDJSON line per transition of its core.

The format is defined in `checkers.traces.validation`, which validates such files against the specification. A line is
written in one piece, straight to the file, *before* the effects of its step are performed, so that a killed daemon's
trace lacks nothing that anybody saw. Secret parameters never belong into a line. Without `--trace` no writer exists.
"""

import logging
import os
from typing import Any

import msgspec

from impl.files import write_all

_LOG = logging.getLogger(__name__)


class TraceWriter:
    """Appends numbered lines to one file; when that fails, it logs that once and writes no more."""

    def __init__(self, path: str) -> None:
        """Open `path` for appending (mode 0600).

        Raises:
            OSError: the file cannot be opened.
        """
        self._path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._seq = 0
        self._encoder = msgspec.json.Encoder()

    def record(self, event: str, **fields: Any) -> int:
        """Write a line that is no step of the core (`start`, `durable`, `reply`, `notify`, `end`).

        Returns:
            The line's sequence number, counted from 1 in each run of the daemon.
        """
        self._seq += 1
        line = self._encoder.encode({"seq": self._seq, "event": event, **fields}) + b"\n"
        try:
            write_all(self._descriptor, line)
        except OSError as error:
            _LOG.warning("the trace %s ends here: %s", self._path, error)
            self.close()
            self._descriptor = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        return self._seq

    def start(self, state: Any) -> int:
        """Write the line that begins a run; lines are counted from 1 again."""
        self._seq = 0
        return self.record("start", state=state)

    def step(self, event: Any, effects: Any = None, *, error: str | None = None, **fields: Any) -> int:
        """Write the line of one step: call it at the linearisation point, before performing the effects.

        Args:
            event: the core's event, a dataclass of the specification's vocabulary.
            effects: what the core answered: a named tuple, or a sequence of effect dataclasses.
            error: the text of the refusal, if the core refused the event.
            fields: further fields of the line, such as `now`.

        Returns:
            The line's sequence number.
        """
        if error is not None:
            fields["error"] = error
        else:
            fields["effects"] = (
                effects._asdict()
                if hasattr(effects, "_asdict")
                else [[type(effect).__name__, effect] for effect in effects]
            )
        return self.record(type(event).__name__, args=event, **fields)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)
