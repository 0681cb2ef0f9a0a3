"""The error bound of docs/score-bound.md: searched for inputs that break it, and for vectors that misjudge a move.

For every candidate of a block the exact score must be within the row's bound of the score in vectors, and a move has a
finite score exactly when trying it does not refuse. Hypothesis uses the distance to the bound as a target, so that it
looks for worse examples.
"""

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings, target
from hypothesis import strategies as st

from htools.balance import vector_search as engine_module
from htools.balance.arrays import representable
from htools.balance.evaluation import evaluate
from htools.balance.exact_score import ExactScore
from htools.balance.vector_search import Engine
from htools.model.cluster import Model
from htools.model.moves import attempt, movable
from htools.model.score import score
from spec.allocator.cluster import Cluster, MirrorType
from spec.allocator.decisions import FailMode, Move, MoveKind, Rules, Settings
from tests.htools.model.test_cluster import clusters


def stretched(cluster: Cluster, exponent: int, loads: tuple[float, float]) -> Cluster:
    """Return the cluster with all sizes times a power of two, and loads of very different magnitudes."""
    factor = 2**exponent
    nodes = tuple(
        replace(
            node,
            total_memory=node.total_memory * factor,
            node_memory=node.node_memory * factor,
            free_memory=node.free_memory * factor,
            total_disk=node.total_disk * factor,
            free_disk=node.free_disk * factor,
        )
        for node in cluster.nodes
    )
    instances = tuple(
        replace(
            vm,
            memory=vm.memory * factor + at,
            disk=vm.disk * factor,
            utilisation=replace(vm.utilisation, cpu=loads[at % 2], disk=loads[at % 2] / 3),
        )
        for at, vm in enumerate(cluster.instances)
    )
    return replace(cluster, nodes=nodes, instances=instances)


def nearness(model: Model, rules: Rules) -> float:
    """Return the largest error of a candidate's score, as a fraction of its bound; assert that it is at most 1."""
    engine = Engine(model, rules)
    vectors, exact = engine.vectors, ExactScore(model, engine.vectors.nodes)
    targets = np.flatnonzero(vectors.nodes.online)
    worst = abs(vectors.score - score(model.nodes.values())) / (1e-9 * (1 + abs(vectors.score)))
    for vm in movable(model, rules):
        external = vm.instance.mirror_type is MirrorType.EXTERNAL
        rows = np.array([vectors.vms.position[vm.index]])
        block = evaluate(vectors, rows, targets, external=external)
        moves = [(Move(vm.index, MoveKind.FAILOVER), block.failover[0])]
        for at, kind in enumerate(block.kinds):
            for column, node in enumerate(targets.tolist()):
                index = int(vectors.nodes.index[node])
                if index not in {vm.primary, vm.secondary}:
                    moves.append((Move(vm.index, kind, index), block.scores[at, 0, column]))
        for move, found in moves:
            moved = (
                FailMode.INTERNAL
                if external and move.target is None
                else attempt(model, move, ignore_soft=rules.ignore_soft)
            )
            if (
                move.kind is MoveKind.FAILOVER
                and model.nodes.get(vm.secondary) is not None
                and model.nodes[vm.secondary].offline
            ):
                continue  # not offered, so not scored
            if isinstance(moved, FailMode):
                assert found == np.inf, (move, moved)
                continue
            if (
                move.kind in {MoveKind.REPLACE_PRIMARY, MoveKind.FAILOVER_AND_REPLACE}
                and model.nodes[vm.secondary].offline
            ):
                continue
            assert found < np.inf, move
            worst = max(worst, abs(found - exact.score(moved.nodes)) / block.error[0])
    assert worst <= 1.0
    return float(worst)


@settings(max_examples=70, deadline=None)
@given(
    clusters(),
    st.integers(0, 30),
    st.tuples(st.sampled_from((1e-9, 0.1, 1.0)), st.sampled_from((1.0, 1e3, 1e8))),
    st.booleans(),
)
def test_no_input_breaks_the_bound(cluster: Cluster, exponent: int, loads: tuple[float, float], soft: bool) -> None:
    model = Model.of(stretched(cluster, exponent, loads), Settings())
    if representable(model):
        target(nearness(model, Rules(ignore_soft=soft)))


@pytest.mark.parametrize("count", [2, 3, 7])
def test_flat_columns_where_every_value_is_the_same(count: int) -> None:
    """Equal nodes with equal instances: all deviations but one are 0, where roots magnify errors most."""
    from htools.backends import text

    nodes = "".join(f"n{at}|8192|0|8192|100000|100000|3|N|u|1||N|0|1|0.7\n" for at in range(count))
    vms = "".join(f"i{at}|333|1000|1|running|Y|n{at}|n{(at + 1) % count}|drbd||1|-|N\n" for at in range(count))
    model = Model.of(text.parse(f"g|u|preferred||\n\n{nodes}\n{vms}\n\n"), Settings())
    assert nearness(model, Rules()) <= 1.0


@settings(max_examples=40, deadline=None)
@given(clusters(), st.data())
def test_bounds_of_untouched_rows_stay_below_their_candidates(cluster: Cluster, data: st.DataObject) -> None:
    """After any moves, however bad, no row's lower bound exceeds the score of one of its candidates."""
    model = Model.of(cluster, Settings())
    if not representable(model) or not any(not node.offline for node in model.nodes.values()):
        return
    with patch.object(engine_module, "PAIRS_WITHOUT_BOUNDS", 0):
        check_bounds(model, data)


def check_bounds(model: Model, data: st.DataObject) -> None:
    rules = Rules(ignore_soft=True)
    engine = Engine(model, rules)
    engine.best(np.inf)
    for _ in range(5):
        moves = engine.promising(50)
        if not moves:
            return
        moved = attempt(model, data.draw(st.sampled_from(moves)), ignore_soft=True)
        assert not isinstance(moved, FailMode)
        engine.commit(moved)
        fresh = Engine(model, rules)
        fresh.best(np.inf)
        fresh.promising(1)
        assert not (engine._bound > fresh._upper + 1e-12).any()
        assert rules.suffices(2.0, 1.0)
