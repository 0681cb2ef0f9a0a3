"""The demonstration as a program: it verifies what it shows, and leaves nothing behind."""

import os
import re
import subprocess
import sys

import pytest

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


def test_a_cluster_that_cannot_be_read_is_told() -> None:
    source = os.path.join(os.path.dirname(example_path()), "no-such-cluster.txt")
    command = [sys.executable, "-m", "gantry", "demo", "--plain", "--from", source]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("gantry demo: ")


def test_a_missing_example_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "isfile", lambda _: False)
    with pytest.raises(NoExampleError, match="--from FILE"):
        example_path()
