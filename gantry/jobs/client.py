"""A client of luxid for commands that follow jobs: it continues after restarts of luxid, and reports them.

Queries are repeated, and what luxid has not read. Another request that changes something is sent once: when its answer
is lost, the client cannot know whether it was done, and the error says that.
"""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self

from impl.wire.client import Client, NotDeliveredError, UnreachableError
from spec.errors import GantryError

PATIENCE_SECONDS = 60.0
"""The longest time that a query waits for luxid."""

_PAUSE_SECONDS = 0.1

_QUESTIONS = frozenset({"Query", "QueryJobs", "QueryConfigValues", "WaitForJobChange"})


class Caller(Protocol):
    """Something that calls methods over LUXI."""

    def call(self, method: str, *args: Any) -> Any:
        """Call a method and return its result."""


class LostAnswerError(GantryError):
    """luxid went away before it answered a request that changes something.

    Attributes:
        method: the request.
    """

    def __init__(self, method: str, reason: str) -> None:
        self.method = method
        super().__init__(
            f"luxid went away before it answered {method} ({reason}): it may have been done or not;"
            " look with 'gantry job list' before you ask again"
        )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class PatientClient:
    """A connection to luxid that is reopened when it breaks.

    Args:
        path: the socket.
        patience: seconds that a query waits for luxid.
        say: shows the user a line.

    Raises:
        UnreachableError: nobody listens there now, or (from a query) for longer than `patience`.
    """

    def __init__(self, path: str, patience: float = PATIENCE_SECONDS, say: Callable[[str], None] = _say) -> None:
        self._path = path
        self._patience = patience
        self._say = say
        self._client: Client | None = Client(path)

    def call(self, method: str, *args: Any) -> Any:
        """Call a method and return its result; a query, or what was not read, is repeated while luxid is unreachable.

        Raises:
            PeerError: luxid answered an error.
            UnreachableError: it stayed unreachable.
            LostAnswerError: it stopped before it answered a request that is no query.
        """
        away_since: float | None = None
        while True:
            try:
                client = self._client or Client(self._path)
            except UnreachableError:
                if away_since is not None and time.monotonic() - away_since > self._patience:
                    raise
                away_since = self._wait(away_since)
                continue
            self._client = client
            if away_since is not None:
                self._say(f"luxid is back after {time.monotonic() - away_since:.1f} s")
                away_since = None
            try:
                return client.call(method, *args)
            except UnreachableError as error:
                self.close()
                if method not in _QUESTIONS and not isinstance(error, NotDeliveredError):
                    raise LostAnswerError(method, error.reason) from None
                away_since = self._wait(None)

    def _wait(self, since: float | None) -> float:
        """Wait a moment and return since when luxid is unreachable; the first time, say so to the user."""
        if since is None:
            self._say(f"luxid is away; trying to reach it again for up to {self._patience:.0f} s")
            since = time.monotonic()
        time.sleep(_PAUSE_SECONDS)
        return since

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
