"""The vocabulary of plans: steps in the order in which a plan is written."""

from spec.plans.model import STANDARD_RULES, Action, Command, Offence, Plan, PlanJob, Rule, Step

A, B, C = (Command(Action.FAILOVER, number) for number in range(3))


def test_steps_name_their_set_their_job_and_their_place() -> None:
    plan = Plan(((PlanJob((A, B)), PlanJob(())), (PlanJob((C,)),)))
    assert plan.steps == (Step(0, 0, 0, A), Step(0, 0, 1, B), Step(1, 0, 0, C))


def test_the_offending_step_is_the_last_one_done() -> None:
    assert Offence(Plan(((PlanJob((A, B)),),)).steps, ()).step.command == B


def test_restricted_migration_has_to_be_asked_for() -> None:
    assert set(Rule) - STANDARD_RULES == {Rule.RESTRICTED_MIGRATION}
