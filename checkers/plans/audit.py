"""Decides with z3 whether a plan is safe in every state between its commands, and finds the first offending step.

z3 is asked whether a cut of the plan breaks a rule (`checkers.plans.constraints`). If there is none, the verdict is
`Ok`. Otherwise the cut is reduced to one with as few commands as possible and checked by the plain definition
(`spec.plans.safety`), which must agree; the verdict is `Illegal` with the offence. After the time limit: `Unknown`.

>>> from spec.allocator.example import cluster, instance
>>> from spec.plans.model import Action, Command, PlanJob
>>> office = cluster(instance(0, 1, memory=5000), instance(1, memory=4000))
>>> migrate, away = Command(Action.MIGRATE, 0), Command(Action.MIGRATE, 1, 2)
>>> verdict = audit(office, Plan(((PlanJob((migrate,)),), (PlanJob((away,)),))))  # away too late
>>> [(reason.rule.value, reason.node) for reason in verdict.witness.reasons]
[('memory', 1)]
>>> audit(office, Plan(((PlanJob((away,)),), (PlanJob((migrate,)),))))  # in time
Ok(covered='2 commands, 3 states, 21 conditions on each')
"""

import time
from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import prod
from typing import Any

import z3

from checkers.plans.constraints import Constraints, Order
from checkers.verdict import Illegal, Ok, Unknown, Verdict
from spec.allocator.cluster import Cluster
from spec.errors import GantryError
from spec.plans.model import STANDARD_RULES, Offence, Plan, Rule, Step
from spec.plans.safety import after, offence_of, placement, shortfalls

TIMEOUT = 60.0
"""Seconds that the solver may take."""


class DisagreementError(GantryError):
    """The solver's witness is no offence by the plain definition: a bug in Gantry.

    Attributes:
        steps: the steps that are done in the solver's witness.
    """

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self.steps = steps
        super().__init__(
            f"the solver objects to a state after {len(steps)} commands which the plain definition accepts: "
            "please report this with the plan and the cluster"
        )


@dataclass(frozen=True, slots=True)
class Coverage:
    """What an audit examined: commands of the plan, states that it can go through, conditions on each."""

    commands: int
    states: int
    conditions: int


def audit(
    cluster: Cluster,
    plan: Plan,
    rules: AbstractSet[Rule] = STANDARD_RULES,
    order: Order = Order.WRITTEN,
    timeout: float = TIMEOUT,
) -> Verdict[Offence]:
    """Decide whether every state that a plan goes through keeps the rules.

    Args:
        cluster: the cluster before the plan.
        plan: the plan, its instances and nodes being positions in the cluster.
        rules: the rules to keep.
        order: the commands as written, or every order that the job sets allow.
        timeout: seconds for the solver.

    Raises:
        DisagreementError: the solver and the plain definition differ (never expected).
    """
    if order is Order.ANY and (shared := _moved_by_two_jobs(plan)) is not None:
        number, instance = shared
        return Unknown(
            f"two jobs of set {number + 1} move {cluster.instances[instance].name}, "
            "and where it ends depends on which of them is first"
        )
    deadline = time.monotonic() + timeout
    constraints = Constraints(cluster, plan, rules, order)
    solver = z3.Solver()
    solver.add(constraints.assertions)
    solver.add(constraints.something_broken())
    found: tuple[int, ...] | None = None
    while True:
        left = int(1000 * (deadline - time.monotonic()))
        solver.set("timeout", max(1, left))
        answer = solver.check() if left > 0 else z3.unknown
        if answer == z3.unsat:
            break
        if answer == z3.unknown:
            return Unknown(f"no answer within {timeout:g} s")
        found = _cut(solver.model(), constraints)
        solver.add(z3.PbLe([(done, 1) for done in constraints.done], len(found) - 1))
    if found is not None:
        return Illegal(_offence(cluster, tuple(constraints.steps[index] for index in found), rules))
    covered = coverage(plan, constraints, order)
    return Ok(f"{covered.commands} commands, {covered.states} states, {covered.conditions} conditions on each")


def coverage(plan: Plan, constraints: Constraints, order: Order) -> Coverage:
    """Count the commands, states and conditions that the constraints of a plan cover."""
    if order is Order.WRITTEN:
        states = len(constraints.steps) + 1
    else:
        states = 1 + sum(prod(len(job.commands) + 1 for job in jobs) - 1 for jobs in plan.job_sets)
    return Coverage(len(constraints.steps), states, len(constraints.faults) + len(constraints.bad_steps))


def _moved_by_two_jobs(plan: Plan) -> tuple[int, int] | None:
    """Return the first set in which two jobs move the same instance, and that instance."""
    for number, jobs in enumerate(plan.job_sets):
        movers = Counter(instance for job in jobs for instance in {command.instance for command in job.commands})
        for instance, count in movers.items():
            if count > 1:
                return number, instance
    return None


def _cut(model: Any, constraints: Constraints) -> tuple[int, ...]:
    """Return positions of the steps that are done in a model."""
    done = constraints.done
    return tuple(index for index in range(len(done)) if z3.is_true(model.eval(done[index], model_completion=True)))


def _offence(cluster: Cluster, steps: tuple[Step, ...], rules: AbstractSet[Rule]) -> Offence:
    """Find the offence of a smallest cut again, by walking through it.

    No smaller cut is bad, so every order of its steps is good up to the last one.
    """
    state = placement(cluster)
    before = tuple(shortfalls(cluster, state))
    for number, step in enumerate(steps, start=1):
        reasons = offence_of(cluster, before, state, step, rules)
        if reasons and number == len(steps):
            return Offence(steps, reasons)
        if reasons:
            break
        state = after(cluster, state, step.command)
    raise DisagreementError(steps)
