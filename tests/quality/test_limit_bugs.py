"""Every limit that vectors check, changed in turn: dropped, or strict where equality is allowed, or the reverse.

The changes are made to each row of the table that `htools.balance.admission` reads, to the names of the arrays of the
rows, and to the rest of that module on its syntax tree, so that a condition added there is changed as well. Each must
change which candidates are refused, on one of the small clusters below or on a cluster of a seed. Those that cannot
are listed in `IMPLIED`.
"""

import ast
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pytest

from htools.backends import text
from htools.balance import admission
from htools.balance.admission import _PLANNED_ROOMS, _ROOMS, PRIMARY, SECONDARY, Role
from htools.balance.arrays import representable
from htools.balance.vector_search import Engine
from htools.model.cluster import Model
from htools.model.moves import Moved, attempt, movable, offered
from spec.allocator.admission import AS_PRIMARY, AS_SECONDARY, Condition, Figure, Limit, Only
from spec.allocator.decisions import Move, MoveKind, Rules, Settings
from tests.htools.balance.walks import Adversary

pytestmark = pytest.mark.xdist_group("limit bugs")  # they share what is judged
SOURCE = Path(str(admission.__file__)).read_text()

FLIPPED = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}

PLUMBING = re.compile(r"None|Floats|Figure|_nodes")
"""Operands of a union that is not one of conditions but of types or figures."""

# -- mutants ------------------------------------------------------------------------------------------------------


def changes(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield the replacements of a node, each with a description."""
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in FLIPPED or isinstance(operator, ast.Eq):
            yield "dropped", ast.parse(f"({ast.unparse(node)}) | True", mode="eval").body
            if type(operator) in FLIPPED:
                yield "flipped", ast.Compare(node.left, [FLIPPED[type(operator)]()], node.comparators)
        case ast.BinOp(op=ast.BitOr() | ast.BitAnd()) if not PLUMBING.search(ast.unparse(node)):
            yield "left alone", node.left
            yield "right alone", node.right
        case ast.Call(func=ast.Attribute(attr="minimum"), args=[one, other]):
            yield "first alone", one
            yield "second alone", other
        case ast.Call(func=ast.Attribute(attr="where"), args=[_, one, other]):
            yield "first always", one
            if ast.unparse(other) != "none":
                yield "second always", other


class Replacing(ast.NodeTransformer):
    """Replaces the node at a place in the order of `ast.walk` over one function."""

    def __init__(self, wanted: ast.AST, by: ast.expr) -> None:
        self.wanted, self.by = wanted, by

    def visit(self, node: ast.AST) -> ast.AST:
        return ast.copy_location(self.by, node) if node is self.wanted else self.generic_visit(node)


def methods(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Yield the functions with conditions."""
    rooms = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Rooms")
    for node in rooms.body:
        if isinstance(node, ast.FunctionDef) and node.name not in {"_fits", "_find_fits", "_least_rooms", "_chosen"}:
            yield node


def mutants() -> dict[str, tuple[str, int, str]]:
    """Return name → the function changed, the place in it, and how."""
    made: dict[str, tuple[str, int, str]] = {}
    for method in methods(ast.parse(SOURCE)):
        for at, node in enumerate(ast.walk(method)):
            for how, _ in changes(node):
                title = f"{method.name}: {ast.unparse(node)} {how}"
                assert title not in made, title
                made[title] = (method.name, at, how)
    return made


def planted(name: str, at: int, how: str) -> str:
    """Return the source of the whole module with one change."""
    fresh = ast.parse(SOURCE)
    node = list(ast.walk(next(each for each in methods(fresh) if each.name == name)))[at]
    Replacing(node, dict(changes(node))[how]).visit(fresh)
    return ast.unparse(ast.fix_missing_locations(fresh))


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
    "forced moves ask for nothing that is planned": (
        cluster(
            "500|1000|1|running|Y|n0|n2|drbd||1|-|N",
            "8000|95000|1|running|Y|n1||plain||1|-|Y",
            nodes={},
        ),
        Rules(ignore_soft=True),
        Settings(),
    ),
    "forced moves ask for no disk to be kept free when it is planned": (
        cluster(
            "500|1000|1|running|Y|n0|n2|drbd||1|-|N",
            "500|85000|1|running|Y|n1||plain||1|-|Y",
            nodes={},
        ),
        Rules(ignore_soft=True),
        Settings(disk_reserve=0.1),
    ),
    "forced moves ask for no cores": (
        cluster("500|1000|40|running|Y|n0|n2|drbd||1|-|N", nodes={}),
        Rules(ignore_soft=True),
        Settings(),
    ),
    "forced moves ask for no tags": (
        cluster("500|1000|1|running|Y|n0||ext|svc:a|1|-|N", "500|1000|1|running|Y|n1||ext|svc:a|1|-|N", nodes={}),
        Rules(ignore_soft=True),
        Settings(),
    ),
    "what fails over off an offline node has its disks there": (
        cluster("500|1000|1|running|Y|n0|n1|drbd||1|-|N", nodes={0: {"status": "Y", "disk": 0}}),
        Rules(),
        Settings(),
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
"""Chosen so that each change that can be found shows on one of them, or on a small cluster."""

Valid = set[tuple[int, MoveKind, int]]


def valid(model: Model, rules: Rules, engine: Engine) -> Valid:
    """Return the candidates that trying does not refuse, as (row, kind, column of the target or −1)."""
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
    """Return the candidates that have a finite score in vectors."""
    found: Valid = set()
    for rows, external in engine._blocks(np.flatnonzero(engine._eligible), engine._targets):
        block = engine._evaluate(rows, engine._targets, external)
        for kind, row, target in np.argwhere(np.isfinite(block.scores)).tolist():
            found.add((int(rows[row]), block.kinds[kind], target))
        found |= {(int(rows[row]), MoveKind.FAILOVER, -1) for row in np.flatnonzero(np.isfinite(block.failover))}
    return found


def situations() -> Iterator[tuple[Model, Rules]]:
    """Yield the small clusters, and clusters of seeds before and after a move."""
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
    """Return whether vectors misjudge a candidate; the cluster that showed it is tried first the next time."""
    for at, (engine, wanted) in enumerate(judged):
        engine.vectors.begin_round()
        if scored(engine) != wanted:
            judged.insert(0, judged.pop(at))
            return True
    return False


def test_what_is_implied_is_still_there() -> None:
    assert MUTANTS.keys() | ROWS.keys() >= IMPLIED
    assert len(MUTANTS) > 20
    assert len(ROWS) > 60


def test_without_a_change_the_verdicts_are_right(judged: list[tuple[Engine, Valid]]) -> None:
    assert len(judged) > 50
    assert not found_out(judged)


MUTANTS = mutants()


class Never(Condition):
    """A condition that refuses nothing."""

    def refused(self, figures: Mapping[Figure, Any]) -> Any:
        return np.zeros_like(super().refused(figures))

    def met(self, figures: Mapping[Figure, Any]) -> Any:
        return np.ones_like(super().met(figures))


def never(condition: Condition) -> Condition:
    return Never(**{field.name: getattr(condition, field.name) for field in fields(condition)})


def rows() -> dict[str, tuple[Role, tuple[Condition, ...]]]:
    """Return name → a role, and its conditions with one of them changed."""
    made: dict[str, tuple[Role, tuple[Condition, ...]]] = {}
    for title, role, conditions in (("runs", PRIMARY, AS_PRIMARY), ("mirrors", SECONDARY, AS_SECONDARY)):
        for at, condition in enumerate(conditions):
            if condition.limit is Limit.SECOND_COPY:
                continue  # only mirrored instances are tried here
            pairwise = condition.need is Figure.RESERVED_AFTER
            kind = "planned " if condition.planned else ""
            changed = {
                "dropped": never(condition),
                "lax" if condition.strict else "strict": replace(condition, strict=not condition.strict),
                "hard" if condition.soft else "soft": replace(condition, soft=not condition.soft),
            }
            if pairwise:
                del changed["hard"]  # the code passes where N+1 need not be kept
            if condition.kept is not None:
                changed["with nothing kept"] = replace(condition, kept=None)
            if Only.REDUNDANT in condition.only and condition.need is Figure.MEMORY:
                changed["always"] = replace(condition, only=())
            for how, by in changed.items():
                made[f"{title}: {kind}{condition.limit.value} {how}"] = (
                    role,
                    (*conditions[:at], by, *conditions[at + 1 :]),
                )
    return made


ROWS = rows()

IMPLIED = {
    "runs: disk to be kept free dropped",
    "runs: disk to be kept free with nothing kept",
    "runs: spindle use dropped",
    "runs: virtual cores per core dropped",
    "mirrors: disk to be kept free dropped",
    "mirrors: disk to be kept free with nothing kept",
    "mirrors: spindle use dropped",
}
"""Free amounts with forthcoming instances are never larger, so the planned limit implies the one without them."""


@pytest.mark.parametrize("row", [name for name in ROWS if name not in IMPLIED])
def test_each_row_decides(row: str, judged: list[tuple[Engine, Valid]], monkeypatch: pytest.MonkeyPatch) -> None:
    role, conditions = ROWS[row]
    for name, value in vars(Role(conditions)).items():
        monkeypatch.setattr(role, name, value)
    assert found_out(judged)


@pytest.mark.parametrize("figure", [each for each, name in _PLANNED_ROOMS.items() if name != _ROOMS[each]])
def test_planned_rooms_are_looked_at(
    figure: Figure, judged: list[tuple[Engine, Valid]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_PLANNED_ROOMS, figure, _ROOMS[figure])
    assert found_out(judged)


@pytest.mark.parametrize("mutant", [name for name in MUTANTS if name not in IMPLIED])
def test_each_limit_decides(mutant: str, judged: list[tuple[Engine, Valid]], monkeypatch: pytest.MonkeyPatch) -> None:
    name, at, how = MUTANTS[mutant]
    changed: dict[str, object] = {"__name__": admission.__name__}
    exec(compile(planted(name, at, how), f"rooms ({mutant})", "exec"), changed)  # noqa: S102
    function = vars(changed["Rooms"])[name]
    assert isinstance(function, FunctionType)
    monkeypatch.setattr(admission.Rooms, name, function)
    assert found_out(judged)
