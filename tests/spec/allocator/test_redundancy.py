"""Global N+1 redundancy: could every node fail, each for itself?"""

import pytest

from spec.allocator.cluster import DiskTemplate, Instance
from spec.allocator.redundancy import evacuable, group_redundant, redundant
from spec.allocator.requests import Limits
from tests.spec.allocator.small import PLAIN, RBD, instance, node, state


def on_first(template: DiskTemplate, memory: int) -> Instance:
    """An instance on node 0 with enough size for the policy."""
    secondary = 1 if template is DiskTemplate.DRBD else None
    return instance(0, secondary, disk_template=template, memory=memory, disk=1024)


@pytest.mark.parametrize("template", [DiskTemplate.DRBD, RBD, PLAIN])
@pytest.mark.parametrize(("memory", "expected"), [(600, True), (700, False)])
def test_a_node_can_fail_if_another_takes_its_instances(template: DiskTemplate, memory: int, expected: bool) -> None:
    """The other node runs 300 of its 1000 MiB; something must be left."""
    found = state([node(), node()], [on_first(template, memory), instance(1, None, memory=300, disk=1024)])
    assert evacuable(found, 0) is expected


def test_a_mirrored_instance_goes_to_its_secondary_and_nowhere_else() -> None:
    found = state(
        [node(), node(), node()],
        [on_first(DiskTemplate.DRBD, 700), instance(1, None, memory=300, disk=1024)],
    )
    assert not evacuable(found, 0)


def test_instances_must_fit_together() -> None:
    found = state([node(), node()], [on_first(RBD, 500), on_first(RBD, 500)])
    assert not evacuable(found, 0)
    assert evacuable(state([node(), node(), node()], [on_first(RBD, 400), on_first(RBD, 400)]), 0)


def test_no_node_of_another_group_is_a_refuge() -> None:
    assert not evacuable(state([node(), node(group=1)], [on_first(RBD, 100)], groups=2), 0)


def test_limits_leave_groups_and_offline_nodes_out() -> None:
    lonely = state([node(), node(group=1)], [on_first(RBD, 100)], groups=2)
    assert not redundant(lonely, Limits())
    assert redundant(lonely, Limits(ignored_groups=frozenset({0})))
    assert (group_redundant(lonely, 0, Limits()), group_redundant(lonely, 1, Limits())) == (False, True)
    offline = state([node(offline=True), node(group=1)], [on_first(RBD, 100)], groups=2)
    assert not redundant(offline, Limits())
    assert redundant(offline, Limits(accept_existing=True))
