"""Names and phrases that must not come back: riddles for plain terms, and `peer` or `real` for Ganeti."""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.quality.mirror import ROOT

RIDDLES = frozenset({"told", "untold", "tell", "tells", "telling", "anew", "deed", "deeds"})
"""Words that no name contains; a plain verb says what is done: report, show, notify, print, explain."""
NAMES = frozenset({"peer_program", "PEER_BIN", "PEER_TABLE", "verdict_of_the_real_wconfd"})
PHRASES = re.compile(
    r"the real ones?\b|real programs?\b|real (Ganeti|hbal|hail|wconfd|luxid)\b|mark\.peer\b|--real\b", re.IGNORECASE
)
FOLDERS = ("spec", "impl", "htools", "checkers", "gantry", "bench", "docs", "examples", "tests", "tla", ".ci")
ENDINGS = frozenset({".py", ".md", ".toml", ".tla", ".cfg", ""})
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
SUSPECTS = re.compile("|".join(RIDDLES), re.IGNORECASE)


def files() -> Iterator[Path]:
    """Yield every text file but the change log, which names the past, and this one."""
    for folder in FOLDERS:
        yield from (path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix in ENDINGS)
    yield from (ROOT / name for name in ("README.md", "CONTRIBUTING.md", "pyproject.toml", "Makefile"))


def is_riddle(name: str) -> bool:
    return name in NAMES or not RIDDLES.isdisjoint(word.lower() for word in WORD.findall(name))


def names(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """Yield the names in a file with their lines: in Python all, elsewhere those that cannot be prose."""
    if path.suffix == ".py":
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.NAME:
                yield token.start[0], token.string
        return
    for number, line in enumerate(text.split("\n"), 1):
        yield from ((number, name) for name in re.findall(r"\w*[a-z](?:[A-Z]|_|-[a-z]+-)[\w-]*", line))


def wrong(path: Path, text: str) -> list[str]:
    """Return the forbidden names and phrases of a file, with their lines."""
    found = []
    if SUSPECTS.search(text) or any(name in text for name in NAMES):
        found = [f"{number}: {name}" for number, name in names(path, text) if is_riddle(name)]
    for number, line in enumerate(text.split("\n"), 1):
        found += [f"{number}: {match.group()}" for match in PHRASES.finditer(line)]
    return found


def test_no_riddle_and_no_other_name_for_ganeti_has_come_back() -> None:
    here = Path(__file__)
    found = {
        str(path.relative_to(ROOT)): bad
        for path in files()
        if path != here and (bad := wrong(path, path.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("name", "text", "bad"),
    [
        ("x.py", "told = 1\n", ["1: told"]),
        ("x.py", "def test_it_is_told() -> None: ...\n", ["1: test_it_is_told"]),
        ("x.py", "# nobody was told\nstory.tell()\n", ["2: tell"]),
        ("x.py", "from tests.conftest import PEER_BIN\n", ["1: PEER_BIN"]),
        ("x.py", '"""As the real one does."""\n', ["1: the real one"]),
        ("x.py", "untolded, retell, intelligence = 1, 2, 3  # she told\n", []),
        ("x.tla", "ToldOnce == x = 1  \\* what it is told\n", ["1: ToldOnce"]),
        ("x.toml", 'id = "what-explain-tells-of-it"\nclaim = "It tells much."\n', ["1: what-explain-tells-of-it"]),
        ("x.md", "Run it with `--real`, then with Real programs.\n", ["1: --real", "1: Real programs"]),
        ("x.md", "A DRBD peer, real daemons, real time, and what is told.\n", []),
    ],
)
def test_forbidden_words_are_found_and_others_are_not(name: str, text: str, bad: list[str]) -> None:
    assert wrong(Path(name), text) == bad
