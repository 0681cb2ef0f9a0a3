"""Wconfd side by side with the real one (where it is installed): lock calls, hand-over, configuration.

Both get the same load from the same generator, one after the other, several times; medians are shown. Every lock call
is answered after it is durable, in both. Syncs are counted, and where it says so made slow, by a library loaded in
front of libc, in both alike. What is durable in each figure is said beside it.
"""

import copy
import json
import os
import selectors
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checkers.peers import real_configuration, real_is_installed, running
from impl.process.livelock import LiveLock
from impl.wire.client import Client

HERE = Path(__file__).resolve().parent
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "1.5"))
PINNED_SYNC_US = 8000
MINIMAL: dict[str, Any] = {
    "version": 3000000,
    "serial_no": 1,
    "mtime": 1.0,
    "cluster": {"uuid": "c", "serial_no": 1, "mtime": 1.0, "master_node": "n1"},
    "nodes": {},
    "nodegroups": {},
    "instances": {},
    "disks": {},
    "networks": {},
    "filters": {},
}


def shared_directory() -> Path | None:
    """The shared inputs, from which the real daemon's configuration is made."""
    for candidate in (os.environ.get("GANTRY_SHARED"), HERE.parents[1] / "shared"):
        if candidate and Path(candidate).is_dir():
            return Path(candidate)
    return None


class Syncs:
    """The library that counts and delays syncs."""

    def __init__(self, directory: str) -> None:
        self.library = os.path.join(directory, "syncs.so")
        self.counter = os.path.join(directory, "count")
        compiler = shutil.which("cc") or shutil.which("gcc")
        self.available = compiler is not None
        if compiler is not None:
            source = str(HERE / "_syncs.c")
            command = [compiler, "-O2", "-shared", "-fPIC", "-o", self.library, source, "-ldl"]
            subprocess.run(command, check=True)
            with open(self.counter, "wb") as file:
                file.write(bytes(8))

    def environment(self, delay_us: int = 0) -> dict[str, str]:
        """What a daemon's environment needs."""
        if not self.available:
            return {}
        return {"LD_PRELOAD": self.library, "SYNC_COUNTER": self.counter, "SYNC_DELAY_US": str(delay_us)}

    def count(self) -> int:
        """Syncs so far."""
        if not self.available:
            return 0
        with open(self.counter, "rb") as file:
            return int(struct.unpack("Q", file.read(8))[0])


def request(method: str, *arguments: Any) -> bytes:
    """The bytes of a call."""
    return json.dumps({"method": method, "args": arguments}).encode() + b"\x03"


@dataclass(slots=True)
class _Client:
    """One client of a load: its connection, its requests, the next one, and when it was sent."""

    connection: socket.socket
    requests: list[bytes]
    place: int = 0
    sent: float = 0.0

    def send(self) -> None:
        self.sent = time.perf_counter()
        self.connection.sendall(self.requests[self.place])
        self.place = (self.place + 1) % len(self.requests)


def load(path: str, rounds_of: list[list[bytes]], seconds: float) -> tuple[float, float]:
    """Clients that each repeat their requests, one at a time; answers calls per second and the median latency."""
    selector = selectors.DefaultSelector()
    clients: list[_Client] = []
    for requests in rounds_of:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)
        clients.append(_Client(connection, requests))
        selector.register(connection, selectors.EVENT_READ, clients[-1])
    latencies: list[float] = []
    start = now = time.perf_counter()
    for client in clients:
        client.send()
    while now < start + seconds:
        for key, _ in selector.select(1.0):
            client = key.data
            if client.connection.recv(1 << 20).endswith(b"\x03"):
                now = time.perf_counter()
                latencies.append(now - client.sent)
                client.send()
    for client in clients:
        client.connection.close()
    selector.close()
    return len(latencies) / (now - start), statistics.median(latencies)


class Bench:
    """One run of all figures."""

    def __init__(self, stack: ExitStack) -> None:
        self.directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="gb", dir="/tmp"))
        self.syncs = Syncs(self.directory)
        self.real_config = real_configuration(shared_directory()) if real_is_installed() else None
        self.kinds = ["ours", "real"] if self.real_config is not None else ["ours"]
        self.livelock = LiveLock.create(self.directory, "bench")
        stack.callback(self.livelock.release)

    def config(self, kind: str) -> dict[str, Any]:
        """The configuration that a daemon starts with."""
        return copy.deepcopy(self.real_config) if kind == "real" and self.real_config is not None else MINIMAL

    def owner(self, number: int) -> list[Any]:
        """An owner that lives as long as we do."""
        return [number, self.livelock.path, os.getpid()]

    def locks(self, title: str, clients: int, *, parent: str = "/tmp", delay_us: int = 0, target: str) -> None:  # noqa: S108
        """Lock calls per second: each client takes a lock of its own and frees it."""
        rates: dict[str, list[float]] = {}
        medians: dict[str, list[float]] = {}
        syncs: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            for kind in self.kinds:
                environment = self.syncs.environment(delay_us)
                with running(kind, self.config(kind), environment=environment, parent=parent) as (root, _pid):
                    rounds = [
                        [
                            request("tryUpdateLocks", self.owner(number), [[f"node/bench{number}", "exclusive"]]),
                            request("freeLocks", self.owner(number)),
                        ]
                        for number in range(1, clients + 1)
                    ]
                    load(root.wconfd_socket, rounds, 0.2)
                    for number in range(1, clients + 1):
                        with Client(root.wconfd_socket) as client:
                            client.call("freeLocks", self.owner(number))
                    before = self.syncs.count()
                    rate, median = load(root.wconfd_socket, rounds, SECONDS)
                    rates.setdefault(kind, []).append(rate)
                    medians.setdefault(kind, []).append(median)
                    syncs.setdefault(kind, []).append((self.syncs.count() - before) / (rate * SECONDS))
        self.show(title, target, rates, "/s", higher=True)
        for kind in self.kinds:
            p50 = statistics.median(medians[kind]) * 1000
            print(f"      {kind}: p50 {p50:.2f} ms, {statistics.median(syncs[kind]):.3f} syncs a call")

    def show(self, title: str, target: str, values: dict[str, list[float]], unit: str, *, higher: bool) -> None:
        """One line of the table: medians, and the ratio."""
        ours = statistics.median(values["ours"])
        text = f"  {title}: ours {ours:,.1f}{unit}"
        if "real" in values:
            real = statistics.median(values["real"])
            text += f", real {real:,.1f}{unit}, {ours / real if higher else real / ours:.2f} times as good"
        print(f"{text} (aim: {target})", flush=True)

    def handover(self) -> None:
        """From a release to the waiter's signal, both durable before."""
        medians: dict[str, list[float]] = {}
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        for _ in range(ROUNDS):
            for kind in self.kinds:
                with running(kind, self.config(kind)) as (root, _pid), Client(root.wconfd_socket) as client:
                    times: list[float] = []
                    one, two = self.owner(1), self.owner(2)
                    for _number in range(100):
                        client.call("tryUpdateLocks", one, [["node/x", "exclusive"]])
                        client.call("updateLocksWaiting", two, 0, [["node/x", "exclusive"]])
                        start = time.perf_counter()
                        client._send(request("freeLocks", one))  # noqa: SLF001
                        signal.sigtimedwait({signal.SIGHUP}, 5)
                        times.append(time.perf_counter() - start)
                        client._next_message()  # noqa: SLF001
                        client.call("freeLocks", two)
                    medians.setdefault(kind, []).append(statistics.median(times) * 1000)
        self.show("release to signal, p50, durable", "no slower", medians, " ms", higher=False)

    def configuration(self) -> None:
        """Updates and reads of the configuration by its size (ours)."""
        medians: dict[float, float] = {}
        for megabytes in (0.1, 1.0, 5.0, 10.0):
            nodes = {
                f"n{number}": {
                    "uuid": f"n{number}",
                    "name": f"n{number}",
                    "serial_no": 1,
                    "mtime": 1.0,
                    "pad": "x" * 1900,
                }
                for number in range(int(megabytes * 500))
            }
            config = {**MINIMAL, "nodes": nodes}
            with running("ours", config) as (root, _pid), Client(root.wconfd_socket) as client:
                updates = _timed(client, lambda known, number: _update(known, f"n{number % 40}"), 200)
                reads = _timed(client, lambda known, _number: known.call("readObject", "nodes", "n1"), 200)
                wholes = _timed(client, lambda known, _number: _raw_read(known), 10)
                medians[megabytes] = updates
                print(
                    f"  configuration of {megabytes:g} MB: update p50 {updates:.2f} ms (durable), "
                    f"one object {reads:.2f} ms, whole {wholes:.1f} ms",
                    flush=True,
                )
        print(f"  update at 10 MB against 0.1 MB: {medians[10.0] / medians[0.1]:.2f} times (aim: at most 1.5)")


def _timed(client: Client, do: Callable[[Client, int], Any], times: int) -> float:
    taken: list[float] = []
    for number in range(times):
        taken.append(-time.perf_counter())
        do(client, number)
        taken[-1] += time.perf_counter()
    return statistics.median(taken) * 1000


def _update(client: Client, uuid: str) -> None:
    node = client.call("readObject", "nodes", uuid)
    client.call("updateNode", {**node, "pad": node["pad"][1:] + "y"})


def _raw_read(client: Client) -> int:
    client._send(request("readConfig"))  # noqa: SLF001
    return len(client._next_message())  # noqa: SLF001


def main() -> None:
    """Measure, and print the ratios."""
    with ExitStack() as stack:
        bench = Bench(stack)
        if bench.kinds == ["ours"]:
            print("  the real wconfd or its configuration is not here: ours alone")
        for clients, target in ((1, "1.2 times"), (8, "3 times"), (64, "2 times, 0.05 syncs a call")):
            bench.locks(f"lock calls on disk, {clients} clients, durable", clients, target=target)
        if bench.syncs.available:
            for clients, target in ((1, "1 time"), (8, "5 times"), (64, "20 times")):
                title = f"lock calls, a sync takes 8 ms, {clients} clients, durable"
                bench.locks(title, clients, delay_us=PINNED_SYNC_US, target=target)
        if os.path.isdir("/dev/shm"):  # noqa: S108
            bench.locks("lock calls on tmpfs, 1 client", 1, parent="/dev/shm", target="p50 no slower")  # noqa: S108
            bench.locks("lock calls on tmpfs, 8 clients", 8, parent="/dev/shm", target="2 times")  # noqa: S108
        bench.handover()
        bench.configuration()


if __name__ == "__main__":
    main()
