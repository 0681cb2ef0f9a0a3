"""hbal, hcheck and hinfo against Ganeti's on random clusters, in text and in iallocator requests.

The many are fresh ones for each commit (`tests.budget`); others: `pytest --seed N --clusters N`, or the fuzz module.
"""

import sys
from pathlib import Path

import pytest

from tests import budget
from tests.conformance.fuzz import differences, main
from tests.conftest import ganeti_program

FAST = 40
LONG, LARGE = budget.spent(ci=400, weekly=2000), budget.spent(ci=10, weekly=50)


def program(tool: str = "hbal") -> str:
    found = ganeti_program(tool)
    if found is None:
        pytest.skip(f"Ganeti's {tool} is not installed")
    return found


def count(config: pytest.Config, usual: int) -> int:
    return int(config.getoption("--clusters") or usual)


@pytest.mark.parametrize(("last", "code"), [("", 0), ("--quiet --quiet", 1)])
def test_a_program_of_somebody_elses_can_be_compared(
    last: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = tmp_path / "hbal"
    theirs.write_text(f'#!/bin/sh\nexec {Path(sys.executable).parent}/hbal "$@" {last}\n')
    theirs.chmod(0o700)
    assert main(["--program", str(theirs), "--seed", str(budget.fixed(0)), "--count", "3"]) == code
    assert "3 clusters compared, " in capsys.readouterr().out


@pytest.mark.ganeti
def test_small_clusters(pytestconfig: pytest.Config) -> None:
    first = budget.fixed(0)
    assert not list(differences(program(), range(first, first + count(pytestconfig, FAST)), 3, 12))


@pytest.mark.long
@pytest.mark.ganeti
@pytest.mark.parametrize("part", range(4))
def test_many_small_clusters(pytestconfig: pytest.Config, part: int) -> None:
    share = count(pytestconfig, LONG) // 4
    first = budget.seed() + part * share
    assert not list(differences(program(), range(first, first + share), 3, 12))


@pytest.mark.ganeti
def test_tight_clusters(pytestconfig: pytest.Config) -> None:
    first = budget.fixed(0)
    assert not list(differences(program(), range(first, first + count(pytestconfig, FAST)), 2, 7, tight=True))


@pytest.mark.long
@pytest.mark.ganeti
def test_many_tight_clusters(pytestconfig: pytest.Config) -> None:
    first = budget.seed()
    assert not list(differences(program(), range(first, first + count(pytestconfig, LONG // 2)), 2, 7, tight=True))


@pytest.mark.long
@pytest.mark.ganeti
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(2))
def test_larger_clusters(pytestconfig: pytest.Config, part: int) -> None:
    share = count(pytestconfig, LARGE) // 2
    first = budget.seed() + part * share
    assert not list(differences(program(), range(first, first + share), 20, 40))


def compare_tool(config: pytest.Config, tool: str, first: int, usual: int, *, requests: bool) -> None:
    seeds = range(first, first + count(config, usual))
    assert not list(differences(program(tool), seeds, 3, 12, tool=tool, requests=requests, free=True))


@pytest.mark.ganeti
@pytest.mark.parametrize("requests", [False, True], ids=["text", "requests"])
@pytest.mark.parametrize("tool", ["hbal", "hcheck", "hinfo"])
def test_all_kinds_of_options(pytestconfig: pytest.Config, tool: str, requests: bool) -> None:
    compare_tool(pytestconfig, tool, budget.fixed(0), 20, requests=requests)


@pytest.mark.long
@pytest.mark.ganeti
@pytest.mark.parametrize("requests", [False, True], ids=["text", "requests"])
@pytest.mark.parametrize("tool", ["hcheck", "hinfo"])
def test_small_tools_on_many_clusters(pytestconfig: pytest.Config, tool: str, requests: bool) -> None:
    compare_tool(pytestconfig, tool, budget.seed(), budget.spent(ci=50, weekly=200), requests=requests)


@pytest.mark.long
@pytest.mark.ganeti
@pytest.mark.parametrize("requests", [False, True], ids=["text", "requests"])
def test_all_kinds_of_options_on_many_clusters(pytestconfig: pytest.Config, requests: bool) -> None:
    compare_tool(pytestconfig, "hbal", budget.seed(), budget.spent(ci=100, weekly=400), requests=requests)
