"""A scheduling step costs by what changed, not by the queue's length."""

import statistics

import pytest

from bench.queue import each_step


def typical(times: list[float]) -> float:
    """Processor time of a step, without the tenth that took longest: that is the machine."""
    return statistics.fmean(sorted(times)[: len(times) * 9 // 10])


def grown(long: int) -> dict[str, tuple[float, float]]:
    """For each kind of step its processor time in a queue of 600 jobs and, by turns, in a long one; microseconds."""
    found = {}
    for kind, (short_times, long_times) in each_step([600, long]).items():
        found[kind] = (typical(short_times), typical(long_times))
    return found


def test_a_step_costs_the_same_in_a_long_queue() -> None:
    for kind, (short, long) in grown(12_000).items():
        # twenty times the jobs; a logarithm and the caches may show, a scan would make it twenty times
        assert long < 3 * short + 40, (kind, short, long)


@pytest.mark.long
def test_a_step_costs_the_same_with_sixty_thousand_jobs() -> None:
    for kind, (short, long) in grown(60_000).items():
        assert long < 3 * short + 40, (kind, short, long)
