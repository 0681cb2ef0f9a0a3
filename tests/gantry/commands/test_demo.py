"""The demonstration as a program: it verifies what it shows, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gantry.commands import demo
from gantry.demo.stage import NoExampleError, example_path

pytestmark = pytest.mark.xdist_group("demo")


def test_the_demo_keeps_its_promises() -> None:
    command = [sys.executable, "-m", "gantry", "demo", "--plain", "--keep", "--seconds-per-gib", "0.002"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything is as promised" in done.stdout
    assert "NOT" not in done.stdout
    assert len(re.findall(r"^ +ok ", done.stdout, re.MULTILINE)) == 7
    assert max(map(len, done.stdout.splitlines())) <= 100
    kept = re.search(r"kept: (\S+)", done.stdout)
    assert kept
    try:
        assert os.path.isdir(os.path.join(kept[1], "var", "lib", "ganeti", "queue"))
    finally:
        subprocess.run(["rm", "-rf", kept[1]], check=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_leaves_nothing(number: int) -> None:
    command = [sys.executable, "-m", "gantry", "demo", "--plain"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pids = []
        for line in process.stdout:
            pids += re.findall(r"runs as process (\d+)", line)
            if "jobs done" in line:
                break
        os.kill(process.pid, number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "nothing is left running" in said
    assert len(pids) == 2
    assert not [pid for pid in pids if os.path.exists(f"/proc/{pid}")]


def test_a_cluster_that_cannot_be_read_is_reported() -> None:
    source = os.path.join(os.path.dirname(example_path()), "no-such-cluster.txt")
    command = [sys.executable, "-m", "gantry", "demo", "--plain", "--from", source]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("gantry demo: ")


def test_a_missing_example_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "isfile", lambda _: False)
    with pytest.raises(NoExampleError, match="--from FILE"):
        example_path()


def test_what_to_try_next_begins_with_the_path_where_the_shell_finds_other_programs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ours = os.path.dirname(sys.executable)
    monkeypatch.setenv("PATH", ours)
    assert demo._path() == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert demo._path().startswith("  export PATH=")
    assert demo._path().endswith("/bin:$PATH\n")
    (tmp_path / "hbal").write_text("#!/bin/sh\n")
    (tmp_path / "hbal").chmod(0o700)
    (tmp_path / "gantry").symlink_to(os.path.join(ours, "gantry"))
    assert demo._path() != "", "hbal is somebody else's"
    (tmp_path / "hbal").unlink()
    (tmp_path / "hbal").symlink_to(os.path.join(ours, "hbal"))
    assert demo._path() == ""
