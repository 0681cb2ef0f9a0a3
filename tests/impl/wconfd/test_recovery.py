"""Damaged files in the root of a wconfd: what is lost is said, and the newest good copy is taken on command."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from impl.paths import Root
from tests.impl.wconfd.conftest import MINIMAL, Daemon
from tests.impl.wconfd.test_daemon import NODE, until


def refused(daemon: Daemon) -> str:
    """Start it, and return why it ended."""
    done = subprocess.run(
        [*daemon.program, "--root", daemon.root.directory], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


def gantry(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "gantry", *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def change(daemon: Daemon, count: int) -> None:
    client = daemon.client()
    for number in range(count):
        node = client.call("readObject", "nodes", "n1")
        assert client.call("updateNode", {**node, "vm_capable": number % 2 == 0})


def on_disk(root: Root) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(root.config).read_text(encoding="utf-8"))
    return found


def files_of(daemon: Daemon) -> dict[str, bytes]:
    state = Path(daemon.root.state)
    return {path.name: path.read_bytes() for path in state.glob("wconfd.db*") if path.name != "wconfd.db"}


def test_an_acknowledged_change_is_never_lost_without_a_word(new_daemon: Callable[..., Daemon]) -> None:
    """A log damaged after a kill: wconfd does not start, and its files stay; the command takes the newest copy."""
    daemon = new_daemon()
    owner = daemon.owner(7)
    daemon.client().call("tryUpdateLocks", owner, [[NODE, "exclusive"]])
    change(daemon, 6)
    daemon.client().call("flushConfig")
    change(daemon, 20)
    held = daemon.client().call("readConfig")["serial_no"]
    daemon.end(signal.SIGKILL)
    log = Path(f"{daemon.root.store}-wal")
    damaged = bytearray(log.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    log.write_bytes(damaged)
    before = files_of(daemon)
    snapshot = on_disk(daemon.root)["serial_no"]
    text = refused(daemon)
    assert "acknowledged changes are missing" in text
    assert "wconfd.db is damaged" in text
    assert "newest good copy of the configuration is" in text
    assert files_of(daemon) == before, "it is left as it was"
    assert refused(daemon) == text
    plan = gantry("cluster", "recover", "--root", daemon.root.directory, "--dry-run")
    assert plan.endswith("nothing was changed\n")
    assert files_of(daemon) == before
    done = gantry("cluster", "recover", "--root", daemon.root.directory)
    assert "wconfd.db-wal.damaged-1" in done
    daemon.start()
    found = daemon.client().call("readConfig")["serial_no"]
    assert snapshot <= found < held
    assert daemon.client().call("listLocks", owner) == [[NODE, "exclusive"]]


def test_a_log_that_is_gone_is_missed(new_daemon: Callable[..., Daemon]) -> None:
    daemon = new_daemon()
    change(daemon, 3)
    daemon.end(signal.SIGKILL)
    os.unlink(f"{daemon.root.store}-wal")
    assert "acknowledged changes are missing" in refused(daemon)


def test_a_kill_alone_loses_nothing_and_is_no_damage(new_daemon: Callable[..., Daemon]) -> None:
    daemon = new_daemon()
    change(daemon, 5)
    before = daemon.client().call("readConfig")
    daemon.end(signal.SIGKILL)
    daemon.start()
    assert daemon.client().call("readConfig") == before
    assert not os.path.exists(f"{daemon.root.store}-wal.kept")


def test_a_store_that_cannot_be_read_at_all_is_set_aside_on_command(new_daemon: Callable[..., Daemon]) -> None:
    daemon = new_daemon()
    change(daemon, 2)
    before = daemon.client().call("readConfig")
    daemon.end()
    Path(daemon.root.store).write_bytes(b"noise" * 4000)
    text = refused(daemon)
    assert f"the newest good copy of the configuration is {daemon.root.config}" in text
    gantry("cluster", "recover", "--root", daemon.root.directory)
    daemon.start()
    assert daemon.client().call("readConfig") == before


@pytest.mark.parametrize("content", [b"", b'{"version": 3000000, "clus', b"[]"])
def test_a_damaged_snapshot_does_not_stop_wconfd(new_daemon: Callable[..., Daemon], content: bytes) -> None:
    daemon = new_daemon()
    change(daemon, 2)
    before = daemon.client().call("readConfig")
    daemon.end()
    Path(daemon.root.config).write_bytes(content)
    daemon.start()
    assert daemon.client().call("readConfig") == before
    until(lambda: os.path.exists(daemon.root.config) and on_disk(daemon.root) == before)
    assert Path(f"{daemon.root.config}.damaged-1").read_bytes() == content
    log = Path(daemon.root.log_file("wconfd")).read_text(encoding="utf-8")
    assert f"keeping it as {daemon.root.config}.damaged-1" in log


def test_a_snapshot_that_is_gone_is_written_again(new_daemon: Callable[..., Daemon]) -> None:
    daemon = new_daemon()
    before = daemon.client().call("readConfig")
    daemon.end()
    os.unlink(daemon.root.config)
    daemon.start()
    until(lambda: os.path.exists(daemon.root.config) and on_disk(daemon.root) == before)


def test_a_damaged_only_configuration_is_refused_with_the_newest_replica(
    new_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    daemon = new_daemon("--replica", str(tmp_path))
    change(daemon, 2)
    serial = daemon.client().call("readConfig")["serial_no"]
    daemon.end()
    for path in Path(daemon.root.state).glob("wconfd.db*"):
        path.unlink()
    Path(daemon.root.config).write_bytes(b"")
    done = subprocess.run(
        [*daemon.program, "--root", daemon.root.directory, "--replica", str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"the newest good copy of the configuration is {tmp_path}, serial number {serial}" in done.stderr
    gantry("cluster", "recover", "--root", daemon.root.directory, "--from", str(tmp_path))
    daemon.start()
    assert daemon.client().call("readConfig")["serial_no"] == serial


@pytest.mark.parametrize(("version", "name"), [(2_160_000, "2.16"), (3_010_000, "3.1"), (3_000_001, "3.0.1")])
def test_a_configuration_of_another_version_is_refused_and_left_as_it_is(
    new_daemon: Callable[..., Daemon], version: int, name: str
) -> None:
    daemon = new_daemon(config={**MINIMAL, "version": version}, start=False)
    before = Path(daemon.root.config).read_bytes()
    assert f"has the format of version {name}, this program knows 3.0" in refused(daemon)
    assert Path(daemon.root.config).read_bytes() == before


def test_a_configuration_of_another_version_is_left_alone_while_wconfd_runs(new_daemon: Callable[..., Daemon]) -> None:
    daemon = new_daemon()
    foreign = {**MINIMAL, "version": 3_010_000, "serial_no": 99}
    other = f"{daemon.root.config}.mine"
    Path(other).write_text(json.dumps(foreign), encoding="utf-8")
    os.rename(other, daemon.root.config)
    log = Path(daemon.root.log_file("wconfd"))
    until(lambda: "has the format of version 3.1" in log.read_text(encoding="utf-8"))
    change(daemon, 1)
    daemon.client().call("flushConfig")
    assert on_disk(daemon.root) == foreign
    assert daemon.client().call("readConfig")["serial_no"] < 99
