"""What hbal plans, the audit accepts: as written, and in every order that the job sets allow."""

from pathlib import Path

import pytest

from checkers.plans.audit import audit
from checkers.plans.constraints import Order
from checkers.plans.reader import read_plan
from checkers.verdict import Illegal, Ok
from htools import hbal
from htools.backends import text
from spec.allocator.cluster import Cluster
from spec.plans.model import Plan, Rule

pytestmark = pytest.mark.shared

SAFE = (
    "generated/c5.data",
    "generated/b20.data",
    "generated/m20.data",
    pytest.param("generated/c80.data", marks=pytest.mark.long),
    "peer/hbal-migration-1.data",
    "peer/hbal-migration-3.data",
    "peer/hbal-location-1.data",
    "peer/hbal-forth.data",
    "peer/partly-used.data",
)


def planned(path: Path, folder: Path, *options: str) -> tuple[Cluster, Plan]:
    script = folder / "plan.sh"
    assert hbal.main(["-t", str(path), f"-C{script}", "-q", *options]) == 0
    cluster = text.load(str(path))
    return cluster, read_plan(script.read_text("utf-8"), cluster)


@pytest.mark.parametrize("name", SAFE)
def test_a_plan_of_hbal_is_safe_in_every_order(shared: Path, tmp_path: Path, name: str) -> None:
    cluster, plan = planned(shared / "clusters" / name, tmp_path)
    assert plan.steps
    for order in Order:
        assert isinstance(audit(cluster, plan, order=order), Ok)


def test_a_plan_that_leaves_an_offline_node_may_break_n_plus_1(shared: Path, tmp_path: Path) -> None:
    """Hbal asks less of moves off an offline node: a secondary may come to a node that then lacks the memory for it."""
    cluster, plan = planned(shared / "clusters" / "peer/hbal-evac.data", tmp_path)
    verdict = audit(cluster, plan)
    assert isinstance(verdict, Illegal)
    assert {reason.rule for reason in verdict.witness.reasons} == {Rule.N_PLUS_1}
    assert isinstance(audit(cluster, plan, frozenset(Rule) - {Rule.N_PLUS_1, Rule.RESTRICTED_MIGRATION}), Ok)


def test_with_restricted_migration_and_evacuation_only_drained_nodes_are_left(shared: Path, tmp_path: Path) -> None:
    path = shared / "clusters" / "peer/hbal-evac.data"
    cluster, plan = planned(path, tmp_path, "--evac-mode", "--restricted-migration")
    rules = frozenset(Rule) - {Rule.N_PLUS_1}
    assert plan.steps
    assert isinstance(audit(cluster, plan, rules), Ok)
    _, free = planned(path, tmp_path)
    assert isinstance(audit(cluster, free, rules), Illegal)
