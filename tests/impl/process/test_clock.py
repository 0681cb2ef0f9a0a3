import time

import pytest

from impl.process.clock import timestamp


def test_seconds_and_microseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_123_456_789)
    assert timestamp() == (1_700_000_000, 123_456)
