r"""The regular expressions of queries and job filters: what may be written, and what it means.

Users write Perl's syntax, as Ganeti's daemons read it (PCRE, where `^` and `$` match at every line). RE2 carries them
out, in time linear in the text whatever the pattern is. What needs backtracking is refused by name: look-around, back
references, possessive and atomic groups, recursion. `translated` gives RE2's spelling of a pattern.

Source: Ganeti 3.0.2 (PCRE's syntax and limits; patterns made from globs), RE2's syntax.

>>> translated(r"^web[^.]*(\..*)?$")
'(?m)^web[^.]*(\\..*)?$'
>>> translated(r"(?s:web.*)\Z")  # Python's own translation of a glob
'(?m)(?s:web.*)(?:\\n?\\z)'
>>> found("^b$", "a\nb")
True
>>> translated("(?=a)")
Traceback (most recent call last):
spec.patterns.PatternError: (0,"look-around needs backtracking: patterns run in linear time (RE2)")
"""

import functools
import re
from typing import Any

from spec.errors import GantryError

MAX_DEPTH = 250
"""Groups within one another. Source: PCRE's default."""
MAX_REPEAT = 1000
"""Times that a part may be repeated by a number. Source: RE2."""
PCRE_MAX_REPEAT = 65_535


class PatternError(GantryError):
    """A pattern that is none, or that cannot be carried out in linear time.

    Attributes:
        position: characters before the fault.
        reason: what is wrong.
    """

    def __init__(self, position: int, reason: str) -> None:
        self.position = position
        self.reason = reason
        super().__init__(f'({position},"{reason}")')


def _needs_backtracking(what: str) -> str:
    return f"{what} needs backtracking: patterns run in linear time (RE2)"


_GROUPS = {
    "(?=": _needs_backtracking("look-around"),
    "(?!": _needs_backtracking("look-around"),
    "(?<=": _needs_backtracking("look-around"),
    "(?<!": _needs_backtracking("look-around"),
    "(?>": _needs_backtracking("an atomic group"),
    "(?(": _needs_backtracking("a conditional group"),
    "(?R": _needs_backtracking("recursion"),
    "(?&": _needs_backtracking("recursion"),
    "(?P>": _needs_backtracking("recursion"),
    "(?P=": _needs_backtracking("a back reference"),
    "(?|": "groups with the same numbers are not supported",
    "(*": "verbs such as (*ACCEPT) are not supported",
}
_ESCAPES = {
    **dict.fromkeys("123456789gk", _needs_backtracking("a back reference")),
    **dict.fromkeys("hHvVRXNKGC", "this escape sequence is not supported"),
}
_REPEAT = re.compile(r"\{([0-9]+)(?:,([0-9]*))?(\}?)")


def _class_end(pattern: str, start: int) -> int:
    """Return where the character class that begins at `start` ends, after its bracket."""
    place = start + 1
    if pattern.startswith("^", place):
        place += 1
    if pattern.startswith("]", place):
        place += 1
    while place < len(pattern) and pattern[place] != "]":
        if pattern[place] == "\\":
            place += 1
        elif pattern.startswith("[:", place) and (end := pattern.find(":]", place, place + 16)) > 0:
            place = end + 1
        place += 1
    if place >= len(pattern):
        raise PatternError(len(pattern), "missing terminating ] for character class")
    return place + 1


def _check_repeat(pattern: str, start: int) -> None:
    """Check the numbers of a repetition `{…}`; braces around anything else are characters."""
    found = _REPEAT.match(pattern, start)
    if found is None:
        return
    low, high, closed = found.groups()
    for group, digits in ((1, low), (2, high or "")):
        if len(digits) > 5 or int(digits or 0) > PCRE_MAX_REPEAT:
            raise PatternError(found.start(group) + min(len(digits), 6), "number too big in {} quantifier")
    if not closed:
        return
    if high and int(low) > int(high):
        raise PatternError(found.end(), "numbers out of order in {} quantifier")
    if max(int(low), int(high or 0)) > MAX_REPEAT:
        raise PatternError(found.end(), f"more than {MAX_REPEAT} repetitions are not supported (RE2)")


def translated(pattern: str) -> str:
    """Return RE2's spelling of a pattern; RE2 itself finds the faults that are the same in both.

    Raises:
        PatternError: it cannot be said.
    """
    parts = ["(?m)"]
    place = depth = 0
    while place < len(pattern):
        start = place
        sign = pattern[start]
        place += 1
        if sign == "\\":
            escaped = pattern[start + 1 : start + 2]
            if not escaped:
                raise PatternError(len(pattern), "\\ at end of pattern")
            if escaped in _ESCAPES:
                raise PatternError(start, _ESCAPES[escaped])
            if escaped == "Q":
                end = pattern.find("\\E", start)
                place = len(pattern) if end < 0 else end + 2
            else:
                place += 1
            if escaped == "Z":
                parts.append(r"(?:\n?\z)")
                continue
            if not escaped.isascii():
                start += 1
        elif sign == "[":
            place = _class_end(pattern, start)
        elif sign == "{":
            _check_repeat(pattern, start)
        elif sign == "(":
            if pattern.startswith("(?#", start):
                place = pattern.find(")", start) + 1
                if place == 0:
                    raise PatternError(len(pattern), "missing ) after comment")
                continue
            for opening, reason in _GROUPS.items():
                if pattern.startswith(opening, start):
                    raise PatternError(start, reason)
            depth += 1
            if depth > MAX_DEPTH:
                raise PatternError(start, "parentheses are too deeply nested")
        elif sign == ")":
            depth -= 1
            if depth < 0:
                raise PatternError(start, "unmatched parentheses")
        parts.append(pattern[start:place])
    return "".join(parts)


_FAULTS = {
    "missing )": "missing )",
    "missing ]": "missing terminating ] for character class",
    "no argument for repetition operator": "nothing to repeat",
    "bad repetition operator": _needs_backtracking("a possessive or repeated quantifier"),
    "pattern too large - compile failed": "the pattern is too large",
}
"""What RE2 says, and what PCRE would say or we do."""


def error_of(pattern: str, said: str) -> PatternError:
    """Return the error for what RE2 says about a pattern: a phrase, and often the part that is meant after a colon."""
    phrase, _, part = said.partition(": ")
    place = pattern.find(part) if part and phrase not in {"missing )", "missing ]"} else len(pattern)
    return PatternError(max(place, 0), _FAULTS.get(phrase, said if len(said) < 100 else phrase))


def compiled(pattern: str, memory: int = 8 << 20) -> Any:
    """Return RE2's program for a pattern; it searches UTF-8.

    Args:
        pattern: in Perl's syntax.
        memory: bytes that the program and its states may take.

    Raises:
        PatternError: it cannot be said, or takes too much memory.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = memory
    try:
        return re2.compile(utf8(translated(pattern)), options)
    except re2.error as error:
        said = error.args[0]
        raise error_of(pattern, said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from None


def utf8(text: str) -> bytes:
    """Return a text as RE2 reads it; halves of characters, which JSON can hold, become U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


@functools.lru_cache(maxsize=256)
def fault(pattern: str) -> str | None:
    """Return why a text is no pattern, or None if it is one."""
    try:
        compiled(pattern)
    except PatternError as error:
        return str(error)
    return None


@functools.lru_cache(maxsize=256)
def _search(pattern: str) -> Any:
    return compiled(pattern).search


def found(pattern: str, text: str) -> bool:
    """Return whether a pattern matches anywhere in a text."""
    return _search(pattern)(utf8(text)) is not None
