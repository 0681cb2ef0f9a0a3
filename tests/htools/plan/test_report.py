"""hbal --json: one document in every case, with the plan that the text has and the specification's accounts."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from checkers.plans.reader import read_plan
from htools import hbal
from htools.backends import text
from spec.allocator import moves
from spec.allocator.decisions import Move, MoveKind, Settings
from spec.allocator.initial import initial_state
from spec.allocator.state import State, group_state
from tests.conformance.clusters import Generator
from tests.conformance.programs import run_ours
from tests.htools.generated import SEEDS, written


@pytest.mark.parametrize("seed", SEEDS)
def test_json_gives_the_same_plan_as_the_text(tmp_path: Path, seed: int) -> None:
    path = written(tmp_path, seed)
    (tmp_path / "a").mkdir()
    words = ["-t", path, "-G", "group0"]
    plain = run_ours(hbal.main, [*words, "-C"], tmp_path / "a")
    answer = run_ours(hbal.main, [*words, "--json"], tmp_path / "a")
    plan = json.loads(answer.output)
    commands = [line.strip() for line in plain.output.splitlines() if line.strip().startswith("gnt-instance")]
    cluster = text.load(path)
    short = [line.replace(".example.com", "") for move in plan["plan"] for line in move["commands"]]
    assert [line.replace(".example.com", "") for line in commands] == short
    assert read_plan(answer.output, cluster) == read_plan(json.dumps(plan["job_sets"]), cluster)
    total = sum(component["weight"] * component["final"] for component in plan["components"])
    assert total == pytest.approx(plan["score"]["final"])
    assert [move["job_set"] for move in plan["plan"]] == [
        number for number, jobs in enumerate(plan["job_sets"], 1) for _ in jobs
    ]
    steps = [plan["score"]["initial"]] + [move["score"] for move in plan["plan"]]
    gains = [move["gain"] for move in plan["plan"]]
    assert gains == [before - after for before, after in pairwise(steps)]


TARGET = {
    MoveKind.REPLACE_SECONDARY: "secondary",
    MoveKind.FAILOVER_AND_REPLACE: "secondary",
    MoveKind.REPLACE_AND_FAILOVER: "primary",
    MoveKind.REPLACE_PRIMARY: "primary",
    MoveKind.FAILOVER_TO_ANY: "primary",
}


def accounts_of(defined: State) -> list[dict[str, object]]:
    return [
        {
            "free_memory": node.unallocated_memory,
            "reserved_memory": node.reserved_memory,
            "n1_failed": node.n1_failed,
            "free_disk": node.real.free_disk,
            "used_cpus": node.real.used_cpus,
            "primaries": len(node.real.primaries),
            "secondaries": len(node.real.secondaries),
        }
        for node in defined.nodes.values()
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_json_gives_the_accounts_of_the_definition(tmp_path: Path, seed: int) -> None:
    """Before the plan, and after its moves were made one after the other."""
    path = written(tmp_path, seed)
    outcome = run_ours(hbal.main, ["-t", path, "-G", "group0", "--json", "--ignore-soft-errors"], tmp_path)
    report, cluster = json.loads(outcome.output), text.load(path)
    defined = group_state(initial_state(cluster, Settings()), 0)
    assert [node["before"] for node in report["cluster"]] == accounts_of(defined)
    node_at = {node.name: index for index, node in enumerate(cluster.nodes)}
    vm_at = {vm.name: index for index, vm in enumerate(cluster.instances)}
    for one in report["plan"]:
        kind = MoveKind(one["move"])
        target = None if kind is MoveKind.FAILOVER else node_at[one["to"][TARGET[kind]]]
        moved = moves.apply(defined, Move(vm_at[one["instance"]], kind, target), ignore_soft=True)
        assert isinstance(moved, State)
        defined = moved
    assert [node["after"] for node in report["cluster"]] == accounts_of(defined)
    assert [node["name"] for node in report["cluster"]] == [cluster.nodes[index].name for index in defined.nodes]


def test_json_is_all_that_standard_output_holds(tmp_path: Path) -> None:
    words = ["-t", written(tmp_path, SEEDS[0]), "-G", "group0", "--json"]
    alone, aside = (run_ours(hbal.main, [*words, *more], tmp_path) for more in ([], [f"-C{tmp_path}/script"]))
    assert alone.output == aside.output
    assert "The commands have been written to file" in aside.errors


BALANCED = "g|u|preferred||\n\nn|4096|0|4096|100|100|1|M|u\n\n\n\n\n"
NOBODY = "g|u|preferred||\n\n\n\n\n"


@pytest.mark.parametrize(
    ("content", "words", "state", "code"),
    [
        (None, ["-Ccommands", "-S", "state", "-p", "-vvvv"], "improved", 0),
        (None, ["--explain", "inst0", "--plot", "plan.html"], "improved", 0),
        (None, ["--look-ahead", "2", "-l2", "-q", "-C"], "improved", 0),
        (BALANCED, [], "unchanged", 0),
        (NOBODY, [], "empty", 0),
        ("x", [], "failed", 1),
        (None, ["-G", "none"], "failed", 1),
        (None, ["--explain", "nobody"], "failed", 1),
        (None, ["--plot", "no/where.svg"], "failed", 1),
        (None, ["-Cno/where.sh"], "failed", 1),
        (None, ["--mond=yes", "--exit-on-missing-mond-data"], "failed", 1),
        (None, ["word"], "failed", 1),
    ],
)
def test_json_is_one_document_whatever_happens(
    tmp_path: Path, content: str | None, words: list[str], state: str, code: int
) -> None:
    path = tmp_path / "cluster"
    path.write_text(Generator(2).build().text if content is None else content)
    (tmp_path / "out").mkdir()
    group = ["-G", "group0"] if content is None and "-G" not in words else []
    outcome = run_ours(hbal.main, ["-t", str(path), *group, "--json", *words], tmp_path / "out")
    assert outcome.code == code
    report = json.loads(outcome.output)
    assert report["state"] == state
    assert ("error" in report) == (state == "failed")
    assert state != "failed" or "Error: " in outcome.errors or outcome.errors.startswith("hbal: no/where")


def test_json_is_one_document_also_when_the_plan_cannot_be_executed(tmp_path: Path) -> None:
    outcome = run_ours(hbal.main, ["-t", written(tmp_path, 2), "-G", "group0", "--json", "-X"], tmp_path)
    assert outcome.code == 1
    assert json.loads(outcome.output)["state"] == "improved"
