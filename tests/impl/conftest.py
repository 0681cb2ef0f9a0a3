"""Fixtures for the tests of the control plane."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory with a path so short that sockets fit below it, which pytest's own are not always."""
    with tempfile.TemporaryDirectory(prefix="gantry-") as directory:
        yield Path(directory)
