"""Reading plans: what hbal writes and prints, job sets as JSON, and what must be refused."""

import pytest

from checkers.plans.reader import PlanError, read_plan
from spec.allocator.cluster import Cluster
from spec.plans.model import Action, Command, Plan, PlanJob
from tests.checkers.conftest import EXAMPLES

TILL = Command(Action.MIGRATE, 0)
STOCK = Command(Action.MIGRATE, 1)
NEW_SECONDARY = Command(Action.REPLACE_DISKS, 1, 2)


def test_a_script_of_hbal(branch: Cluster) -> None:
    text = (EXAMPLES / "branch-4.plan").read_text(encoding="utf-8")
    assert read_plan(text, branch) == Plan(((PlanJob((TILL,)),), (PlanJob((STOCK,)),)))


def test_what_hbal_prints_around_its_commands_is_skipped(branch: Cluster) -> None:
    text = """\
Loaded 4 nodes, 5 instances
Solution length=2

Commands to run to reach the above solution:

  echo jobset 1, 2 jobs
    echo job 1/1
    gnt-instance replace-disks -n south stock
    gnt-instance migrate -f stock
    echo job 1/2
    gnt-instance failover -f till
"""
    first = PlanJob((NEW_SECONDARY, STOCK))
    assert read_plan(text, branch) == Plan(((first, PlanJob((Command(Action.FAILOVER, 0),))),))


def test_bare_commands_run_one_after_the_other(branch: Cluster) -> None:
    text = "gnt-instance migrate -f till\n# a remark\n\ngnt-instance migrate -f stock\n"
    assert read_plan(text, branch) == Plan(((PlanJob((TILL,)),), (PlanJob((STOCK,)),)))


def test_job_sets_as_json(branch: Cluster) -> None:
    text = """[[[{"OP_ID": "OP_INSTANCE_REPLACE_DISKS", "instance_name": "stock", "remote_node": "south",
                 "mode": "replace_new_secondary", "disks": []},
                {"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": "stock"}]],
              [[{"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": "till"}]]]"""
    assert read_plan(text, branch) == Plan(((PlanJob((NEW_SECONDARY, STOCK)),), (PlanJob((TILL,)),)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no gnt-instance command"),
        ("gnt-instance migrate -f nobody", "no instance nobody"),
        ("gnt-instance replace-disks -n nowhere till", "no node nowhere"),
        ("gnt-instance replace-disks till", "needs the new secondary"),
        ("gnt-instance remove till", "not known"),
        ("gnt-instance migrate till stock", "names 2 instances"),
        ("gnt-instance migrate --cleanup till", "--cleanup is not known"),
        ("gnt-instance replace-disks till -n", "lacks the name"),
        ("gnt-instance migrate 'till", "no shell command"),
        ("gnt-node evacuate north", "not known"),
        ("ssh north gnt-instance migrate till", "no command that hbal writes"),
        ("echo jobset 1, 1 jobs\n echo job 1/1\n gnt-instance migrate till\n rm -rf /", "line 4"),
        ("echo jobset 1, 1 jobs\n gnt-instance migrate till", "before the first job"),
        ("echo job 1/1\ngnt-instance migrate till", "before the first job set"),
        ("[1", "no valid JSON"),
        ("[[1]]", "job 1/1 is no list"),
        ("{}", "the plan is no list"),
        ('[[[{"OP_ID": "OP_INSTANCE_REMOVE", "instance_name": "till"}]]]', "OP_INSTANCE_REMOVE is not known"),
        ('[[[{"OP_ID": "OP_INSTANCE_MIGRATE"}]]]', "instance_name is missing"),
        ('[[["x"]]]', "object with OP_ID"),
        (
            '[[[{"OP_ID": "OP_INSTANCE_REPLACE_DISKS", "instance_name": "till", "mode": "replace_auto"}]]]',
            "replace_auto",
        ),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(branch: Cluster, text: str, words: str) -> None:
    with pytest.raises(PlanError) as caught:
        read_plan(text, branch)
    assert words in str(caught.value)


def test_names_may_be_cut_at_a_dot_if_only_one_fits() -> None:
    from dataclasses import replace

    from htools.backends import text

    cluster = text.load(str(EXAMPLES / "branch-4.txt"))
    names = ("till.a.example", "till.b.example", "stock.a.example", "camera", "phone")
    renamed = replace(
        cluster, instances=tuple(replace(i, name=n) for i, n in zip(cluster.instances, names, strict=True))
    )
    assert read_plan("gnt-instance migrate till.b", renamed).steps[0].command.instance == 1
    with pytest.raises(PlanError, match=r"till\.a\.example or till\.b\.example"):
        read_plan("gnt-instance migrate till", renamed)
