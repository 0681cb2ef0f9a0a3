"""One request of the iallocator protocol and its answer."""

from dataclasses import replace

import pytest

from spec.allocator.cluster import Group, Nic
from spec.allocator.evacuation import Report
from spec.allocator.iallocator import (
    Allocated,
    Found,
    Known,
    NoGroupError,
    Relocated,
    RequestError,
    answer,
    placed_new,
)
from spec.allocator.requests import (
    Allocate,
    AllocateSecondary,
    ChangeGroup,
    Evacuate,
    EvacuationMode,
    Limits,
    MultiAllocate,
    NewInstance,
    Relocate,
    Request,
)
from spec.allocator.state import State
from tests.spec.allocator.small import DRBD, PLAIN, RBD, instance, node, state

GROUPS = (Group("g0", "uuid-0"), Group("g1", "uuid-1"))
SIZE = {"memory": 128, "disk": 1024}
MIRRORED = NewInstance(instance(0, None, disk_template=DRBD, **SIZE), 2)
PLAIN_ONE = NewInstance(instance(0, None, **SIZE), 1)
LIMITS = Limits(capacity=False)


def known(found: State) -> Known:
    """What a request is about."""
    return Known(GROUPS, (), found)


THREE = state([node(), node(), node()], [instance(0, 1), instance(0, None), instance(0, None, disk_template=RBD)],
              groups=2)  # fmt: skip


def test_allocate_places_one_instance_and_numbers_it() -> None:
    found = answer(known(THREE), Allocate(MIRRORED), LIMITS)
    assert isinstance(found, Allocated)
    assert found.state.instances[3].instance.nodes == (2, 1), "the two emptier nodes"


def test_allocate_keeps_to_the_nodes_and_the_group_that_it_names() -> None:
    found = answer(known(THREE), Allocate(PLAIN_ONE, restricted_to=("n0",)), LIMITS)
    assert isinstance(found, Allocated)
    assert found.state.instances[3].instance.primary == 0
    named = answer(known(THREE), Allocate(replace(PLAIN_ONE, group="uuid-0")), LIMITS)
    assert isinstance(named, Allocated)
    assert (named.given[0].choice, named.given[0].outcome is not None) == (None, True)


def test_several_instances_are_placed_one_after_the_other() -> None:
    found = answer(known(state([node(), node()], [], groups=2)), MultiAllocate((PLAIN_ONE, PLAIN_ONE)), LIMITS)
    assert isinstance(found, Allocated)
    assert {placed.instance.primary for placed in found.state.instances.values()} == {0, 1}


def test_allocate_secondary_replaces_nothing() -> None:
    found = answer(known(THREE), AllocateSecondary(1), LIMITS)
    assert isinstance(found, Found)
    assert found.outcome.best is None, "100 MiB are below the policy's least memory"
    sized = state([node(), node(), node()], [instance(0, None, **SIZE), instance(1, None)], groups=2)
    found = answer(known(sized), AllocateSecondary(0), LIMITS)
    assert isinstance(found, Found)
    assert found.outcome.best is not None
    assert found.outcome.best.placed.instance.nodes == (0, 2)


@pytest.mark.parametrize(("position", "leave", "nodes"), [(0, (1,), (2,)), (2, (0,), (2,))])
def test_relocate_names_the_new_node_only(position: int, leave: tuple[int, ...], nodes: tuple[int, ...]) -> None:
    found = answer(known(THREE), Relocate(position, 1, leave), LIMITS)
    assert isinstance(found, Relocated)
    assert found.nodes == nodes


def test_evacuate_and_change_group() -> None:
    two = state([node(), node(), node(group=1), node(group=1)], [instance(0, 1, **SIZE)], groups=2)
    report = answer(known(two), ChangeGroup((), (0,)), LIMITS)
    assert isinstance(report, Report)
    assert [(group, nodes) for _, group, nodes in report.moved] == [(1, (3, 2))]
    report = answer(known(two), Evacuate((0,), EvacuationMode.SECONDARY), LIMITS)
    assert isinstance(report, Report)
    assert report.failed == ((0, "Can't find any good node: "),)


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (Relocate(0, 2, (1,)), "Exchange 2 nodes mode is not implemented"),
        (Relocate(1, 1, (0,)), "Can't relocate non-mirrored instances"),
        (Relocate(0, 1, (0,)), "Unsupported request: excluded nodes not equal to instance's secondary(1 versus [0])"),
        (Relocate(2, 1, (1,)), "Unsupported request: excluded nodes not equal to instance's primary(0 versus [1])"),
        (AllocateSecondary(0), "Instance already has a secondary"),
        (Allocate(replace(PLAIN_ONE, group="nowhere")), "Wrong number of elems found with name nowhere"),
        (
            Allocate(NewInstance(replace(PLAIN_ONE.instance, nics=(Nic(network="net"),)), 1, "g0")),
            "The group g0 is not connected to a network required by instance new",
        ),
        (Allocate(replace(PLAIN_ONE, group="g1")), "No online nodes"),
    ],
)
def test_what_cannot_be_answered(request_: Request, text: str) -> None:
    with pytest.raises(RequestError) as refused:
        answer(known(THREE), request_, LIMITS)
    assert refused.value.reason == text


def test_without_a_group_that_takes_it_the_error_says_what_was_tried() -> None:
    with pytest.raises(NoGroupError) as refused:
        answer(known(state([node()], [], groups=2)), Allocate(MIRRORED), LIMITS)
    assert [report.error for report in refused.value.choice.reports] == ["Not enough online nodes"]


def test_tags_of_a_new_instance() -> None:
    tagged = instance(0, None, disk_template=PLAIN, tags=("role:db", "power:a"))
    new = placed_new(tagged, ("htools:iextags:role", "htools:desiredlocation:power"))
    assert (new.index, new.exclusion_tags, new.desired_locations) == (-1, ("role:db",), frozenset({"power:a"}))
