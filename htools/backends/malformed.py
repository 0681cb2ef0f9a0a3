"""The phrases of Ganeti's programs for a text that is not JSON. Nothing is decoded here; only refused texts are read.

Ganeti's JSON library has its own rules: the text begins with an object or an array, blanks are those of Unicode, `1.`
is a number and halves of surrogate pairs are letters.

Source: the errors of hail 3.0.2 for such texts.
"""

import re

from htools.formatting.haskell import SPACE, show_char, show_string

TOP_LEVEL = "Invalid JSON: a JSON text a serialized object or array at the top level."
"""Ganeti's phrase for a text that begins otherwise."""

_BLANKS = re.compile(f"{SPACE}*")
_NUMBER = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]*)?")
_EXPONENT = re.compile(r"[eE][-+]?")
_DIGITS = re.compile(r"[0-9]+")
_HEX = re.compile(r"[0-9a-fA-F]+")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_SHOWN, _SHOWN_AT_END = 8, 10
"""The numbers of letters shown of the rest of the text, and at its end."""


class _Fault(Exception):  # noqa: N818 - it ends the reading, and is no error of this program
    """The text is not JSON; the argument is Ganeti's phrase."""


class _Reader:
    """Reads one value with an explicit stack, so that depth is not limited."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._ends: list[str] = []
        """The closing brackets that are still expected."""

    def _fail(self, phrase: str, at: int) -> _Fault:
        return _Fault(f"{phrase}: {self._text[at : at + _SHOWN]}")

    def _skip(self) -> str:
        """Skip blanks and return the next letter, an empty string at the end."""
        match = _BLANKS.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._text[self._at : self._at + 1]

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return match[0] if match else ""

    def _close(self) -> None:
        """Pass a closing bracket; the blanks behind it are never shown."""
        self._at += 1
        self._skip()

    def read(self) -> None:
        """Read the text; raises `_Fault` where Ganeti stops."""
        if self._text[:1] not in {"{", "["}:
            raise _Fault(TOP_LEVEL)
        self._value()
        while self._ends:
            begin, letter = self._at, self._skip()
            if letter == self._ends[-1]:
                self._close()
                self._ends.pop()
            elif letter == ",":
                self._at += 1
                if self._ends[-1] == "}":
                    self._key()
                self._value()
            elif self._ends[-1] == "}":
                raise self._fail("Unable to parse JSON object: unterminated sequence", begin)
            else:
                raise self._fail("Unable to parse JSON array: unterminated array", begin)
        rest = self._text[self._at : self._at + _SHOWN_AT_END]
        if rest:
            raise _Fault(f"Invalid tokens at end of JSON string: {show_string(rest)}")

    def _value(self) -> None:
        """Read a value up to the first inner one that is no array or object."""
        while (letter := self._skip()) in {"{", "["} and letter:
            self._at += 1
            end = "}" if letter == "{" else "]"
            if self._skip() == end:
                self._close()
                return
            self._ends.append(end)
            if letter == "{":
                self._key()
        self._scalar(letter)

    def _scalar(self, letter: str) -> None:
        if letter == '"':
            self._string()
        elif letter in {"t", "f"}:
            word = "true" if letter == "t" else "false"
            if not self._text.startswith(word, self._at):
                raise self._fail("Unable to parse JSON Bool", self._at)
            self._at += len(word)
        elif self._text.startswith("null", self._at):
            self._at += 4
        elif letter == "-" or (letter.isascii() and letter.isdigit()):
            self._number()
        else:
            raise _Fault(f"Malformed JSON: invalid token in this context {self._text[self._at : self._at + _SHOWN]}")

    def _key(self) -> None:
        if self._skip() != '"':
            raise self._fail("Malformed JSON: expecting string", self._at)
        self._string()
        begin = self._at
        if self._skip() != ":":
            raise self._fail("Malformed JSON labelled field", begin)
        self._at += 1

    def _number(self) -> None:
        if self._text[self._at] == "-":
            self._at += 1
        if not self._match(_NUMBER):
            raise self._fail("Unable to parse JSON Rational", self._at + 1)
        if self._match(_EXPONENT) and not self._match(_DIGITS):
            raise self._fail("Unable to parse JSON exponential", self._at)

    def _string(self) -> None:
        self._at += 1
        while True:
            self._match(_PLAIN)
            letter = self._text[self._at : self._at + 1]
            if letter == '"':
                self._at += 1
                return
            if letter != "\\":
                if letter:
                    raise self._fail("Illegal unescaped character in string", self._at)
                raise _Fault("Unable to parse JSON String: unterminated String: ")
            self._escape(self._text[self._at + 1 : self._at + 2])

    def _escape(self, letter: str) -> None:
        self._at += 2
        if not letter:
            raise _Fault("Unable to parse JSON String: unterminated String: ")
        if letter == "u":
            digits = self._text[self._at : self._at + 4]
            if len(digits) < 4:
                raise self._fail("Unable to parse JSON String: invalid hex", self._at)
            match = _HEX.match(digits)
            if match is None or match.end() < 4:
                read = f"[({int(match[0], 16)},{show_string(digits[match.end() :])})]" if match else "[]"
                raise _Fault(f"Unable to parse JSON String: invalid hex: {read[:_SHOWN]}")
            self._at += 4
        elif letter not in '"\\/bfnrt':
            raise _Fault(f"Unable to parse JSON String: invalid escape char: {show_char(letter)}")


def fault(text: str) -> str:
    """Return Ganeti's phrase for the first place where a text is not JSON; empty if Ganeti accepts it.

    Example:
        >>> fault('{"a": }')
        'Malformed JSON: invalid token in this context }'
        >>> fault("[1.]")
        ''
    """
    try:
        _Reader(text).read()
    except _Fault as stopped:
        return str(stopped.args[0])
    return ""
