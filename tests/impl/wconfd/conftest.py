"""A running wconfd in a root of its own for each test, and owners with live-locks."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from checkers.traces.locks import LocksModel
from checkers.traces.validation import read, validate
from checkers.verdict import Illegal, Ok
from impl.paths import Root
from impl.process.livelock import LiveLock
from impl.wire.client import Client, UnreachableError

MINIMAL: dict[str, Any] = {
    "version": 3000000,
    "serial_no": 7,
    "mtime": 1.5,
    "ctime": 1.0,
    "from the future": {"kept": [1, "ü"]},
    "cluster": {
        "uuid": "c1",
        "serial_no": 3,
        "mtime": 1.0,
        "master_node": "n1",
        "mac_prefix": "aa:bb:cc",
        "highest_used_port": 11000,
        "tcpudp_port_pool": [],
        "enabled_hypervisors": ["kvm"],
        "enabled_disk_templates": ["drbd"],
    },
    "nodes": {
        name: {
            "uuid": name,
            "name": f"{name}.example",
            "group": "g1",
            "serial_no": 1,
            "mtime": 1.0,
            "gantry": {"cpus": 8},
        }
        for name in ("n1", "n2")
    },
    "nodegroups": {"g1": {"uuid": "g1", "name": "default", "serial_no": 1, "mtime": 1.0}},
    "instances": {
        "i1": {
            "uuid": "i1",
            "name": "i1.example",
            "primary_node": "n1",
            "disks": ["d1"],
            "nics": [{"mac": "aa:bb:cc:00:00:01", "uuid": "nic1", "network": "net1", "ip": "192.0.2.2"}],
            "serial_no": 4,
            "mtime": 1.0,
            "admin_state": "up",
        }
    },
    "disks": {
        "d1": {
            "uuid": "d1",
            "dev_type": "drbd",
            "logical_id": ["n1", "n2", 11000, 0, 1, "secret"],
            "nodes": ["n1", "n2"],
            "serial_no": 1,
            "mtime": 1.0,
            "iv_name": "disk/0",
        }
    },
    "networks": {
        "net1": {
            "uuid": "net1",
            "name": "net",
            "network": "192.0.2.0/29",
            "reservations": "00100000",
            "ext_reservations": "10000001",
            "serial_no": 1,
            "mtime": 1.0,
        }
    },
    "filters": {},
}


class Daemon:
    """A wconfd process and ways to talk to it."""

    def __init__(self, directory: str, options: tuple[str, ...] = ()) -> None:
        self.root = Root(directory)
        self.options = options
        self.process: subprocess.Popen[bytes] | None = None
        self._clients: list[Client] = []
        self._livelocks: list[LiveLock] = []
        self.root.make_directories()

    def start(self) -> None:
        command = [*self.program, "--root", self.root.directory, "--trace", self.trace, *self.options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.client().close()
            except UnreachableError:
                if self.process.poll() is not None:
                    assert self.process.stderr is not None
                    raise AssertionError(self.process.stderr.read().decode()) from None
                assert time.monotonic() < deadline
                time.sleep(0.01)
            else:
                return

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(60)
        assert self.process.stderr is not None
        self.process.stderr.close()
        self.process = None
        return code

    @property
    def program(self) -> list[str]:
        return [sys.executable, "-m", "impl.wconfd"]

    @property
    def trace(self) -> str:
        return os.path.join(self.root.directory, "trace")

    def check_trace(self) -> None:
        """What the lock core did in this test is a behaviour of the specification."""
        if os.path.exists(self.trace):
            with open(self.trace, "rb") as file:
                verdict = validate(LocksModel(), read(file.read()))
            assert isinstance(verdict, Ok), verdict.witness.describe() if isinstance(verdict, Illegal) else verdict

    def client(self) -> Client:
        client = Client(self.root.wconfd_socket, timeout=60)
        self._clients.append(client)
        return client

    def owner(self, ident: int | str, pid: int | None = None) -> list[Any]:
        livelock = LiveLock.create(self.root.livelocks, f"test_{ident}")
        self._livelocks.append(livelock)
        return [ident, livelock.path, os.getpid() if pid is None else pid]

    def die(self, owner: list[Any]) -> None:
        """Let go of an owner's live-lock, as its death would; the file stays."""
        for livelock in self._livelocks:
            if livelock.path == owner[1]:
                os.close(livelock._descriptor)
                self._livelocks.remove(livelock)
                return
        raise AssertionError(owner)

    def close(self) -> None:
        for client in self._clients:
            client.close()
        for livelock in self._livelocks:
            livelock.release()
        if self.process is not None:
            self.end(signal.SIGKILL)


@contextmanager
def _daemons() -> Iterator[Callable[..., Daemon]]:
    directory = tempfile.mkdtemp(prefix="gw", dir="/tmp")
    made: list[Daemon] = []

    def make(
        *options: str, config: dict[str, Any] | None = MINIMAL, start: bool = True, kind: type[Daemon] = Daemon
    ) -> Daemon:
        daemon = kind(os.path.join(directory, str(len(made))), options)
        made.append(daemon)
        if config is not None:
            with open(daemon.root.config, "w", encoding="utf-8") as file:
                json.dump(config, file)
        if start:
            daemon.start()
        return daemon

    try:
        yield make
    finally:
        for daemon in made:
            daemon.close()
        for daemon in made:
            daemon.check_trace()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def new_daemon() -> Iterator[Callable[..., Daemon]]:
    with _daemons() as make:
        yield make


@pytest.fixture
def daemon(new_daemon: Callable[..., Daemon]) -> Daemon:
    return new_daemon()


@pytest.fixture(scope="module")
def untouched() -> Iterator[Daemon]:
    """A daemon that several tests share; they leave it as it was."""
    with _daemons() as make:
        yield make()


@pytest.fixture
def hangups() -> Iterator[list[int]]:
    """The SIGHUPs that this process has received."""
    received: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, _frame: received.append(number))
    try:
        yield received
    finally:
        signal.signal(signal.SIGHUP, before)
