"""hbal, hcheck and hinfo against the real ones on random clusters, in text and in iallocator requests.

Other seeds: `pytest --seed N --clusters N`, or the fuzz module.
"""

import pytest

from tests.conformance.fuzz import differences
from tests.conftest import peer_program

FAST, LONG, LARGE = 60, 2000, 50


def program(tool: str = "hbal") -> str:
    found = peer_program(tool)
    if found is None:
        pytest.skip(f"no real {tool} on this machine")
    return found


def first_seed(config: pytest.Config) -> int:
    return int(config.getoption("--seed"))


def count(config: pytest.Config, usual: int) -> int:
    return int(config.getoption("--clusters") or usual)


@pytest.mark.peer
def test_small_clusters(pytestconfig: pytest.Config) -> None:
    first = first_seed(pytestconfig)
    assert not list(differences(program(), range(first, first + count(pytestconfig, FAST)), 3, 12))


@pytest.mark.long
@pytest.mark.peer
@pytest.mark.parametrize("part", range(4))
def test_many_small_clusters(pytestconfig: pytest.Config, part: int) -> None:
    share = count(pytestconfig, LONG) // 4
    first = first_seed(pytestconfig) + FAST + part * share
    assert not list(differences(program(), range(first, first + share), 3, 12))


@pytest.mark.peer
def test_tight_clusters(pytestconfig: pytest.Config) -> None:
    first = first_seed(pytestconfig)
    assert not list(differences(program(), range(first, first + count(pytestconfig, FAST)), 2, 7, tight=True))


@pytest.mark.long
@pytest.mark.peer
def test_many_tight_clusters(pytestconfig: pytest.Config) -> None:
    first = first_seed(pytestconfig) + FAST
    assert not list(differences(program(), range(first, first + count(pytestconfig, LONG // 2)), 2, 7, tight=True))


@pytest.mark.long
@pytest.mark.peer
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(2))
def test_larger_clusters(pytestconfig: pytest.Config, part: int) -> None:
    share = count(pytestconfig, LARGE) // 2
    first = first_seed(pytestconfig) + 1_000_000 + part * share
    assert not list(differences(program(), range(first, first + share), 20, 40))


def compare_tool(config: pytest.Config, tool: str, usual: int, *, requests: bool = False, free: bool = False) -> None:
    first = first_seed(config)
    seeds = range(first, first + count(config, usual))
    assert not list(differences(program(tool), seeds, 3, 12, tool=tool, requests=requests, free=free))


@pytest.mark.peer
@pytest.mark.parametrize("requests", [False, True], ids=["text", "requests"])
@pytest.mark.parametrize("tool", ["hbal", "hcheck", "hinfo"])
def test_all_kinds_of_options(pytestconfig: pytest.Config, tool: str, requests: bool) -> None:
    compare_tool(pytestconfig, tool, 20, requests=requests, free=True)


@pytest.mark.long
@pytest.mark.peer
@pytest.mark.parametrize("requests", [False, True], ids=["text", "requests"])
@pytest.mark.parametrize("tool", ["hcheck", "hinfo"])
def test_small_tools_on_many_clusters(pytestconfig: pytest.Config, tool: str, requests: bool) -> None:
    compare_tool(pytestconfig, tool, 200, requests=requests, free=True)


@pytest.mark.long
@pytest.mark.peer
@pytest.mark.parametrize("requests", [False, True], ids=["text", "requests"])
def test_all_kinds_of_options_on_many_clusters(pytestconfig: pytest.Config, requests: bool) -> None:
    compare_tool(pytestconfig, "hbal", 400, requests=requests, free=True)
