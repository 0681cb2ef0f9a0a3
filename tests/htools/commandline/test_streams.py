"""Programs do their work where standard output or error is closed or full."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from htools.commandline.tool import TOOLS

HERE = Path(__file__).resolve().parents[3]
CLUSTER = str(HERE / "examples" / "branch-4.txt")
READING = sorted(TOOLS.keys() - {"hail", "hscan"})


def run(
    words: list[str], before: Callable[[], None] | None = None, **streams: object
) -> "subprocess.CompletedProcess[str]":
    """Run a program or `gantry`, whose first word is its name."""
    name, *rest = words
    module, start = ("gantry.cli", "main") if name == "gantry" else ("htools.commandline.start", name)
    code = f"import sys; from {module} import {start}; sys.argv[0] = {name!r}; sys.exit({start}())"
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-c", code, *rest], preexec_fn=before, text=True, check=False, cwd=HERE, timeout=60, **streams
    )


@pytest.mark.parametrize(
    "words",
    [[name, "-t", CLUSTER, *(["-l1"] if name == "hspace" else [])] for name in READING]
    + [["hail", "--help"], ["gantry", "--help"]],
)
def test_a_closed_standard_output_changes_nothing_else(words: list[str]) -> None:
    ended = run(words, lambda: os.close(1), stderr=subprocess.PIPE)
    usual = run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert (ended.returncode, ended.stderr) == (usual.returncode, usual.stderr)
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("words", [["hbal", "-t", "/nonexistent/file"], ["hbal", "--nonsense"], ["gantry", "nonsense"]])
def test_errors_do_not_go_to_standard_output_where_standard_error_is_closed(words: list[str]) -> None:
    ended = run(words, lambda: os.close(2), stdout=subprocess.PIPE)
    assert ended.stdout == ""
    assert ended.returncode in {1, 2}


@pytest.mark.parametrize("words", [["hbal", "--help"], ["gantry", "--help"], ["gantry", "--version"]])
def test_a_full_standard_output_is_an_error_that_names_it(words: list[str]) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        ended = run(words, stdout=full, stderr=subprocess.PIPE)
    assert ended.returncode == 1
    assert "No space left on device" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
