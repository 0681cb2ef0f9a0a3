"""Fixtures that every test may use, and the reasons for skipping what this machine lacks."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests import budget

pytest_plugins = ("tests.fresh_seeds",)

HERE = Path(__file__).resolve().parent
GANETI_BIN = "/usr/lib/ganeti/3.0/usr/bin"


def pytest_addoption(parser: pytest.Parser) -> None:
    """What random tests try: from which seed on, and how much."""
    parser.addoption("--seed", default="", help="first seed of random tests (else GANTRY_SEED, or one of the commit)")
    parser.addoption(
        "--budget", choices=["ci", "weekly"], help="how much the long tests try (else GANTRY_BUDGET, or ci)"
    )
    parser.addoption("--clusters", default="", help="number of random clusters to compare (default: the test's own)")


def pytest_configure(config: pytest.Config) -> None:
    """Hand seed and budget to the tests, which read them when they are collected.

    Programs started by tests must feel interrupts; a shell's background jobs ignore them, and hand that down.
    """
    for name in ("seed", "budget"):
        if config.getoption(name):
            os.environ[f"GANTRY_{name.upper()}"] = config.getoption(name)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def shared_directory() -> Path | None:
    """Return the shared inputs: `$GANTRY_SHARED`, or `shared/` beside the checkout."""
    for candidate in (os.environ.get("GANTRY_SHARED"), HERE.parents[1] / "shared"):
        if candidate and Path(candidate).is_dir():
            return Path(candidate)
    return None


def ganeti_program(name: str) -> str | None:
    """Return the path of a program of Ganeti such as `hbal`, or None where it is not installed."""
    return shutil.which(name, path=GANETI_BIN + os.pathsep + "/usr/lib/ganeti/3.0/usr/sbin") or shutil.which(
        name, path="/usr/bin:/usr/sbin"
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print with which seed and budget the run can be repeated."""
    terminalreporter.write_line(budget.describe())


@pytest.fixture(scope="session")
def shared() -> Path:
    directory = shared_directory()
    if directory is None:
        pytest.skip("no shared inputs: set GANTRY_SHARED or put shared/ beside the checkout")
    return directory
