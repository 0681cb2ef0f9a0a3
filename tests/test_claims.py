"""The ledger `docs/claims.md` and the code stay in step: every name in it exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LEDGER = ROOT / "docs" / "claims.md"
NAME = re.compile(r"`([\w./-]+\.(?:py|tla|cfg|md))(?:::([\w.]+))?`")
COLUMNS = 6


def names(text: str) -> list[tuple[str, str | None]]:
    """Every `path` and `path::name` in backticks."""
    return [(match[1], match[2]) for match in NAME.finditer(text)]


def defines(path: Path, name: str) -> bool:
    """Whether a file defines a name; `Class.method` and names in a class's body count, and so do parametrised tests."""
    if path.suffix == ".tla":
        return (
            re.search(rf"^\s*(?:THEOREM\s+)?{re.escape(name)}\b[^\n]*==", path.read_text("utf-8"), re.MULTILINE)
            is not None
        )
    body: list[ast.stmt] = ast.parse(path.read_text("utf-8")).body
    for index, part in enumerate(name.split(".")):
        found = [node for node in body if part in bound(node)]
        if not found:
            return False
        if index < name.count("."):
            if not isinstance(found[-1], ast.ClassDef):
                return False
            body = found[-1].body
    return True


def bound(node: ast.stmt) -> set[str]:
    """The names that a statement defines."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()


def problems(text: str) -> list[str]:
    """What is wrong with a ledger."""
    found = []
    for path, name in names(text):
        file = ROOT / path
        if not file.is_file():
            found.append(f"{path} does not exist")
        elif name is not None and not defines(file, name):
            found.append(f"{path} does not define {name}")
    for line in text.splitlines():
        if line.startswith("|") and line.count("|") != COLUMNS + 1:
            found.append(f"a row with {line.count('|') - 1} columns: {line[:60]}")
    return found


def test_every_name_in_the_ledger_exists() -> None:
    assert problems(LEDGER.read_text("utf-8")) == []


def test_every_claim_names_a_test() -> None:
    rows = [line for line in LEDGER.read_text("utf-8").splitlines() if line.startswith("| ") and "---" not in line]
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if cells[0] != "claim":
            assert NAME.search(cells[4]), f"no test named: {row[:80]}"


@pytest.mark.parametrize(
    "line",
    [
        "`tests/no_such_file.py::test_it`",
        "`tests/test_claims.py::test_no_such_test`",
        "`tests/test_claims.py::NAME.inside`",
        "| too | few |",
    ],
)
def test_a_wrong_name_is_found(line: str) -> None:
    assert len(problems(line)) == 1


def test_right_names_pass() -> None:
    assert (
        problems("`tests/test_claims.py::problems` and `tests/test_claims.py`, `spec/plans/model.py::Plan.steps`") == []
    )
