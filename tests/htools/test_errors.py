"""Errors begin with Ganeti's phrase, in one line; the place and what was expected follow."""

import errno
import os

import pytest

from htools.errors import AccessError, Doing, LoadError, printable, refusal


def test_the_phrase_stands_before_the_place() -> None:
    error = LoadError("file", "expected more", line=3, field="name", phrase="Cannot parse line x")
    assert str(error) == "Cannot parse line x\nfile, line 3, field 'name': expected more"
    assert str(LoadError("file", "expected more")) == "file: expected more"


def test_phrases_are_one_line_of_bounded_length() -> None:
    error = LoadError("file", "expected more", phrase="a\n\x1b[31m" + "x" * 10_000 + "end")
    first, _, rest = str(error).partition("\n")
    assert first.startswith("a\\n\\x1b[31mxxx")
    assert first.endswith("xxxend")
    assert len(first) < 720
    assert rest == "file: expected more"


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOENT, "does not exist"),
        (errno.EACCES, "permission denied"),
        (errno.EISDIR, "inappropriate type"),
        (errno.ENAMETOOLONG, "invalid argument"),
        (errno.ENOSPC, "resource exhausted"),
        (errno.ECONNREFUSED, "does not exist"),
        (errno.EPROTO, "failed"),
    ],
)
def test_refusals_have_the_names_that_ganeti_prints(number: int, kind: str) -> None:
    assert refusal(OSError(number, os.strerror(number))) == f"{kind} ({os.strerror(number)})"


def test_files_and_sockets() -> None:
    assert str(AccessError("/x", Doing.OPEN, "does not exist (no)")) == "/x: openFile: does not exist (no)"
    text = str(AccessError("/x", Doing.CONNECT, "does not exist (no)", "start it"))
    assert text == "Network.Socket.connect: <socket: 3>: does not exist (no)\n/x: start it"


def test_control_characters_are_escaped() -> None:
    assert printable("é\t") == "é\\t"
