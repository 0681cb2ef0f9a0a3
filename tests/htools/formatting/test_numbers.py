"""Numbers as Ganeti's tools print them: shortest digits, rounded half to even."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htools.formatting.numbers import _digits, _digits_one_by_one, fixed, show


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
        (536870912.00390625, 8, "536870912.00390630"),
    ],
)
def test_fixed(value: float, places: int | None, text: str) -> None:
    assert fixed(value, places) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4.0, "4.0"),
        (0.05, "5.0e-2"),
        (0.1, "0.1"),
        (1e7, "1.0e7"),
        (12345678.5, "1.23456785e7"),
        (0.0, "0.0"),
        (1e23, "9.999999999999999e22"),
        (900719925474100.25, "9.007199254741003e14"),
        (0.5 + 2**-17, "0.5000076293945313"),
        (2.0**70, "1.1805916207174113e21"),
    ],
)
def test_show(value: float, text: str) -> None:
    assert show(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1333333333333472.25, "1333333333333472.3"),
        (3815968632591.15625, "3815968632591.1563"),
        (1.00000762939453125, "1.0000076293945313"),
        (2.0**-25, "0.000000029802322387695313"),
        (1e23, "99999999999999990000000.0"),
        (70146917681938944.0, "70146917681938944.0"),
    ],
)
def test_of_two_decimals_equally_near_the_larger_and_none_between_two_doubles(value: float, text: str) -> None:
    """Where Python's shortest digits are others; the first is a score that Ganeti's hbal printed."""
    assert fixed(value) == text
    assert float(text) == value


@given(
    st.one_of(
        st.builds(lambda one, places: one / 2**places, st.integers(1, 2**53), st.integers(0, 60)),
        st.floats(min_value=1e-300, max_value=1e300),
    )
)
def test_digits_are_the_same_whichever_way_they_are_found(value: float) -> None:
    assert _digits(value) == _digits_one_by_one(value)


@given(st.floats(min_value=-1e18, max_value=1e18), st.integers(0, 10))
def test_fixed_is_decimal_rounding_of_the_shortest_digits(value: float, places: int) -> None:
    exact = Decimal(fixed(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, Context(prec=60))
    assert Decimal(fixed(value, places)) == exact


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_show_and_fixed_read_back(value: float) -> None:
    assert float(show(value)) == value
    assert float(fixed(value)) == value
