"""A scheduling step costs by what changed, not by the queue's length."""

import pytest

from bench.queue import costs


@pytest.mark.xdist_group("luxid")
def test_a_step_costs_the_same_in_a_long_queue() -> None:
    short, long = costs(500), costs(10_000)
    for kind, microseconds in long.items():
        # twenty times the jobs; a logarithm and the caches may show, a scan would make it twenty times
        assert microseconds < 6 * short[kind] + 200, (kind, short, long)


@pytest.mark.long
@pytest.mark.xdist_group("luxid")
def test_a_step_costs_the_same_with_fifty_thousand_jobs() -> None:
    short, long = costs(500), costs(50_000)
    for kind, microseconds in long.items():
        assert microseconds < 10 * short[kind] + 300, (kind, short, long)
