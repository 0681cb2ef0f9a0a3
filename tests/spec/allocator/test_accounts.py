"""When a node takes an instance, when it refuses, with which reason, and whether that is soft."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.allocator.accounts import add_primary, add_secondary, remove_primary, remove_secondary
from spec.allocator.cluster import Disk
from spec.allocator.decisions import Refusal, Settings
from spec.allocator.state import NodeState, Placed
from tests.spec.allocator.small import PLAIN, RBD, instance, node, placed, state


def empty(**changes: Any) -> NodeState:
    """The accounts of an empty node."""
    return state([node(**changes)], []).nodes[0]


def reason(found: NodeState | Refusal) -> tuple[str, bool] | None:
    """The class of a refusal and whether it is soft."""
    return (found.mode.value, found.soft) if isinstance(found, Refusal) else None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"memory": 999}, None),
        ({"memory": 1000}, ("FailMem", False)),
        ({"disk": 9999}, None),
        ({"disk": 10000}, ("FailDisk", False)),
        ({"disk": 10000, "disk_template": RBD}, None),
        ({"vcpus": 32}, None),
        ({"vcpus": 33}, ("FailCPU", True)),
        ({"spindle_use": 32}, None),
        ({"spindle_use": 33}, ("FailDisk", True)),
    ],
)
def test_what_an_empty_node_takes(changes: dict[str, Any], expected: tuple[str, bool] | None) -> None:
    assert reason(add_primary(empty(), placed(**changes))) == expected
    ignoring = add_primary(empty(), placed(**changes), ignore_soft=True)
    assert reason(ignoring) == (expected if expected and not expected[1] else None)


def test_the_reserve_for_fail_over_must_stay() -> None:
    """300 MiB are kept for node 0; 1000 − 699 leaves one more than that, 1000 − 700 just as much."""
    keeper = state([node(), node()], [instance(0, 1, memory=300)]).nodes[1]
    assert reason(add_primary(keeper, placed(memory=699))) is None
    assert reason(add_primary(keeper, placed(memory=700))) == ("FailMem", True)
    forced = add_primary(keeper, placed(memory=700), ignore_soft=True)
    assert isinstance(forced, NodeState)
    assert forced.n1_failed


def test_a_node_that_failed_before_is_not_held_to_its_reserve() -> None:
    failing = replace(state([node(), node()], [instance(0, 1, memory=300)]).nodes[1], n1_failed=True)
    assert reason(add_primary(failing, placed(memory=700))) is None


def test_the_minimum_of_disk_is_soft() -> None:
    low = state([node()], [], settings=Settings(disk_reserve=0.5)).nodes[0]
    assert reason(add_primary(low, placed(disk=5000))) is None
    assert reason(add_primary(low, placed(disk=5001))) == ("FailDisk", True)


def test_exclusion_tags_are_soft() -> None:
    tagged = Placed(9, instance(), exclusion_tags=("role:db",))
    first = add_primary(empty(), tagged)
    assert isinstance(first, NodeState)
    assert reason(add_primary(first, replace(tagged, index=10))) == ("FailTags", True)
    assert reason(add_secondary(first, replace(tagged, index=10), 5)) is None, "they bind primaries alone"


def test_with_exclusive_storage_spindles_are_hard_and_must_be_known() -> None:
    whole = empty(exclusive_storage=True, free_spindles=1)
    assert reason(add_primary(whole, placed(disks=()))) is None, "no disks, no spindles"
    assert reason(add_primary(whole, placed(disks=(Disk(10, 2),)))) == ("FailSpindles", False)
    assert reason(add_primary(whole, placed(disks=(Disk(10),)))) == ("FailSpindles", False)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"disk_template": PLAIN}, ("FailDisk", False)),
        ({"disk": 10000}, ("FailDisk", False)),
        ({"memory": 999}, None),
        ({"memory": 1000}, ("FailMem", True)),
        ({"memory": 1000, "auto_balance": False}, None),
        ({"vcpus": 99}, None),
    ],
)
def test_what_an_empty_node_mirrors(changes: dict[str, Any], expected: tuple[str, bool] | None) -> None:
    assert reason(add_secondary(empty(), placed(**changes), 5)) == expected


def test_disks_that_are_there_already_are_not_asked_for() -> None:
    full = empty(free_disk=0)
    assert reason(add_secondary(full, placed(), 5, ignore_soft=True)) == ("FailDisk", False)
    assert reason(add_secondary(full, placed(), 5, ignore_soft=True, ignore_disks=True)) is None


def test_needs_of_one_primary_add_up() -> None:
    once = add_secondary(empty(), placed(), 5)
    assert isinstance(once, NodeState)
    twice = add_secondary(once, placed(10), 5)
    assert isinstance(twice, NodeState)
    assert (twice.peers, twice.reserved_memory) == (((5, 200),), 200)
    gone = remove_secondary(remove_secondary(twice, placed(10, primary=5)), placed(primary=5))
    assert (gone.peers, gone.real.secondaries) == ((), ())


def test_a_forthcoming_instance_changes_the_plan_only() -> None:
    planned = add_primary(empty(), placed(forthcoming=True))
    assert isinstance(planned, NodeState)
    assert (planned.real, planned.planned.primaries) == (empty().real, (9,))
    assert reason(add_primary(planned, placed(10, memory=900))) == ("FailMem", True), "its memory is promised"


@given(st.integers(1, 400), st.integers(1, 4000), st.integers(1, 8))
def test_removing_what_was_added_leaves_the_node_as_it_was(memory: int, disk: int, vcpus: int) -> None:
    before = state([node(), node()], [instance(0, 1), instance(1, 0)]).nodes[0]
    one = placed(memory=memory, disk=disk, vcpus=vcpus, primary=0, secondary=5)
    runs = add_primary(before, one)
    assert isinstance(runs, NodeState)
    assert remove_primary(runs, one) == before
