"""Every limit that vectors ask for, changed in turn: dropped, or strict where equality is allowed, or the reverse.

The changes are made on the syntax tree of `htools.balance.feasibility`, so that a condition added there has its mutants
at once. Each must change which candidates are refused, on one of the small clusters below or on a cluster of a seed.
Those that cannot are named in `IMPLIED`.
"""

import ast
import random
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import numpy as np
import pytest

from htools.backends import text
from htools.balance import feasibility
from htools.balance.arrays import representable
from htools.balance.vector_search import Engine
from htools.model.cluster import Model
from htools.model.moves import Moved, attempt, movable, offered
from spec.allocator.decisions import Move, MoveKind, Rules, Settings
from tests.htools.balance.walks import Adversary

SOURCE = Path(str(feasibility.__file__)).read_text()

FLIPPED = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}

# -- mutants ------------------------------------------------------------------------------------------------------


def changes(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """What a node is replaced by (None: left out), in words."""
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in FLIPPED or isinstance(operator, ast.Eq):
            yield "dropped", ast.parse(f"({ast.unparse(node)}) | True", mode="eval").body
            if type(operator) in FLIPPED:
                yield "flipped", ast.Compare(node.left, [FLIPPED[type(operator)]()], node.comparators)
        case ast.Tuple(elts=[need, room, ast.Constant(value=bool(equal))]):
            yield "left out", None
            yield "flipped", ast.Tuple([need, room, ast.Constant(not equal)], ast.Load())
        case ast.BinOp(op=ast.BitOr()):
            yield "left alone", node.left
            yield "right alone", node.right
        case ast.Call(func=ast.Attribute(attr="maximum"), args=[one, other]):
            yield "first alone", ast.BinOp(one, ast.Mult(), ast.Constant(1.0))
            yield "second alone", other
        case ast.Call(func=ast.Attribute(attr="where"), args=[_, one, other]):
            yield "first always", one
            if ast.unparse(other) != "none":
                yield "second always", other


class Replacing(ast.NodeTransformer):
    """Replaces the node at a place in the order of `ast.walk` over one function."""

    def __init__(self, wanted: ast.AST, by: ast.expr | None) -> None:
        self.wanted, self.by = wanted, by

    def visit(self, node: ast.AST) -> ast.AST | None:
        if self.by is None and isinstance(node, ast.Expr) and self.wanted in ast.walk(node):
            return ast.copy_location(ast.Pass(), node)  # a pair that is appended by itself
        if node is not self.wanted:
            return self.generic_visit(node)
        return None if self.by is None else ast.copy_location(self.by, node)


def methods(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """The functions with conditions; the rest of the module is plumbing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name not in {"_fits", "_chosen"}:
            yield node


def mutants() -> dict[str, tuple[str, str]]:
    """Name → the function changed and the source of the whole module with the change."""
    made: dict[str, tuple[str, str]] = {}
    for place in [
        (method.name, at, how)
        for method in methods(ast.parse(SOURCE))
        for at, node in enumerate(ast.walk(method))
        for how, _ in changes(node)
    ]:
        name, at, how = place
        fresh = ast.parse(SOURCE)
        method = next(each for each in methods(fresh) if each.name == name)
        node = list(ast.walk(method))[at]
        by = dict(changes(node))[how]
        title = f"{name}: {ast.unparse(node)} {how}"
        assert title not in made
        Replacing(node, by).visit(fresh)
        made[title] = (name, ast.unparse(ast.fix_missing_locations(fresh)))
    return made


# -- clusters -----------------------------------------------------------------------------------------------------

NODE = "n{at}|{memory}|0|{free}|100000|{disk}|8|{status}|u|{spindles}|{tags}|{exclusive}|{owned}|0|1.0\n"
ORDINARY = {"memory": 8192, "free": 8192, "disk": 90000, "status": "N", "spindles": 100, "tags": "", "owned": 50}


def cluster(*instances: str, nodes: dict[int, dict[str, object]], exclusive: str = "N", ratio: str = "1.0") -> str:
    lines = "".join(
        NODE.format(**{**ORDINARY, "exclusive": exclusive, "at": at, **nodes.get(at, {})}) for at in range(4)
    )
    vms = "".join(f"i{number}|{line}\n" for number, line in enumerate(instances))
    policy = f"g|128,1,1024,1,1,1|128,1,128,1,1,1;65536,32,4194304,16,8,12|drbd,plain,ext|4.0|{ratio}\n"
    return f"g|u|preferred||\n\n{lines}\n{vms}\nhtools:iextags:svc\n\n{policy}"


SMALLEST: dict[str, tuple[str, Rules, Settings]] = {
    "forced moves ask for no planned spindles, forthcoming instances for no real ones": (
        cluster(
            "500|1000|1|running|Y|n0|n1|drbd||1|1|N",
            "500|1000|1|running|Y|n2||plain||1|60|Y",
            "500|1000|1|running|Y|n0|n1|drbd||1|70|Y",
            nodes={0: {"status": "Y"}, 3: {"owned": 0}},
            exclusive="Y",
        ),
        Rules(),
        Settings(),
    ),
    "spindles planned for others": (
        cluster(
            "500|1000|1|running|Y|n0|n1|drbd||1|1|N",
            "500|1000|1|running|Y|n1||plain||1|60|Y",
            "500|1000|1|running|Y|n1|n2|drbd||1|1|N",
            nodes={},
            exclusive="Y",
        ),
        Rules(),
        Settings(),
    ),
    "more spindles owned than there are": (
        cluster(
            "500|1000|1|running|Y|n0|n1|drbd||1|1|N",
            "500|1000|1|running|Y|n0|n1|drbd||1|1|Y",
            "500|1000|1|running|Y|n1|n2|drbd||1|1|N",
            "500|1000|1|running|Y|n1|n2|drbd||1|1|Y",
            nodes={1: {"owned": -1}},
            exclusive="Y",
        ),
        Rules(ignore_soft=True),
        Settings(),
    ),
    "use of spindles that is planned": (
        cluster(
            "500|1000|1|running|Y|n0|n1|drbd||5|-|Y",
            "500|1000|1|running|Y|n1|n0|drbd||5|-|Y",
            nodes={1: {"spindles": 4}},
        ),
        Rules(),
        Settings(),
    ),
    "tags keep apart only what exists": (
        cluster(
            "500|1000|1|running|Y|n0|n1|drbd|svc:a|1|-|Y",
            "500|1000|1|running|Y|n1||plain|svc:a|1|-|N",
            nodes={1: {"free": 7692}},
        ),
        Rules(),
        Settings(),
    ),
    "no disk left with what is planned": (
        cluster(
            "500|1000|1|running|Y|n0|n1|drbd||1|-|N",
            "500|1000|1|running|Y|n0||plain||1|-|Y",
            "500|1000|1|running|Y|n2|n3|drbd||1|-|N",
            "500|1000|1|running|Y|n3||plain||1|-|Y",
            nodes={0: {"disk": 1000, "free": 7692}, 2: {"free": 7692}, 3: {"disk": 1000}},
        ),
        Rules(),
        Settings(),
    ),
    "less disk than the least with what is planned": (
        cluster(
            "500|1000|1|running|Y|n0|n1|drbd||1|-|N",
            "500|1000|1|running|Y|n0||plain||1|-|Y",
            nodes={0: {"disk": 10500, "free": 7692}},
        ),
        Rules(),
        Settings(disk_reserve=0.1),
    ),
    "memory planned to the last MiB": (
        cluster(
            "500|1000|1|running|Y|n0|n1|drbd||1|-|N",
            "1000|1000|1|ADMIN_down|Y|n0||plain||1|-|N",
            nodes={0: {"memory": 1500, "free": 1000}},
        ),
        Rules(),
        Settings(),
    ),
}

# fmt: off
SEEDS = (
    100000, 100008, 100009, 100017, 100018, 100024, 100026, 100027, 100035, 100037, 100043, 100049, 100052, 100054,
    100055, 100056, 100082, 100085, 100090, 100100, 100103, 100109, 100126, 100132, 100133, 100135, 100137, 100141,
    100143, 100177, 100181, 100191, 100197, 100204, 100227, 100284, 100287, 100292, 100309, 100330, 100646, 100661,
    101841,
)
# fmt: on
"""Chosen so that each change that may be told shows on one of them, or on a small cluster."""

Valid = set[tuple[int, MoveKind, int]]


def valid(model: Model, rules: Rules, engine: Engine) -> Valid:
    """The candidates that trying does not refuse, as (row, kind, column of the target or −1)."""
    online = [index for index, node in model.nodes.items() if not node.offline]
    rows = engine.vectors.vms.position
    at = {int(engine.vectors.nodes.index[target]): column for column, target in enumerate(engine._targets.tolist())}
    moves: list[Move] = [move for vm in movable(model, rules) for move in offered(model, vm.index, rules, online)]
    return {
        (rows[move.instance], move.kind, -1 if move.target is None else at[move.target])
        for move in moves
        if isinstance(attempt(model, move, ignore_soft=rules.ignore_soft), Moved)
    }


def scored(engine: Engine) -> Valid:
    """The candidates that vectors give a score."""
    found: Valid = set()
    for rows, external in engine._blocks(np.flatnonzero(engine._eligible), engine._targets):
        block = engine._evaluate(rows, engine._targets, external)
        for kind, row, target in np.argwhere(np.isfinite(block.scores)).tolist():
            found.add((int(rows[row]), block.kinds[kind], target))
        found |= {(int(rows[row]), MoveKind.FAILOVER, -1) for row in np.flatnonzero(np.isfinite(block.failover))}
    return found


def situations() -> Iterator[tuple[Model, Rules]]:
    """The small clusters, and clusters of seeds before and after a move."""
    for said, rules, extra in SMALLEST.values():
        yield Model.of(text.parse(said), extra), rules
    for seed in SEEDS:
        adversary = Adversary(seed, 4)
        model, rules, rng = adversary.model(), adversary.rules(), random.Random(seed)
        if not representable(model):
            continue
        yield model.copy(), rules
        online = [index for index, node in model.nodes.items() if not node.offline]
        tried = [
            attempt(model, move, ignore_soft=rules.ignore_soft)
            for vm in movable(model, rules)
            for move in offered(model, vm.index, rules, online)
        ]
        possible = [moved for moved in tried if isinstance(moved, Moved)]
        if possible:
            rng.choice(possible).commit(model)
            yield model, rules


@pytest.fixture(scope="module")
def judged() -> list[tuple[Engine, Valid]]:
    made = []
    for model, rules in situations():
        engine = Engine(model, rules)
        made.append((engine, valid(model, rules, engine)))
    return made


def found_out(judged: list[tuple[Engine, Valid]]) -> bool:
    """Whether vectors misjudge a candidate; what told first is asked first the next time."""
    for at, (engine, wanted) in enumerate(judged):
        if scored(engine) != wanted:
            judged.insert(0, judged.pop(at))
            return True
    return False


def test_what_is_implied_is_still_there() -> None:
    assert MUTANTS.keys() >= IMPLIED
    assert len(MUTANTS) > 120


def test_without_a_change_the_verdicts_are_right(judged: list[tuple[Engine, Valid]]) -> None:
    assert len(judged) > 50
    assert not found_out(judged)


MUTANTS = mutants()

IMPLIED = {
    "__init__: np.where(exists, self.vcpus, none) first always",
    "_primary_fits: (self.real_disk, disk - low, True) left out",
    "_primary_fits: (self.real_use, nodes.spindle_room[at], True) left out",
    "_primary_fits: (self.real_vcpus, nodes.cpu_room[at], True) left out",
    "_secondary_fits: (self.real_disk, nodes.free_disk[at] - low, True) left out",
    "_secondary_fits: (self.real_use, nodes.spindle_room[at], True) left out",
    "_hosted_by_secondary: self.vcpus <= nodes.cpu_room[at] dropped",
    "_hosted_by_secondary: nodes.free_disk[at] >= low dropped",
    "_hosted_by_secondary: nodes.spindle_room[at] >= 0 dropped",
    "_mirrored_by: nodes.free_disk[at] >= nodes.low_disk[at] dropped",
    "_mirrored_by: nodes.spindle_room[at] >= 0 dropped",
}
"""What exists has never less than with what is planned besides, so that the planned limit implies the real one."""


@pytest.mark.parametrize("mutant", [name for name in MUTANTS if name not in IMPLIED])
def test_each_limit_decides(mutant: str, judged: list[tuple[Engine, Valid]], monkeypatch: pytest.MonkeyPatch) -> None:
    name, source = MUTANTS[mutant]
    changed: dict[str, object] = {"__name__": feasibility.__name__}
    exec(compile(source, f"rooms ({mutant})", "exec"), changed)  # noqa: S102
    function = vars(changed["Rooms"])[name]
    assert isinstance(function, FunctionType)
    monkeypatch.setattr(feasibility.Rooms, name, function)
    assert found_out(judged)
