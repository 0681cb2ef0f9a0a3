"""Files are replaced whole: an error leaves the old one and nothing beside it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from impl.files import set_aside, signature_of, write_all, write_file


def test_a_file_is_replaced_with_its_mode_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "state"
    write_file(str(path), b"old", mode=0o600)
    write_file(str(path), b"new", mode=0o600)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["state"]


@pytest.mark.parametrize("name", ["fdatasync", "rename", "write"])
def test_a_failure_leaves_the_old_file_and_no_temporary_one(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state"
    write_file(str(path), b"old")

    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, name, fail)
        with pytest.raises(OSError, match="No space left"):
            write_file(str(path), b"new")
    assert (path.read_bytes(), os.listdir(tmp_path)) == (b"old", ["state"])


@pytest.mark.parametrize(("durable", "syncs"), [(True, ["file", "directory"]), (False, ["file"])])
def test_what_is_synced_before_the_call_returns(
    durable: bool, syncs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    path = tmp_path / "state"

    def sync(descriptor: int) -> None:
        seen.append("directory" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")
        assert path.exists() == (seen[-1] == "directory"), "the content is synced before it gets the name"

    monkeypatch.setattr(os, "fdatasync", sync)
    monkeypatch.setattr(os, "fsync", sync)
    write_file(str(path), b"new", durable=durable)
    assert seen == syncs


def test_a_temporary_name_may_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    renamed: list[tuple[str, str]] = []
    monkeypatch.setattr(os, "rename", lambda old, new: renamed.append((old, new)))
    path, temporary = str(tmp_path / "job"), str(tmp_path / ".job.new")
    write_file(path, b"x", temporary=temporary)
    write_file(path, b"x")
    assert renamed == [(temporary, path), (f"{path}.new-{os.getpid()}", path)]


def test_short_writes_are_continued(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    whole = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: whole(descriptor, bytes(data[:3])))
    write_all(writer, b"0123456789")
    os.close(writer)
    assert os.read(reader, 100) == b"0123456789"
    os.close(reader)


def test_a_signature_changes_with_every_replacement(tmp_path: Path) -> None:
    path = str(tmp_path / "state")
    assert signature_of(path) is None
    seen = set()
    for _ in range(3):
        write_file(path, b"same")
        seen.add(signature_of(path))
    assert len(seen) == 3


@pytest.mark.parametrize("mask", [0, 0o077, 0o777])
def test_the_mode_does_not_depend_on_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        write_file(str(tmp_path / "state"), b"x", mode=0o640)
    finally:
        os.umask(before)
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_link_planted_at_the_temporary_name_is_not_followed(
    link: Callable[[Path, Path], None], tmp_path: Path
) -> None:
    precious, temporary = tmp_path / "precious", tmp_path / ".job.new"
    precious.write_bytes(b"kept")
    link(precious, temporary)
    write_file(str(tmp_path / "job"), b"new", temporary=str(temporary))
    assert (tmp_path / "job").read_bytes() == b"new"
    assert not (tmp_path / "job").is_symlink()
    assert precious.read_bytes() == b"kept"
    assert not temporary.exists()


def test_what_is_set_aside_replaces_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for number, content in enumerate((b"one", b"two"), 1):
        path.write_bytes(content)
        assert set_aside(str(path)) == f"{path}.damaged-{number}"
        assert not path.exists()
    assert [Path(f"{path}.damaged-{number}").read_bytes() for number in (1, 2)] == [b"one", b"two"]
    with pytest.raises(FileNotFoundError):
        set_aside(str(path))
