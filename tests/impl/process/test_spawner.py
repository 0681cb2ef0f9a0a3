"""The spawner with a program of a few lines, over a socket as luxid uses it."""

import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from impl.paths import Root
from impl.process.spawner import Started, decode_started, encode_request, load_program

PROGRAM = "tests.impl.process.test_spawner:report"


def report(job_id: int, root: Root, receive_fd: int, send_fd: int) -> int:
    """What a forked child runs: says what it was given, and ends as it is asked to."""
    os.write(send_fd, f"{job_id} {root.directory} {os.getsid(0) == os.getpid()}".encode())
    word = os.read(receive_fd, 100)
    if word == b"raise":
        raise RuntimeError("as asked")
    return int(word)


@contextmanager
def spawner(root: Path) -> Iterator[tuple[socket.socket, "subprocess.Popen[bytes]"]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(30)
    command = [
        sys.executable, "-m", "impl.process.spawner", "--root", str(root), "--socket", str(theirs.fileno()),
        "--program", PROGRAM,
    ]  # fmt: skip
    with (
        theirs,
        subprocess.Popen(command, pass_fds=[theirs.fileno()], stderr=subprocess.PIPE) as process,
    ):
        theirs.close()
        try:
            yield ours, process
        finally:
            ours.close()
            process.wait(30)


def start(control: socket.socket, job_id: int) -> tuple[Started, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.settimeout(30)
    with theirs:
        socket.send_fds(control, [encode_request(job_id)], [theirs.fileno()])
    data, descriptors, _, _ = socket.recv_fds(control, 4096, 4)
    return decode_started(data, descriptors), ours


def ended(started: Started) -> bool:
    assert started.pidfd is not None
    poll = select.poll()
    poll.register(started.pidfd, select.POLLIN)
    found = bool(poll.poll(30_000))
    os.close(started.pidfd)
    return found


def test_it_forks_a_session_of_its_own_for_each_job_and_hands_its_pidfd_over(tmp_path: Path) -> None:
    with spawner(tmp_path) as (control, process):
        children = [start(control, number) for number in (7, 8)]
        for number, (started, channel) in zip((7, 8), children, strict=True):
            assert started.id == number
            assert started.pid not in {0, process.pid}
            assert channel.recv(1000).decode() == f"{number} {tmp_path} True"
            channel.sendall(b"0")
            assert ended(started)
            assert channel.recv(1) == b"", "nobody else holds the job's end of the channel"
            channel.close()


def test_a_child_that_raises_ends_and_the_spawner_serves_on(tmp_path: Path) -> None:
    with spawner(tmp_path) as (control, _):
        for word in (b"raise", b"0"):
            started, channel = start(control, 1)
            channel.recv(1000)
            channel.sendall(word)
            assert ended(started)
            channel.close()


def test_it_ends_when_luxid_goes_and_its_jobs_run_on(tmp_path: Path) -> None:
    with spawner(tmp_path) as (control, process):
        started, channel = start(control, 1)
        channel.recv(1000)
        control.close()
        assert process.wait(30) == 0
        channel.sendall(b"0")
        assert ended(started)
        channel.close()


def test_answers_are_read_with_and_without_a_process() -> None:
    assert decode_started(b'{"id": 3, "pid": 9}', [5]) == Started(3, 9, 5)
    assert decode_started(b'{"id": 3, "error": "cannot fork"}', []) == Started(3, 0, None, "cannot fork")


def test_a_program_is_named_by_module_and_function() -> None:
    found: object = load_program("os.path:join")
    assert found is os.path.join
    with pytest.raises(AttributeError):
        load_program("os.path:nothing")
