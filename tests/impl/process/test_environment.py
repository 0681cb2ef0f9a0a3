"""What is started gets a small environment, and nothing from the directory in which somebody has started it."""

import os
import subprocess
from pathlib import Path

import pytest

from impl.process import environment
from impl.process.environment import ALLOCATORS, module_command, small_environment

PLANTED = "import os\nwith open({marker!r}, 'a') as file:\n    file.write(__name__)\n"


def plant(folder: Path) -> Path:
    """Put modules into a directory that leave a mark when somebody imports them; returns the mark's path."""
    marker = folder / "executed"
    for name in ("logging", "asyncio", "json", "impl", "htools", "msgspec", "sitecustomize"):
        (folder / f"{name}.py").write_text(PLANTED.format(marker=str(marker)), encoding="utf-8")
    return marker


def test_only_named_variables_are_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LD_PRELOAD", "PYTHONPATH", "PYTHONSTARTUP", "TMPDIR", "GANTRY_ROOT", "PATH", "LANG", "HOME"):
        monkeypatch.setenv(name, "/tmp/mine")
    monkeypatch.delenv(ALLOCATORS, raising=False)
    given = small_environment()
    assert (given["PATH"], given["LANG"]) == ("/sbin:/bin:/usr/sbin:/usr/bin", "C.UTF-8")
    assert set(given) == {"PATH", "LANG", "HOME"}
    assert "/tmp/mine" not in given.values()
    monkeypatch.setenv(ALLOCATORS, "/opt/allocators")
    assert small_environment() == {**given, ALLOCATORS: "/opt/allocators"}


def test_a_user_without_an_entry_has_the_root_directory_as_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 2**31 - 5)
    assert environment.small_environment()["HOME"] == "/"


@pytest.mark.parametrize("module", ["impl.luxid", "impl.wconfd", "impl.process.spawner", "htools.hbal", "htools.hail"])
def test_modules_planted_in_the_working_directory_are_not_executed(module: str, tmp_path: Path) -> None:
    marker = plant(tmp_path)
    done = subprocess.run(
        module_command(module, "--help"), cwd=tmp_path, capture_output=True, check=False, env=small_environment()
    )
    assert done.returncode == 0, done.stderr
    assert not marker.exists()
    without = [word for word in module_command(module, "--help") if word != "-P"]
    subprocess.run(without, cwd=tmp_path, capture_output=True, check=False)
    assert marker.exists(), "without the option they are: the plant works"
