"""Errors of files and sockets as `gantry` prints them: without the words of Ganeti's programs."""

import pytest

from gantry.errors import message
from htools.errors import AccessError, Doing, LoadError
from spec.errors import GantryError

NOWHERE = "does not exist (No such file or directory)"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (AccessError("/x", Doing.OPEN, NOWHERE), "cannot open /x: No such file or directory"),
        (AccessError("/s", Doing.CONNECT, NOWHERE, "start it"), "cannot reach /s: No such file or directory: start it"),
        (AccessError("/x", Doing.READ, "failed"), "cannot read /x: failed"),
        (LoadError("/x", "expected a name", line=3, phrase="Invalid line"), "/x, line 3: expected a name"),
        (LoadError("/x", "", phrase="Invalid line"), "Invalid line"),
        (LoadError("/x", "expected a name"), "/x: expected a name"),
        (GantryError("as it is"), "as it is"),
    ],
)
def test_the_message(error: GantryError, text: str) -> None:
    assert message(error) == text
