"""Bounds of regular expressions: their size, and the work of one search."""

import random
import time

import pytest

from impl.limits import MAX_PATTERN_LENGTH, MAX_PATTERN_STEPS
from impl.patterns import Pattern, PatternError, PatternWorkError

HARD = ["(a|b)*a(a|b){900}", "[ab]*a[ab]{900}c", "(a?){500}a{500}", "(a*)*(a*)*(a*)*c", "(.*)(.*)(.*)(.*)(.*)x",
        "([0-9a-f-]+)+$X", "(x+x+)+y", r"^(\w+\s?)*$"]  # fmt: skip
"""Patterns that backtracking engines, or engines that build automata ahead, do not survive."""


@pytest.mark.parametrize("pattern", HARD)
@pytest.mark.parametrize("sign", ["ab", "a", "0123456789abcdef-", "x"])
def test_a_search_takes_little_time_or_is_refused(pattern: str, sign: str) -> None:
    made = Pattern(pattern)
    draw = random.Random(7)
    for length in (100, 1000, 10_000, 100_000, 1_000_000):
        text = "".join(draw.choices(sign, k=length))
        began = time.process_time()
        try:
            made.search(text)
        except PatternWorkError:
            assert made._program.programsize * length > MAX_PATTERN_STEPS
        assert time.process_time() - began < 1.0


def test_sizes_of_patterns() -> None:
    names = "|".join(f"web{number}\\.example\\.com" for number in range(500))
    assert Pattern(f"^({names})$").search("web499.example.com")
    with pytest.raises(PatternError, match=f"at most {MAX_PATTERN_LENGTH} characters"):
        Pattern("x" * (MAX_PATTERN_LENGTH + 1))
    for large in ("(a{30}){30}" * 100, r"\pL{500}", "x{1000}" * 50):
        with pytest.raises(PatternError, match=r"too large|repetition"):
            Pattern(large)


def test_half_characters_are_searched_and_found_in_patterns() -> None:
    assert Pattern("^.$").search("\ud800")
    assert Pattern("\ud800").search("\ud800")
