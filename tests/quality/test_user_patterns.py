"""Python's `re`, which backtracks, gets texts of ours only: users' regular expressions go to `spec.patterns`."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("spec", "impl", "gantry")
FUNCTIONS = {"compile", "search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}


def patterns(text: str) -> Iterator[tuple[int, ast.expr | None]]:
    """The first arguments of calls of `re`, with their lines; None for what `re` is used for otherwise."""
    tree = ast.parse(text)
    called = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in FUNCTIONS:
            called[id(node.func.value)] = node.args[0] if node.args else None
        elif isinstance(node, ast.ImportFrom) and node.module == "re":
            yield node.lineno, None
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "re" and id(node) in called:
            yield node.lineno, called[id(node)]


def unfixed(text: str) -> list[int]:
    """Lines that give `re` a pattern that does not stand there."""
    return [line for line, pattern in patterns(text) if not isinstance(pattern, ast.Constant)]


def test_no_pattern_of_a_user_reaches_python_s_re() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if (lines := unfixed(path.read_text(encoding="utf-8")))
    }
    assert not found, f"use impl.patterns.Pattern, or write the pattern out where it is used: {found}"


def test_the_rule_finds_what_it_looks_for() -> None:
    assert unfixed('import re\nre.compile(r"a")\nre.search("a", text)\n_A.match(text)') == []
    assert unfixed('import re\nre.compile(pattern)\nre.search(f"{a}", b)\nfrom re import compile') == [4, 2, 3]
