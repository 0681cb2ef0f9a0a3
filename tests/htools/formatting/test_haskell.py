"""Strings and numbers as Haskell shows and reads them."""

import pytest

from htools.formatting.haskell import read_failure, read_int, reads_float, show_char, show_string


def test_strings_as_haskell_shows_them() -> None:
    assert show_string('a"\\\x00\x7f\x0eH\x0ex\xe91\u2028') == '"a\\"\\\\\\NUL\\DEL\\SO\\&H\\SOx\\233\\&1\\8232"'
    assert (show_char("'"), show_char('"'), show_char("\n"), show_char("x")) == ("'\\''", "'\"'", "'\\n'", "'x'")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1.5", ""),
        (" (2e3)", ""),
        ("x", "n: cannot parse string 'x'"),
        ("1 ", "n: leftover characters when parsing '1 ': ' '"),
    ],
)
def test_what_is_no_number(text: str, said: str) -> None:
    assert read_failure("n", text, reads_float(text)) == said


def test_whole_numbers_alone() -> None:
    assert read_int("n", "0x10") == 16
    with pytest.raises(ValueError, match="n: cannot parse string '1"):
        read_int("n", "1.5")
