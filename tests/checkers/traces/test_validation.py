"""Validation with a model of a number that may grow by one or two: all agreeing states are kept."""

from collections.abc import Iterable, Sequence

import pytest

from checkers.traces.validation import Line, TraceFormatError, read, validate
from checkers.verdict import Illegal, Ok


class Growing:
    """A `grow` line adds one or two, unseen; an `at` line gives the number."""

    def start(self, _states: Sequence[int] | None, _line: Line) -> Iterable[int]:
        return [0]

    def advance(self, state: int, line: Line) -> Iterable[int]:
        if line.event == "grow":
            return [state + 1, state + 2]
        return [state] if line.fields["at"] == state else []

    def enabled(self, state: int, _line: Line) -> str:
        return f"at {state}"

    def describe(self, state: int) -> str:
        return str(state)


HEAD = b'{"seq":1,"event":"start"}\n{"seq":2,"event":"grow"}\n{"seq":3,"event":"grow"}\n'


@pytest.mark.parametrize("number", [2, 3, 4])
def test_any_number_that_is_possible_is_taken(number: int) -> None:
    data = HEAD + b'{"seq":4,"event":"at","at":%d}\n' % number
    assert validate(Growing(), read(data)) == Ok("4 lines, 1 run")


def test_an_impossible_number_is_refused_with_what_was_possible() -> None:
    verdict = validate(Growing(), read(HEAD + b'{"seq":4,"event":"at","at":5}\n'))
    assert isinstance(verdict, Illegal)
    assert verdict.witness.line.number == 4
    assert verdict.witness.states == ("2", "3", "4")
    assert verdict.witness.enabled == ("at 2", "at 3", "at 4")


def test_a_gap_in_the_numbers_is_refused() -> None:
    verdict = validate(Growing(), read(HEAD + b'{"seq":5,"event":"at","at":2}\n'))
    assert isinstance(verdict, Illegal)
    assert "line number 4 of the run was expected, this is 5" in verdict.witness.reason


def test_a_line_that_was_cut_off_is_left_out_and_a_damaged_one_is_not() -> None:
    assert len(list(read(HEAD + b'{"seq":4,"eve'))) == 3
    with pytest.raises(TraceFormatError, match="line 4 is no trace event"):
        list(read(HEAD + b'{"seq":4,"eve\n'))
