"""`gantry locks` on a running daemon."""

import json
from collections.abc import Callable

import pytest

from gantry.cli import main
from gantry.commands.locks import look, picture, tables
from impl.wire.client import Client
from tests.impl.wconfd.conftest import Daemon, new_daemon

__all__ = ["new_daemon"]


def test_tables_json_and_picture(new_daemon: Callable[..., Daemon], capsys: pytest.CaptureFixture[str]) -> None:
    daemon = new_daemon()
    root = daemon.root.directory
    assert main(["locks", "--root", root]) == 0
    assert capsys.readouterr().out == "no locks are held\n"
    client, one, two = daemon.client(), daemon.owner(1, pid=0), daemon.owner("masterd", pid=0)
    client.call("tryUpdateLocks", one, [["cluster/BGL", "shared"], ["node/n1", "exclusive"]])
    assert main(["locks", "--root", root]) == 0
    assert capsys.readouterr().out.endswith("nobody waits\n")
    client.call("updateLocksWaiting", two, -3, [["node/n1", "shared"], ["node/n2", "exclusive"]])
    assert main(["locks", "--socket", daemon.root.wconfd_socket]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "held (2):",
        "  lock         mode       owner  pid",
        "  cluster/BGL  shared     job 1  0",
        "  node/n1      exclusive  job 1  0",
    ]
    assert lines[5] == "waiting (1), the most urgent first:"
    assert lines[7].split() == [
        "masterd",
        "-3",
        "0.0",
        "s",
        "node/n1",
        "(shared),",
        "node/n2",
        "(exclusive)",
        "job",
        "1",
    ]
    assert max(map(len, lines)) <= 80
    assert main(["locks", "--root", root, "--json"]) == 0
    state = json.loads(capsys.readouterr().out)
    assert state["waiting"][0]["blockers"] == [one]
    assert main(["locks", "--root", root, "--dot"]) == 0
    assert '"masterd" -> "job 1" [label="node/n1 (shared)\\nnode/n2 (exclusive)"];' in capsys.readouterr().out


def test_a_daemon_that_does_not_describe_is_asked_in_ganetis_way(new_daemon: Callable[..., Daemon]) -> None:
    daemon = new_daemon()
    client, one, two = daemon.client(), daemon.owner(1, pid=0), daemon.owner(2, pid=0)
    client.call("tryUpdateLocks", one, [["node/[lockset]", "exclusive"]])
    client.call("updateLocksWaiting", two, 0, [["node/n1", "shared"]])

    class Plain(Client):
        def call(self, method: str, *args: object) -> object:
            return super().call("echo" if method == "describeLocks" else method, *args)

    with Plain(daemon.root.wconfd_socket) as plain:
        state = look(plain)
    assert state["waiting"][0]["blockers"] == [one]
    assert "job 2" in tables(state)
    assert picture(state).count("->") == 1


def test_nobody_there(tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["locks", "--root", str(tmp_path)]) == 1
    assert "is --root or $GANTRY_ROOT the cluster's directory?" in capsys.readouterr().err
