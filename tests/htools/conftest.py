"""What holds for all tests of the allocator."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from htools.balance import rounds


@pytest.fixture(autouse=True, scope="module")
def vectors_pay() -> Iterator[None]:
    """The clusters here are small: without this, most of them would be searched without the engine that is tested."""
    with patch.object(rounds, "BALANCING_CANDIDATES", 0):
        yield
