"""The machine's own disk, where it must behave as the simulated one of the crash explorer."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from impl.luxid.disk import RealDisk


def test_files_names_and_directories(tmp_path: Path) -> None:
    disk, path = RealDisk(), str(tmp_path / "file")
    assert not disk.exists(path)
    assert not disk.sync(path)
    with pytest.raises(FileNotFoundError):
        disk.read(path)
    disk.write(path, b"long content")
    disk.write(path, b"short")
    assert disk.read(path) == b"short"
    assert disk.sync(path)
    disk.rename(path, path + "2")
    disk.make_directory(str(tmp_path / "d" / "e"))
    disk.make_directory(str(tmp_path / "d" / "e"))
    assert sorted(disk.names(str(tmp_path))) == ["d", "file2"]
    disk.sync_directory(str(tmp_path))
    disk.unlink(path + "2")
    disk.unlink(path + "2")
    assert disk.names(str(tmp_path)) == ["d"]


def test_what_grows_while_it_is_read_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, path = RealDisk(), str(tmp_path / "file")
    disk.write(path, b"x" * 100)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fstat", lambda _: SimpleNamespace(st_size=10))
        assert disk.read(path) == b"x" * 100


def test_a_failed_append_leaves_the_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, path = RealDisk(), str(tmp_path / "journal")
    disk.write(path, b"")
    disk.append(path, b"first", 0)

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", fail)
        with pytest.raises(OSError, match="Input/output"):
            disk.append(path, b"second", 5)
    assert disk.read(path) == b"first"
    disk.append(path, b"third", 5)
    assert disk.read(path) == b"firstthird"
    other = str(tmp_path / "next")
    disk.write(other, b"")
    disk.append(other, b"x", 0)
    assert (disk.read(path), disk.read(other)) == (b"firstthird", b"x")


TAKE = "import sys; from impl.luxid.disk import RealDisk; print(RealDisk().lock(sys.argv[1]) is None)"


def test_a_lock_is_for_one_process(tmp_path: Path) -> None:
    def refused() -> bool:
        done = subprocess.run([sys.executable, "-c", TAKE, path], capture_output=True, text=True, check=True)
        return done.stdout == "True\n"

    disk, path = RealDisk(), str(tmp_path / "lock")
    handle = disk.lock(path)
    assert handle is not None
    assert refused()
    disk.unlock(handle)
    assert not refused()
