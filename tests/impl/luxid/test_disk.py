"""The machine's own disk, where it must behave as the simulated one of the crash explorer."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from impl.files import UnusableFileError
from impl.luxid.disk import RealDisk, UnknownContentError


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
        patched.setattr(os, "fstat", lambda _: SimpleNamespace(st_size=10, st_mode=stat.S_IFREG))
        assert disk.read(path) == b"x" * 100


def test_a_failed_append_leaves_the_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, path = RealDisk(), str(tmp_path / "journal")
    disk.write(path, b"")
    disk.append(path, b"first", 0)

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", fail)
        with pytest.raises(UnknownContentError, match="Input/output"):  # nor can the old length be synced
            disk.append(path, b"second", 5)
    assert disk.read(path) == b"first"
    disk.append(path, b"third", 5)
    assert disk.read(path) == b"firstthird"
    other = str(tmp_path / "next")
    disk.write(other, b"")
    disk.append(other, b"x", 0)
    assert (disk.read(path), disk.read(other)) == (b"firstthird", b"x")


def test_an_append_that_failed_alone_is_undone_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, path = RealDisk(), str(tmp_path / "journal")
    disk.write(path, b"first")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="No space"):
            disk.append(path, b"second", 5)
    assert disk.read(path) == b"first"


@pytest.mark.timeout(20)
def test_nothing_but_a_regular_file_is_read_or_written_through(tmp_path: Path) -> None:
    disk = RealDisk()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("link")
    (tmp_path / "other").symlink_to(tmp_path / "target")
    (tmp_path / "directory").mkdir()
    for name in ("fifo", "link", "other", "directory"):
        with pytest.raises(UnusableFileError):
            disk.read(str(tmp_path / name))
        with pytest.raises(OSError, match=r"link|such device|directory"):
            disk.write(str(tmp_path / name), b"x")
    assert not (tmp_path / "target").exists()


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
