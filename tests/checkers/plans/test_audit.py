"""The solver's verdicts about plans against the plain definition, which walks through every state."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings

from checkers.plans.audit import audit
from checkers.plans.constraints import Order
from checkers.verdict import Illegal, Ok, Unknown
from spec.allocator.cluster import Cluster
from spec.plans.model import (
    STANDARD_RULES,
    Action,
    BadCommand,
    Command,
    Offence,
    Plan,
    PlanJob,
    Rule,
    Shortfall,
    Step,
)
from spec.plans.safety import after, first_offence, offence_of, placement, shortfalls
from tests import budget
from tests.checkers.plans.strategies import clusters_with_plans

ALL = frozenset(Rule)


def agree_as_written(case: tuple[Cluster, Plan]) -> None:
    cluster, plan = case
    for rules in (STANDARD_RULES, ALL):
        expected = first_offence(cluster, plan, rules)
        verdict = audit(cluster, plan, rules)
        assert verdict == Illegal(expected) if expected else isinstance(verdict, Ok)


@settings(max_examples=30)
@given(clusters_with_plans())
def test_as_written_the_solver_and_the_plain_walk_agree(case: tuple[Cluster, Plan]) -> None:
    agree_as_written(case)


@pytest.mark.long
@settings(max_examples=budget.spent(ci=120, weekly=1000))
@given(clusters_with_plans())
def test_as_written_they_agree_often(case: tuple[Cluster, Plan]) -> None:
    agree_as_written(case)


def agree_in_any_order(case: tuple[Cluster, Plan]) -> None:
    cluster, plan = case
    shortest = shortest_offence(cluster, plan)
    verdict = audit(cluster, plan, order=Order.ANY)
    if shortest is None:
        assert isinstance(verdict, Ok)
    else:
        assert isinstance(verdict, Illegal)
        assert len(verdict.witness.done) == shortest
        assert is_offence(cluster, plan, verdict.witness)


@settings(max_examples=30)
@given(clusters_with_plans())
def test_in_any_order_the_solver_finds_a_shortest_offence_of_all_interleavings(case: tuple[Cluster, Plan]) -> None:
    agree_in_any_order(case)


@pytest.mark.long
@settings(max_examples=budget.spent(ci=80, weekly=600))
@given(clusters_with_plans())
def test_in_any_order_they_agree_often(case: tuple[Cluster, Plan]) -> None:
    agree_in_any_order(case)


def interleavings(plan: Plan) -> Iterator[tuple[Step, ...]]:
    """Every order in which the commands of a plan can run."""

    def of_set(queues: tuple[tuple[Step, ...], ...]) -> Iterator[tuple[Step, ...]]:
        if not any(queues):
            yield ()
        for index, queue in enumerate(queues):
            if queue:
                rest = (*queues[:index], queue[1:], *queues[index + 1 :])
                yield from ((queue[0], *others) for others in of_set(rest))

    def of_plan(number: int) -> Iterator[tuple[Step, ...]]:
        if number == len(plan.job_sets):
            yield ()
            return
        steps = [step for step in plan.steps if step.job_set == number]
        queues = tuple(tuple(s for s in steps if s.job == job) for job in range(len(plan.job_sets[number])))
        for beginning in of_set(queues):
            yield from ((*beginning, *rest) for rest in of_plan(number + 1))

    yield from of_plan(0)


def shortest_offence(cluster: Cluster, plan: Plan) -> int | None:
    """The smallest number of commands after which something can be wrong, found set by set over all interleavings."""
    before = tuple(shortfalls(cluster, placement(cluster)))
    state = placement(cluster)
    done = 0
    for number, jobs in enumerate(plan.job_sets):
        alone = Plan(((),) * number + (jobs,))
        lengths = []
        for order in interleavings(alone):
            now = state
            for count, step in enumerate(order, start=1):
                if offence_of(cluster, before, now, step):
                    lengths.append(count)
                    break
                now = after(cluster, now, step.command)
        if lengths:
            return done + min(lengths)
        # No order of this set goes wrong, and its jobs move different instances: they all end in the same state.
        for step in alone.steps:
            state = after(cluster, state, step.command)
        done += len(alone.steps)
    return None


def is_offence(cluster: Cluster, plan: Plan, offence: Offence) -> bool:
    """Whether the steps are the beginning of an order that the plan allows and the last of them is bad, as it says."""
    before = tuple(shortfalls(cluster, placement(cluster)))
    state = placement(cluster)
    for index, step in enumerate(offence.done):
        waits_for = [
            other
            for other in plan.steps
            if other.job_set < step.job_set
            or ((other.job_set, other.job) == (step.job_set, step.job) and other.index < step.index)
        ]
        if not set(waits_for) <= set(offence.done[:index]):
            return False
        if step is offence.step:
            return offence_of(cluster, before, state, step) == offence.reasons
        state = after(cluster, state, step.command)
    return False


def test_two_jobs_of_a_set_that_move_one_instance_have_no_verdict_in_any_order(branch: Cluster) -> None:
    till = Command(Action.MIGRATE, 0)
    plan = Plan(((PlanJob((till,)), PlanJob((till,))),))
    verdict = audit(branch, plan, order=Order.ANY)
    assert isinstance(verdict, Unknown)
    assert "till" in verdict.reason


def test_time_up_is_unknown(branch: Cluster) -> None:
    many = tuple(PlanJob((Command(Action.MIGRATE, index),)) for index in range(5))
    assert isinstance(audit(branch, Plan((many,) * 40), order=Order.ANY, timeout=0.0), Unknown)


def test_an_empty_plan_is_safe(branch: Cluster) -> None:
    assert audit(branch, Plan(())) == Ok("0 commands, 1 states, 0 conditions on each")


def test_the_order_of_two_moves_decides(branch: Cluster) -> None:
    till, stock = PlanJob((Command(Action.MIGRATE, 0),)), PlanJob((Command(Action.MIGRATE, 1),))
    wrong = audit(branch, Plan(((till,), (stock,))))
    assert isinstance(wrong, Illegal)
    assert wrong.witness.reasons == (Shortfall(Rule.N_PLUS_1, node=1, have=1024, need=2048, peer=2),)
    assert isinstance(audit(branch, Plan(((stock,), (till,)))), Ok)
    # Side by side, nobody knows which is first; the solver finds the bad order.
    both = audit(branch, Plan(((stock, till),)), order=Order.ANY)
    assert isinstance(both, Illegal)
    assert [step.command.instance for step in both.witness.done] == [0]


def test_a_node_that_was_short_before_is_not_the_plans_fault_unless_it_gets_worse(branch: Cluster) -> None:
    short = replace(branch.nodes[1], total_memory=branch.nodes[1].total_memory - 2048.0)
    short = replace(short, free_memory=short.free_memory - 2048)
    cluster = replace(branch, nodes=(branch.nodes[0], short, *branch.nodes[2:]))
    assert isinstance(audit(cluster, Plan(((PlanJob((Command(Action.MIGRATE, 1),)),),))), Ok)
    assert isinstance(audit(cluster, Plan(((PlanJob((Command(Action.MIGRATE, 0),)),),))), Illegal)


def test_nothing_moves_to_a_drained_node(branch: Cluster) -> None:
    drained = replace(branch.nodes[3], offline=True)
    cluster = replace(branch, nodes=(*branch.nodes[:3], drained))
    verdict = audit(cluster, Plan(((PlanJob((Command(Action.MIGRATE, 1),)),),)))
    assert isinstance(verdict, Illegal)
    assert verdict.witness.reasons == (BadCommand(Rule.DRAIN, 3),)


@pytest.mark.parametrize("order", Order)
def test_restricted_migration_lets_instances_leave_drained_nodes_only(branch: Cluster, order: Order) -> None:
    plan = Plan(((PlanJob((Command(Action.MIGRATE, 1),)),),))
    verdict = audit(branch, plan, ALL, order)
    assert isinstance(verdict, Illegal)
    assert verdict.witness.reasons == (BadCommand(Rule.RESTRICTED_MIGRATION, 1),)
    leaving = replace(branch, nodes=(branch.nodes[0], replace(branch.nodes[1], offline=True), *branch.nodes[2:]))
    assert isinstance(audit(leaving, plan, ALL, order), Ok)
