"""The table of limits: the constants of `impl/limits.py`, each with its value and its sentence."""

import ast
from itertools import pairwise

from docs.generator import markdown
from docs.generator.sources import ROOT

SOURCE = ROOT / "impl" / "limits.py"


def limits(text: str) -> list[tuple[str, str, str]]:
    """Read the names, the values as they are written, and the sentences of constants.

    A constant without a sentence after it is left out.
    """
    body = ast.parse(text).body
    found = []
    for statement, after in pairwise(body):
        if isinstance(statement, ast.Assign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found.append((ast.unparse(statement.targets[0]), ast.unparse(statement.value), str(after.value.value)))
    return found


def table() -> str:
    """Return the table of `impl/limits.py`."""
    rows = [
        (f"`{name}`", f"`{value}`", markdown.plain(sentence))
        for name, value, sentence in limits(SOURCE.read_text("utf-8"))
    ]
    return markdown.table(("limit", "value", "what it bounds"), rows)
