"""Relative dependencies of jobs submitted together, beside the specification's plain way."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from impl.queue.submission import resolved
from spec.jobs import queue as plain
from spec.jobs.events import Refused
from tests.impl.queue.histories import op

OPS = st.builds(op, depends=st.none() | st.lists(st.tuples(st.integers(-4, 9), st.just([])).map(list), max_size=2))


@given(st.lists(OPS, max_size=3), st.lists(st.none() | st.integers(1, 99), max_size=3))
def test_they_are_made_absolute_or_refused_as_in_the_specification(
    inputs: list[dict[str, Any]], ids: list[int | None]
) -> None:
    assert resolved(inputs, len(ids), ids) == plain.resolved(inputs, len(ids), ids)


def test_each_refusal_says_why() -> None:
    refusals = [resolved([op(depends=[[target, []]])], 1, [None]) for target in (-1, -2)]
    assert refusals == [
        Refused("Relative dependency -1 points to a job that was refused"),
        Refused("Relative dependency -2 points before the first job of the submission"),
    ]
