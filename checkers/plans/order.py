"""Finds a safe order of a plan's jobs: z3 proposes orders, the audit refutes them, until one is safe or none is left.

The jobs keep the order of their commands, and jobs that move the same instance keep theirs; apart from that any order
of whole jobs is tried. When the audit finds an offence, its reason is generalised: what broke depends only on the
commands of some instances, so *every* order is bad in which those of them that were done come before those that were
not. That is a clause over "this job before that one", and z3 looks for positions that satisfy all clauses so far. When
there are none, the clauses that contradict each other (an unsat core, made minimal) are why no order is safe.
"""

import time
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import z3

from checkers.plans.audit import TIMEOUT, audit
from checkers.verdict import Illegal, Ok, Unknown
from spec.allocator.cluster import Cluster
from spec.plans.model import STANDARD_RULES, BadCommand, Offence, Plan, PlanJob, Rule, Shortfall, Step


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that forbids orders.

    Attributes:
        reason: what would be broken.
        done: positions of the jobs that it depends on and that were at least partly done when it broke.
        undone: positions of the jobs one of which must do something earlier to avoid it; empty if nothing helps.
    """

    reason: Shortfall | BadCommand
    step: Step
    done: tuple[int, ...]
    undone: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A safe order: each job in a set of its own, and how many proposals it took."""

    plan: Plan
    proposals: int


@dataclass(frozen=True, slots=True)
class Impossible:
    """No order is safe: the obstacles contradict each other, and none of them can be left out."""

    obstacles: tuple[Obstacle, ...]


def find_order(
    cluster: Cluster, plan: Plan, rules: AbstractSet[Rule] = STANDARD_RULES, timeout: float = TIMEOUT
) -> Found | Impossible | Unknown:
    """Look for a safe order of a plan's jobs.

    Args:
        cluster: the cluster before the plan.
        plan: the plan; its job sets do not matter here, only the order in which it is written.
        rules: the rules to keep.
        timeout: seconds for the whole search.
    """
    search = _Search(cluster, tuple(job for jobs in plan.job_sets for job in jobs))
    deadline = time.monotonic() + timeout
    proposals = 0
    while True:
        left = deadline - time.monotonic()
        order = search.propose(left) if left > 0 else Unknown(f"no answer within {timeout:g} s")
        if order is None:
            return Impossible(search.core())
        if isinstance(order, Unknown):
            return order
        proposals += 1
        proposed = Plan(tuple((search.jobs[job],) for job in order))
        verdict = audit(cluster, proposed, rules, timeout=left)
        if isinstance(verdict, Ok):
            return Found(proposed, proposals)
        if not isinstance(verdict, Illegal):
            return verdict
        search.learn(order, verdict.witness)


class _Search:
    """Positions for jobs, and the clauses learnt about them."""

    def __init__(self, cluster: Cluster, jobs: tuple[PlanJob, ...]) -> None:
        self.jobs = jobs
        self._cluster = cluster
        self._positions = [z3.Int(f"job {number}") for number in range(len(jobs))]
        self._obstacles: dict[Any, tuple[Obstacle, Any]] = {}
        self._solver = z3.Solver()
        self._solver.add([z3.And(position >= 0, position < len(jobs)) for position in self._positions])
        if len(jobs) > 1:
            self._solver.add(z3.Distinct(self._positions))
        movers: dict[int, list[int]] = {}
        for number, job in enumerate(jobs):
            for instance in sorted({command.instance for command in job.commands}):
                movers.setdefault(instance, []).append(number)
        for numbers in movers.values():
            self._solver.add([self._positions[one] < self._positions[other] for one, other in pairwise(numbers)])

    def propose(self, seconds: float) -> tuple[int, ...] | Unknown | None:
        """Return an order that no obstacle forbids, None if there is none."""
        self._solver.set("timeout", max(1, int(1000 * seconds)))
        answer = self._solver.check(*self._obstacles)
        if answer == z3.unsat:
            return None
        if answer == z3.unknown:
            return Unknown("the solver found no order in time")
        model = self._solver.model()
        places = [model.eval(position, model_completion=True).as_long() for position in self._positions]
        return tuple(sorted(range(len(self.jobs)), key=places.__getitem__))

    def learn(self, order: tuple[int, ...], offence: Offence) -> None:
        """Forbid every order that breaks the same thing for the same reason."""
        reason = offence.reasons[0]
        done: dict[int, int] = {}
        for step in offence.done:
            job = order[step.job_set]
            done[job] = step.index + 1
        relevant = [
            (job, index)
            for job, commands in enumerate(self.jobs)
            for index, command in enumerate(commands.commands)
            if self._matters(command.instance, reason, offence.step.command.instance)
        ]
        before = [(job, index) for job, index in relevant if index < done.get(job, 0)]
        after = [(job, index) for job, index in relevant if index >= done.get(job, 0)]
        obstacle = Obstacle(
            reason,
            offence.step,
            tuple(sorted({job for job, _ in before})),
            tuple(sorted({job for job, _ in after} - {order[offence.step.job_set]})),
        )
        clause = z3.Or([self._earlier(late, early) for late in after for early in before])
        name = z3.Bool(f"obstacle {len(self._obstacles)}")
        self._solver.add(z3.Implies(name, clause))
        self._obstacles[name] = (obstacle, clause)

    def _earlier(self, one: tuple[int, int], other: tuple[int, int]) -> Any:
        """Return whether one command comes before another; inside a job that is settled."""
        if one[0] == other[0]:
            return z3.BoolVal(one[1] < other[1])
        return self._positions[one[0]] < self._positions[other[0]]

    def _matters(self, instance: int, reason: Shortfall | BadCommand, moved: int) -> bool:
        """Return whether a reason depends on where `instance` is; a bad command depends on the moved instance alone."""
        if isinstance(reason, BadCommand):
            return instance == moved
        it = self._cluster.instances[instance]
        nodes = {it.primary, it.secondary}
        nodes |= {c.node for job in self.jobs for c in job.commands if c.instance == instance}
        return reason.node in nodes

    def core(self) -> tuple[Obstacle, ...]:
        """Return a smallest set of obstacles (none can be left out) that allow no order."""
        kept = list(self._solver.unsat_core())
        for name in list(kept):
            rest = [other for other in kept if not other.eq(name)]
            if self._solver.check(*rest) == z3.unsat:
                kept = rest
        return tuple(self._obstacles[name][0] for name in kept)
