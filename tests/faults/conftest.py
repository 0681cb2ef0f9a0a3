"""A root with wconfd's place taken by a fake, for tests that start and kill luxid."""

from collections.abc import Iterator

import pytest

from impl.paths import Root
from tests.impl.luxid.fakes import FakeWconfd, short_root


@pytest.fixture
def root() -> Iterator[Root]:
    with short_root() as made:
        yield made


@pytest.fixture
def wconfd(root: Root) -> Iterator[FakeWconfd]:
    fake = FakeWconfd(root)
    yield fake
    fake.close()
