"""Choosing the group of a new instance."""

from dataclasses import replace

import pytest

from spec.allocator.cluster import AllocPolicy, Group, Nic
from spec.allocator.groups import best_group, groups_in_use, is_for_one_group, one_group
from spec.allocator.placement import NEW, NoTargets
from spec.allocator.requests import Limits, NewInstance
from spec.allocator.state import Placed
from tests.spec.allocator.small import instance, node, state

GROUPS = (Group("g0", "uuid-0"), Group("g1", "uuid-1"), Group("g2", "uuid-2"))
WANTED = Placed(NEW, instance(0, None, memory=128, disk=1024))
LIMITS = Limits(capacity=False)
TWO = state([node(), node(group=1)], [instance(0, None, memory=500)], groups=3)
"""One node in each of two groups; the first is half full, the third group has none."""


def test_the_lower_score_decides_between_groups_of_one_policy() -> None:
    choice = best_group(TWO, GROUPS, WANTED, 1, LIMITS)
    assert (choice.group, choice.allowed, [report.group for report in choice.reports]) == (1, 2, [0, 1])


@pytest.mark.parametrize("policy", [AllocPolicy.LAST_RESORT, AllocPolicy.UNALLOCABLE])
def test_a_preferred_group_comes_before_a_better_one(policy: AllocPolicy) -> None:
    groups = (GROUPS[0], replace(GROUPS[1], alloc_policy=policy), GROUPS[2])
    assert best_group(TWO, groups, WANTED, 1, LIMITS).group == 0
    only = best_group(TWO, groups, WANTED, 1, LIMITS, allowed=[1])
    assert only.group == (1 if policy is AllocPolicy.LAST_RESORT else None)


def test_the_later_of_two_equal_groups_is_chosen() -> None:
    assert best_group(state([node(), node(group=1)], [], groups=3), GROUPS, WANTED, 1, LIMITS).group == 1


def test_a_group_without_the_instances_network_is_left_out() -> None:
    wired = Placed(NEW, replace(WANTED.instance, nics=(Nic(network="net"), Nic())))
    groups = (replace(GROUPS[0], networks=("net",)), *GROUPS[1:])
    choice = best_group(TWO, groups, wired, 1, LIMITS)
    assert (choice.group, choice.disconnected) == (0, (1,))
    assert [group.missing_networks(wired.instance) for group in groups] == [set(), {"net"}, {"net"}]


def test_a_group_in_which_nothing_can_be_tried_reports_why() -> None:
    choice = best_group(TWO, GROUPS, WANTED, 2, LIMITS)
    assert (choice.group, [report.error for report in choice.reports]) == (None, ["Not enough online nodes"] * 2)


def test_a_named_group_is_judged_on_its_own() -> None:
    report = one_group(TWO, GROUPS, 0, WANTED, 1, limits=LIMITS)
    assert report.outcome is not None
    assert report.outcome.best is not None
    assert report.outcome.best.placed.instance.primary == 0
    with pytest.raises(NoTargets, match="No online nodes"):
        one_group(TWO, GROUPS, 2, WANTED, 1, limits=LIMITS)


def test_groups_in_use_and_the_one_group_of_a_submission() -> None:
    assert groups_in_use(TWO) == [0, 1]
    new = [NewInstance(instance(), 2, group) for group in ("a", None, "a")]
    assert is_for_one_group(new) == "a"
    assert is_for_one_group([*new, NewInstance(instance(), 2, "b")]) is None
    assert is_for_one_group([]) is None
