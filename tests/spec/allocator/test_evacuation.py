"""Moving instances off their nodes: relocate, node-evacuate, change-group."""

import pytest

from spec.allocator.cluster import DiskTemplate, Group
from spec.allocator.evacuation import (
    EvacuationError,
    change_group,
    evacuate,
    evacuate_all,
    steps_to_pair,
    to_best_node,
    to_best_pair,
)
from spec.allocator.requests import EvacuationMode, Limits
from tests.spec.allocator.small import PLAIN, RBD, instance, node, state

FOUR = [node(), node(), node(), node()]
PRIMARY, SECONDARY, ALL = EvacuationMode.PRIMARY, EvacuationMode.SECONDARY, EvacuationMode.ALL


def kinds(moves: object) -> list[tuple[str, int | None]]:
    """Moves as kind and target."""
    assert isinstance(moves, tuple)
    return [(move.kind.value, move.target) for move in moves]


def test_the_emptier_node_becomes_the_secondary() -> None:
    found = state(FOUR, [instance(0, 1), instance(2, None)])
    moved = to_best_node(found, 0, 0, [2, 3], ignore_soft=False)
    assert (kinds(moved.moves), moved.state.instances[0].instance.nodes) == ([("r", 3)], (0, 3))


def test_of_equal_targets_the_last_is_taken() -> None:
    assert kinds(to_best_node(state(FOUR, [instance(0, 1)]), 0, 0, [2, 3], ignore_soft=False).moves) == [("r", 3)]


def test_every_refusing_target_is_named() -> None:
    full = state([node(), node(), node(free_disk=0)], [instance(0, 1)])
    with pytest.raises(EvacuationError, match=r"^Can't find any good node:  Node n2 failed: FailDisk;$"):
        to_best_node(full, 0, 0, [2], ignore_soft=False)


@pytest.mark.parametrize(
    ("template", "mode", "text"),
    [
        (PLAIN, ALL, "Instances of type plain cannot be relocated"),
        (DiskTemplate.FILE, PRIMARY, "Instances of type file cannot be relocated"),
        (RBD, SECONDARY, "Instances with disk template 'rbd' can't execute change secondary"),
    ],
)
def test_what_cannot_be_evacuated(template: DiskTemplate, mode: EvacuationMode, text: str) -> None:
    with pytest.raises(EvacuationError, match=f"^{text}$"):
        evacuate(state(FOUR, [instance(0, None, disk_template=template)]), 0, mode, 0, [1])


def test_the_modes() -> None:
    found = state(FOUR, [instance(0, 1)])
    assert kinds(evacuate(found, 0, PRIMARY, 0, [2, 3]).moves) == [("f", None)]
    assert kinds(evacuate(found, 0, SECONDARY, 0, [2, 3]).moves) == [("r", 3)]
    assert kinds(evacuate(found, 0, ALL, 0, [2, 3]).moves) == [("r", 3), ("f", None), ("r", 2)]


def test_off_an_offline_primary_the_fail_over_comes_first() -> None:
    found = state([node(offline=True), *FOUR[:3]], [instance(0, 1)])
    assert [name for name, _ in steps_to_pair(found, 0, (2, 3))] == ["first", "join", "switch", "mirror"]


def test_no_pair_at_all() -> None:
    with pytest.raises(EvacuationError, match=r"^Can't find any good nodes for relocation: no nodes available$"):
        to_best_pair(state(FOUR, [instance(0, 1)]), 0, 0, [2], ignore_soft=False)


def test_node_evacuation_goes_instance_by_instance_and_reports_failures() -> None:
    found = state(FOUR, [instance(0, 1), instance(0, None), instance(0, 2)])
    report = evacuate_all(found, [0, 1, 2], PRIMARY, Limits())
    assert report.moved == ((0, 0, (1, 0)), (2, 0, (2, 0)))
    assert report.failed == ((1, "Instances of type plain cannot be relocated"),)
    assert [kinds(job) for job in report.jobs] == [[("f", None)], [("f", None)]]


def test_no_instance_goes_to_a_node_that_is_being_left() -> None:
    found = state([*FOUR[:3], node(offline=True)], [instance(0, 1), instance(1, 0)])
    report = evacuate_all(found, [0, 1], SECONDARY, Limits())
    assert [nodes[1] for _, _, nodes in report.moved] == [2, 2]


def test_change_group_asks_for_a_group_that_none_of_the_instances_is_in() -> None:
    found = state([*FOUR[:2], node(group=1), node(group=1)], [instance(0, 1)], groups=2)
    asked: list[list[int]] = []

    def best(_state: object, _position: int, allowed: object) -> int:
        assert isinstance(allowed, list)
        asked.append(allowed)
        return 1

    report = change_group(found, (Group("g0", "0"), Group("g1", "1")), [], [0], best)
    assert asked == [[1]]
    assert report.moved == ((0, 1, (3, 2)),)
