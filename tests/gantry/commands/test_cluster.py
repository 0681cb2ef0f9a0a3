"""`gantry cluster` over real daemons: what they are started with, and which ones it finds."""

import os
import re
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gantry.demo.stage import Stage
from impl.paths import Root
from impl.process.environment import module_command, small_environment
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


def modes(root: Root) -> dict[str, int]:
    """The permission bits of everything below a root, by path (live-locks without their times)."""
    found = {}
    for above, directories, files in os.walk(root.directory):
        for name in (*directories, *files):
            path = os.path.join(above, name)
            found[re.sub(r"_\d+$", "", os.path.relpath(path, root.directory))] = stat.S_IMODE(os.lstat(path).st_mode)
    return found


def test_modes_below_a_root_do_not_depend_on_the_umask(place: Place) -> None:
    place.init(umask=0)
    place.start(umask=0)
    found = modes(place.root)
    assert [path for path, mode in found.items() if mode & 0o002] == []
    assert found["var/run/ganeti/socket/ganeti-query"] == 0o660
    assert found["var/run/ganeti/socket/ganeti-wconfd"] == 0o600
    assert found["var/lib/ganeti/config.data"] == 0o640
    assert found["var/lib/ganeti/wconfd.db"] == 0o600
    assert {found[f"var/log/ganeti/{name}"] for name in ("luxid.log", "wconfd.log", "luxid.out", "jobs.log")} == {0o640}
    other = Place(Root(f"{place.root.directory}2"))
    other.init(umask=0o077)
    try:
        other.start(umask=0o077)
        assert modes(other.root) == found
    finally:
        stop_all(other.root)


@pytest.mark.parametrize("action", ["init", "start", "status", "stop"])
def test_a_root_whose_path_is_not_utf8_is_refused_before_anything_is_made(action: str, tmp_path: Path) -> None:
    root = Root(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    done = Place(root).run(action, *(["--from", str(EXAMPLE)] if action == "init" else []))
    assert done.returncode == 1
    assert "is not UTF-8" in done.stderr
    assert "Traceback" not in done.stderr
    assert os.listdir(tmp_path) == []
    for daemon in ("luxid", "wconfd"):
        command = module_command(f"impl.{daemon}", "--root", root.directory)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, "is not UTF-8" in done.stderr) == (1, True)
    assert os.listdir(tmp_path) == []
