import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from impl.process.livelock import LiveLock, is_dead, livelock_holder, pidfd_of_holder, signal_holder

HOLDER = """
import sys, time
from impl.process.livelock import LiveLock
lock = LiveLock.create(sys.argv[1], "job_000001")
print(lock.path, flush=True)
sys.stdin.read()
lock.release()
"""


def _holder(directory: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_alive_stopped_and_killed(tmp_path: Path) -> None:
    with _holder(tmp_path) as holder:
        assert holder.stdout is not None
        path = holder.stdout.readline().strip()
        assert not is_dead(path)
        holder.send_signal(signal.SIGSTOP)
        assert not is_dead(path), "a stopped process is not dead"
        holder.kill()
        holder.wait()
        assert is_dead(path)
        assert os.path.exists(path), "asking changes nothing"


def test_release_removes_the_file(tmp_path: Path) -> None:
    with _holder(tmp_path) as holder:
        assert holder.stdout is not None
        path = holder.stdout.readline().strip()
        holder.communicate("")
    assert not os.path.exists(path)
    assert is_dead(path)


def test_a_left_over_file_is_never_taken_over(tmp_path: Path) -> None:
    first = LiveLock.create(str(tmp_path), "x")
    second = LiveLock.create(str(tmp_path), "x")
    assert first.path != second.path
    second.release()
    first.release()


def test_only_the_holder_is_opened_and_signalled(tmp_path: Path) -> None:
    with _holder(tmp_path) as holder:
        assert holder.stdout is not None
        path = holder.stdout.readline().strip()
        assert livelock_holder(path) == holder.pid
        for stranger in (-1, 0, 1, os.getpid(), os.getppid(), 2**31, 10**30):
            assert pidfd_of_holder(stranger, path) is None
            assert not signal_holder(stranger, path, signal.SIGKILL)
        assert holder.poll() is None
        assert signal_holder(holder.pid, path, signal.SIGKILL)
        assert holder.wait(30) == -signal.SIGKILL
        assert not signal_holder(holder.pid, path, signal.SIGKILL)


def test_a_path_that_no_file_can_have_is_not_examined() -> None:
    for path in ("a\0b", "\udfff"):
        assert not is_dead(path)
        assert livelock_holder(path) is None


def test_a_file_that_is_removed_before_it_is_locked_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fcntl.lockf
    removed: list[str] = []

    def late(descriptor: int, how: int) -> None:
        if not removed:
            removed.append(os.readlink(f"/proc/self/fd/{descriptor}"))
            os.unlink(removed[0])
        whole(descriptor, how)

    monkeypatch.setattr(fcntl, "lockf", late)
    lock = LiveLock.create(str(tmp_path), "x")
    assert len(removed) == 1
    assert os.path.exists(lock.path)
    lock.release()


def test_a_name_that_is_another_s_by_now_is_left_alone(tmp_path: Path) -> None:
    lock = LiveLock.create(str(tmp_path), "x")
    os.unlink(lock.path)
    Path(lock.path).write_text("another's", encoding="ascii")
    lock.release()
    assert Path(lock.path).read_text(encoding="ascii") == "another's"
