"""What regular expressions mean, beside Python's for what is the same in both; and what is refused, with its reason."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.patterns import PatternError, compiled, fault, found, translated


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"^web[^.]*(\..*)?$", "web1.example.com", True),  # "web*", by Ganeti's command-line tools
        (r"^web[^.]*(\..*)?$", "xweb1", False),
        (r"^w[^.]b(\..*)?$", "wxb", True),
        ("^b$", "a\nb\nc", True),
        ("a.b", "a\nb", False),
        ("(?s)a.b", "a\nb", True),
        ("(?i)WEB", "web", True),
        (r"a\Z", "a", True),
        (r"a\Z", "a\n", True),
        (r"a\Z", "ab", False),
        (r"\Aweb\z", "web", True),
        (r"\Qa.b\E$", "a.b", True),
        (r"\Qa.b\E$", "axb", False),
        (r"\Qa(", "a(", True),
        ("a(?#a comment (of sorts)b", "ab", True),
        ("(?P<name>a)(?<other>b)", "ab", True),
        ("[]a]", "]", True),
        ("[^]a]", "]", False),
        (r"[\]\\[]", "[", True),
        ("[[:digit:]x]", "5", True),
        ("[[:digit:](]", "(", True),
        ("[(]", "(", True),
        (r"\é", "é", True),
        (r"\.\-\_\ ", ".-_ ", True),
        ("a{,3}", "a{,3}", True),
        ("x{a}", "x{a}", True),
        ("x{", "x{", True),
        ("^a{2}$", "aa", True),
        ("^a{2,}$", "a", False),
        ("^.$", "é", True),
        (r"\bx\b", "a x b", True),
        (r"\x41", "A", True),
        ("^$", "", True),
        ("", "", True),
    ],
)
def test_what_a_pattern_matches(pattern: str, text: str, expected: bool) -> None:
    assert fault(pattern) is None
    assert found(pattern, text) is expected


LOOKS = "look-around needs backtracking"


@pytest.mark.parametrize(
    ("pattern", "position", "reason"),
    [
        ("a(?=b)", 1, LOOKS), ("(?!a)", 0, LOOKS), ("(?<=a)b", 0, LOOKS), ("(?<!a)b", 0, LOOKS),
        (r"(a)\1", 3, "back reference"), (r"(a)\g{1}", 3, "back reference"), (r"(?P<n>a)(?P=n)", 8, "back reference"),
        ("(?>a)", 0, "atomic"), ("a++b", 1, "possessive"), ("a{2}+", 1, "possessive"), ("(?R)", 0, "recursion"),
        ("(?(1)a)", 0, "conditional"), ("(?|a)", 0, "not supported"), ("(*ACCEPT)", 0, "not supported"),
        (r"\v", 0, "not supported"), (r"\C", 0, "not supported"), ("(?x) a", 0, "invalid perl operator"),
        ("(", 1, "missing )"), ("(a", 2, "missing )"), ("*a", 0, "nothing to repeat"), ("a)", 1, "unmatched"),
        ("[", 1, "missing terminating ] for character class"), ("[a", 2, "missing terminating ]"),
        ("[" * 1500, 1500, "missing terminating ]"), ("\\", 1, "\\ at end of pattern"), ("(?#a", 4, "missing )"),
        ("a{4294967296}", 8, "number too big in {} quantifier"), ("a{2,99999}", 9, "number too big"),
        ("a{2,1}", 6, "numbers out of order in {} quantifier"), ("a{1001}", 7, "more than 1000 repetitions"),
        ("a{" + "9" * 5000, 8, "number too big"), ("(" * 1500 + ")" * 1500, 250, "too deeply nested"),
        ("(a{100}){100}", 2, "invalid repetition size"), (r"\p{Nonsense}", 0, "invalid character class range"),
    ],
)  # fmt: skip
def test_what_is_refused_and_why(pattern: str, position: int, reason: str) -> None:
    with pytest.raises(PatternError) as refused:
        compiled(pattern)
    assert reason in refused.value.reason
    assert refused.value.position == position


SAME = st.text("ab.*?+|()[]^-$\\{}1,", max_size=12)
"""Signs of which most sequences mean the same in both languages, or nothing in either."""


@given(SAME, st.text("ab1-.\n", max_size=6))
def test_what_both_can_say_means_the_same_as_in_python(pattern: str, text: str) -> None:
    try:
        ours = found(pattern, text)
    except PatternError:
        return
    try:
        theirs = re.compile(pattern, re.MULTILINE)
    except (re.error, FutureWarning):  # also what Python may read otherwise one day
        return
    assert ours == (theirs.search(text) is not None)


@given(st.text("ab*?-.+(", max_size=8), st.text("ab-.+(", max_size=6))
def test_globs_as_ganeti_s_command_line_tools_translate_them(glob: str, text: str) -> None:
    inner = "".join({"*": "[^.]*", "?": "[^.]"}.get(sign, re.escape(sign)) for sign in glob)
    pattern = rf"^{inner}(\..*)?$"
    assert found(pattern, text) == (re.search(pattern, text) is not None)


def _is_searched(pattern: str, text: str) -> bool:
    try:
        found(pattern, text)
    except PatternError:
        return False
    return True


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_a_pattern_or_is_refused(pattern: str, text: str) -> None:
    assert (fault(pattern) is None) == _is_searched(pattern, text)
    assert found(re.escape(text), text)


@pytest.mark.parametrize("part", ["{", "[[:alpha:]", "\\Q", "{1", "[[:", "[a]", "a", "\\\\", "{1,", "(a)", "(?#)"])
def test_translation_is_linear_in_the_pattern(part: str) -> None:
    """A hundred times the size would take minutes if it were quadratic."""
    with contextlib.suppress(PatternError):
        assert translated(part * 500_000)
