"""Words that must not come back: riddles for plain terms, `peer` or `real` for Ganeti, docstrings without verbs."""

import ast
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
NO_VERBS = re.compile(r"(?:An?|The|Th(?:is|at|ese|ose)|Whether|Wh(?:at|en|ere|ich|o|y)|How|All|Any|Every\w*|Its?)\b")
"""How a function's docstring may not begin: it begins with the verb that says what the function does."""
PROPERTIES = frozenset({"property", "cached_property"})


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


def last_name(decorator: ast.expr) -> str:
    return decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", "")


def without_verb(text: str) -> list[str]:
    """Return the functions, but for properties, whose docstrings begin without a verb, with their lines."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and PROPERTIES.isdisjoint(
            map(last_name, node.decorator_list)
        ):
            match = NO_VERBS.match(ast.get_docstring(node) or "")
            if match:
                found.append(f"{node.lineno}: {node.name}: {match.group()}")
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


def test_docstrings_of_functions_begin_with_verbs() -> None:
    sources = [path for path in files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] != "tests"]
    assert len(sources) > 300
    found = {
        str(path.relative_to(ROOT)): bad for path in sources if (bad := without_verb(path.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ('def f():\n    """The sum."""\n', ["1: f: The"]),
        ('class C:\n    async def f(self):\n        """\n        Whether it runs.\n        """\n', ["2: f: Whether"]),
        ('def f():\n    def g():\n        """A name."""\n', ["2: g: A"]),
        ('@functools.cache\ndef f():\n    """Those that wait."""\n', ["2: f: Those"]),
        ('def f():\n    """Everybody who waits."""\n', ["1: f: Everybody"]),
        ('def f():\n    """Answer whether it runs."""\n\ndef g():\n    """Allow the whole, all of it."""\n', []),
        ('class C:\n    """The sum."""\n    @property\n    def f(self):\n        """The sum."""\n', []),
        ('class C:\n    @functools.cached_property\n    def f(self):\n        """The sum."""\n', []),
        ('def f():\n    return """The sum."""\n', []),
    ],
)
def test_docstrings_without_verbs_are_found_and_others_are_not(text: str, bad: list[str]) -> None:
    assert without_verb(text) == bad
