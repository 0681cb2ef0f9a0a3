"""What wconfd says of its own life, and where it refuses to run: in a directory that holds no cluster."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from impl.paths import Root
from impl.store.sqlite import SqliteStore
from impl.wconfd.options import Options
from impl.wconfd.run import run
from tests.impl.wconfd.conftest import MINIMAL, Daemon


def refusal(root: Root) -> str:
    return f"wconfd: no cluster here ({root.config} is missing): make one with 'gantry cluster init --from FILE'\n"


def test_a_directory_without_a_cluster_is_refused_and_nothing_is_made(
    short_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    root = Root(str(short_path / "mistyped"))
    assert run(Options(root=root.directory)) == 1
    assert capsys.readouterr().err == refusal(root)
    assert os.listdir(short_path) == []


def test_a_store_without_a_configuration_is_no_cluster_either(short_path: Path) -> None:
    root = Root(str(short_path))
    root.make_directories()
    SqliteStore(root.store).close()
    command = [sys.executable, "-m", "impl.wconfd", "--root", root.directory]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, refusal(root))
    assert not os.path.exists(root.pid_file("wconfd"))


def test_the_log_says_when_it_is_ready_and_when_it_stops(new_daemon: Callable[..., Daemon]) -> None:
    daemon = new_daemon("--foreground")
    process = daemon.process
    assert process is not None
    assert process.stderr is not None
    ready = f"wconfd[{process.pid}] INFO ready, socket {daemon.root.wconfd_socket}"
    assert process.stderr.readline().decode().endswith(f" {ready}\n")
    assert daemon.end() == 0
    lines = Path(daemon.root.log_file("wconfd")).read_text(encoding="utf-8").splitlines()
    assert [line.split(" ", 2)[2] for line in lines] == [ready, f"wconfd[{process.pid}] INFO stopping"]


def test_a_configuration_that_only_the_store_has_is_enough(new_daemon: Callable[..., Daemon]) -> None:
    daemon = new_daemon()
    daemon.client().call("flushConfig")
    assert daemon.end() == 0
    os.unlink(daemon.root.config)
    daemon.start()
    assert daemon.client().call("readConfig") == MINIMAL
