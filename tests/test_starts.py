"""What a program has imported when it ends: nothing but the command line for help and refusals, and little to work.

Every run is a fresh interpreter that calls the console script's function and prints `sys.modules`.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gantry.cli import COMMANDS
from tests.conformance.random_requests import random_request

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SCRIPTS: dict[str, str] = PROJECT["scripts"]
TOOLS = [name for name in SCRIPTS if name not in {"gantry", "luxid", "wconfd"}]
BRANCH = str(ROOT / "examples" / "branch-4.txt")

IMPORT_NAMES = {"z3-solver": "z3", "google-re2": "re2"}
NAMES = [dependency.partition(">")[0] for dependency in PROJECT["dependencies"]]
LIBRARIES = {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in NAMES}
SLOW = {"asyncio", "concurrent", "dataclasses", "email", "http", "inspect", "logging", "multiprocessing", "socket",
        "sqlite3", "ssl", "subprocess", "unittest"}  # fmt: skip
"""Modules of the standard library that take longer to import than a command line may take to read."""

WORK = re.compile(r"htools\.(model|balance|placement|backends|plan|capacity|iallocator|maintenance|h\w+)\b|checkers\b"
                  r"|gantry\.(commands\.(?!job$)|jobs\.(?!arguments$)|demo\b)"
                  r"|impl\.(?!paths\b|(luxid|wconfd)\.(__main__|options)\b)\w+\.\w+"
                  r"|spec\.(?!errors\b|version\b)")  # fmt: skip
"""Modules of ours that do a program's work."""

FRESH = """
import importlib, json, sys
module, _, name = sys.argv.pop(1).partition(":")
start = getattr(importlib.import_module(module), name)
try:
    code = start()
except SystemExit as end:
    code = end.code
print("\\n" + json.dumps([code, sorted(sys.modules)]))
"""


def start(script: str, *words: str) -> tuple[int, set[str]]:
    """Return a console script's exit code and all modules that its run has imported."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    command = [sys.executable, "-c", FRESH, SCRIPTS[script], *words]
    process = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=ROOT)
    code, modules = json.loads(process.stdout.splitlines()[-1])
    return code, set(modules)


def superfluous(modules: set[str], *allowed: str) -> set[str]:
    """Return what was imported of libraries and slow modules."""
    return ((LIBRARIES | SLOW) & {name.partition(".")[0] for name in modules}) - set(allowed)


COMMAND_LINES = [
    *((name, [word], code) for name in SCRIPTS for word, code in (("--version", 0), ("--help", 0), ("--no-such", 2))),
    *(("gantry", [name, word], code) for name in COMMANDS for word, code in (("--help", 0), ("--no-such", 2))),
    ("gantry", ["job", "list", "--status", "no-such"], 2),
    ("gantry", ["audit", "plan", "--live", "--ignore", "no-such"], 2),
    ("gantry", ["job", "submit", "no-such"], 2),
    ("gantry", ["job", "submit", "nosuch"], 2),
    ("gantry", ["job", "submit", "OP_TEST_DELAY", "duration"], 2),
    ("gantry", ["job", "priority", "no-such", "1"], 2),
    ("gantry", ["job", "archive"], 2),
    ("hbal", ["--min-score=x"], 1),
    *((name, ["one", "two"], 1) for name in TOOLS if name != "hscan"),
    *((name, [], 1) for name in TOOLS if name != "hscan"),
    *((name, ["-L", "-t", BRANCH], 1) for name in TOOLS if name not in {"hail", "hscan"}),
    ("wconfd", ["--sweep-interval=0"], 2),
    ("wconfd", ["--metrics", "no-such"], 2),
]


@pytest.mark.parametrize(("script", "words", "expected"), COMMAND_LINES, ids=str)
def test_a_command_line_alone_imports_no_work(script: str, words: list[str], expected: int) -> None:
    code, modules = start(script, *words)
    assert code == expected
    assert superfluous(modules) == set()
    assert {name for name in modules if WORK.match(name)} == set()
    if script in TOOLS:
        assert "argparse" not in modules


@pytest.mark.parametrize(
    ("script", "words", "allowed"),
    [
        ("hbal", ["-t", BRANCH, "-C", "-p"], []),
        ("hinfo", ["-t", BRANCH, "-p", "--print-instances"], []),
        ("hcheck", ["-t", BRANCH], []),
        ("hsqueeze", ["-t", BRANCH], []),
        ("hsqueeze", ["-t", BRANCH, "--json"], ["msgspec"]),
        ("hscan", ["-L/no/such/socket", "-d/no/such"], ["msgspec", "socket"]),
        ("hspace", ["-t", BRANCH, "-l1"], ["numpy"]),
        ("hroller", ["-t", BRANCH, "-G", "no-such"], []),
        ("hail", ["REQUEST"], ["msgspec"]),
    ],
)
def test_a_small_cluster_needs_few_modules(script: str, words: list[str], allowed: list[str], tmp_path: Path) -> None:
    request = tmp_path / "request"
    request.write_text(json.dumps(random_request(0)), encoding="utf-8")
    code, modules = start(script, *(str(request) if word == "REQUEST" else word for word in words))
    assert superfluous(modules, *allowed, "dataclasses", "inspect") == set()
    assert "argparse" not in modules
    assert f"htools.{script}" in {name for name in modules if WORK.match(name)}
    assert code in {0, 1}


def test_what_needs_a_library_imports_it() -> None:
    """Or the checks above could hold for programs that do nothing."""
    assert "networkx" in start("hroller", "-t", BRANCH, "--force")[1]
    assert "numpy" in start("hbal", "-t", str(ROOT / "examples" / "office-20.txt"), "-l1")[1]
    assert "z3" in start("gantry", "audit", str(ROOT / "examples" / "branch-4.plan"), "--cluster", BRANCH)[1]
