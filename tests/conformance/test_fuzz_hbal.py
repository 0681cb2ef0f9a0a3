"""hbal against the real one on random clusters; other seeds: `pytest --seed N --clusters N`, or the fuzz module."""

import pytest

from tests.conformance.fuzz import differences
from tests.conftest import peer_program

FAST, LONG, LARGE = 60, 2000, 50


def program() -> str:
    found = peer_program("hbal")
    if found is None:
        pytest.skip("no real hbal on this machine")
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


@pytest.mark.long
@pytest.mark.peer
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(2))
def test_larger_clusters(pytestconfig: pytest.Config, part: int) -> None:
    share = count(pytestconfig, LARGE) // 2
    first = first_seed(pytestconfig) + 1_000_000 + part * share
    assert not list(differences(program(), range(first, first + share), 20, 40))
