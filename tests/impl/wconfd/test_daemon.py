"""The running daemon: locks, configuration, deaths, restarts, and what must not harm it."""

import json
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from impl.wire.client import Client
from impl.wire.framing import END_OF_MESSAGE
from spec.errors import PeerError
from tests.control import Control
from tests.impl.wconfd.conftest import MINIMAL, Daemon

NODE = "node/9a12d554"


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def test_grant_wait_release_and_signal(daemon: Daemon, hangups: list[int]) -> None:
    client, one, two = daemon.client(), daemon.owner(1), daemon.owner(2)
    assert client.call("tryUpdateLocks", one, [[NODE, "exclusive"]]) == []
    assert client.call("updateLocksWaiting", two, 0, [[NODE, "exclusive"]]) == [one]
    assert client.call("hasPendingRequest", two) is True
    assert client.call("listLocksWaitingStatus") == [
        [["node/[lockset]", []], [NODE, [[one, "exclusive"]]]],
        [[0, two, [[NODE, "exclusive"]]]],
    ]
    assert not hangups
    assert client.call("freeLocks", one) == []
    until(lambda: hangups)
    assert client.call("hasPendingRequest", two) is False
    assert client.call("listLocks", two) == [[NODE, "exclusive"]]
    assert hangups == [signal.SIGHUP]


def test_wait_for_grant_answers_on_the_connection_and_times_out_with_names(daemon: Daemon) -> None:
    client, one, two = daemon.client(), daemon.owner(1, pid=0), daemon.owner(2, pid=0)
    client.call("tryUpdateLocks", one, [[NODE, "exclusive"]])
    client.call("updateLocksWaiting", two, 0, [[NODE, "shared"]])
    waiter = daemon.client()
    with pytest.raises(PeerError, match=rf"waited 0\.\d s for {NODE} \(shared\), held or claimed by 1") as caught:
        waiter.call("waitForGrant", two, 0.05)
    assert caught.value.error_class == "LockTimeoutError"
    waiter._send(b'{"method":"waitForGrant","args":' + json.dumps([two, 20]).encode() + b"}" + END_OF_MESSAGE)
    client.call("freeLocks", one)
    assert json.loads(waiter._next_message()) == {"success": True, "result": True}
    assert waiter.call("waitForGrant", one, 5) is True, "who waits for nothing waits for no time"


def test_refusals_have_the_words_of_ganeti(daemon: Daemon) -> None:
    client, one, two = daemon.client(), daemon.owner(1), daemon.owner(2)
    client.call("tryUpdateLocks", one, [["node/b", "exclusive"]])
    refusals: list[tuple[str, list[Any], str]] = [
        (
            "tryUpdateLocks",
            [one, [["instance/i", "shared"]]],
            'Order violation: requesting Instance "i" while holding Node "b"',
        ),
        (
            "tryUpdateLocks",
            [two, [["node/a", "shared"], ["node/a", "release"]]],
            'Inconsitent requests for lock Node "a"',
        ),
        ("tryUpdateLocks", [two, [["foo/bar", "shared"]]], "RPC input: Unknown lock name 'foo/bar'"),
        ("tryUpdateLocks", [two, [["node/a", "sharedx"]]], "RPC input: Unknown lock update request sharedx"),
        ("freeLocksLevel", [two, "rack"], "RPC input: Unknown lock-level name 'rack'"),
        ("Echo", ["x"], "No such method: Echo"),
        ("echo", [], "RPC input: Unable to read 1 tuple"),
        ("listAllLocks", [1], "RPC input: Unable to read ()"),
        ("writeConfig", [two, MINIMAL], "Requested lock OwnExclusive on the configuration missing"),
    ]
    for method, arguments, words in refusals:
        with pytest.raises(PeerError) as caught:
            client.call(method, *arguments)
        assert (caught.value.error_class, caught.value.arguments) == ("GenericError", (words,))
    client.call("updateLocksWaiting", two, 0, [["node/b", "shared"]])
    with pytest.raises(PeerError, match=r"^GenericError: cannot update locks while having pending requests$"):
        client.call("tryUpdateLocks", two, [["node/c", "shared"]])


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello",
        b"",
        b"[]",
        b"null",
        b'{"method": 1, "args": []}',
        b'{"method": "echo"}',
        b'{"method": "echo", "args": {}}',
        b'{"method": "echo", "args": ["\xff\xfe"]}',
        b'{"method": "echo", "args": ["a"]',
    ],
)
def test_what_is_no_request_is_answered_with_a_text_and_harms_nobody(untouched: Daemon, garbage: bytes) -> None:
    other = untouched.client()
    bad = untouched.client()
    bad._send(garbage + END_OF_MESSAGE)
    answer = json.loads(bad._next_message())
    assert answer["success"] is False
    assert answer["result"].startswith("Failed to parse request: ")
    assert bad._socket.recv(100) == b"", "the connection is closed after it"
    assert other.call("echo", "ü€𝄞") == "ü€𝄞"


@pytest.mark.parametrize("levels", [64, 5000, 200_000])
def test_a_request_beyond_a_limit_is_refused_and_the_connection_goes_on(daemon: Daemon, levels: int) -> None:
    client = daemon.client()
    client._send(b'{"method": "echo", "args": ' + b"[" * levels + b"]" * levels + b"}" + END_OF_MESSAGE)
    text = "request refused: nested deeper than 64"
    assert json.loads(client._next_message()) == {"success": False, "result": ["GenericError", [text]]}
    assert client.call("echo", "on") == "on"


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("tryUpdateLocks", ["x", []]),
        ("tryUpdateLocks", [[1, "x"], []]),
        ("tryUpdateLocks", [[1, "x", "1"], []]),
        ("tryUpdateLocks", [[1.5, "x", 1], []]),
        ("tryUpdateLocks", [[True, "x", 1], []]),
        ("tryUpdateLocks", [[1, "x", 1], [5]]),
        ("tryUpdateLocks", [[1, "x", 1], [[5, "shared"]]]),
        ("tryUpdateLocks", [[1, "x", 1], [["node/a", 5]]]),
        ("tryUpdateLocks", [[1, "x", 1], {"node/a": "shared"}]),
        ("updateLocksWaiting", [[1, "x", 1], None, []]),
        ("updateLocksWaiting", [[1, "x", 1], 1e300, []]),
        ("opportunisticLockUnion", [[1, "x", 1], [["node/a", "release"]]]),
        ("updateNode", [5]),
        ("updateNode", [{"uuid": ["n1"]}]),
        ("addInstance", [{"uuid": "x", "nics": 5}, [1, "x", 1], False]),
        ("addInstance", [{"uuid": "x", "nics": [{"mac": []}]}, [1, "x", 1], False]),
        ("reserveIp", [[1, "x", 1], "net1", "no address", True]),
        ("waitForGrant", [[1, "x", 1], -1]),
        ("readObject", ["planets", "x"]),
    ],
)
def test_wrong_arguments_are_refused_and_change_nothing(untouched: Daemon, method: str, arguments: list[Any]) -> None:
    client = untouched.client()
    before = client.call("readConfig"), client.call("listLocksWaitingStatus")
    with pytest.raises(PeerError):
        client.call(method, *arguments)
    assert (client.call("readConfig"), client.call("listLocksWaitingStatus")) == before


def test_half_a_message_and_silence_end_only_their_own_connection(new_daemon: Callable[..., Daemon]) -> None:
    daemon = new_daemon("--message-timeout", "0.2", "--idle-timeout", "1")
    half, silent = daemon.client(), daemon.client()
    half._send(b'{"method": "echo", "ar')
    answer = json.loads(half._next_message())
    assert answer == {"success": False, "result": ["GenericError", ["a message took longer than 0.2 s"]]}
    assert half._socket.recv(100) == b""
    assert silent._socket.recv(100) == b"", "idle connections are ended"
    assert daemon.client().call("echo", "x") == "x"


def test_pipelined_requests_are_answered_in_order(daemon: Daemon) -> None:
    client, one = daemon.client(), daemon.owner(1)
    calls: list[tuple[str, list[Any]]] = []
    for number in range(50):
        calls += [("tryUpdateLocks", [one, [[f"node/{number:03}", "exclusive"]]]), ("echo", [str(number)])]
    answers = client.call_all(calls)
    assert answers[::2] == [[]] * 50
    assert answers[1::2] == [str(number) for number in range(50)]


def test_socket_and_pid_file(daemon: Daemon) -> None:
    mode = os.stat(daemon.root.wconfd_socket).st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600
    assert daemon.process is not None
    with open(daemon.root.pid_file("wconfd"), encoding="utf-8") as file:
        assert int(file.read()) == daemon.process.pid
    command = [sys.executable, "-m", "impl.wconfd", "--root", daemon.root.directory]
    second = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 1
    assert "another wconfd serves this root" in second.stderr
    assert daemon.client().call("echo", "still there") == "still there"
    assert daemon.end() == 0
    assert not os.path.exists(daemon.root.wconfd_socket)
    assert not os.path.exists(daemon.root.pid_file("wconfd"))
    assert os.listdir(daemon.root.livelocks) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_recovers_what_was_confirmed(daemon: Daemon, number: int) -> None:
    client, one, two = daemon.client(), daemon.owner(1, pid=0), daemon.owner("two", pid=0)
    client.call("tryUpdateLocks", one, [[NODE, "exclusive"], ["network/x", "shared"]])
    client.call("updateLocksWaiting", two, -3, [[NODE, "shared"]])
    mac = client.call("generateMAC", one, None)
    assert client.call("allocateDRBDMinor", "d2", ["n2", "n1"]) == [0, 1]
    serial, _ = client.call("updateNode", {**MINIMAL["nodes"]["n1"], "offline": True})
    assert serial == 2
    config, locks = client.call("readConfig"), client.call("listLocksWaitingStatus")
    daemon.end(number)
    daemon.start()
    client = daemon.client()
    assert client.call("readConfig") == config
    assert client.call("listLocksWaitingStatus") == locks
    with pytest.raises(PeerError, match="Duplicate reservation"):
        client.call("reserveMAC", two, mac)
    assert client.call("allocateDRBDMinor", "d3", ["n1"]) == [2]
    client.call("freeLocks", one)
    assert client.call("listLocks", two) == [[NODE, "shared"]]


def test_first_start_takes_in_ganetis_files(new_daemon: Callable[..., Daemon]) -> None:
    daemon = new_daemon(start=False)
    one, two = daemon.owner(1, pid=0), daemon.owner(2, pid=0)
    locks = [[[one, [["cluster/BGL", "shared"], [NODE, "exclusive"]]]], [[0, two, [[NODE, "exclusive"]]]]]
    reservations = {
        "dRBD": [["n1", [[3, "d9"]]]],
        "mACs": [[one, ["aa:bb:cc:00:00:09"]]],
        "dRBDSecrets": [],
        "lVs": [[one, ["xenvg/lv1"]]],
        "iPv4s": [[one, [["reserve", "192.0.2.3", "net1"]]]],
    }
    for path, value in ((daemon.root.locks, locks), (daemon.root.reservations, reservations)):
        with open(path, "w", encoding="utf-8") as file:
            json.dump(value, file)
    daemon.start()
    client = daemon.client()
    assert client.call("hasPendingRequest", two) is True
    assert client.call("listReservedIps", one) == [["reserve", "192.0.2.3", "net1"]]
    assert client.call("computeDRBDMap") == [["n1", [[0, "d1"], [3, "d9"]]], ["n2", [[1, "d1"]]]]
    assert client.call("readConfig") == MINIMAL
    client.call("flushConfig")
    for path, value in (
        (daemon.root.locks, locks),
        (daemon.root.reservations, reservations),
        (daemon.root.config, MINIMAL),
    ):
        with open(path, encoding="utf-8") as file:
            assert json.load(file) == value


def test_an_administrators_newer_configuration_is_taken_in_and_an_older_one_is_not(daemon: Daemon) -> None:
    daemon.client().call("flushConfig")
    daemon.end()
    for serial, expected in ((6, 7), (9, 9)):
        with open(daemon.root.config, "w", encoding="utf-8") as file:
            json.dump({**MINIMAL, "serial_no": serial}, file)
        daemon.start()
        assert daemon.client().call("readConfigSerial") == expected
        daemon.end()
    with open(daemon.root.log_file("wconfd"), encoding="utf-8") as file:
        assert "has serial number 9, newer than our 7: taking it in" in file.read()


def test_a_log_that_was_rotated_away_is_created_again(daemon: Daemon) -> None:
    dead = daemon.owner(1, pid=0)
    daemon.client().call("tryUpdateLocks", dead, [[NODE, "exclusive"]])
    log = daemon.root.log_file("wconfd")
    os.rename(log, f"{log}.1")
    daemon.die(dead)
    until(lambda: os.path.exists(log) and os.path.getsize(log))
    with open(log, encoding="utf-8") as file:
        assert "has died: dropping its locks" in file.read()


@pytest.mark.parametrize("way", ["lock dropped", "file gone"])
def test_the_dead_leave_nothing_and_the_next_is_notified_within_a_second(
    daemon: Daemon, hangups: list[int], way: str
) -> None:
    client, dead, waiting = daemon.client(), daemon.owner(1, pid=0), daemon.owner(2)
    client.call("tryUpdateLocks", dead, [[NODE, "exclusive"]])
    client.call("reserveLV", dead, "vg/lv")
    client.call("updateLocksWaiting", waiting, 0, [[NODE, "exclusive"]])
    with Control() as control:
        if way == "file gone":
            os.unlink(dead[1])
        else:
            daemon.die(dead)
        until(lambda: hangups)
    assert control.seconds < 1
    assert client.call("listLocks", waiting) == [[NODE, "exclusive"]]
    assert client.call("listLocks", dead) == []
    assert client.call("reserveLV", waiting, "vg/lv") == []
    until(lambda: not os.path.exists(dead[1]))


def test_a_sweep_on_request_buries_at_once_and_spares_the_living(new_daemon: Callable[..., Daemon]) -> None:
    daemon = new_daemon("--sweep-interval", "1000")
    client, dead, alive = daemon.client(), daemon.owner(1, pid=0), daemon.owner(2, pid=0)
    client.call("tryUpdateLocks", dead, [["node/a", "exclusive"]])
    client.call("tryUpdateLocks", alive, [["node/b", "exclusive"]])
    daemon.die(dead)
    assert client.call("cleanupLocks") == []
    assert client.call("listAllLocks") == ["node/[lockset]", "node/b"]


def test_many_clients_at_once_share_batches(daemon: Daemon) -> None:
    clients: list[Client] = [daemon.client() for _ in range(200)]
    owners = [daemon.owner(number, pid=0) for number in range(200)]
    for client, owner in zip(clients, owners, strict=True):
        request = {"method": "tryUpdateLocks", "args": [owner, [[f"node/{owner[0]}", "exclusive"]]]}
        client._send(json.dumps(request).encode() + END_OF_MESSAGE)
    assert all(json.loads(client._next_message())["result"] == [] for client in clients)
    assert len(clients[0].call("listAllLocks")) == 201


def test_a_slow_reader_holds_up_nobody(daemon: Daemon) -> None:
    slow = socket.socket(socket.AF_UNIX)
    slow.connect(daemon.root.wconfd_socket)
    slow.settimeout(0.2)
    request = b'{"method": "readConfig", "args": []}' + END_OF_MESSAGE
    with pytest.raises(TimeoutError):
        slow.sendall(request * 100000)
    assert daemon.client().call("echo", "x") == "x"
    slow.close()


def test_a_thousand_connections_are_served(daemon: Daemon) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    clients = [daemon.client() for _ in range(1000)]
    request = b'{"method": "listAllLocks", "args": []}' + END_OF_MESSAGE
    for client in clients:
        client._send(request)
    assert all(client._next_message() == b'{"success":true,"result":[]}' for client in clients)


def test_in_fair_mode_a_stream_of_shared_requests_does_not_pass_a_waiting_exclusive_one(
    new_daemon: Callable[..., Daemon],
) -> None:
    for options, answer in (((), 0), (("--fair",), 1)):
        daemon = new_daemon(*options)
        client = daemon.client()
        first, waiting, later = (daemon.owner(number, pid=0) for number in (1, 2, 3))
        client.call("tryUpdateLocks", first, [[NODE, "shared"]])
        client.call("updateLocksWaiting", waiting, 0, [[NODE, "exclusive"]])
        assert client.call("tryUpdateLocks", later, [[NODE, "shared"]]) == [waiting][:answer]
        daemon.end(signal.SIGKILL)
        daemon.start()
        client = daemon.client()
        client.call("freeLocks", later)
        assert client.call("updateLocksWaiting", later, 0, [[NODE, "shared"]]) == [waiting][:answer]
        client.call("freeLocks", first)
        client.call("freeLocks", later)
        assert client.call("listLocks", waiting) == [[NODE, "exclusive"]]
