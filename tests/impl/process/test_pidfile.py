import fcntl
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from impl.paths import Root
from impl.process.pidfile import AlreadyRunningError, PidFile, bound_socket

HOLDER = """
import sys
from impl.paths import Root
from impl.process.pidfile import PidFile
with PidFile.take(Root(sys.argv[1]), "wconfd"):
    print("taken", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def root(tmp_path: Path) -> Root:
    root = Root(str(tmp_path))
    os.makedirs(root.run)
    return root


def holder(root: Root) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, root.directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "taken\n"
    return process


def test_it_holds_the_process_id_and_goes_at_the_end(root: Root) -> None:
    path = root.pid_file("luxid")
    Path(path).write_text("a longer text of a daemon that was killed")
    with PidFile.take(root, "luxid") as taken:
        assert taken.path == path
        assert Path(path).read_text() == f"{os.getpid()}\n"
    assert not os.path.exists(path)


def test_a_second_daemon_is_refused_and_another_name_is_not(root: Root) -> None:
    with holder(root) as process:
        with pytest.raises(AlreadyRunningError, match="another wconfd serves this root"):
            PidFile.take(root, "wconfd")
        assert Path(root.pid_file("wconfd")).read_text() == f"{process.pid}\n", "the first one's is untouched"
        with PidFile.take(root, "luxid"):
            pass
        process.communicate("")


def test_what_a_killed_daemon_left_is_taken_over(root: Root) -> None:
    with holder(root) as process:
        process.kill()
        process.wait()
    assert os.path.exists(root.pid_file("wconfd"))
    with PidFile.take(root, "wconfd"):
        assert Path(root.pid_file("wconfd")).read_text() == f"{os.getpid()}\n"


def test_a_pid_file_that_is_removed_before_it_is_locked_is_not_taken(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a daemon would serve under the lock of a file without a name, and the next one beside it."""
    whole, path = fcntl.lockf, root.pid_file("wconfd")
    locked: list[int] = []

    def late(descriptor: int, how: int) -> None:
        if not locked:
            os.unlink(path)
        locked.append(descriptor)
        whole(descriptor, how)

    monkeypatch.setattr(fcntl, "lockf", late)
    with PidFile.take(root, "wconfd"):
        assert len(locked) == 2
        assert Path(path).read_text() == f"{os.getpid()}\n"


def test_a_pid_file_that_is_another_s_by_now_is_left_alone(root: Root) -> None:
    path = Path(root.pid_file("wconfd"))
    with PidFile.take(root, "wconfd"):
        path.unlink()
        path.write_text("17\n")
    assert path.read_text() == "17\n"


def test_a_link_is_not_taken_for_a_pid_file(root: Root, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    os.symlink(tmp_path / "precious", root.pid_file("wconfd"))
    with pytest.raises(OSError, match="symbolic links"):
        PidFile.take(root, "wconfd")
    assert (tmp_path / "precious").read_text() == "kept"


@pytest.mark.parametrize("mode", [0o600, 0o660])
@pytest.mark.parametrize("mask", [0, 0o022, 0o777])
def test_a_socket_has_its_mode_whatever_the_umask_and_replaces_a_left_over(root: Root, mode: int, mask: int) -> None:
    path = f"{root.run}/socket"
    before = os.umask(mask)
    try:
        for _ in range(2):
            with bound_socket(path, mode) as bound:
                assert stat.S_IMODE(os.stat(path).st_mode) == mode
                with socket.socket(socket.AF_UNIX) as client, pytest.raises(ConnectionRefusedError):
                    client.connect(path)
                bound.listen(1)
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(path)
        assert os.umask(mask) == mask, "the process's own mask is as before"
    finally:
        os.umask(before)


def test_a_socket_appears_with_no_more_rights_than_its_owner_s(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(os, "chmod", lambda path, _: seen.append(stat.S_IMODE(os.stat(path).st_mode)))
    before = os.umask(0)
    try:
        bound_socket(f"{root.run}/socket", 0o660).close()
    finally:
        os.umask(before)
    assert seen == [0o600]


def test_a_socket_that_cannot_be_bound_is_closed(root: Root) -> None:
    with pytest.raises(OSError, match="No such file"):
        bound_socket(f"{root.run}/missing/socket", 0o600)
