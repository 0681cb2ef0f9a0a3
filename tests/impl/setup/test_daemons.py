"""Which process counts as a daemon of a root; starting and stopping them is tested by every chain in `tests/e2e`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from impl.paths import Root
from impl.setup.daemons import Daemon, DaemonError, daemons, stop_all

SLEEPER = "import sys; print('up', flush=True); sys.stdin.read()"


@pytest.fixture
def root(short_path: Path) -> Root:
    root = Root(str(short_path / "r"))
    root.make_directories()
    return root


@pytest.fixture
def wconfd(root: Root) -> Daemon:
    return daemons(root)[0]


@pytest.fixture
def processes() -> Iterator[list["subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def run_as(processes: list["subprocess.Popen[str]"], root: Root, name: str, *words: str, cwd: str = "/") -> int:
    """A process of a program of that name, with these words on its command line."""
    program = Path(root.directory, name)
    program.write_text(SLEEPER)
    process = subprocess.Popen(
        [sys.executable, str(program), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=cwd
    )
    processes.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process.pid


def write_pid(daemon: Daemon, text: object) -> None:
    Path(daemon.pid_file).write_text(f"{text}\n")


def test_order_and_places(root: Root) -> None:
    first, second = daemons(root)
    assert (first.name, second.name) == ("wconfd", "luxid")
    assert (first.socket, second.socket) == (root.wconfd_socket, root.luxi_socket)
    assert (first.pid_file, first.log) == (root.pid_file("wconfd"), root.log_file("wconfd"))


def test_without_a_pid_file_or_with_a_wrong_one_it_does_not_run(wconfd: Daemon) -> None:
    assert wconfd.pid() is None
    for text in ("", "nonsense", "-5", os.getpid(), 1 << 22):
        write_pid(wconfd, text)
        assert wconfd.pid() is None
        assert not wconfd.stop()


def test_another_process_with_its_number_is_never_signalled(
    wconfd: Daemon, root: Root, processes: list["subprocess.Popen[str]"]
) -> None:
    for name, *words in (("other", "--root", root.directory), ("wconfd", "--root", "/x"), ("wconfd", "--root=/y")):
        write_pid(wconfd, run_as(processes, root, name, *words))
        assert wconfd.pid() is None
        assert not wconfd.stop()
        assert processes[-1].poll() is None


def test_it_is_known_by_name_and_root_also_a_relative_one(
    wconfd: Daemon, root: Root, processes: list["subprocess.Popen[str]"]
) -> None:
    above = os.path.dirname(root.directory)
    for *words, cwd in (("--root", root.directory, "/"), (f"--root={root.directory}", "/"), ("--root", "r", above)):
        write_pid(wconfd, run_as(processes, root, "wconfd", *words, cwd=cwd))
        assert wconfd.pid() == processes[-1].pid
    write_pid(wconfd, run_as(processes, root, "wconfd", "--root", "r", cwd="/"))
    assert wconfd.pid() is None


def test_stopping_waits_for_the_end_and_says_when_it_does_not_come(
    wconfd: Daemon, root: Root, processes: list["subprocess.Popen[str]"]
) -> None:
    write_pid(wconfd, run_as(processes, root, "wconfd", "--root", root.directory))
    with pytest.raises(DaemonError, match=r"did not stop within 0\.01 s"):
        wconfd.stop(timeout=0.01, number=0)
    assert wconfd.stop()
    assert wconfd.pid() is None
    assert stop_all(root) == []


def test_a_daemon_that_dies_at_its_start_is_reported_with_its_output(
    wconfd: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(DaemonError, match="ended with code 1 instead of starting") as failed:
        wconfd.start()
    assert failed.value.log == wconfd.output


def test_a_socket_that_nobody_serves_does_not_accept(wconfd: Daemon) -> None:
    assert not wconfd.accepts()
