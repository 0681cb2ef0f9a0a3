"""Arithmetic as Ganeti does it."""

from math import floor, inf, isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.allocator.arithmetic import amount, ratio, whole


def test_ratios_are_those_of_ieee_754() -> None:
    assert (ratio(1, 2), ratio(1, 0), ratio(-1, 0)) == (0.5, inf, -inf)
    assert isnan(ratio(0, 0))


@pytest.mark.parametrize(("value", "expected"), [(2.9, 2), (-2.1, -3), (inf, -(2**63)), (-(2.0**64), 2**63 - 1)])
def test_whole_numbers_wrap_around_in_64_bits(value: float, expected: int) -> None:
    assert whole(value) == expected


@given(st.floats(-(2.0**62), 2.0**62))
def test_what_fits_into_64_bits_is_rounded_down(value: float) -> None:
    assert whole(value) == floor(value)
    assert amount(value) == floor(value)


@pytest.mark.parametrize("value", [inf, -inf, nan, 1e30, -1e30])
def test_an_amount_that_does_not_fit_is_more_than_any_node_has(value: float) -> None:
    assert amount(value) == 2**63
