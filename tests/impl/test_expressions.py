"""The filter language: what is read, and what is refused, whatever the size of the message."""

import time
from typing import Any

import pytest

from impl.expressions import FilterSyntaxError, Leaf, Many, leaves, parse_filter
from impl.limits import MAX_QUERY_TESTS, MAX_REQUEST_DEPTH


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "expected array [string, args], got []"), ("x", 'expected array [string, args], got "x"'),
        ([["="]], "expected array [string, args]"), (["~", "n", 1], "Unknown filter operand '~'"),
        (["!"], "expected [filter] but got []"), (["?"], "expected [fieldname] but got []"),
        (["?", 5], "Unable to read String"), (["=", "n"], 'expected [fieldname, value] but got ["n"]'),
        (["=", 5, 5], "Unable to read String"), (["=", "n", None], "expecting string or integer, got null"),
        (["=", "n", True], "expecting string or integer, got true"),
        (["=", "n", -1.5], "expecting integral but got a fractional value: (-3) % 2"),
        (["=~", "n", 5], "Unable to read String"), (["=~", "n", "("], "missing )"),
        (["&", ["?", "n"], ["?"]], "expected [fieldname] but got []"),
    ],
)  # fmt: skip
def test_what_is_no_filter_is_refused(value: Any, said: str) -> None:
    with pytest.raises(FilterSyntaxError) as refused:
        parse_filter(value)
    assert said in refused.value.reason


def test_a_filter_is_read_into_a_tree() -> None:
    tree = parse_filter(["&", None, ["!=", "n", 5], ["|", ["?", "flag"], ["<", "n", 3]]])
    assert tree == Many("&", (Leaf("!=", "n", 5), Many("|", (Leaf("?", "flag"), Leaf("<", "n", 3)))))
    assert [leaf.field for leaf in leaves(tree)] == ["n", "flag", "n"]


def nested(levels: int, inner: Any = None) -> Any:
    """A filter of some levels."""
    value: Any = ["=", "n", 5] if inner is None else inner
    for _ in range(levels - 1):
        value = ["!", value]
    return value


def test_depth_is_bounded() -> None:
    assert parse_filter(nested(MAX_REQUEST_DEPTH)) is not None
    for levels in (MAX_REQUEST_DEPTH + 1, 330, 5000):
        with pytest.raises(FilterSyntaxError, match=f"at most {MAX_REQUEST_DEPTH} levels"):
            parse_filter(nested(levels))


def test_a_fault_at_any_depth_has_a_text() -> None:
    value: Any = 7
    for _ in range(5000):
        value = [value]
    with pytest.raises(FilterSyntaxError, match=r"a value that cannot be shown|\[\[\["):  # by the limit of recursion
        parse_filter(value)
    with pytest.raises(FilterSyntaxError, match="a value that cannot be shown"):
        parse_filter(["=", "n", [10**5000]])


def test_the_number_of_tests_is_bounded() -> None:
    test = ["=", "n", 5]
    assert len(list(leaves(parse_filter(["|", *[test] * 1000], 1000)))) == 1000
    with pytest.raises(FilterSyntaxError, match="at most 1000 tests"):
        parse_filter(["|", *[["|", *[test] * 10]] * 101], 1000)
    with pytest.raises(FilterSyntaxError, match=f"at most {MAX_QUERY_TESTS} tests"):
        parse_filter(["|", *[test] * (MAX_QUERY_TESTS + 1)])


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(a", '(2,"missing )")'), ("*a", '(0,"nothing to repeat")'),
        ("[", '(1,"missing terminating ] for character class")'),
        ("\\", '(1,"\\ at end of pattern")'), ("a{2,1}", "numbers out of order in {} quantifier"),
        ("a{4294967296}", '(8,"number too big in {} quantifier")'), ("(?=a)", "look-around needs backtracking"),
        ("x" * 20_000, "at most 16384 characters"), ("a{1000}" * 100, "the pattern is too large"),
    ],
)  # fmt: skip
def test_patterns_are_refused_in_ganeti_s_words_where_it_refuses_them(pattern: str, said: str) -> None:
    with pytest.raises(FilterSyntaxError) as refused:
        parse_filter(["=~", "n", pattern])
    assert said in refused.value.reason


def test_reading_is_linear_in_the_filter() -> None:
    began = time.process_time()
    parse_filter(["|", *[["=~", "n", "^web[0-9]+$"]] * 10_000])
    assert time.process_time() - began < 10
