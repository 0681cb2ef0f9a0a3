"""The search for a safe order: one is found exactly where one exists, else the reason is given."""

from itertools import permutations

import pytest
from hypothesis import given, settings

from checkers.plans.order import Found, Impossible, find_order
from checkers.plans.prose import impossible_text, script_text
from checkers.plans.reader import read_plan
from checkers.verdict import Unknown
from spec.allocator.cluster import Cluster
from spec.plans.model import Action, Command, Plan, PlanJob, Rule
from spec.plans.safety import first_offence
from tests import budget
from tests.checkers.plans.strategies import clusters_with_plans

JOBS = 4


def orders(plan: Plan) -> list[Plan]:
    """Every order of whole jobs that keeps the order of those that move the same instance."""
    jobs = [job for jobs in plan.job_sets for job in jobs]
    found = []
    for order in permutations(range(len(jobs))):
        last: dict[int, int] = {}
        for number in order:
            for instance in {command.instance for command in jobs[number].commands}:
                if last.get(instance, -1) > number:
                    break
                last[instance] = number
            else:
                continue
            break
        else:
            found.append(Plan(tuple((jobs[number],) for number in order)))
    return found


def find_where_one_exists(case: tuple[Cluster, Plan]) -> None:
    cluster, whole = case
    plan = Plan(tuple((job,) for jobs in whole.job_sets for job in jobs)[:JOBS])
    answer = find_order(cluster, plan)
    safe = [order for order in orders(plan) if first_offence(cluster, order) is None]
    if safe:
        assert isinstance(answer, Found)
        assert answer.plan in safe
    else:
        assert isinstance(answer, Impossible)
        assert answer.obstacles
        assert impossible_text(cluster, plan, answer)


@settings(max_examples=20)
@given(clusters_with_plans())
def test_an_order_is_found_exactly_where_one_exists(case: tuple[Cluster, Plan]) -> None:
    find_where_one_exists(case)


@pytest.mark.long
@settings(max_examples=budget.spent(ci=60, weekly=400))
@given(clusters_with_plans())
def test_orders_are_found_where_they_exist_often(case: tuple[Cluster, Plan]) -> None:
    find_where_one_exists(case)


def test_the_branch_office(branch: Cluster) -> None:
    till, stock = PlanJob((Command(Action.MIGRATE, 0),)), PlanJob((Command(Action.MIGRATE, 1),))
    answer = find_order(branch, Plan(((till,), (stock,))))
    assert answer == Found(Plan(((stock,), (till,))), 2)
    assert read_plan(script_text(branch, answer.plan), branch) == answer.plan
    assert find_order(branch, Plan(((till,),))) == Impossible(answer_of_till_alone(branch).obstacles)


def answer_of_till_alone(branch: Cluster) -> Impossible:
    plan = Plan(((PlanJob((Command(Action.MIGRATE, 0),)),),))
    answer = find_order(branch, plan)
    assert isinstance(answer, Impossible)
    assert [obstacle.reason.rule for obstacle in answer.obstacles] == [Rule.N_PLUS_1]
    assert "whatever is done before" in impossible_text(branch, plan, answer)
    return answer


def test_two_moves_that_wait_for_each_other(branch: Cluster) -> None:
    """Two large instances that change places: each needs the other to be gone first."""
    from dataclasses import replace

    from spec.allocator.cluster import DiskTemplate

    gib = 1024
    instances = tuple(
        replace(
            branch.instances[index],
            memory=9 * gib,
            primary=index,
            secondary=None,
            disk_template=DiskTemplate.RBD,
        )
        for index in (0, 1)
    )
    nodes = tuple(
        replace(node, free_memory=6 * gib if index < 2 else 15 * gib) for index, node in enumerate(branch.nodes)
    )
    cluster = replace(branch, instances=instances, nodes=nodes)
    plan = Plan(((PlanJob((Command(Action.MIGRATE, 0, 1),)),), (PlanJob((Command(Action.MIGRATE, 1, 0),)),)))
    answer = find_order(cluster, plan)
    assert isinstance(answer, Impossible)
    assert len(answer.obstacles) == 2
    said = impossible_text(cluster, plan, answer)
    assert "unless one of these comes before: stock (job 2/1)" in said
    assert "unless one of these comes before: till (job 1/1)" in said
    assert "Each of these can be avoided, and not all of them." in said
    detour = Plan((*plan.job_sets[:0], (PlanJob((Command(Action.MIGRATE, 0, 2),)),), *plan.job_sets[1:]))
    assert isinstance(find_order(cluster, detour), Found)


def test_no_time_is_unknown(branch: Cluster) -> None:
    assert isinstance(find_order(branch, Plan(()), timeout=0.0), Unknown)
