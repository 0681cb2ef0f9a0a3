"""Whole clusters of running daemons, each in a root of its own, stopped by process id at the end."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gantry.demo.stage import Stage, make_stage
from htools.backends import text
from impl.paths import Root
from impl.setup.daemons import Daemon, daemons, stop_all
from impl.wire.client import Client
from spec.allocator.cluster import Cluster

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FINAL = frozenset({"success", "error", "canceled"})


@dataclass
class Chain:
    """Both daemons at work, and a way to talk to them."""

    stage: Stage
    cluster: Cluster

    @property
    def root(self) -> Root:
        return self.stage.root

    def daemon(self, name: str) -> Daemon:
        return next(daemon for daemon in daemons(self.root) if daemon.name == name)

    @contextmanager
    def luxid(self) -> Iterator[Client]:
        with Client(self.root.luxi_socket) as client:
            yield client

    @contextmanager
    def wconfd(self) -> Iterator[Client]:
        with Client(self.root.wconfd_socket) as client:
            yield client

    def submit(self, *opcodes: dict[str, Any]) -> int:
        with self.luxid() as luxid:
            return int(luxid.call("SubmitJob", [{"reason": [], **opcode} for opcode in opcodes]))

    def delay(self, seconds: float, *nodes: str) -> int:
        """Submit a job that holds nodes' locks for some seconds."""
        return self.submit(
            {
                "OP_ID": "OP_TEST_DELAY",
                "duration": seconds,
                "on_master": False,
                "on_nodes": list(nodes),
                "no_locks": False,
            }
        )

    def job(self, number: int, *fields: str) -> list[Any]:
        with self.luxid() as luxid:
            (row,) = luxid.call("QueryJobs", [number], list(fields))
            return list(row)

    def wait_for(self, number: int, *statuses: str) -> str:
        """Wait, by luxid's own notification, until a job has one of the statuses."""
        last: Any = None
        with self.luxid() as luxid:
            while True:
                answer = luxid.call("WaitForJobChange", number, ["status"], last, None, 10.0)
                if answer != "nochange":
                    last = answer[0]
                    if last[0] in statuses:
                        return str(last[0])
                    assert last[0] not in FINAL, f"job {number} ended as {last[0]}: {self.job(number, 'opresult')}"

    def locks(self) -> tuple[list[Any], list[Any]]:
        with self.wconfd() as wconfd:
            held, pending = wconfd.call("listLocksWaitingStatus")
            return [lock for lock, owners in held if owners], pending

    def kill(self, name: str) -> None:
        """SIGKILL a daemon and wait until it is gone."""
        assert self.daemon(name).stop(number=signal.SIGKILL)


@contextmanager
def chain_of(cluster: Cluster, seconds_per_gib: float) -> Iterator[Chain]:
    """Run a cluster; remaining processes are killed at the end."""
    directory = tempfile.mkdtemp(prefix="gc")
    try:
        yield Chain(make_stage(cluster, directory, seconds_per_gib), cluster)
    finally:
        root = Root.of(directory)
        with suppress(Exception):
            stop_all(root)
        for pid in Stage(root).processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def branch() -> Cluster:
    """Return four nodes, five instances."""
    return text.load(str(EXAMPLES / "branch-4.txt"))


@pytest.fixture
def chain(branch: Cluster) -> Iterator[Chain]:
    with chain_of(branch, 0.0) as it:
        yield it


def hbal(chain: Chain, *options: str) -> "subprocess.Popen[str]":
    return chain.stage.hbal(*options)


def until(holds: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """Poll until something holds, where there is no notification."""
    end = time.monotonic() + seconds
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        os.sched_yield()
