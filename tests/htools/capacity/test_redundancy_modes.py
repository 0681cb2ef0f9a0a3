"""What is asked of redundancy, and what that closes: groups, and placement as a whole."""

import pytest

from htools.capacity.redundancy_modes import compare_ways, judge
from htools.commandline.loading import Loaded
from htools.commandline.options import Options
from htools.model.cluster import Model
from spec.allocator.cluster import AllocPolicy, Cluster, Disk
from spec.allocator.decisions import Settings
from tests.spec.allocator.small import cluster, instance, node

ASKED = instance(0, None, memory=200, disk=1024, disks=(Disk(1024),))
SOUND = cluster([node(), node(), node(group=1), node(group=1)], [instance(0, 1)], groups=2)
BAD = cluster(
    [node(), node(), node(group=1), node(group=1)],
    [instance(0, 1, memory=600), instance(1, None, memory=500), instance(2, 3)],
    groups=2,
)
"""The second node lacks memory for the instance of the first."""


def judged(read: Cluster, **said: bool) -> tuple[list[bool], frozenset[int], bool]:
    """Return which groups take instances, whose redundancy is not checked, and whether nothing is placed."""
    found = judge(Options().changed(**said), read, Model.of(read, Settings()))
    open_groups = [group.alloc_policy is not AllocPolicy.UNALLOCABLE for group in found.groups]
    return open_groups, found.limits.ignored_groups, found.stopped


def test_nothing_is_closed_on_a_redundant_cluster() -> None:
    for said in ({}, {"independent_groups": True}, {"accept_existing": True}):
        assert judged(SOUND, **said) == ([True, True], frozenset(), False)


def test_by_default_a_bad_node_stops_everything() -> None:
    assert judged(BAD) == ([False, True], frozenset(), True)


def test_independent_groups_leave_out_the_lacking_one() -> None:
    assert judged(BAD, independent_groups=True) == ([False, True], frozenset({0}), False)


def test_a_group_without_room_is_closed_only_if_groups_are_independent() -> None:
    """No node keeps too little memory for a peer; but what n0 runs would not fit on n1."""
    read = cluster(
        [node(), node(), node(group=1)],
        [instance(0, None, memory=600, disk=1024), instance(1, None, memory=500, disk=1024)],
        groups=2,
    )
    assert judged(read) == ([True, True], frozenset(), False)
    assert judged(read, independent_groups=True) == ([False, True], frozenset({0}), False)


def test_accepted_errors_close_nothing() -> None:
    assert judged(BAD, accept_existing=True) == ([True, True], frozenset(), False)


def test_the_limits_are_those_of_the_command_line() -> None:
    model = Model.of(SOUND, Settings())
    for capacity in (False, True):
        assert judge(Options().changed(capacity=capacity), SOUND, model).limits.capacity == capacity


def test_bad_nodes_and_groups_are_named_if_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    model = Model.of(BAD, Settings())
    judge(Options().changed(verbose=3), BAD, model)
    assert capsys.readouterr().err == ""
    judge(Options().changed(verbose=4), BAD, model)
    assert capsys.readouterr().err == 'Bad nodes: ["n1"]\nBad groups: ["g0"]\n'


@pytest.mark.parametrize(("read", "agree"), [(SOUND, True), (BAD, False)])
def test_the_three_ways_are_counted(read: Cluster, agree: bool, capsys: pytest.CaptureFixture[str]) -> None:
    compare_ways(Options(), Loaded(read, Model.of(read, Settings()), ""), ASKED)
    head, *lines = capsys.readouterr().out.splitlines()
    assert head == "Standard instances that fit, by what is asked of redundancy:"
    counts = [int(line.split()[1].rstrip(":")) for line in lines[:3]]
    assert (len(set(counts)) == 1) == agree
    assert (lines[3] == "  The three agree: nothing that lacked redundancy before stands in the way.") == agree
    if not agree:
        assert counts[0] == 0 < counts[1]
        assert lines[3] == "  Too little memory now for a failed peer's instances: n1."
