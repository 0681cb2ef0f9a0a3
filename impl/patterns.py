"""Regular expressions of users, compiled within bounds: a search takes a bounded time, whatever pattern and text.

Twin of `spec.patterns.found`, which says what a pattern means.

>>> Pattern("^web").search("web1")
True
>>> Pattern("([0-9a-f-]+)+$X").search("0123-" * 10_000)
False
>>> Pattern("(a)" * 300 + "b{800}").search("x" * 10_000)
Traceback (most recent call last):
impl.patterns.PatternWorkError: 10000 bytes are too long a text for this pattern: shorten the pattern
"""

from typing import Any

from impl.limits import MAX_PATTERN_LENGTH, MAX_PATTERN_MEMORY, MAX_PATTERN_PROGRAM, MAX_PATTERN_STEPS
from spec import patterns
from spec.errors import GantryError
from spec.patterns import PatternError

__all__ = ["Pattern", "PatternError", "PatternWorkError"]


class PatternWorkError(GantryError):
    """To search a text would take too long; `size` is its bytes."""

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(f"{size} bytes are too long a text for this pattern: shorten the pattern")


class Pattern:
    """A regular expression.

    Args:
        text: in Perl's syntax.

    Raises:
        PatternError: it is none, cannot be carried out in linear time, or is too large.
    """

    __slots__ = ("_longest", "_program", "text")

    def __init__(self, text: str) -> None:
        if len(text) > MAX_PATTERN_LENGTH:
            raise PatternError(MAX_PATTERN_LENGTH, f"a pattern has at most {MAX_PATTERN_LENGTH} characters")
        self.text = text
        self._program: Any = patterns.compiled(text, MAX_PATTERN_MEMORY)
        size = self._program.programsize
        if size > MAX_PATTERN_PROGRAM:
            raise PatternError(len(text), "the pattern is too large")
        self._longest = MAX_PATTERN_STEPS // size

    def search(self, text: str) -> bool:
        """Return whether it matches anywhere in a text.

        Raises:
            PatternWorkError: that would take too long.
        """
        data = patterns.utf8(text)
        if len(data) > self._longest:
            raise PatternWorkError(len(data))
        return self._program.search(data) is not None
