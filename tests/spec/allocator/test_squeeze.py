"""Which nodes to power off or on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.allocator.cluster import ISpec
from spec.allocator.decisions import Move, MoveKind
from spec.allocator.moves import apply
from spec.allocator.squeeze import (
    Action,
    has_room,
    involved,
    job_sets,
    keeps_redundancy,
    measure,
    offline_candidates,
    online_candidates,
    squeeze,
    switched,
)
from spec.allocator.state import State
from tests.spec.allocator.small import RBD, instance, node, state

STANDARD = ISpec(200, 1, 1000, 1, 1, 1)
STANDBY = node(offline=True, tags=("htools:standby:auto",))


def test_so_many_standard_instances_rounded_down_and_without_disk() -> None:
    asked = measure(ISpec(100, 3, 1000, 1, 1, 1), 1.5).instance
    assert (asked.memory, asked.vcpus, asked.spindle_use, asked.disk) == (150, 4, 1, 0)


def test_what_may_be_powered_off() -> None:
    """Not the master, no node with anything mirrored or local; those with most primaries first."""
    shared = [instance(index, None, disk_template=RBD) for index in (2, 3, 3)]
    nodes = [node(master=True), node(), node(), node(), node(), node(), STANDBY]
    found = state(nodes, [*shared, instance(4, 5)])
    assert offline_candidates(found) == (3, 2, 1)
    assert offline_candidates(found, allow_drbd=True) == (3, 2, 4, 1, 5)
    assert online_candidates(found) == (6,)


def test_an_idle_node_is_powered_off_while_the_others_keep_room() -> None:
    found = state([node(master=True), node(), node()], [])
    decision = squeeze(found, STANDARD, 1.0, 4.0)
    assert (decision.action, decision.nodes) == (Action.OFFLINE, (1, 2))
    halves = [instance(index, None, memory=500, disk_template=RBD) for index in (0, 1)]
    assert squeeze(state([node(), node()], halves), STANDARD, 0.0, 2.0).action is Action.NOTHING


def test_as_few_standby_nodes_as_suffice_are_powered_on() -> None:
    full = [instance(0, None, memory=300, disk_template=RBD)] * 3
    decision = squeeze(state([node(), STANDBY, STANDBY], full), STANDARD, 1.0, 2.0)
    assert (decision.action, decision.nodes, decision.enough) == (Action.ONLINE, (1,), True)
    assert decision.result.moves, "instances move onto it"


def test_all_that_is_there_may_not_be_enough() -> None:
    full = [instance(0, None, memory=900, disk_template=RBD)]
    decision = squeeze(state([node(), STANDBY], full), STANDARD, 1.0, 2.0)
    assert (decision.action, decision.nodes, decision.enough) == (Action.ONLINE, (1,), False)


def test_room_is_asked_of_offline_nodes_too() -> None:
    found = state([node(), node(offline=True, free_memory=100, total_memory=100.0)], [])
    assert not has_room(found, measure(STANDARD, 1.0))
    assert not switched(found, (1,), offline=False).nodes[1].node.offline


def test_redundancy_is_judged_by_the_nodes_that_stay() -> None:
    before = state([node(), node(free_memory=100)], [instance(0, 1)])
    short = state([node(), node(free_memory=50)], [instance(0, 1)])
    assert keeps_redundancy(before, before)
    assert not keeps_redundancy(before, short)
    assert keeps_redundancy(short, short), "it failed before"
    assert keeps_redundancy(before, switched(short, (1,), offline=True))


def test_a_move_touches_its_new_nodes_and_its_old_ones() -> None:
    before = state([node(), node(), node()], [instance(0, 1)])
    move = Move(0, MoveKind.REPLACE_SECONDARY, 2)
    after = apply(before, move)
    assert isinstance(after, State)
    assert involved(before, after, move) == (0, 2, 1)


@pytest.mark.parametrize(
    ("moves", "sets"),
    [
        ([], ()),
        ([(1, 2), (3, 4)], ((0, 1),)),
        ([(1, 2), (2, 3)], ((0,), (1,))),
        ([(1, 2), (3, 4), (1, 5)], ((0,), (1, 2))),
    ],
)
def test_sets_of_moves_are_cut_from_the_end(moves: list[tuple[int, ...]], sets: tuple[tuple[int, ...], ...]) -> None:
    assert job_sets(moves) == sets


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=8))
def test_sets_keep_the_order_and_never_share_a_node(moves: list[tuple[int, ...]]) -> None:
    sets = job_sets(moves)
    assert [position for group in sets for position in group] == list(range(len(moves)))
    for group in sets:
        for position in group:
            others = {touched for other in group if other != position for touched in moves[other]}
            assert others.isdisjoint(moves[position])
