"""The engine against the definition: the same move with the same score, to the last bit, in every round."""

from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from htools.backends import text
from htools.balance import rounds
from htools.balance import vector_search as engine_module
from htools.balance.class_search import ClassSearch
from htools.balance.plain_search import PlainSearch
from htools.balance.rounds import search_for
from htools.balance.vector_search import Engine
from htools.limits import BALANCING_CANDIDATES, PAIRS_WITHOUT_BOUNDS
from htools.model.cluster import Model
from htools.model.moves import Moved, attempt
from htools.model.score import optimum, score
from spec.allocator import balance as defined
from spec.allocator import score as spec_score
from spec.allocator.cluster import Cluster
from spec.allocator.decisions import Move, MoveKind, Rules, Settings
from tests.htools.model.test_cluster import clusters, readings

RULES = st.builds(
    Rules,
    disk_moves=st.booleans(),
    instance_moves=st.booleans(),
    restricted_migration=st.booleans(),
    evacuation=st.booleans(),
    ignore_soft=st.booleans(),
)


SETTINGS = st.sampled_from((Settings(), Settings(disk_reserve=0.1, vcpu_ratio=1.5)))


@settings(max_examples=100, deadline=None)
@given(clusters(), RULES, SETTINGS, st.sampled_from(("one by one", "recomputed", "kept", "kept")), st.booleans())
def test_every_round_takes_the_defined_move(
    cluster: Cluster, rules: Rules, extra: Settings, way: str, twice: bool
) -> None:
    """With candidates one by one, with all of them scored again in each round, or with bounds of earlier rounds.

    Clusters of iallocator requests are read twice.
    """
    few = BALANCING_CANDIDATES if way == "one by one" else 0
    small = 0 if way == "kept" else PAIRS_WITHOUT_BOUNDS
    with (
        patch.object(engine_module, "PAIRS_WITHOUT_BOUNDS", small),
        patch.object(rounds, "BALANCING_CANDIDATES", few),
    ):
        compare(cluster, rules, extra, twice=twice)


def compare(cluster: Cluster, rules: Rules, extra: Settings, *, twice: bool) -> None:
    model, state = readings(cluster, extra, twice=twice)
    search = search_for(model, rules)
    before = score(model.nodes.values())
    assert str(before) == str(spec_score.score(state))
    assert str(optimum(model.nodes.values())) == str(spec_score.optimum(state))
    for _ in range(6):
        step, found = defined.best_move(state, before, rules), search.best(before)
        assert (step is None) == (found is None)
        if step is None or found is None:
            return
        assert (found[0], found[2]) == (step.move, step.score)
        search.commit(found[1])
        state, before = step.state, step.score


@settings(max_examples=40, deadline=None)
@given(clusters())
def test_the_engine_is_what_serves_ordinary_clusters(cluster: Cluster) -> None:
    model = Model.of(cluster, Settings())
    kinds = {node.exclusive for node in model.nodes.values()}
    search = search_for(model, Rules())
    served = isinstance(search, (Engine, ClassSearch))
    unknown = any(vm.spindles is None for vm in model.instances.values())
    repeated = any(len(set(vm.exclusion_tags)) < len(vm.exclusion_tags) for vm in model.instances.values())
    doubled = any(vm.movable and vm.secondary == vm.primary for vm in model.instances.values())
    assert served == (not repeated and not doubled and (kinds == {False} or not unknown))
    assert served != isinstance(search, PlainSearch)


@pytest.mark.parametrize(("second", "plain"), [("", False), ("n1", False), ("n0", True)])
def test_an_instance_that_names_one_node_twice_is_not_an_ordinary_one(second: str, plain: bool) -> None:
    """It counts on its node as a secondary only, which vectors do not represent; naming another node is ordinary."""
    nodes = "".join(f"n{at}|4096|0|4000|10000|9000|4|N|u|1||N|0|1|1.0\n" for at in range(2))
    cluster = text.parse(f"g|u|preferred||\n\n{nodes}\ni0|1024|1|1|running|Y|n0|{second}|rbd||1|-|N\n\n\n")
    assert isinstance(search_for(Model.of(cluster, Settings()), Rules()), PlainSearch) == plain
    compare(cluster, Rules(), Settings(), twice=False)


@pytest.mark.parametrize(
    ("nodes", "instances", "plain"),
    [(2, 50, True), (2, 70, False), (3, 15, True), (5, 10, True), (5, 20, False), (60, 1, False), (700, 1, False)],
)
def test_few_candidates_are_tried_without_vectors(
    monkeypatch: pytest.MonkeyPatch, nodes: int, instances: int, plain: bool
) -> None:
    """On two nodes there are many rounds without targets; with many nodes each score costs more."""
    monkeypatch.setattr(rounds, "BALANCING_CANDIDATES", BALANCING_CANDIDATES)
    rows = "".join(f"n{at}|65536|0|65536|1000000|1000000|8|N|u|1||N|0|1|1.0\n" for at in range(nodes))
    vms = "".join(f"i{at}|128|1024|1|running|Y|n0|n1|drbd||1|-|N\n" for at in range(instances))
    model = Model.of(text.parse(f"g|u|preferred||\n\n{rows}\n{vms}\n\n"), Settings()).group(0)
    assert isinstance(search_for(model, Rules()), PlainSearch) == plain


def test_promising_moves_are_ones_that_may_be_made() -> None:
    """With `--no-disk-moves` mirrored instances have no move with a target; looking ahead once failed there."""
    nodes = "".join(f"n{at}|8192|0|{free}|100000|90000|8|N|u|1||N|0|1|1.0\n" for at, free in enumerate((7192, 8192)))
    said = f"g|u|preferred||\n\n{nodes}\ni0|1000|5000|1|running|Y|n0|n1|drbd||1|-|N\n\n\n"
    model = Model.of(text.parse(said), Settings())
    assert Engine(model, Rules(disk_moves=False)).promising(5) == [Move(0, MoveKind.FAILOVER)]


def test_what_has_left_its_offline_node_is_not_promising_in_evacuation() -> None:
    nodes = "".join(f"n{at}|8192|0|8192|100000|90000|8|{'YNN'[at]}|u|1||N|0|1|1.0\n" for at in range(3))
    said = f"g|u|preferred||\n\n{nodes}\ni0|1000|5000|1|running|Y|n0||ext||1|-|N\n\n\n"
    model = Model.of(text.parse(said), Settings())
    engine = Engine(model, Rules(evacuation=True))
    (move,) = engine.promising(5)
    moved = attempt(model, move)
    assert isinstance(moved, Moved)
    engine.commit(moved)
    assert engine.promising(5) == []


def nowhere(kind: str) -> str:
    """Make two offline nodes, and an instance that is mirrored on them or on shared storage."""
    other = "n1" if kind == "drbd" else ""
    nodes = "".join(f"n{at}|8192|0|7680|100000|90000|8|Y|u|1||N|0|1|1.0\n" for at in range(2))
    return f"g|u|preferred||\n\n{nodes}\ni0|512|1024|1|running|Y|n0|{other}|{kind}||1|1|N\n\n\n"


@pytest.mark.parametrize("kind", ["drbd", "rbd"])
def test_without_an_online_node_nothing_moves(kind: str) -> None:
    assert search_for(Model.of(text.parse(nowhere(kind)), Settings()), Rules()).best(1.0) is None
