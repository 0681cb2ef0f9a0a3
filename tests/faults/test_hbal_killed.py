"""hbal is killed while its jobs run, and run again: nothing is moved twice, and the next run continues."""

from collections.abc import Iterator

import pytest

from spec.allocator.cluster import Cluster
from tests.e2e.conftest import Chain, branch, chain_of, hbal, until

__all__ = ["branch"]

pytestmark = [pytest.mark.xdist_group("chain"), pytest.mark.long]


@pytest.fixture
def slow(branch: Cluster) -> Iterator[Chain]:
    """Run a cluster on which a move takes a second or more."""
    with chain_of(branch, 0.1) as chain:
        yield chain


def said_by(chain: Chain, *options: str) -> tuple[int, str]:
    with hbal(chain, *options) as process:
        said, _ = process.communicate(timeout=60)
    return process.returncode, said


def ids(chain: Chain) -> list[int]:
    with chain.luxid() as luxid:
        return [job for (job,) in luxid.call("QueryJobs", None, ["id"])]


def test_a_run_after_a_killed_one_moves_nothing_twice(slow: Chain) -> None:
    with hbal(slow, "-X") as first:
        until(lambda: ids(slow), "the first job is submitted")
        first.kill()
    code, said = said_by(slow, "-X")
    assert code == 1
    assert "job 1 moves stock, which would be moved twice" in said
    assert ids(slow) == [1]
    assert slow.wait_for(1, "success") == "success"
    code, said = said_by(slow, "-X")
    assert code == 0, said
    assert slow.job(2, "status") == ["success"]
    assert "No solution found" in said_by(slow)[1]
