"""The job queue over every history within bounds: the specification's properties, and both versions in lock-step."""

import pytest

from checkers.exploration.lockstep import lockstep
from checkers.models.jobs import (
    AFTER,
    LIMITED,
    ONE_AT_A_TIME,
    PAUSED,
    PLAIN,
    REJECTED,
    TWO_OPCODES,
    URGENT,
    Bounds,
    explored,
    sides,
    wrong_step,
)
from checkers.verdict import Ok
from spec.jobs.model import Status

SMALL = {
    "life": Bounds(jobs=2),
    "two opcodes": Bounds(jobs=1, submissions=((TWO_OPCODES,),)),
    "drain and archive": Bounds(
        jobs=2, submissions=((PLAIN,), (AFTER,)), archives=True, drains=True, outcomes=(Status.SUCCESS, Status.ERROR)
    ),
    "priorities": Bounds(
        jobs=2, submissions=((PLAIN,), (URGENT,)), priorities=(-20,), outcomes=(Status.SUCCESS,), restarts=False
    ),
}
LARGER = {
    "limits": Bounds(
        jobs=3,
        submissions=((PLAIN,), (AFTER,), (LIMITED,)),
        outcomes=(Status.SUCCESS, Status.ERROR),
        restarts=False,
    ),
    "rules": Bounds(
        jobs=3,
        slots=2,
        submissions=((LIMITED,), (URGENT,)),
        settings=((2, ()), (2, (PAUSED, REJECTED)), (2, (ONE_AT_A_TIME,))),
        outcomes=(Status.SUCCESS,),
        restarts=False,
        priorities=(-10,),
    ),
    "slots": Bounds(jobs=3, submissions=((PLAIN,), (PLAIN, AFTER)), settings=((0, ()), (2, ())), archives=True),
}


@pytest.mark.parametrize("name", SMALL)
def test_both_versions_agree_on_every_history(name: str) -> None:
    bounds = SMALL[name]
    verdict = lockstep(
        *sides(bounds), bounds.occurrences, pair="checkers.models.jobs:sides", step_holds=wrong_step, max_states=20_000
    )
    assert isinstance(verdict, Ok), verdict
    assert "histories" not in verdict.covered  # the whole reachable space


@pytest.mark.long
@pytest.mark.parametrize("name", LARGER)
def test_both_versions_agree_on_larger_bounds(name: str) -> None:
    bounds = LARGER[name]
    verdict = lockstep(
        *sides(bounds), bounds.occurrences, pair="checkers.models.jobs:sides", step_holds=wrong_step, max_states=60_000
    )
    assert isinstance(verdict, Ok), verdict


def test_what_the_properties_speak_of_is_reached() -> None:
    """A property about states that never come would hold of nothing."""
    graph = explored(SMALL["life"]).graph
    assert graph.complete
    assert graph.find(lambda queue: len(queue.running) == 1 and len(queue.queued) == 1) is not None
    assert graph.find(lambda queue: bool(queue.starting)) is not None
    assert graph.find(lambda queue: len(queue.ended) == 2) is not None
    drained = explored(SMALL["drain and archive"]).graph
    assert drained.find(lambda queue: queue.drained and len(queue.archived) == 2) is not None
