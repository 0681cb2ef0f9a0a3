"""Moves: which are tried, in which order, and what each does to its instance and nodes."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.allocator.cluster import MirrorType
from spec.allocator.decisions import Move, MoveKind, Refusal, Rules
from spec.allocator.moves import apply, kinds, movable, offered, targets
from spec.allocator.score import component_values
from spec.allocator.state import State
from tests.spec.allocator.small import RBD, instance, node, state

THREE = [node(), node(), node()]


def short_forms(moves: Iterable[Move]) -> list[str]:
    """Moves as `kind>target`."""
    return [move.kind.value + ("" if move.target is None else f">{move.target}") for move in moves]


@pytest.mark.parametrize(
    ("mirror", "rules", "valid", "offline", "expected"),
    [
        ("NONE", Rules(), True, False, []),
        ("EXTERNAL", Rules(), True, False, ["fa"]),
        ("EXTERNAL", Rules(instance_moves=False), True, False, []),
        ("INTERNAL", Rules(), True, False, ["r", "rf", "frf", "fr"]),
        ("INTERNAL", Rules(), False, False, ["r", "rf"]),
        ("INTERNAL", Rules(instance_moves=False), False, False, ["r"]),
        ("INTERNAL", Rules(disk_moves=False), True, False, []),
        ("INTERNAL", Rules(restricted_migration=True), True, False, ["r"]),
        ("INTERNAL", Rules(restricted_migration=True), True, True, ["r", "rf", "fr"]),
    ],
)
def test_the_table_of_moves(mirror: str, rules: Rules, valid: bool, offline: bool, expected: list[str]) -> None:
    found = kinds(MirrorType[mirror], rules, secondary_valid=valid, primary_offline=offline)
    assert [kind.value for kind in found] == expected


def test_fail_over_comes_first_and_then_each_target_in_order() -> None:
    found = state([*THREE, node(), node(offline=True)], [instance(0, 1)])
    assert short_forms(offered(found, 0, Rules())) == [
        "f",
        "r>2",
        "rf>2",
        "frf>2",
        "fr>2",
        "r>3",
        "rf>3",
        "frf>3",
        "fr>3",
    ]
    assert targets(found) == (0, 1, 2, 3)


def test_an_offline_secondary_is_no_target() -> None:
    found = state([node(), node(offline=True), node()], [instance(0, 1)])
    assert short_forms(offered(found, 0, Rules())) == ["r>2", "rf>2"]


def test_what_may_be_moved() -> None:
    instances = [instance(0, 1), instance(0, 1, auto_balance=False), instance(0, None), instance(2, 1)]
    found = state([node(offline=True), *THREE[:2]], instances)
    assert movable(found, Rules()) == (0, 3)
    assert movable(found, Rules(evacuation=True)) == (0,)


@pytest.mark.parametrize(
    ("kind", "target", "nodes"),
    [("f", None, (1, 0)), ("r", 2, (0, 2)), ("rf", 2, (2, 0)), ("frf", 2, (2, 1)), ("fr", 2, (1, 2))],
)
def test_where_each_move_leads(kind: str, target: int | None, nodes: tuple[int, int]) -> None:
    after = apply(state(THREE, [instance(0, 1)]), Move(0, MoveKind(kind), target))
    assert isinstance(after, State)
    assert after.instances[0].instance.nodes == nodes
    assert after.nodes[nodes[0]].real.primaries == (0,)
    assert after.nodes[nodes[1]].real.secondaries == (0,)
    (left,) = {0, 1, 2} - set(nodes)
    assert after.nodes[left].real.primaries + after.nodes[left].real.secondaries == ()


def test_shared_storage_is_started_elsewhere() -> None:
    after = apply(state(THREE, [instance(0, None, disk_template=RBD)]), Move(0, MoveKind.FAILOVER_TO_ANY, 2))
    assert isinstance(after, State)
    assert (after.nodes[0].real.primaries, after.nodes[2].real.primaries) == ((), (0,))


def test_a_move_is_refused_with_the_node_and_the_reason() -> None:
    full = state([node(), node(), node(free_disk=500)], [instance(0, 1)])
    refusal = apply(full, Move(0, MoveKind.REPLACE_SECONDARY, 2))
    assert isinstance(refusal, Refusal)
    assert (refusal.mode.value, refusal.node, refusal.have) == ("FailDisk", 2, -500)


def test_migration_tags_forbid_the_way_back() -> None:
    tags = ("htools:migration:os", "htools:allowmigration:os:old::os:new")
    nodes = [node(tags=("os:old",)), node(tags=("os:new",))]
    there = apply(state(nodes, [instance(0, 1)], tags), Move(0, MoveKind.FAILOVER))
    assert isinstance(there, State)
    back = apply(there, Move(0, MoveKind.FAILOVER))
    assert isinstance(back, Refusal)
    assert back.mode.value == "FailMig"


def test_soft_limits_do_not_hold_an_instance_on_an_offline_node() -> None:
    """Node 1 keeps 950 MiB for node 2, so that 100 more break its reserve."""
    instances = [instance(0, 1), instance(2, 1, memory=850)]
    assert isinstance(apply(state(THREE, instances), Move(0, MoveKind.FAILOVER)), State)
    tight = [instance(0, 1), instance(2, 1, memory=900)]
    assert isinstance(apply(state(THREE, tight), Move(0, MoveKind.FAILOVER)), Refusal)
    assert isinstance(apply(state(THREE, tight), Move(0, MoveKind.FAILOVER), ignore_soft=True), State)
    assert isinstance(apply(state([node(offline=True), node(), node()], tight), Move(0, MoveKind.FAILOVER)), State)


@given(st.integers(1, 300), st.integers(1, 3000), st.integers(1, 4))
def test_two_fail_overs_lead_back(memory: int, disk: int, vcpus: int) -> None:
    before = state(THREE, [instance(0, 1, memory=memory, disk=disk, vcpus=vcpus), instance(1, 2)])
    there = apply(before, Move(0, MoveKind.FAILOVER))
    assert isinstance(there, State)
    back = apply(there, Move(0, MoveKind.FAILOVER))
    assert isinstance(back, State)
    assert back.instances == before.instances
    assert component_values(back.nodes.values()) == component_values(before.nodes.values())
