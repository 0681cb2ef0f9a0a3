"""A kept bound must allow for Ganeti's rounding in the present round, not only in the one in which it was computed.

Scores are computed here almost without rounding: fractions, and roots of fifty digits. Ganeti's differ by at most what
section 2 of docs/score-bound.md allows, and a kept bound must stay below by at least that much.
"""

from collections.abc import Iterable
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest

from htools.backends import text
from htools.balance import vector_search as engine_module
from htools.balance.arrays import WEIGHTS
from htools.balance.move_scores import Candidates
from htools.balance.vector_search import Engine
from htools.model.arrays import DEVIATIONS
from htools.model.cluster import Model
from htools.model.moves import Moved, attempt, offered
from htools.model.node import NodeModel
from htools.model.score import node_values
from spec.allocator.decisions import Move, MoveKind, Rules, Settings

NODES = 40
HEAVY = 2.0**40


def decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def deviations(nodes: Iterable[NodeModel]) -> Decimal:
    """Return the weighted sum of the standard deviations of the nodes' values, which are doubles."""
    rows = [[Fraction(node_values(node)[column]) for column in DEVIATIONS] for node in nodes if not node.offline]
    total = Decimal(0)
    for weight, column in zip(WEIGHTS, zip(*rows, strict=True), strict=True):
        mean = sum(column, Fraction(0)) / len(column)
        variance = sum(((value - mean) ** 2 for value in column), Fraction(0)) / len(column)
        total += Decimal(weight) * decimal(variance).sqrt()
    return total


def equal_nodes() -> Model:
    """Make equal nodes with an equal light instance each, and a heavy one on an offline node."""
    nodes = "".join(f"n{at}|65536|0|65280|100000|90000|8|N|u|1||N|0|1|1.0\n" for at in range(NODES))
    nodes += f"n{NODES}|65536|0|65280|100000|90000|8|Y|u|1||N|0|1|1.0\n"
    vms = "".join(f"i{at}|256|1000|1|running|Y|n{at}||ext||1|-|N\n" for at in range(NODES + 1))
    model = Model.of(text.parse(f"g|u|preferred||\n\n{nodes}\n{vms}\n\n"), Settings())
    heavy = model.instances[NODES]
    model.nodes[NODES].load[0] += HEAVY - heavy.load[0]
    heavy.load = (HEAVY, *heavy.load[1:])
    return model


def left_over() -> float:
    """Return the margin of kept bounds for Ganeti's error after the heavy instance moved, less the error allowed."""
    model, rules = equal_nodes(), Rules()
    engine = Engine(model, rules)
    engine.promising(1)
    moved = attempt(model, Move(NODES, MoveKind.FAILOVER_TO_ANY, 0))
    assert isinstance(moved, Moved)
    engine.commit(moved)
    row = engine.vectors.vms.position[NODES - 1]
    online = [index for index, node in model.nodes.items() if not node.offline]
    with localcontext() as context:
        context.prec = 50
        least = Decimal("Infinity")
        for move in offered(model, NODES - 1, rules, online):
            done = attempt(model, move)
            assert isinstance(done, Moved)
            nodes = {**model.nodes, **{node.index: node for node in done.nodes}}
            least = min(least, deviations(nodes.values()))
        spare = least - Decimal(float(engine._bound[row]))
    assert np.isfinite(engine._bound[row])
    return float(spare) - (2 * NODES + 6) * 2.0**-53 * sum(WEIGHTS) * HEAVY


@pytest.fixture(autouse=True)
def nothing_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "PAIRS_WITHOUT_BOUNDS", 0)


def test_bounds_pay_for_values_that_have_grown() -> None:
    assert left_over() > 0.0


def test_bounds_that_do_not_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Candidates, "error_of_values", lambda *_: 0.0)
    assert left_over() < 0.0
