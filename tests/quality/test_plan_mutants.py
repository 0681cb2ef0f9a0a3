"""Faults planted in the audit's constraints; the comparison with the plain definition must find each of them."""

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample

import checkers.plans.constraints as original
from checkers.plans import audit, order
from checkers.plans.constraints import Order
from checkers.plans.reader import read_plan
from checkers.verdict import Illegal
from htools.backends import text
from spec.allocator.cluster import Cluster
from spec.errors import GantryError
from spec.plans.model import STANDARD_RULES, Plan, Rule
from spec.plans.safety import first_offence
from tests.checkers.conftest import EXAMPLES
from tests.checkers.plans.strategies import clusters_with_plans
from tests.checkers.plans.test_audit import shortest_offence

SOURCE = Path(str(original.__file__)).read_text(encoding="utf-8")

MUTANTS = {
    "a migration forgets the secondary": (
        "self.assertions += [new[0] == old[1], new[1] == old[0]]",
        "self.assertions += [new[0] == old[1], new[1] == old[1]]",
    ),
    "replacing disks moves the primary": ("[new[0] == old[0], new[1] == node]", "[new[0] == node, new[1] == old[1]]"),
    "the secondary's disk is free": (
        "z3.Or(self.primary == node, self.secondary == node)",
        "z3.Or(self.primary == node)",
    ),
    "instances that stay need no fail-over memory": ("return fixed + _total(terms)", "return _total(terms)"),
    "stopped instances use memory": (
        "using = [moved for moved in here if moved.instance.uses_memory]",
        "using = list(here)",
    ),
    "a core too many is accepted": ("z3.IntVal(limit))", "z3.IntVal(limit + 1))"),
    "old faults are held against the plan": ("if key in before:", "if False:"),
    "old faults may get worse": ("need - room > before[key]", "need - room > 2 * before[key] + 1"),
    "offline nodes may receive": ("if nodes[node].offline]", "if False]"),
    "the new secondary may be the primary": (
        "impossible = [target == NOWHERE, target == primary]",
        "impossible = [target == NOWHERE]",
    ),
    "groups do not matter": ("if nodes[source].group != nodes[node].group", "if False"),
    "migration tags do not matter": ("if refused_migration_tags(self.cluster, source, node)", "if False"),
    "exclusion tags do not matter": ("yield tag, fixed +", "yield tag, 0 * fixed +"),
    "only the last place of an instance counts": ("z3.If(self.done[index], primary, moved.primary)", "primary"),
    "the first command is not looked at": (
        "z3.And(self.done[index], condition) for (index, _), condition in self.bad_steps.items()",
        "z3.And(self.done[index], condition) for (index, _), condition in self.bad_steps.items() if index",
    ),
}
ANY_ORDER_MUTANTS = {
    "jobs run one after the other": ("if order is Order.WRITTEN or _same_job", "if True or _same_job"),
    "a job's commands run in any order": (
        "if order is Order.WRITTEN or _same_job(earlier, later):",
        "if order is Order.WRITTEN:",
    ),
    "a set does not wait for the set before": (
        "z3.And([self.done[index] for index in before])",
        "z3.Or([self.done[index] for index in before])",
    ),
}


def mutant(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module with one place of its text changed."""
    assert SOURCE.count(old) == 1, "the text to change must stand in the module exactly once"
    module = ModuleType("planted")
    monkeypatch.setitem(sys.modules, "planted", module)
    exec(compile(SOURCE.replace(old, new), "planted", "exec"), module.__dict__)  # noqa: S102 - our own source
    # The audit compares with the original's Order, by identity.
    module.__dict__["Order"] = Order
    return module


def disagrees_as_written(case: tuple[Cluster, Plan]) -> bool:
    cluster, plan = case
    rules = STANDARD_RULES
    expected = first_offence(cluster, plan, rules)
    try:
        verdict = audit.audit(cluster, plan, rules)
    except GantryError:
        return True
    return (verdict.witness if isinstance(verdict, Illegal) else None) != expected


def disagrees_in_any_order(case: tuple[Cluster, Plan]) -> bool:
    cluster, plan = case
    try:
        verdict = audit.audit(cluster, plan, order=Order.ANY)
    except GantryError:
        return True
    found = len(verdict.witness.done) if isinstance(verdict, Illegal) else None
    return found != shortest_offence(cluster, plan)


QUICK = settings(
    max_examples=1500,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


SLOW = {
    "old faults may get worse",
    "migration tags do not matter",
    "exclusion tags do not matter",
    "stopped instances use memory",
    "a core too many is accepted",
    "instances that stay need no fail-over memory",
    "a set does not wait for the set before",
    "replacing disks moves the primary",
    "a job's commands run in any order",
}
"""Mutants that differ from the original so seldom that it takes many examples."""


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.long if n in SLOW else ()) for n in MUTANTS])
def test_a_fault_in_the_constraints_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "Constraints", mutant(*MUTANTS[name], monkeypatch).__dict__["Constraints"])
    find(clusters_with_plans(), disagrees_as_written, settings=QUICK)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.long if n in SLOW else ()) for n in ANY_ORDER_MUTANTS]
)
def test_a_fault_in_the_order_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "Constraints", mutant(*ANY_ORDER_MUTANTS[name], monkeypatch).__dict__["Constraints"])
    find(clusters_with_plans(), disagrees_in_any_order, settings=QUICK)


@pytest.mark.long
@pytest.mark.parametrize("rule", original.CONDITIONS)
def test_a_condition_that_is_strict_or_lax_by_mistake_is_found(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    row = original.CONDITIONS[rule]
    monkeypatch.setitem(original.CONDITIONS, rule, replace(row, strict=not row.strict))
    find(clusters_with_plans(), disagrees_as_written, settings=QUICK)


def test_an_obstacle_that_is_generalised_too_far_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """If only the moved instance counted, z3 would forbid orders that are safe."""

    def only_the_moved(_self: object, instance: int, _reason: object, moved: int) -> bool:
        return instance == moved

    branch = text.load(str(EXAMPLES / "branch-4.txt"))
    plan = read_plan((EXAMPLES / "branch-4.plan").read_text("utf-8"), branch)
    assert isinstance(order.find_order(branch, plan), order.Found)
    monkeypatch.setattr(order._Search, "_matters", only_the_moved)
    assert isinstance(order.find_order(branch, plan), order.Impossible)


def test_the_constraints_as_they_are_show_no_disagreement() -> None:
    with pytest.raises(NoSuchExample):
        find(clusters_with_plans(), disagrees_as_written, settings=settings(QUICK, max_examples=20))
