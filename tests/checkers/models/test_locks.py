"""Locks within bounds: every property in every state, and specification and implementation in lock-step."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from checkers.exploration.lockstep import Divergence, lockstep
from checkers.models.locks import LOCKS, Bounds, explored, pairs, request, sides, singles, wrong_step
from checkers.verdict import Illegal, Ok, Verdict
from spec.locks.model import Effects, Event
from spec.locks.names import Level
from spec.locks.rules import LockState, pending_of
from tests import budget

LEVEL = (Level.NODE,)
WISHES = tuple((request((2, 2), (3, 2)), least) for least in (0, 1, 2))
KEEP = (frozenset({LOCKS[1]}),)

EVERYTHING = Bounds(
    owners=2,
    requests=(*singles((1, 4), (2,)), *singles((2,)), request((2, 0), (3, 2))),
    levels=LEVEL,
    wishes=WISHES[2:],
    keep=KEEP,
)
THREE = Bounds(owners=3, requests=singles((1, 2), (1, 2)), levels=LEVEL)
MEMBERS = Bounds(owners=3, requests=singles((1, 2, 3), (1, 2)), levels=LEVEL)
WIDE = Bounds(owners=3, requests=singles((1, 2, 3, 4), (1, 2)), levels=LEVEL, wishes=WISHES[1:2], keep=KEEP)
WHOLE = Bounds(owners=3, requests=singles((1, 2, 3, 4), (1, 2)), wishes=WISHES[1:2])
"""Three owners on a lockset, its two members and a second level: exclusive, shared, opportunistic, and all is freed,
by its owner or after its death."""
DOUBLE = Bounds(
    owners=2, requests=singles((1, 4)) + pairs((2, 3, 4)), priorities=(0, 1), levels=LEVEL, wishes=WISHES, keep=KEEP
)


def beside(bounds: Bounds, max_depth: int | None = None) -> Verdict[Divergence[Event]]:
    events = bounds.events()
    return lockstep(
        *sides(fair=bounds.fair),
        lambda _state: events,
        pair="checkers.models.locks:" + ("fair_sides" if bounds.fair else "sides"),
        step_holds=wrong_step,
        max_depth=max_depth,
    )


def test_every_property_holds() -> None:
    found = explored(THREE, keep_edges=False)
    assert isinstance(found.verdict, Ok), found.verdict
    assert found.verdict.covered == f"{len(found.graph.states)} states"
    assert len(found.graph.states) > 500


@pytest.mark.long
@pytest.mark.timeout(900)
def test_every_property_holds_on_the_whole_of_three_owners_and_two_levels() -> None:
    found = explored(WHOLE, keep_edges=False)
    assert isinstance(found.verdict, Ok), found.verdict
    assert found.verdict.covered == "96322 states"
    assert found.graph.depth == 15


@pytest.mark.weekly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("fair", [False, True])
def test_specification_and_implementation_in_lockstep_on_the_whole(fair: bool) -> None:
    verdict = beside(replace(WHOLE, fair=fair))
    assert isinstance(verdict, Ok), verdict


def test_what_the_properties_talk_about_is_reached() -> None:
    graph = explored(THREE).graph
    assert graph.find(lambda state: len({owner for _, owner, _ in state.held}) == 3) is not None
    assert graph.find(lambda state: len(state.pending) == 2) is not None
    assert any(len(label[1].granted) == 2 for _, label, _ in graph.edges)
    # a stream of shared grants passes an exclusive waiter: a circle of steps on which somebody waits all along
    waiter = graph.find(lambda state: len(state.held) == 2 and len(state.pending) == 1)
    assert waiter is not None
    owner = graph.states[waiter].pending[0].owner
    around = [
        target
        for source, _, target in graph.edges
        if source == waiter and target != waiter and pending_of(graph.states[target], owner)
    ]
    assert any(
        source in around and target == waiter and pending_of(graph.states[source], owner)
        for source, _, target in graph.edges
    )


@pytest.mark.parametrize("fair", [False, True])
@pytest.mark.parametrize("bounds", [EVERYTHING, THREE], ids=["everything", "three"])
def test_specification_and_implementation_in_lockstep(bounds: Bounds, fair: bool) -> None:
    verdict = beside(replace(bounds, fair=fair))
    assert isinstance(verdict, Ok), verdict


@pytest.mark.long
@pytest.mark.parametrize("fair", [False, True])
@pytest.mark.parametrize(
    ("bounds", "depth"),
    [(MEMBERS, None), (WIDE, 4), (DOUBLE, budget.spent(ci=3, weekly=4))],
    ids=["members", "wide", "double"],
)
def test_specification_and_implementation_in_lockstep_on_larger_bounds(
    bounds: Bounds, depth: int | None, fair: bool
) -> None:
    verdict = beside(replace(bounds, fair=fair), max_depth=depth)
    assert isinstance(verdict, Ok), verdict


def forgetful(
    step: Callable[[LockState, Event], tuple[LockState, Effects]],
) -> Callable[[LockState, Event], tuple[LockState, Effects]]:
    """A step that grants, but forgets to notify."""

    def wrong(state: LockState, event: Event) -> tuple[LockState, Effects]:
        after, effects = step(state, event)
        return after, effects._replace(granted=())

    return wrong


def test_a_divergence_is_shown_as_a_program_that_reproduces_it() -> None:
    plain, _ = sides()
    wrong = replace(plain, name="a forgetful one", step=forgetful(plain.step))
    events = EVERYTHING.events()
    verdict = lockstep(plain, wrong, lambda _state: events, pair="checkers.models.locks:sides")
    assert isinstance(verdict, Illegal)
    divergence = verdict.witness
    assert len(divergence.history) == 3  # hold, wait, let go: it cannot be shown in two
    assert "granted" in divergence.difference
    # the program runs; on the true sides it finds no fault
    run = subprocess.run(
        [sys.executable, "-c", divergence.program()], capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("1. ")
    assert "\n3. " in run.stdout
