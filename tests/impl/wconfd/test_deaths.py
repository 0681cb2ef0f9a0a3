"""Deaths of owners' processes: seen within a second, and never seen where nobody has died."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from impl.process.livelock import livelock_holder
from tests.control import Control
from tests.impl.wconfd.conftest import Daemon
from tests.impl.wconfd.test_daemon import NODE, until

HOLD = """
import fcntl, os, sys
path = sys.argv[1]
descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
fcntl.lockf(descriptor, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


class OwnerProcess:
    """A process that holds a live-lock until it is killed."""

    def __init__(self, daemon: Daemon, ident: int, name: str) -> None:
        path = os.path.join(daemon.root.livelocks, name)
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"held\n"
        self.owner: list[Any] = [ident, path, self.process.pid]

    def end(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


@pytest.fixture
def new_owner() -> Iterator[Callable[[Daemon, int, str], OwnerProcess]]:
    made: list[OwnerProcess] = []

    def make(daemon: Daemon, ident: int, name: str) -> OwnerProcess:
        made.append(OwnerProcess(daemon, ident, name))
        return made[-1]

    yield make
    for owner in made:
        owner.end()


NewOwner = Callable[[Daemon, int, str], OwnerProcess]


def test_a_killed_process_is_seen_without_a_look_at_live_locks(
    new_daemon: Callable[..., Daemon], new_owner: NewOwner, hangups: list[int]
) -> None:
    daemon = new_daemon("--sweep-interval", "1000")
    client, waiting = daemon.client(), daemon.owner(2)
    dead = new_owner(daemon, 1, "dies")
    client.call("tryUpdateLocks", dead.owner, [[NODE, "exclusive"]])
    client.call("updateLocksWaiting", waiting, 0, [[NODE, "exclusive"]])
    with Control() as control:
        dead.process.kill()
        until(lambda: hangups)
    assert control.seconds < 1
    assert client.call("listAllLocksOwners") == [["node/[lockset]", []], [NODE, [[waiting, "exclusive"]]]]
    assert not os.path.exists(dead.owner[1])


def test_a_live_lock_created_again_under_the_same_name_hides_no_death_and_is_left_alone(
    daemon: Daemon, new_owner: NewOwner
) -> None:
    client = daemon.client()
    dead = new_owner(daemon, 1, "again")
    client.call("tryUpdateLocks", dead.owner, [[NODE, "exclusive"]])
    os.unlink(dead.owner[1])
    alive = new_owner(daemon, 2, "again")
    client.call("tryUpdateLocks", alive.owner, [["node/other", "exclusive"]])
    dead.process.kill()
    until(lambda: client.call("listLocks", dead.owner) == [])
    client.call("cleanupLocks")
    assert client.call("listLocks", alive.owner) == [["node/other", "exclusive"]]
    assert livelock_holder(alive.owner[1]) == alive.process.pid


def test_a_stopped_process_is_alive(new_daemon: Callable[..., Daemon], new_owner: NewOwner) -> None:
    daemon = new_daemon("--sweep-interval", "0.01")
    client = daemon.client()
    stopped = new_owner(daemon, 1, "stopped")
    client.call("tryUpdateLocks", stopped.owner, [[NODE, "exclusive"]])
    stopped.process.send_signal(signal.SIGSTOP)
    for _ in range(5):
        client.call("cleanupLocks")
    assert client.call("listLocks", stopped.owner) == [[NODE, "exclusive"]]
    assert os.path.exists(stopped.owner[1])


def outlives_a_stranger(daemon: Daemon, new_owner: NewOwner) -> bool:
    """Whether an owner keeps its lock when another process, that has its process id by now, is killed."""
    client = daemon.client()
    owner = daemon.owner(1)
    stranger = new_owner(daemon, 3, "stranger")
    reused = [1, owner[1], stranger.process.pid]
    client.call("tryUpdateLocks", reused, [[NODE, "exclusive"]])
    stranger.process.kill()
    stranger.process.wait()
    for _ in range(5):
        client.call("cleanupLocks")
    return bool(client.call("listLocks", reused) == [[NODE, "exclusive"]])


def test_a_process_id_that_belongs_to_somebody_else_proves_nothing(daemon: Daemon, new_owner: NewOwner) -> None:
    assert outlives_a_stranger(daemon, new_owner)


class TrustingDaemon(Daemon):
    """A planted bug: it watches any process with an owner's process id."""

    @property
    def program(self) -> list[str]:
        code = (
            "import sys; from unittest.mock import ANY;"
            "from impl.process import livelock; from impl.wconfd import __main__;"
            "livelock.livelock_holder = lambda path: ANY; sys.exit(__main__.main())"
        )
        return [sys.executable, "-c", code]


def test_a_watch_that_does_not_ask_who_holds_the_live_lock_is_caught(
    new_daemon: Callable[..., Daemon], new_owner: NewOwner
) -> None:
    assert not outlives_a_stranger(new_daemon(kind=TrustingDaemon), new_owner)


def test_whoever_died_while_the_daemon_was_away_is_buried_before_it_listens(daemon: Daemon, hangups: list[int]) -> None:
    client, dead, alive, waiting = daemon.client(), daemon.owner(1, pid=0), daemon.owner(2, pid=0), daemon.owner(3)
    client.call("tryUpdateLocks", dead, [[NODE, "exclusive"]])
    client.call("tryUpdateLocks", alive, [["node/a", "exclusive"]])
    client.call("updateLocksWaiting", waiting, 0, [[NODE, "exclusive"]])
    daemon.end(signal.SIGKILL)
    daemon.die(dead)
    daemon.start()
    client = daemon.client()
    assert client.call("listAllLocksOwners") == [
        ["node/[lockset]", []],
        [NODE, [[waiting, "exclusive"]]],
        ["node/a", [[alive, "exclusive"]]],
    ]
    until(lambda: hangups)


def test_stale_live_locks_are_removed_and_young_or_held_ones_are_not(
    new_daemon: Callable[..., Daemon], new_owner: NewOwner
) -> None:
    daemon = new_daemon(start=False)
    held = new_owner(daemon, 1, "held")
    paths = {name: os.path.join(daemon.root.livelocks, name) for name in ("old", "young")}
    for path in paths.values():
        with open(path, "w", encoding="utf-8"):
            pass
    for path in (paths["old"], held.owner[1]):
        os.utime(path, (1, 1))
    daemon.start()
    until(lambda: not os.path.exists(paths["old"]))
    daemon.client().call("cleanupLocks")
    assert os.path.exists(paths["young"])
    assert livelock_holder(held.owner[1]) == held.process.pid


def test_a_process_that_does_not_hold_the_live_lock_is_not_notified(
    daemon: Daemon, new_owner: NewOwner, hangups: list[int]
) -> None:
    """A client may name any process id with its live-lock; a stranger would be hung up."""
    first, honest = daemon.owner(1), daemon.owner(3)
    liar = new_owner(daemon, 2, "liar")
    stranger = [2, liar.owner[1], os.getpid()]
    client = daemon.client()
    client.call("tryUpdateLocks", first, [[NODE, "exclusive"]])
    client.call("updateLocksWaiting", stranger, 0, [[NODE, "exclusive"]])
    client.call("updateLocksWaiting", honest, 0, [[NODE, "exclusive"]])
    client.call("freeLocks", first)
    assert client.call("listLocks", stranger) == [[NODE, "exclusive"]]
    assert hangups == []
    client.call("freeLocks", stranger)
    until(lambda: hangups)
    assert hangups == [signal.SIGHUP]
