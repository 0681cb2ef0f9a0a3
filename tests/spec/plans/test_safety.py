"""When a plan is safe: load in each state, rules about each command, the first offending step."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.allocator.cluster import Cluster
from spec.plans.model import STANDARD_RULES, Action, BadCommand, Command, Plan, PlanJob, Rule, Shortfall
from spec.plans.safety import (
    after,
    bad_command,
    cpu_limit,
    failover_need,
    first_offence,
    free_disk,
    missing_memory,
    placement,
    shortfalls,
    unallocated_memory,
    used_cpus,
    worse,
)
from tests.spec.allocator.small import RBD, cluster, instance, node

MIGRATE, FAILOVER, REPLACE = Action.MIGRATE, Action.FAILOVER, Action.REPLACE_DISKS
THREE = cluster([node(), node(), node()], [instance(0, 1)])


def plan(*commands: Command) -> Plan:
    """A plan of one job."""
    return Plan(((PlanJob(commands),),))


def test_figures_of_a_state() -> None:
    it = cluster([node(node_memory=200, free_memory=750, node_cpus=1), node()], [instance(0, 1)])
    here = placement(it)
    assert here == ((0, 1),)
    assert (missing_memory(it, 0), unallocated_memory(it, here, 0)) == (50, 650)
    assert (used_cpus(it, here, 0), cpu_limit(it, 0)) == (2, 32)
    assert (failover_need(it, here, 1, 0), failover_need(it, here, 0, 1)) == (100, 0)


def test_disk_follows_the_plan() -> None:
    moved = after(THREE, placement(THREE), Command(REPLACE, 0, 2))
    assert [free_disk(THREE, moved, index) for index in (0, 1, 2)] == [9000, 10000, 9000]


@pytest.mark.parametrize(
    ("command", "place"),
    [
        (Command(MIGRATE, 0), (1, 0)),
        (Command(FAILOVER, 0), (1, 0)),
        (Command(REPLACE, 0, 2), (0, 2)),
        (Command(MIGRATE, 1, 2), (2, None)),
    ],
)
def test_where_commands_lead(command: Command, place: tuple[int, int | None]) -> None:
    it = cluster([node(), node(), node()], [instance(0, 1), instance(0, None, disk_template=RBD)])
    assert after(it, placement(it), command)[command.instance] == place


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (Command(MIGRATE, 0), []),
        (Command(REPLACE, 0, 2), []),
        (Command(REPLACE, 0, 1), [Rule.POSSIBLE]),
        (Command(REPLACE, 0, 0), [Rule.POSSIBLE]),
        (Command(REPLACE, 1, 2), [Rule.POSSIBLE]),
        (Command(MIGRATE, 1), [Rule.POSSIBLE]),
        (Command(REPLACE, 0, 3), [Rule.DRAIN, Rule.GROUP]),
    ],
)
def test_rules_about_commands(command: Command, expected: list[Rule]) -> None:
    it = cluster([node(), node(), node(), node(offline=True, group=1)], [instance(0, 1), instance(0, None)], groups=2)
    broken = [bad.rule for bad in bad_command(it, placement(it), command)]
    assert [rule for rule in broken if rule is not Rule.RESTRICTED_MIGRATION] == expected


def test_migration_tags_and_restricted_migration() -> None:
    tags = ("htools:migration:os",)
    it = cluster([node(tags=("os:new",)), node()], [instance(0, 1)], tags)
    found = list(bad_command(it, placement(it), Command(MIGRATE, 0)))
    assert found == [BadCommand(Rule.RESTRICTED_MIGRATION, 0), BadCommand(Rule.MIGRATION_TAGS, 1, "os:new")]


def test_every_rule_about_load_is_broken_by_some_state() -> None:
    crowded = cluster(
        [node(), node()],
        [
            instance(0, None, memory=600, disk=6000, vcpus=20, tags=("role:db",)),
            instance(0, None, memory=400, disk=4000, vcpus=20, tags=("role:db",)),
            instance(1, 0),
        ],
        ("htools:iextags:role",),
    )
    assert list(shortfalls(crowded, placement(crowded))) == [
        Shortfall(Rule.MEMORY, 0, 0, 1),
        Shortfall(Rule.DISK, 0, -1000, 1),
        Shortfall(Rule.CPU, 0, 32, 40),
        Shortfall(Rule.N_PLUS_1, 0, 0, 100, peer=1),
        Shortfall(Rule.EXCLUSION_TAGS, 0, 1, 2, tag="role:db"),
    ]
    offline = replace(crowded, nodes=(replace(crowded.nodes[0], offline=True), crowded.nodes[1]))
    assert list(shortfalls(offline, placement(offline))) == []


def test_memory_just_enough_for_a_fail_over_is_not_enough() -> None:
    tight = cluster([node(), node()], [instance(0, 1), instance(1, None, memory=900)])
    assert list(shortfalls(tight, placement(tight))) == [Shortfall(Rule.N_PLUS_1, 1, 100, 100, peer=0)]


def test_a_node_that_was_short_before_may_stay_as_short_but_not_become_shorter() -> None:
    before = (Shortfall(Rule.N_PLUS_1, 0, 50, 100, peer=1),)
    assert not worse(Shortfall(Rule.N_PLUS_1, 0, 50, 100, peer=1), before)
    assert worse(Shortfall(Rule.N_PLUS_1, 0, 49, 100, peer=1), before)
    assert worse(Shortfall(Rule.N_PLUS_1, 0, 50, 100, peer=2), before)


def test_the_first_offending_step_is_named_with_what_was_done() -> None:
    """Node 2 takes the second copy; then the instance runs where 950 of 1000 MiB are taken."""
    it = cluster([node(), node(), node()], [instance(0, 1), instance(2, None, memory=950)])
    offence = first_offence(it, plan(Command(REPLACE, 0, 2), Command(MIGRATE, 0)))
    assert offence is not None
    assert (offence.step.index, len(offence.done)) == (0, 1)
    assert offence.reasons == (Shortfall(Rule.N_PLUS_1, 2, 50, 100, peer=0),)
    waived = first_offence(it, plan(Command(REPLACE, 0, 2), Command(MIGRATE, 0)), STANDARD_RULES - {Rule.N_PLUS_1})
    assert waived is not None
    assert waived.reasons == (Shortfall(Rule.MEMORY, 2, -50, 1),)


def test_that_a_command_is_possible_cannot_be_waived() -> None:
    offence = first_offence(THREE, plan(Command(REPLACE, 0, 1)), frozenset())
    assert offence is not None
    assert offence.reasons == (BadCommand(Rule.POSSIBLE, 1),)


def test_a_safe_plan() -> None:
    assert first_offence(THREE, plan(Command(MIGRATE, 0), Command(REPLACE, 0, 2), Command(MIGRATE, 0))) is None


commands = st.builds(Command, st.sampled_from(Action), st.integers(0, 1), st.one_of(st.none(), st.integers(0, 2)))


@given(st.lists(commands, max_size=5))
def test_an_offence_is_found_by_every_longer_plan(steps: list[Command]) -> None:
    """What is bad stays bad, whatever follows."""
    it: Cluster = cluster([node(), node(), node()], [instance(0, 1), instance(1, None, memory=850)])
    found = first_offence(it, plan(*steps))
    if found is not None:
        assert first_offence(it, plan(*steps, Command(MIGRATE, 0))) == found
        assert first_offence(it, plan(*steps[: found.step.index])) is None
