"""Verdicts: values that compare by what they say, and that nobody can take for a bool by comparing kinds."""

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from checkers.verdict import Illegal, Ok, Unknown, Verdict


def described(verdict: Verdict[int]) -> str:
    match verdict:
        case Ok(covered):
            return f"ok {covered}"
        case Illegal(witness):
            return f"illegal {witness}"
        case Unknown(reason):
            return f"unknown {reason}"


@pytest.mark.parametrize(
    ("verdict", "text"), [(Ok("3 states"), "ok 3 states"), (Illegal(7), "illegal 7"), (Unknown("time"), "unknown time")]
)
def test_the_three_kinds_are_distinct(verdict: Verdict[int], text: str) -> None:
    assert described(verdict) == text


def test_kinds_with_the_same_words_differ() -> None:
    assert Ok("x") == Ok("x") != Ok("y")
    assert len({Ok("x"), Illegal("x"), Unknown("x")}) == 3


@pytest.mark.parametrize(("verdict", "name"), [(Ok("x"), "covered"), (Illegal(1), "witness"), (Unknown("x"), "reason")])
def test_a_verdict_is_final(verdict: Any, name: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(verdict, name, "other")
