"""Clusters that several tests of checkers use."""

from pathlib import Path

import pytest

from htools.backends import text
from spec.allocator.cluster import Cluster

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def branch() -> Cluster:
    """The small office whose machines are nearly full."""
    return text.load(str(EXAMPLES / "branch-4.txt"))


@pytest.fixture
def office() -> Cluster:
    """Twenty nodes, a hundred instances."""
    return text.load(str(EXAMPLES / "office-20.txt"))
