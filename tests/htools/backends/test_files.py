"""Reading files: what the system refuses, and bytes that are no UTF-8, in Ganeti's words."""

from pathlib import Path

import pytest

from htools.backends.files import decode_text, read_bytes
from htools.errors import AccessError, Doing


def test_files_are_read_whole(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"a\xffb\n")
    assert read_bytes(str(tmp_path / "f")) == b"a\xffb\n"


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("none", "does not exist (No such file or directory)"),
        (".", "inappropriate type (is a directory)"),
        ("f/x", "inappropriate type (Not a directory)"),
        ("n" * 300, "invalid argument (File name too long)"),
    ],
)
def test_what_cannot_be_opened(tmp_path: Path, name: str, refused: str) -> None:
    (tmp_path / "f").touch()
    path = str(tmp_path / name)
    with pytest.raises(AccessError) as caught:
        read_bytes(path)
    assert caught.value.doing is Doing.OPEN
    assert str(caught.value).endswith(f": openFile: {refused}")


def test_bytes_that_are_no_text_are_reported_with_their_line() -> None:
    assert decode_text("f", "ä\n".encode()) == "ä\n"
    with pytest.raises(AccessError) as caught:
        decode_text("f", b"a\nb\n\xc3(")
    assert caught.value.line == 3
    assert str(caught.value) == (
        "f: hGetContents: invalid argument (invalid byte sequence)\nf, line 3: expected UTF-8, found the byte 0xc3"
    )
