"""`gantry cluster` over real daemons: what they are started with, and which ones it finds."""

import contextlib
import os
import re
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gantry.demo.stage import Stage
from impl.paths import Root
from impl.process.environment import module_command, small_environment
from impl.process.livelock import LiveLock
from impl.setup.daemons import daemons, stop_all
from impl.wire.client import Client, UnreachableError
from spec.errors import PeerError
from tests.impl.process.test_environment import plant

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "branch-4.txt"
GANTRY = str(Path(sys.executable).with_name("gantry"))


@dataclass
class Place:
    """A root of its own, and `gantry cluster` for it."""

    root: Root

    def run(self, action: str, *words: str, umask: int = -1, **options: object) -> "subprocess.CompletedProcess[str]":
        command = [GANTRY, "cluster", action, "--root", self.root.directory, *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, umask=umask, **options)  # type: ignore[call-overload,no-any-return]

    def init(self, **options: object) -> None:
        done = self.run("init", "--from", str(EXAMPLE), **options)  # type: ignore[arg-type]
        assert done.returncode == 0, done.stderr

    def start(self, **options: object) -> None:
        done = self.run("start", **options)  # type: ignore[arg-type]
        assert done.returncode == 0, done.stderr


@pytest.fixture
def place() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="gc") as directory:
        root = Root.of(f"{directory}/r")
        try:
            yield Place(root)
        finally:
            stop_all(root)


def test_daemons_execute_and_inherit_nothing_of_whoever_starts_them(place: Place, tmp_path: Path) -> None:
    marker = plant(tmp_path)
    hostile = {**os.environ, "LD_BIND_NOW": "1", "PYTHONPATH": str(tmp_path / "more"), "SECRET": "x"}
    place.init()
    place.start(cwd=tmp_path, env=hostile)
    assert not marker.exists()
    found = Stage(place.root).processes()
    programs = []
    for pid in found:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        programs.append(words[words.index("-m") + 1])
        given = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
        assert dict(line.split("=", 1) for line in given if line) == small_environment()
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert sorted(programs) == ["impl.luxid", "impl.process.spawner", "impl.wconfd"], "jobs are forks of the spawner"


def modes(root: Root) -> dict[str, int]:
    """The permission bits of everything below a root, by path (live-locks without their times)."""
    found = {}
    for above, directories, files in os.walk(root.directory):
        for name in (*directories, *files):
            path = os.path.join(above, name)
            found[re.sub(r"_\d+$", "", os.path.relpath(path, root.directory))] = stat.S_IMODE(os.lstat(path).st_mode)
    return found


def test_modes_below_a_root_do_not_depend_on_the_umask(place: Place) -> None:
    place.init(umask=0)
    place.start(umask=0)
    found = modes(place.root)
    assert [path for path, mode in found.items() if mode & 0o002] == []
    assert found["var/run/ganeti/socket/ganeti-query"] == 0o660
    assert found["var/run/ganeti/socket/ganeti-wconfd"] == 0o600
    assert found["var/lib/ganeti/config.data"] == 0o640
    assert found["var/lib/ganeti/wconfd.db"] == 0o600
    assert {found[f"var/log/ganeti/{name}"] for name in ("luxid.log", "wconfd.log", "luxid.out", "jobs.log")} == {0o640}
    other = Place(Root(f"{place.root.directory}2"))
    other.init(umask=0o077)
    try:
        other.start(umask=0o077)
        assert modes(other.root) == found
    finally:
        stop_all(other.root)


@pytest.mark.parametrize("action", ["init", "start", "status", "stop"])
def test_a_root_whose_path_is_not_utf8_is_refused_before_anything_is_made(action: str, tmp_path: Path) -> None:
    root = Root(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    done = Place(root).run(action, *(["--from", str(EXAMPLE)] if action == "init" else []))
    assert done.returncode == 1
    assert "is not UTF-8" in done.stderr
    assert "Traceback" not in done.stderr
    assert os.listdir(tmp_path) == []
    for daemon in ("luxid", "wconfd"):
        command = module_command(f"impl.{daemon}", "--root", root.directory)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, "is not UTF-8" in done.stderr) == (1, True)
    assert os.listdir(tmp_path) == []


def content(root: Root) -> dict[str, bytes]:
    """Everything that lies below a root, sockets and pipes excepted."""
    return {
        os.path.join(above, name): Path(above, name).read_bytes()
        for above, _, files in os.walk(root.directory)
        for name in files
        if stat.S_ISREG(os.lstat(os.path.join(above, name)).st_mode)
    }


def pids(root: Root) -> list[int]:
    found = [daemon.pid() for daemon in daemons(root)]
    assert None not in found
    return [pid for pid in found if pid is not None]


def wait_for_ends(processes: list[int]) -> None:
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            assert poll.poll(60_000)
            os.close(descriptor)


@pytest.mark.parametrize("again", [False, True])
def test_daemons_whose_root_was_removed_end_and_write_nothing_into_the_next_one(place: Place, again: bool) -> None:
    place.init()
    place.start()
    old = pids(place.root)
    with Client(place.root.luxi_socket) as luxid:
        op = {"OP_ID": "OP_TEST_DELAY", "duration": 0, "on_master": True, "on_nodes": [], "reason": []}
        assert luxid.call("SubmitJob", [op]) == 1
    shutil.rmtree(place.root.directory)
    if again:
        place.init()
    before = content(place.root)
    wait_for_ends(old)
    assert content(place.root) == before
    if again:
        place.start()
        assert not set(pids(place.root)) & set(old)
        assert place.run("status").returncode == 0


@pytest.mark.long
def test_old_daemons_that_cannot_end_are_named_and_stopped(place: Place) -> None:
    place.init()
    place.start()
    old = pids(place.root)
    for pid in old:
        os.kill(pid, signal.SIGSTOP)
    shutil.rmtree(place.root.directory)
    done = place.run("status")
    for name, pid in zip(("wconfd", "luxid"), old, strict=True):
        assert f"{name:<7} process {pid}, which no pid file names" in done.stdout
    assert (done.returncode, "no cluster here" in done.stderr) == (1, True)
    place.init()
    done = place.run("start")
    assert done.returncode == 1
    assert f"wconfd is not started: process {old[0]} serves what was {place.root.directory} before" in done.stderr
    done = place.run("stop")
    assert (
        done.stdout
        == "stopped "
        + " and ".join(
            f"{name} (process {pid}, which no pid file names)" for name, pid in (("luxid", old[1]), ("wconfd", old[0]))
        )
        + "\n"
    )
    wait_for_ends(old)
    place.start()


def test_a_removed_socket_or_pid_file_is_there_again(place: Place) -> None:
    place.init()
    place.start()
    running = pids(place.root)
    names = [path for daemon in daemons(place.root) for path in (daemon.socket, daemon.pid_file)]
    for path in names:
        os.unlink(path)
    deadline = time.monotonic() + 60
    while not all(daemon.pid() is not None and daemon.accepts() for daemon in daemons(place.root)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert pids(place.root) == running
    for name in ("wconfd", "luxid"):
        log = Path(place.root.log_file(name)).read_text(encoding="utf-8")
        assert "listening there again" in log
        assert "taken again" in log


@pytest.mark.parametrize("lost", ["wconfd.db", "wconfd.db-wal"])
def test_a_store_that_loses_its_name_loses_nothing_that_was_confirmed(place: Place, lost: str) -> None:
    place.init()
    place.start()
    process = pids(place.root)[0]
    livelock = LiveLock.create(place.root.livelocks, "mine")
    owner = [1, livelock.path, os.getpid()]
    with Client(place.root.wconfd_socket) as wconfd:
        confirmed: list[str] = []

        def lock() -> None:
            name = f"node/b{len(confirmed)}"
            wconfd.call("tryUpdateLocks", owner, [[name, "exclusive"]])
            confirmed.append(name)

        lock()
        os.unlink(f"{place.root.state}/{lost}")
        with contextlib.suppress(UnreachableError, PeerError):
            while True:  # whatever is confirmed from here on must be kept as well
                lock()
    wait_for_ends([process])
    place.start()
    with Client(place.root.wconfd_socket) as wconfd:
        held = [name for name, owners in wconfd.call("listAllLocksOwners") if owners]
    assert set(confirmed) <= set(held)
    livelock.release()
    assert f"{lost} is gone: what is in memory is saved" in Path(place.root.log_file("wconfd")).read_text("utf-8")
