"""Every size that decides how something is computed stands in `htools.limits`, with a sentence, and is read there."""

import ast
from collections.abc import Iterator
from pathlib import Path

import htools
from htools import limits

FOLDER = Path(str(htools.__file__)).parent
PACKAGES = ("model", "balance", "placement", "capacity", "iallocator", "maintenance")

OTHERS = {
    "balance/move_scores.py": {"ROUNDING"},
    "balance/lookahead.py": {"WIDTH"},
    "balance/score_deltas.py": {"VARIANCE_ROUNDINGS"},
    "capacity/fill.py": {"_LEAST_PORTION", "_SMALL_PORTION"},
    "capacity/tiers.py": {"UNIT_MEMORY", "UNIT_DISK"},
    "iallocator/records.py": {"_EVEN"},
    "maintenance/squeeze_proof.py": {"SLACK", "LARGEST"},
    "model/instance.py": {"NO_NODE"},
    "placement/explain.py": {"_FEW"},
    "placement/outcomes.py": {"NEW"},
}
"""Numbers that are no such sizes: error bounds, an option's width, steps and units of Ganeti, marks, figures shown."""


def is_number(value: ast.expr | None) -> bool:
    """Return whether an expression is made of numbers, or is a tuple of such."""
    match value:
        case ast.Constant(value=int() | float()):
            return True
        case ast.BinOp(left=left, right=right):
            return is_number(left) and is_number(right)
        case ast.UnaryOp(operand=operand):
            return is_number(operand)
        case ast.Call(func=ast.Name(id="float" | "int"), args=[only]):
            return is_number(only)
        case ast.Tuple(elts=elements):
            return all(map(is_number, elements))
        case _:
            return False


def numbers(source: str) -> Iterator[str]:
    """Yield the names that a module gives to numbers, in classes too."""
    bodies = [node.body for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Module | ast.ClassDef)]
    for each in (statement for body in bodies for statement in body):
        if isinstance(each, ast.Assign | ast.AnnAssign) and is_number(each.value):
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            names = [part for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
            yield from (name.id for name in names if name.id.isupper())


def named() -> dict[str, set[str]]:
    """Return the names of numbers in the packages, by path."""
    found = {
        str(path.relative_to(FOLDER)): set(numbers(path.read_text()))
        for package in PACKAGES
        for path in (FOLDER / package).rglob("*.py")
    }
    return {path: names for path, names in found.items() if names}


def test_all_sizes_stand_in_one_module() -> None:
    assert named() == OTHERS


def test_a_size_elsewhere_is_found() -> None:
    for line in (
        "_CELLS = 1 << 19",
        "MOST: float = float(2**52)",
        "class A:\n    BLOCK = 128",
        "A, B = 1, 2",
        "X = -1",
    ):
        assert list(numbers(line)), line
    assert not list(numbers("SIZES = compute()\nwidth = 3\nNAMES = ('a', 'b')"))


def test_each_size_has_a_sentence_and_is_read_under_its_name() -> None:
    body = ast.parse(Path(str(limits.__file__)).read_text()).body[1:]
    names = []
    for size, sentence in zip(body[::2], body[1::2], strict=True):
        assert isinstance(size, ast.Assign)
        assert isinstance(size.targets[0], ast.Name)
        assert isinstance(sentence, ast.Expr)
        assert isinstance(sentence.value, ast.Constant)
        assert str(sentence.value.value).rstrip().endswith(".")
        names.append(size.targets[0].id)
    read = {
        name
        for path in FOLDER.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "htools.limits"
        for name in ((alias.name if alias.asname is None else alias.asname) for alias in node.names)
    }
    assert read == set(names)
