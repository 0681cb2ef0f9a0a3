"""Disks that are full or fail, copies that are slow or gone, figures, and who may connect."""

import json
import os
import resource
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable

import pytest

from impl.config.model import parse
from impl.store.port import Batch, StoreError
from impl.store.replicas import DirectoryTarget, Entry, ReplicaError, Sender
from impl.store.sqlite import SqliteStore
from impl.wconfd.options import read_options
from impl.wconfd.run import run
from spec.errors import PeerError
from tests.impl.wconfd.conftest import MINIMAL, Daemon
from tests.impl.wconfd.test_daemon import NODE, until

FAIL_FLAG = "GANTRY_TEST_FAIL_FLAG"


class FailingStore(SqliteStore):
    """A store whose commits fail for as long as a file exists, after having written everything."""

    def commit(self, batch: Batch) -> int:
        if os.path.exists(os.environ[FAIL_FLAG]):
            self._connection.execute("BEGIN IMMEDIATE")
            self._write(batch)
            self._connection.execute("ROLLBACK")
            raise StoreError("No space left on device")
        return super().commit(batch)


def serve_with_failing_store() -> int:
    return run(read_options(sys.argv[1:]), FailingStore)


class FailingDaemon(Daemon):
    def start(self) -> None:
        os.environ[FAIL_FLAG] = os.path.join(self.root.directory, "fail")
        super().start()

    @property
    def program(self) -> list[str]:
        module = "tests.impl.wconfd.test_daemon_failures"
        code = f"import sys; from {module} import serve_with_failing_store as s; sys.exit(s())"
        return [sys.executable, "-c", code]

    def fail(self, failing: bool) -> None:
        path = os.path.join(self.root.directory, "fail")
        if failing:
            with open(path, "w", encoding="utf-8"):
                pass
        else:
            os.unlink(path)


def test_what_cannot_be_written_is_undone_and_said_and_the_daemon_serves_on(
    new_daemon: Callable[..., Daemon], hangups: list[int]
) -> None:
    daemon = new_daemon(kind=FailingDaemon)
    assert isinstance(daemon, FailingDaemon)
    client, one, two = daemon.client(), daemon.owner(1, pid=0), daemon.owner(2)
    client.call("tryUpdateLocks", one, [[NODE, "exclusive"]])
    client.call("updateLocksWaiting", two, 0, [[NODE, "exclusive"]])
    before = client.call("readConfig"), client.call("listLocksWaitingStatus")
    daemon.fail(True)
    for method, arguments in (
        ("freeLocks", [one]),
        ("tryUpdateLocks", [one, [["node/z", "shared"]]]),
        ("updateNode", [{**MINIMAL["nodes"]["n1"], "offline": True}]),
        ("reserveMAC", [one, "aa:bb:cc:00:00:0a"]),
    ):
        with pytest.raises(PeerError, match=r"could not be written to disk and was undone \(No space left on device\)"):
            client.call(method, *arguments)
    assert (client.call("readConfig"), client.call("listLocksWaitingStatus")) == before, "it reads on"
    # pipelined: what was built on an undone change is undone with it
    answers = [*range(20)]
    for number in answers:
        client._send(
            json.dumps({"method": "tryUpdateLocks", "args": [one, [[f"node/{number}", "shared"]]]}).encode() + b"\3"
        )
    assert all(json.loads(client._next_message())["success"] is False for _ in answers)
    assert not hangups, "nobody is notified of a grant that was undone"
    daemon.fail(False)
    assert client.call("freeLocks", one) == []
    until(lambda: hangups)
    assert client.call("listLocks", two) == [[NODE, "exclusive"]]
    daemon.end()
    daemon.start()
    assert daemon.client().call("listLocks", two) == [[NODE, "exclusive"]]


def test_a_file_that_may_not_grow_is_survived(daemon: Daemon) -> None:
    client, one = daemon.client(), daemon.owner(1)
    assert daemon.process is not None
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (1 << 16, resource.RLIM_INFINITY))
    big = {**MINIMAL["nodes"]["n1"], "x": "y" * 200_000}
    with pytest.raises(PeerError, match="could not be written to disk and was undone"):
        client.call("updateNode", big)
    assert client.call("readConfig") == MINIMAL
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert client.call("updateNode", big)[0] == 2
    assert client.call("tryUpdateLocks", one, [[NODE, "shared"]]) == []


def test_copies_follow_and_repair_their_gaps(new_daemon: Callable[..., Daemon], tmp_path: object) -> None:
    good, broken = os.path.join(str(tmp_path), "good"), os.path.join(str(tmp_path), "broken")
    with open(broken, "w", encoding="utf-8"):
        pass
    daemon = new_daemon("--replica", good, "--replica", broken)
    client = daemon.client()
    node = MINIMAL["nodes"]["n1"]
    for number in range(10):
        serial, mtime = client.call("updateNode", node)
        node = {**node, "serial_no": serial, "mtime": mtime, "round": number}
    current = client.call("readConfig")
    until(lambda: json.loads(DirectoryTarget(good).read().text() or b"{}") == current)
    os.unlink(broken)
    until(lambda: DirectoryTarget(broken).position() == current["serial_no"])
    assert json.loads(DirectoryTarget(broken).read().text()) == current
    # a gap: the copy is set back, and the daemon was away meanwhile
    daemon.end()
    with open(os.path.join(good, "config.log"), "w", encoding="utf-8"):
        pass
    daemon.start()
    until(lambda: DirectoryTarget(good).position() == current["serial_no"])
    assert json.loads(DirectoryTarget(good).read().text()) == current


class SlowTarget:
    """A target that fails and takes its time, in memory."""

    def __init__(self) -> None:
        self.name = "slow"
        self.serial = 0
        self.fail = 3

    def position(self) -> int:
        return self.serial

    def append(self, entry: object) -> None:
        raise ReplicaError(self.name, "no entries, please")

    def replace(self, serial: int, whole: bytes) -> None:
        assert parse(whole).serial == serial
        self.fail -= 1
        if self.fail > 0:
            raise ReplicaError(self.name, "not now")
        self.serial = serial


def test_a_failing_copy_lags_visibly_and_catches_up() -> None:
    target = SlowTarget()
    config = parse(json.dumps(MINIMAL).encode())
    sender = Sender(target, lambda: config)
    until(lambda: sender.failure is not None or target.serial)
    until(lambda: target.serial == 7)
    until(lambda: sender.lag == (0, 0.0))
    assert sender.repairs == 1
    sender.stop()


class FarBehindTarget:
    """A target that waits until the test lets it go on, and notes what was done to it."""

    def __init__(self) -> None:
        self.name = "far behind"
        self.ready = threading.Event()
        self.done: list[tuple[str, int]] = []

    def position(self) -> int:
        assert self.ready.wait(60)
        return 3

    def append(self, entry: Entry) -> None:
        self.done.append(("append", entry.before))

    def replace(self, serial: int, whole: bytes) -> None:
        assert parse(whole).serial == serial
        self.done.append(("replace", serial))


def test_changes_that_do_not_follow_a_copy_are_not_appended_to_it() -> None:
    target, config = FarBehindTarget(), parse(json.dumps(MINIMAL).encode())
    sender = Sender(target, lambda: config)
    sender.put(Entry(config.serial - 1, config.serial, []))
    target.ready.set()
    until(lambda: sender.lag == (0, 0.0))
    sender.put(Entry(config.serial, config.serial + 1, []))
    until(lambda: sender.lag == (0, 0.0))
    sender.stop()
    assert target.done == [("replace", config.serial), ("append", config.serial)]


def test_figures_for_prometheus(new_daemon: Callable[..., Daemon], tmp_path: object) -> None:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    daemon = new_daemon("--metrics", str(port), "--replica", os.path.join(str(tmp_path), "copy"))
    client, one, two = daemon.client(), daemon.owner(1), daemon.owner(2)
    client.call("tryUpdateLocks", one, [[NODE, "exclusive"]])
    client.call("updateLocksWaiting", two, 0, [[NODE, "exclusive"]])
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    assert 'wconfd_requests_total{method="tryUpdateLocks"} 1.0' in text
    assert 'wconfd_waiting_requests{level="node"} 1.0' in text
    assert "wconfd_commit_seconds_count 2.0" in text
    assert "wconfd_oldest_wait_seconds" in text
    assert 'wconfd_replication_lag_serials{target="' in text


@pytest.mark.skipif(os.getuid() != 0, reason="becoming another user needs root")
def test_other_users_are_sent_away(new_daemon: Callable[..., Daemon]) -> None:
    code = """
import os, socket, sys
os.setgid(12345); os.setuid(12345)
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
try:
    s.sendall(b'{"method": "echo", "args": ["x"]}\\3')
except OSError:
    pass
print(s.recv(1000).decode())
"""
    for options, expected in (((), "may not use this socket"), (("--allow-uid", "12345"), '"result":"x"')):
        daemon = new_daemon(*options)
        # the directories' modes keep strangers out already: open them to see the daemon's own check
        for path in (daemon.root.directory, os.path.dirname(daemon.root.directory)):
            os.chmod(path, 0o755)  # noqa: S103
        for path in ("var", "var/run", "var/run/ganeti", "var/run/ganeti/socket"):
            os.chmod(os.path.join(daemon.root.directory, path), 0o755)  # noqa: S103
        os.chmod(daemon.root.wconfd_socket, 0o666)  # noqa: S103
        done = subprocess.run(
            [sys.executable, "-c", code, daemon.root.wconfd_socket],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        assert expected in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("wconfd.db", b"this is no database, but long enough to look at" * 100, "is damaged (file is not a database)"),
        ("config.data", b"{", "the configuration is not valid JSON"),
        ("config.data", b'{"version": 1}', "key 'cluster' not found in the configuration"),
        ("locks.data", b"[[", "cannot use the store"),
        ("locks.data", b"[5, []]", "Unable to read list"),
        (
            "locks.data",
            b'[[[[1, "/a", 2], [["node/a", "exclusive"]]], [[2, "/b", 3], [["node/a", "shared"]]]], []]',
            "cannot be held",
        ),
        ("tempres.data", b"{", "cannot use the store"),
    ],
)
def test_a_root_that_cannot_be_read_is_refused_with_a_sentence(
    new_daemon: Callable[..., Daemon], name: str, content: bytes, expected: str
) -> None:
    daemon = new_daemon(start=False)
    path = os.path.join(daemon.root.state, name)
    with open(path, "wb") as file:
        file.write(content)
    done = subprocess.run(
        [*daemon.program, "--root", daemon.root.directory], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1
    with open(path, "rb") as file:
        assert file.read() == content, "it is left as it was"
