"""Numbers as the peer prints them: shortest digits, rounded half to even."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htools.numbers import fixed, show


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (0.00015, 4, "0.0002"),
        (0.03125, 4, "0.0312"),
        (0.99995, 4, "1.0000"),
        (9.99999999, 4, "10.0000"),
        (0.0, 4, "0.0000"),
        (0.00001, 4, "0.0000"),
        (1.0, None, "1.0"),
        (0.05, None, "0.05"),
        (262144.0, 0, "262144"),
        (0.5, 0, "0"),
        (1.5, 0, "2"),
        (-0.25, 1, "-0.2"),
        (1e22, 0, "10000000000000000000000"),
    ],
)
def test_fixed(value: float, places: int | None, text: str) -> None:
    assert fixed(value, places) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(4.0, "4.0"), (0.05, "5.0e-2"), (0.1, "0.1"), (1e7, "1.0e7"), (12345678.5, "1.23456785e7"), (0.0, "0.0")],
)
def test_show(value: float, text: str) -> None:
    assert show(value) == text


@given(st.floats(min_value=-1e18, max_value=1e18), st.integers(0, 10))
def test_fixed_is_decimal_rounding_of_the_shortest_digits(value: float, places: int) -> None:
    exact = Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, Context(prec=60))
    assert Decimal(fixed(value, places)) == exact


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_show_and_fixed_read_back(value: float) -> None:
    assert float(show(value)) == value
    assert float(fixed(value)) == value
