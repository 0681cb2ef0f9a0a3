"""Tests of one group run in one process, so that they share what they prepare."""

import os

import pytest


@pytest.mark.xdist_group("some group")
def test_a_group_is_seen(request: pytest.FixtureRequest) -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ or not request.config.getoption("loadgroup"):
        pytest.skip("one process runs all tests, or groups were not asked for")
    assert request.node.nodeid.endswith("@some group"), "the scheduler chooses the process by the end of the name"
