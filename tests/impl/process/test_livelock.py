import os
import signal
import subprocess
import sys
from pathlib import Path

from impl.process.livelock import LiveLock, is_dead

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
