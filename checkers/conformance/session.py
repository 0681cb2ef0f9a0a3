"""What every conformance driver needs: scenarios of checks against a running daemon, reached through its socket only.

A check compares what the daemon answered with what the wire's description says. A driver knows which answers of the
Ganeti are known to differ, and why: these are not held against a daemon that is said to be Ganeti.
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
        scenario: what is being tried.
        name: what is compared.
        wanted: what should have been answered.
        got: what was.
        known: why Ganeti is known to answer otherwise.
    """

    scenario: str
    name: str
    wanted: Any
    got: Any
    known: str = ""

    @property
    def holds(self) -> bool:
        """Whether the answer is as it should be."""
        return bool(self.wanted == self.got)


class AnyOf:
    """Equal to whatever a test accepts; shown by its description."""

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
    """Any text that begins like this."""
    return AnyOf(f"text that starts with {text!r}", lambda value: value.startswith(text))


@dataclass(slots=True)
class Session:
    """A connection to the daemon under test, and what was found so far."""

    path: str
    known: Mapping[str, str] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    scenario: str = ""

    def connect(self, timeout: float = 30) -> Client:
        """A connection of one's own."""
        return Client(self.path, timeout)

    def call(self, method: str, *args: Any) -> Any:
        """The answer to one call on a connection of its own.

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
        """Compare."""
        check = Check(self.scenario, name, wanted, got, self.known.get(name, ""))
        self.checks.append(check)
        return check.holds

    def raw(self, data: bytes, timeout: float = 20) -> tuple[list[bytes], bool]:
        """Send bytes as they are: the messages that came back, and whether the daemon then closed the connection."""
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
    """Run every scenario; one that breaks off is a failed check itself."""
    session = Session(path, known)
    for name, scenario in scenarios.items():
        session.scenario = name
        try:
            scenario(session)
        except Exception as error:  # noqa: BLE001 - the daemon under test may do anything
            session.check(f"{name}: to its end", repr(error), "no error")
    return session.checks


__all__ = ["AnyOf", "Check", "Scenario", "Session", "frame", "run", "starts"]
