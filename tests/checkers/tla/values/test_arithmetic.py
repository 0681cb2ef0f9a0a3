"""Integer arithmetic of TLA+: rounding, bounds and refused operands. The figures are TLC's."""

from collections.abc import Callable
from typing import Any

import pytest

from checkers.tla.errors import TlaEvalError
from checkers.tla.values import arithmetic


@pytest.mark.parametrize(
    ("function", "a", "b", "value"),
    [
        (arithmetic.add, 2, -5, -3),
        (arithmetic.sub, 2, 5, -3),
        (arithmetic.mul, -2, 5, -10),
        (arithmetic.div, 7, 2, 3),
        (arithmetic.div, -7, 2, -4),
        (arithmetic.div, 7, -2, -4),
        (arithmetic.mod, -7, 3, 2),
        (arithmetic.mod, 7, 3, 1),
        (arithmetic.power, 2, 10, 1024),
        (arithmetic.power, 5, 0, 1),
        (arithmetic.power, 0, 3, 0),
        (arithmetic.less, 1, 1, False),
        (arithmetic.less, 1, 2, True),
        (arithmetic.at_most, 1, 1, True),
        (arithmetic.at_most, 2, 1, False),
    ],
)
def test_values(function: Callable[[Any, Any], Any], a: int, b: int, value: Any) -> None:
    assert function(a, b) == value
    assert type(function(a, b)) is type(value)


@pytest.mark.parametrize(
    ("function", "a", "b", "text"),
    [
        (arithmetic.div, 1, 0, "the second argument of \\div is 0"),
        (arithmetic.mod, 1, 0, "the second argument of % is 0, but must be positive"),
        (arithmetic.mod, 1, -2, "must be positive"),
        (arithmetic.power, 2, -1, "cannot compute 2 ^ -1"),
        (arithmetic.power, 0, 0, "cannot compute 0 ^ 0"),
    ],
)
def test_what_has_no_value(function: Callable[[Any, Any], Any], a: int, b: int, text: str) -> None:
    with pytest.raises(TlaEvalError) as caught:
        function(a, b)
    assert caught.value.kind == "arithmetic"
    assert text in caught.value.detail


@pytest.mark.parametrize("wrong", [True, "x", frozenset({1}), (1,)])
@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("add", "+"), ("sub", "-"), ("mul", "*"), ("div", "\\div"), ("mod", "%"), ("power", "^"), ("less", "<"),
        ("at_most", "<="),
    ],
)  # fmt: skip
def test_only_integers_are_numbers(name: str, sign: str, wrong: Any) -> None:
    function = getattr(arithmetic, name)
    for operands in ((wrong, 1), (1, wrong)):
        with pytest.raises(TlaEvalError) as caught:
            function(*operands)
        assert caught.value.kind == "type"
        assert f"the operator {sign} wants integers" in caught.value.detail


def test_a_negative_number() -> None:
    assert arithmetic.negate(3) == -3
    with pytest.raises(TlaEvalError):
        arithmetic.negate("x")
