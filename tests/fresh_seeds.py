"""In CI, Hypothesis looks elsewhere in every run: from a seed that the run prints, and that repeats it.

Nowhere does it ask how long an example took: machines are loaded.

A pytest plugin. Hypothesis' own profile for CI tries the same examples each time. Where the environment has `CI`, ours
takes its place, and a run without `--hypothesis-seed` draws a seed for all its tests, whichever process runs them.
"""

import os
import secrets
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

_BY_THE_CLOCK = [HealthCheck.too_slow]
settings.register_profile(
    "default", settings.get_profile("default"), deadline=None, suppress_health_check=_BY_THE_CLOCK
)
settings.register_profile(
    "ci", settings.get_profile("ci"), derandomize=False, print_blob=True, suppress_health_check=_BY_THE_CLOCK
)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw the seed before Hypothesis asks for it; a process of a distributed run is given that of the run."""
    if os.environ.get("CI") and config.getoption("hypothesis_seed") is None:
        given = getattr(config, "workerinput", {}).get("hypothesis_seed")
        config.option.hypothesis_seed = given or str(secrets.randbelow(1 << 32))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the seed to a process of a distributed run."""
    node.workerinput["hypothesis_seed"] = node.config.getoption("hypothesis_seed")


def _print_seed(config: pytest.Config) -> None:
    seed = config.getoption("hypothesis_seed")
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if seed is not None and reporter is not None:
        again = f"{'CI=true ' if os.environ.get('CI') else ''}python -m pytest --hypothesis-seed={seed}"
        reporter.write_line(f"Hypothesis starts from seed {seed}; the same examples again: {again} TEST")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Print the seed, however quiet the run is."""
    _print_seed(session.config)


def pytest_terminal_summary(exitstatus: int, config: pytest.Config) -> None:
    """Print it again beside the failures."""
    if exitstatus not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        _print_seed(config)
