"""Compare wconfd with Ganeti's (where it is installed): lock calls, hand-over, configuration.

Both get the same load from the same generator, in turns, several times; medians are shown, and the ratios of the pairs.
In both, every lock call is answered when it is durable. A library loaded before libc counts syncs and, where noted,
slows them down, in both alike. Each figure says what is durable.
"""

import copy
import json
import os
import shutil
import signal
import statistics
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from checkers.conformance.daemons import ganeti_configuration, ganeti_is_installed, running
from impl.process.livelock import LiveLock
from impl.wire.client import Client

HERE = Path(__file__).resolve().parent
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "0.7"))
WARMING = 0.2
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
    """Return the shared inputs, from which Ganeti's configuration is made."""
    for candidate in (os.environ.get("GANTRY_SHARED"), HERE.parents[1] / "shared"):
        if candidate and Path(candidate).is_dir():
            return Path(candidate)
    return None


def compiled(source: str, target: str, *options: str) -> str:
    """Compile one of our C files, and return `target`.

    Raises:
        SystemExit: there is no C compiler.
    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise SystemExit("bench wconfd: no C compiler (cc, gcc): install one, the load generator is written in C")
    subprocess.run([compiler, "-O2", *options, "-o", target, str(HERE / source), "-ldl"], check=True)
    return target


class Syncs:
    """The library that counts and delays syncs."""

    def __init__(self, directory: str) -> None:
        self.library = compiled("_syncs.c", os.path.join(directory, "syncs.so"), "-shared", "-fPIC")
        self.counter = os.path.join(directory, "count")
        with open(self.counter, "wb") as file:
            file.write(bytes(8))

    def environment(self, delay_us: int = 0) -> dict[str, str]:
        """Return the variables for a daemon's environment."""
        return {"LD_PRELOAD": self.library, "SYNC_COUNTER": self.counter, "SYNC_DELAY_US": str(delay_us)}

    def count(self) -> int:
        """Return the number of syncs so far."""
        with open(self.counter, "rb") as file:
            return int(struct.unpack("Q", file.read(8))[0])


def request(method: str, *arguments: Any) -> bytes:
    """Return the bytes of a call."""
    return json.dumps({"method": method, "args": arguments}).encode() + b"\x03"


def cpu_seconds(pid: int) -> float:
    """Return the processor seconds that a process has used."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Run(NamedTuple):
    """The results of one daemon under one load.

    Attributes:
        rate: calls per second.
        median: a call's median latency in seconds.
        syncs: syncs per call.
        cpu: the daemon's processor seconds per call.
        own_cpu: the load generator's.
    """

    rate: float
    median: float
    syncs: float
    cpu: float
    own_cpu: float


class Load:
    """The load generator, in C: it takes 2 to 5 microseconds per call, so that the daemons are the bottleneck."""

    def __init__(self, directory: str) -> None:
        self.program = compiled("_load.c", os.path.join(directory, "load"))

    def run(self, path: str, rounds: list[list[bytes]], seconds: float) -> tuple[int, float, float, float]:
        """Run clients that each repeat their requests, one at a time.

        Returns:
            The calls, the seconds that they took, the median latency, and the generator's own processor time.

        Raises:
            SystemExit: a call was refused, or the daemon ended.
        """
        requests = b"".join(b"".join(messages) + b"\n" for messages in rounds)
        ended = subprocess.run([self.program, path, str(seconds)], input=requests, capture_output=True, check=False)
        values = [float(value) for value in ended.stdout.split()]
        if ended.returncode or len(values) != 5 or values[1]:
            raise SystemExit(f"bench wconfd: the load on {path} failed: {(ended.stderr or ended.stdout).decode()}")
        return int(values[0]), values[2], values[3], values[4]


class Bench:
    """One run of all figures."""

    def __init__(self, stack: ExitStack) -> None:
        self.directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="gb", dir="/tmp"))
        self.syncs = Syncs(self.directory)
        self.load = Load(self.directory)
        self.ganeti_config = ganeti_configuration(shared_directory()) if ganeti_is_installed() else None
        self.kinds = ["ours", "ganeti"] if self.ganeti_config is not None else ["ours"]
        self.livelock = LiveLock.create(self.directory, "bench")
        stack.callback(self.livelock.release)

    def config(self, kind: str) -> dict[str, Any]:
        """Return the configuration that a daemon starts with."""
        return copy.deepcopy(self.ganeti_config) if kind == "ganeti" and self.ganeti_config is not None else MINIMAL

    def owner(self, number: int) -> list[Any]:
        """Return an owner that lives as long as this process."""
        return [number, self.livelock.path, os.getpid()]

    def locks(self, title: str, clients: int, *, parent: str = "/tmp", delay_us: int = 0, target: str) -> None:  # noqa: S108
        """Measure lock calls per second: each client takes its own lock and frees it."""
        runs: dict[str, list[Run]] = {kind: [] for kind in self.kinds}
        with ExitStack() as stack:
            environment = self.syncs.environment(delay_us)
            daemons = {
                kind: stack.enter_context(running(kind, self.config(kind), environment=environment, parent=parent))
                for kind in self.kinds
            }
            for number in range(ROUNDS):
                for kind in self.kinds if number % 2 else self.kinds[::-1]:
                    root, pid = daemons[kind]
                    runs[kind].append(self.run(root.wconfd_socket, pid, clients))
        self.show(title, target, {kind: [run.rate for run in runs[kind]] for kind in self.kinds}, "/s", higher=True)
        for kind in self.kinds:
            middle = Run(*(statistics.median(values) for values in zip(*runs[kind], strict=True)))
            print(
                f"      {kind}: p50 {middle.median * 1e3:.3f} ms, {middle.syncs:.3f} syncs a call, processor time a "
                f"call {middle.cpu * 1e6:.0f} µs (load generator {middle.own_cpu * 1e6:.0f})"
            )

    def run(self, path: str, pid: int, clients: int) -> Run:
        """Put one daemon under load."""
        rounds = [
            [
                request("tryUpdateLocks", self.owner(number), [[f"node/bench{number}", "exclusive"]]),
                request("freeLocks", self.owner(number)),
            ]
            for number in range(1, clients + 1)
        ]
        self.load.run(path, rounds, WARMING)
        with Client(path) as client:
            for number in range(1, clients + 1):
                client.call("freeLocks", self.owner(number))
        syncs, cpu = self.syncs.count(), cpu_seconds(pid)
        calls, seconds, median, own = self.load.run(path, rounds, SECONDS)
        syncs, cpu = self.syncs.count() - syncs, cpu_seconds(pid) - cpu
        return Run(calls / seconds, median, syncs / calls, cpu / calls, own / calls)

    def show(self, title: str, target: str, values: dict[str, list[float]], unit: str, *, higher: bool) -> None:
        """Print one line of the table: medians, and the ratios of the pairs."""
        ours = statistics.median(values["ours"])
        text = f"  {title}: ours {ours:,.1f}{unit}"
        if "ganeti" in values:
            theirs = statistics.median(values["ganeti"])
            pairs = [
                mine / its if higher else its / mine for mine, its in zip(values["ours"], values["ganeti"], strict=True)
            ]
            text += f", Ganeti {theirs:,.1f}{unit}; {statistics.median(pairs):.2f} times as good"
            text += f" (pairs {', '.join(f'{ratio:.2f}' for ratio in sorted(pairs))})"
        print(f"{text} (aim: {target})", flush=True)

    def handover(self) -> None:
        """Measure the time from a release to the waiter's signal, both durable before."""
        medians: dict[str, list[float]] = {kind: [] for kind in self.kinds}
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        with ExitStack() as stack:
            roots = {kind: stack.enter_context(running(kind, self.config(kind)))[0] for kind in self.kinds}
            clients = {kind: stack.enter_context(Client(roots[kind].wconfd_socket)) for kind in self.kinds}
            for number in range(ROUNDS):
                for kind in self.kinds if number % 2 else self.kinds[::-1]:
                    times = [self._hand_over(clients[kind]) for _ in range(25)]
                    medians[kind].append(statistics.median(times) * 1000)
        self.show("release to signal, p50, durable", "no slower", medians, " ms", higher=False)

    def _hand_over(self, client: Client) -> float:
        """Return seconds from a release to the waiter's signal."""
        one, two = self.owner(1), self.owner(2)
        client.call("tryUpdateLocks", one, [["node/x", "exclusive"]])
        client.call("updateLocksWaiting", two, 0, [["node/x", "exclusive"]])
        start = time.perf_counter()
        client._send(request("freeLocks", one))  # noqa: SLF001
        signal.sigtimedwait({signal.SIGHUP}, 5)
        took = time.perf_counter() - start
        client._next_message()  # noqa: SLF001
        client.call("freeLocks", two)
        return took

    def configuration(self) -> None:
        """Measure updates and reads of our configuration by its size; sizes take turns, so the disk is the same."""
        kinds: dict[str, Callable[[Client, int], Any]] = {
            "update": _update,
            "one object": lambda client, _number: client.call("readObject", "nodes", "n1"),
            "whole": lambda client, _number: _raw_read(client),
        }
        times: dict[tuple[str, float], list[float]] = {(kind, size): [] for kind in kinds for size in SIZES}
        cpu = dict.fromkeys(SIZES, 0.0)
        with ExitStack() as stack:
            daemons = {size: stack.enter_context(running("ours", _sized(size))) for size in SIZES}
            clients = {size: stack.enter_context(Client(root.wconfd_socket)) for size, (root, _) in daemons.items()}
            for kind, do in kinds.items():
                for number in range(15 if kind == "whole" else 200):
                    for size in SIZES:
                        start = time.perf_counter()
                        do(clients[size], number)
                        times[kind, size].append((time.perf_counter() - start) * 1000)
                if kind == "update":
                    cpu = {size: cpu_seconds(pid) for size, (_, pid) in daemons.items()}
                    for number in range(400):
                        for size in SIZES:
                            _update(clients[size], number)
                    cpu = {size: (cpu_seconds(pid) - cpu[size]) / 400 for size, (_, pid) in daemons.items()}
        for size in SIZES:
            update, one, whole = (statistics.median(times[kind, size]) for kind in kinds)
            print(
                f"  configuration of {size:g} MB: update p50 {update:.2f} ms (durable; {cpu[size] * 1e3:.2f} ms of "
                f"processor time, snapshots included), one object {one:.2f} ms, whole {whole:.1f} ms "
                f"(fastest {min(times['whole', size]):.1f})"
            )
        small, large = (statistics.median(times["update", size]) for size in (SIZES[0], SIZES[-1]))
        print(f"  update at 10 MB against 0.1 MB: {large / small:.2f} times (aim: at most 1.5)", flush=True)


SIZES = (0.1, 1.0, 5.0, 10.0)


def _sized(megabytes: float) -> dict[str, Any]:
    """Return a configuration of about so many megabytes."""
    nodes = {
        name: {"uuid": name, "name": name, "serial_no": 1, "mtime": 1.0, "pad": "x" * 1900}
        for name in (f"n{number}" for number in range(int(megabytes * 500)))
    }
    return {**MINIMAL, "nodes": nodes}


def _update(client: Client, number: int) -> None:
    node = client.call("readObject", "nodes", f"n{number % 40}")
    client.call("updateNode", {**node, "pad": node["pad"][1:] + "y"})


def _raw_read(client: Client) -> int:
    client._send(request("readConfig"))  # noqa: SLF001
    return len(client._next_message())  # noqa: SLF001


def main() -> None:
    """Measure, and print the ratios."""
    with ExitStack() as stack:
        bench = Bench(stack)
        if bench.kinds == ["ours"]:
            print("  Ganeti's wconfd or its configuration is not here: ours alone")
        for clients, target in ((1, "1.2 times"), (8, "3 times"), (64, "2 times, 0.05 syncs a call")):
            bench.locks(f"lock calls on disk, {clients} clients, durable", clients, target=target)
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
