"""`gantry cluster` over real daemons: what they are started with, and which ones it finds."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gantry.demo.stage import Stage
from impl.paths import Root
from impl.process.environment import small_environment
from impl.setup.daemons import stop_all
from tests.impl.process.test_environment import plant

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "branch-4.txt"
GANTRY = str(Path(sys.executable).with_name("gantry"))


@dataclass
class Place:
    """A root of its own, and `gantry cluster` for it."""

    root: Root

    def run(self, action: str, *words: str, umask: int = -1, **options: object) -> "subprocess.CompletedProcess[str]":
        command = [GANTRY, "cluster", action, "--root", self.root.directory, *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, umask=umask, **options)  # type: ignore[call-overload,no-any-return]

    def init(self, **options: object) -> None:
        done = self.run("init", "--from", str(EXAMPLE), **options)  # type: ignore[arg-type]
        assert done.returncode == 0, done.stderr

    def start(self, **options: object) -> None:
        done = self.run("start", **options)  # type: ignore[arg-type]
        assert done.returncode == 0, done.stderr


@pytest.fixture
def place() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="gc") as directory:
        root = Root.of(f"{directory}/r")
        try:
            yield Place(root)
        finally:
            stop_all(root)


def test_daemons_execute_and_inherit_nothing_of_whoever_starts_them(place: Place, tmp_path: Path) -> None:
    marker = plant(tmp_path)
    hostile = {**os.environ, "LD_BIND_NOW": "1", "PYTHONPATH": str(tmp_path / "more"), "SECRET": "x"}
    place.init()
    place.start(cwd=tmp_path, env=hostile)
    assert not marker.exists()
    found = Stage(place.root).processes()
    programs = []
    for pid in found:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        programs.append(words[words.index("-m") + 1])
        given = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
        assert dict(line.split("=", 1) for line in given if line) == small_environment()
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert sorted(programs) == ["impl.luxid", "impl.process.spawner", "impl.wconfd"], "jobs are forks of the spawner"
