"""SIGKILL under load: after the restart all acknowledged changes are there, and none that was not requested."""

import random
import signal
import sys
import threading
import time
from collections.abc import Callable

import pytest

from impl.store.port import Batch
from impl.store.sqlite import SqliteStore
from impl.wconfd.options import read_options
from impl.wconfd.run import run
from impl.wire.client import Client, UnreachableError
from tests import budget
from tests.impl.wconfd.conftest import MINIMAL, Daemon, hangups, new_daemon

__all__ = ["hangups", "new_daemon"]
CLIENTS = 8
Locks = frozenset[str]


class LedgerClient:
    """An owner that takes and frees locks, increases a counter, and records what was acknowledged."""

    def __init__(self, daemon: Daemon, number: int, seed: int) -> None:
        self.owner = daemon.owner(number + 1, pid=0)
        self.node = f"k{number}"
        self.path = daemon.root.wconfd_socket
        self.generator = random.Random(seed)
        self.locks: Locks = frozenset()
        self.count = 0
        self.in_flight: tuple[Locks, int] | None = None
        self.acknowledged = 0
        self.failure: str | None = None

    def run(self) -> None:
        try:
            with Client(self.path, timeout=20) as client:
                while True:
                    self._one_call(client)
        except UnreachableError:
            pass
        except Exception as error:  # noqa: BLE001 - reported by the test
            self.failure = repr(error)

    def _one_call(self, client: Client) -> None:
        if self.generator.random() < 0.3:
            object_ = client.call("readObject", "nodes", self.node)
            if object_["count"] != self.count:
                raise AssertionError(f"{self.node} counts {object_['count']}, not {self.count}")
            self.in_flight = (self.locks, self.count + 1)
            client.call("updateNode", {**object_, "count": self.count + 1})
            self.count += 1
        else:
            lock = f"node/{self.node}-{self.generator.randrange(3)}"
            mode, after = ("release", self.locks - {lock}) if lock in self.locks else ("exclusive", self.locks | {lock})
            if mode == "exclusive" and any(lock < held for held in self.locks):
                mode, after, lock = "release", self.locks - {max(self.locks)}, max(self.locks)
            self.in_flight = (after, self.count)
            if client.call("tryUpdateLocks", self.owner, [[lock, mode]]) != []:
                raise AssertionError("a lock that nobody else uses is blocked")
            self.locks = after
        self.acknowledged += 1
        self.in_flight = None

    def compare(self, client: Client) -> None:
        """Assert that the daemon has what was acknowledged, with or without the last call; continue from there."""
        found = (
            frozenset(lock for lock, _ in client.call("listLocks", self.owner)),
            client.call("readObject", "nodes", self.node)["count"],
        )
        possible = [(self.locks, self.count)] + ([self.in_flight] if self.in_flight else [])
        assert found in possible, f"{self.node}: {found} is none of {possible}"
        self.locks, self.count = found
        self.in_flight = None


def kill_under_load(new: Callable[..., Daemon], kills: int, seed: int, kind: type[Daemon] = Daemon) -> int:
    """Kill and restart repeatedly; return how many calls were acknowledged."""
    nodes = {f"k{n}": {"uuid": f"k{n}", "serial_no": 1, "mtime": 1.0, "count": 0} for n in range(CLIENTS)}
    daemon = new(config={**MINIMAL, "nodes": {**MINIMAL["nodes"], **nodes}}, kind=kind)
    generator = random.Random(seed)
    ledgers = [LedgerClient(daemon, number, seed * 100 + number) for number in range(CLIENTS)]
    for _ in range(kills):
        threads = [threading.Thread(target=ledger.run, name=ledger.node) for ledger in ledgers]
        for thread in threads:
            thread.start()
        # the next kill comes a little after so many answers, however long they take
        enough = sum(ledger.acknowledged for ledger in ledgers) + generator.randrange(60)
        while sum(ledger.acknowledged for ledger in ledgers) < enough and any(thread.is_alive() for thread in threads):
            time.sleep(0.001)
        time.sleep(generator.uniform(0, 0.005))
        daemon.end(signal.SIGKILL)
        for thread, ledger in zip(threads, ledgers, strict=True):
            thread.join(20)
            assert ledger.failure is None, ledger.failure
        daemon.start()
        with Client(daemon.root.wconfd_socket, timeout=20) as client:
            for ledger in ledgers:
                ledger.compare(client)
            held = [lock for lock in client.call("listAllLocks") if not lock.endswith("[lockset]")]
        assert sorted(held) == sorted(lock for ledger in ledgers for lock in ledger.locks), "nothing was invented"
    return sum(ledger.acknowledged for ledger in ledgers)


def test_a_few_kills_under_load_lose_and_invent_nothing(new_daemon: Callable[..., Daemon]) -> None:
    assert kill_under_load(new_daemon, 4, seed=budget.fixed(7)) > 4


class LateStore(SqliteStore):
    """A planted bug: a batch is called durable, and written eight batches later."""

    def commit(self, batch: Batch) -> int:
        self.held_back = [*getattr(self, "held_back", []), batch]
        return super().commit(self.held_back.pop(0)) if len(self.held_back) > 8 else self._number


def serve_with_late_store() -> int:
    return run(read_options(sys.argv[1:]), LateStore)


class LateDaemon(Daemon):
    @property
    def program(self) -> list[str]:
        code = "import sys; from tests.faults.test_wconfd_kills import serve_with_late_store as s; sys.exit(s())"
        return [sys.executable, "-c", code]

    def check_trace(self) -> None:
        """Its trace contains acknowledged changes that are lost."""


def test_a_daemon_that_answers_before_it_writes_is_caught(new_daemon: Callable[..., Daemon]) -> None:
    with pytest.raises(AssertionError, match=r"is none of|nothing was invented"):
        kill_under_load(new_daemon, 8, seed=3, kind=LateDaemon)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_two_hundred_kills_under_load_lose_and_invent_nothing(new_daemon: Callable[..., Daemon]) -> None:
    """Two hundred weekly, forty in CI."""
    kills = budget.spent(ci=40, weekly=200)
    assert kill_under_load(new_daemon, kills, seed=budget.seed()) > 5 * kills
