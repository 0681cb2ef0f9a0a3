"""Moves on the working model: the same as specified along random walks, and what is offered, refused and involved."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from htools.model import moves as model_moves
from htools.model.cluster import Model
from htools.model.moves import Moved, Planned, attempt
from htools.model.moves import offered as offered_quickly
from spec.allocator import moves
from spec.allocator.cluster import Cluster
from spec.allocator.decisions import FailMode, Move, MoveKind, Refusal, Rules, Settings
from spec.allocator.example import cluster as example
from spec.allocator.example import instance
from tests.htools.model.test_cluster import assert_same, clusters, readings


@settings(max_examples=90, deadline=None)
@given(clusters(), st.booleans(), st.booleans(), st.booleans(), st.data())
def test_walks_of_moves_keep_the_same_accounts(
    cluster: Cluster, soft: bool, limited: bool, twice: bool, data: st.DataObject
) -> None:
    extra = Settings(("owner:",), disk_reserve=0.1, vcpu_ratio=1.5) if limited else Settings()
    rules = Rules(ignore_soft=soft)
    model, defined = readings(cluster, extra, twice=twice)
    assert_same(model, defined)
    for _ in range(4):
        choices = [move for index in moves.movable(defined, rules) for move in moves.offered(defined, index, rules)]
        online = list(moves.targets(defined))
        assert choices == [
            move for vm in model_moves.movable(model, rules) for move in offered_quickly(model, vm.index, rules, online)
        ]
        if not choices:
            return
        move = data.draw(st.sampled_from(choices))
        quick, plain = model_moves.attempt(model, move, ignore_soft=soft), moves.apply(defined, move, ignore_soft=soft)
        if isinstance(plain, Refusal) or isinstance(quick, FailMode):
            assert isinstance(plain, Refusal)
            assert quick is plain.mode
        else:
            quick.commit(model)
            defined = plain
        assert_same(model, defined)


def model(*, offline: int | None = None) -> Model:
    """Read three nodes with a mirrored instance on the first two, and one on shared storage on the third."""
    made = Model.of(example(instance(0, 1), instance(2)), Settings())
    for vm in made.instances.values():
        vm.movable = True
    if offline is not None:
        made.nodes[offline].offline = True
    return made


def offered(made: Model, index: int, rules: Rules) -> list[str]:
    online = [at for at, node in made.nodes.items() if not node.offline]
    moved = offered_quickly(made, index, rules, online)
    return [f"{move.kind.value}{'' if move.target is None else move.target}" for move in moved]


@pytest.mark.parametrize(
    ("index", "rules", "found"),
    [
        (0, Rules(), ["f", "r2", "rf2", "frf2", "fr2"]),
        (0, Rules(instance_moves=False), ["r2"]),
        (0, Rules(disk_moves=False), ["f"]),
        (0, Rules(restricted_migration=True), ["f", "r2"]),
        (1, Rules(), ["fa0", "fa1"]),
        (1, Rules(instance_moves=False), []),
    ],
)
def test_what_is_offered(index: int, rules: Rules, found: list[str]) -> None:
    assert offered(model(), index, rules) == found


def test_what_is_offered_from_offline_nodes() -> None:
    assert offered(model(offline=0), 0, Rules(restricted_migration=True)) == ["f", "r2", "rf2", "fr2"]
    assert offered(model(offline=1), 0, Rules()) == ["r2", "rf2"]


def test_evacuation_moves_only_what_has_an_offline_node() -> None:
    for offline, moved in ((None, []), (0, [0]), (1, [0]), (2, [1])):
        assert [vm.index for vm in model_moves.movable(model(offline=offline), Rules(evacuation=True))] == moved


def test_a_move_that_makes_no_sense_is_an_internal_failure() -> None:
    made = model()
    for move in (Move(1, MoveKind.FAILOVER), Move(0, MoveKind.FAILOVER_TO_ANY), Move(0, MoveKind.REPLACE_PRIMARY, 9)):
        assert attempt(made, move) is FailMode.INTERNAL


def test_trying_changes_nothing_and_committing_does() -> None:
    made = model()
    before = made.copy()
    moved = attempt(made, Move(0, MoveKind.REPLACE_PRIMARY, 2))
    assert isinstance(moved, Moved)
    assert [node.primaries for node in made.nodes.values()] == [node.primaries for node in before.nodes.values()]
    moved.commit(made)
    assert [node.primaries for node in made.nodes.values()] == [[], [], [0, 1]]
    assert (made.instances[0].primary, made.instances[0].secondary) == (2, 1)


def test_a_planned_move_involves_all_nodes_before_and_after() -> None:
    made = model()
    before = made.instances[0]
    assert Planned(Move(0, MoveKind.REPLACE_SECONDARY, 2), before, before.at(0, 2), 0.0, 0.0).involved == {0, 1, 2}
    shared = made.instances[1]
    assert Planned(Move(1, MoveKind.FAILOVER_TO_ANY, 0), shared, shared.at(0, -1), 0.0, 0.0).involved == {0, 2}
