"""Two counters side by side: they agree, differ in an answer, in a view or in soundness."""

from collections.abc import Callable
from typing import Any

import pytest

from checkers.exploration.lockstep import DivergenceError, Side, lockstep, replay
from checkers.verdict import Illegal, Ok, Unknown
from spec.errors import GantryError


class FullError(GantryError):
    """The counter is at its end."""


def counting(end: int, text: str = "full") -> Callable[[int, int], tuple[int, Any]]:
    def step(state: int, event: int) -> tuple[int, Any]:
        if state + event > end:
            raise FullError(text)
        return state + event, state

    return step


def side(step: Callable[[int, int], tuple[int, Any]], **how: Any) -> Side[int, int]:
    return Side("counter", 0, step, **how)


def both(other: Side[int, int], **how: Any) -> Any:
    return lockstep(side(counting(4)), other, lambda _state: (1, 2), pair="m:f", **how)


def test_equal_systems_agree_on_all_states() -> None:
    assert both(side(counting(4))) == Ok("5 pairs of states, 10 steps")
    assert both(side(counting(4)), max_depth=1) == Ok("3 pairs of states, 2 steps in histories of up to 1 events")
    assert isinstance(both(side(counting(4)), max_states=2), Unknown)


@pytest.mark.parametrize(
    ("other", "history", "difference"),
    [
        (side(counting(4, "at its end")), (1, 2, 2), "answers Refused"),
        (side(counting(3)), (2, 2), "answers 2"),
        (side(counting(4), view=lambda state: min(state, 2)), (1, 2), "the states differ"),
        (side(counting(4), sound=lambda state: "three" if state == 3 else None), (1, 2), "is not sound: three"),
    ],
    ids=["text", "answer", "view", "soundness"],
)
def test_the_first_difference_is_a_shortest_one(
    other: Side[int, int], history: tuple[int, ...], difference: str
) -> None:
    verdict = both(other)
    assert isinstance(verdict, Illegal)
    assert verdict.witness.history == history
    assert difference in verdict.witness.difference
    with pytest.raises(DivergenceError) as caught:
        replay(side(counting(4)), other, history)
    assert caught.value.place == len(history)
