"""The explorer on small systems whose every state is known."""

from collections.abc import Iterable

from checkers.exploration.explore import explore
from checkers.verdict import Illegal, Ok, Unknown


def jugs(state: tuple[int, int]) -> Iterable[tuple[str, tuple[int, int]]]:
    """A jug of three and one of five litres: the puzzle that asks for four."""
    three, five = state
    yield "fill three", (3, five)
    yield "fill five", (three, 5)
    yield "empty three", (0, five)
    yield "empty five", (three, 0)
    poured = min(three, 5 - five)
    yield "three into five", (three - poured, five + poured)
    poured = min(five, 3 - three)
    yield "five into three", (three + poured, five - poured)


def test_the_whole_space_and_a_shortest_path() -> None:
    found = explore([(0, 0)], jugs)
    assert isinstance(found.verdict, Ok)
    assert len(found.graph.states) == 16  # known of the puzzle: the edge of the rectangle
    assert len(found.graph.edges) == 16 * 6
    goal = found.graph.find(lambda state: state[1] == 4)
    assert goal is not None
    assert found.graph.depths[goal] == 6  # the puzzle's known shortest solution
    start, steps = found.graph.path(goal)
    assert start == (0, 0)
    state = start
    for label, after in steps:
        assert (label, after) in list(jugs(state))
        state = after


def test_a_violation_has_a_shortest_path() -> None:
    found = explore([(0, 0)], jugs, holds={"no four": lambda state: "four litres" if 4 in state else None})
    assert isinstance(found.verdict, Illegal)
    assert len(found.verdict.witness.steps) == 6
    assert found.verdict.witness.describe().startswith("'no four' fails after 6 steps: four litres\n  1. fill five")


def test_properties_of_steps() -> None:
    def pours(_before: tuple[int, int], label: str, after: tuple[int, int]) -> str | None:
        return "left over" if "into" in label and 0 not in after and 3 not in after and 5 not in after else None

    found = explore([(0, 0)], jugs, steps_hold={"pouring ends full or empty": pours})
    assert isinstance(found.verdict, Ok)
    found = explore(
        [(0, 0)],
        jugs,
        steps_hold={"never": lambda *step: "poured" if step[0] != step[2] and "into" in step[1] else None},
    )
    assert isinstance(found.verdict, Illegal)
    assert [label for label, _ in found.verdict.witness.steps] == ["fill three", "three into five"]


def test_bounds_are_reported() -> None:
    found = explore([(0, 0)], jugs, max_states=5)
    assert isinstance(found.verdict, Unknown)
    assert "more than 5 states" in found.verdict.reason
    found = explore([(0, 0)], jugs, max_depth=2)
    assert isinstance(found.verdict, Ok)
    assert found.verdict.covered.endswith("every history of up to 2 steps")
    assert not found.graph.complete
    assert max(found.graph.depths) == 2


def test_states_are_the_same_by_their_key() -> None:
    found = explore([0], lambda state: [("up", state + 1)], key=lambda state: state % 7)
    assert len(found.graph.states) == 7


def test_an_initial_state_may_violate() -> None:
    nowhere: list[tuple[str, int]] = []
    found = explore([3], lambda _state: nowhere, holds={"none": lambda _state: "it is there"})
    assert isinstance(found.verdict, Illegal)
    assert found.verdict.witness.steps == ()
