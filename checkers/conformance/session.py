"""Scenarios of checks against a running daemon, reached only through its socket; used by every conformance driver.

A check compares the daemon's answer with the protocol's description. A driver lists the answers of Ganeti that are
known to differ, and why; for a daemon declared to be Ganeti these do not count as failures.
"""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from impl.wire.client import Client, UnreachableError
from impl.wire.framing import FrameDecoder, frame
from impl.wire.messages import MalformedMessageError
from spec.errors import PeerError


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison.

    Attributes:
        scenario: the name of the scenario.
        name: what is compared.
        wanted: the answer that is right.
        got: the daemon's answer.
        known: why Ganeti is known to give another answer.
    """

    scenario: str
    name: str
    wanted: Any
    got: Any
    known: str = ""

    @property
    def holds(self) -> bool:
        """Whether the answer is right."""
        return bool(self.wanted == self.got)


class AnyOf:
    """Equal to every value that a test accepts; shown by its description."""

    def __init__(self, description: str, accepts: Callable[[Any], bool]) -> None:
        self._description = description
        self._accepts = accepts

    def __eq__(self, other: object) -> bool:
        try:
            return self._accepts(other)
        except (TypeError, ValueError, IndexError, KeyError, AttributeError):
            return False

    def __hash__(self) -> int:
        return hash(self._description)

    def __repr__(self) -> str:
        return f"<{self._description}>"


def starts(text: str) -> AnyOf:
    """Accept any text that begins like this."""
    return AnyOf(f"text that starts with {text!r}", lambda value: value.startswith(text))


@dataclass(slots=True)
class Session:
    """The daemon under test, and the checks made so far."""

    path: str
    known: Mapping[str, str] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    scenario: str = ""

    def connect(self, timeout: float = 30) -> Client:
        """Open a new connection."""
        return Client(self.path, timeout)

    def call(self, method: str, *args: Any) -> Any:
        """Make one call on a new connection and return the answer.

        Returns:
            The result; `("error", class, arguments)` for an error; `("no answer", why)` for none, or an unreadable one.
        """
        try:
            with self.connect() as client:
                return client.call(method, *args)
        except PeerError as error:
            return ("error", error.error_class, list(error.arguments))
        except (UnreachableError, MalformedMessageError) as error:
            return ("no answer", str(error))

    def check(self, name: str, got: Any, wanted: Any) -> bool:
        """Record a comparison and return whether it holds."""
        check = Check(self.scenario, name, wanted, got, self.known.get(name, ""))
        self.checks.append(check)
        return check.holds

    def raw(self, data: bytes, timeout: float = 20) -> tuple[list[bytes], bool]:
        """Send bytes unchanged; return the messages received, and whether the daemon closed the connection."""
        decoder = FrameDecoder()
        messages: list[bytes] = []
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(timeout)
            stream.connect(self.path)
            stream.sendall(data)
            stream.settimeout(2)
            try:
                while chunk := stream.recv(1 << 16):
                    messages += decoder.receive_data(chunk)
            except TimeoutError:
                return messages, False
            except OSError:
                return messages, True
            return messages, True


Scenario = Callable[[Session], None]


def run(path: str, scenarios: Mapping[str, Scenario], known: Mapping[str, str]) -> list[Check]:
    """Run every scenario; one that raises an error counts as a failed check."""
    session = Session(path, known)
    for name, scenario in scenarios.items():
        session.scenario = name
        try:
            scenario(session)
        except Exception as error:  # noqa: BLE001 - the daemon under test may do anything
            session.check(f"{name}: to its end", repr(error), "no error")
    return session.checks


__all__ = ["AnyOf", "Check", "Scenario", "Session", "frame", "run", "starts"]
