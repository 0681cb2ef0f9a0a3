"""What our hbal has beyond the real one: JSON, explanations, pictures, looking ahead, progress."""

import io
import json
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings

from checkers.plan_text import read_plan
from htools import hbal
from htools.backends import text
from htools.balancing import balance, offered
from htools.explain import Explanation
from htools.lookahead import balance_ahead
from htools.model import Model
from htools.moving import attempt, movable
from htools.plan import Planned
from htools.progress import shown
from htools.scoring import score
from spec import moves
from spec.cluster import Cluster
from spec.decisions import FailMode, Refusal, Rules, Settings
from spec.initial import initial_state
from tests.conformance.clusters import Generator
from tests.conformance.programs import run_ours
from tests.htools.test_model import clusters

SEEDS = (2, 3, 5, 9)


def written(tmp_path: Path, seed: int) -> str:
    path = tmp_path / f"{seed}.data"
    path.write_text(Generator(seed).build().text)
    return str(path)


@pytest.mark.parametrize("seed", SEEDS)
def test_json_tells_the_same_plan_as_the_text(tmp_path: Path, seed: int) -> None:
    path = written(tmp_path, seed)
    (tmp_path / "a").mkdir()
    words = ["-t", path, "-G", "group0"]
    told = run_ours(hbal.main, [*words, "-C"], tmp_path / "a")
    answer = run_ours(hbal.main, [*words, "--json"], tmp_path / "a")
    plan = json.loads(answer.output)
    commands = [line.strip() for line in told.output.splitlines() if line.strip().startswith("gnt-instance")]
    cluster = text.load(path)
    short = [line.replace(".example.com", "") for move in plan["plan"] for line in move["commands"]]
    assert [line.replace(".example.com", "") for line in commands] == short
    assert read_plan(answer.output, cluster) == read_plan(json.dumps(plan["job_sets"]), cluster)
    total = sum(component["weight"] * component["final"] for component in plan["components"])
    assert total == pytest.approx(plan["score"]["final"])
    steps = [plan["score"]["initial"]] + [move["score"] for move in plan["plan"]]
    gains = [move["gain"] for move in plan["plan"]]
    assert gains == [before - after for before, after in pairwise(steps)]


def test_json_is_all_that_standard_output_holds(tmp_path: Path) -> None:
    words = ["-t", written(tmp_path, SEEDS[0]), "-G", "group0", "--json"]
    alone, aside = (run_ours(hbal.main, [*words, *more], tmp_path) for more in ([], [f"-C{tmp_path}/script"]))
    assert alone.output == aside.output
    assert "The commands have been written to file" in aside.errors


TOLD = {
    "disk above the minimum with forthcoming instances": "free disk with forthcoming instances: ",
    "disk above the minimum": "disk to be kept free: ",
    "vcpu ratio": "virtual cores for each core",
    "memory above the N+1 reserve": "memory above the N+1 reserve|memory for the failure of ",
    "migration tag": "does not accept instances from ",
    "exclusion tag": "exclusion tag ",
}
"""The specification's names of constraints and how `--explain` begins to tell them, where these differ."""


def names_the_same(told: str, refusal: Refusal) -> bool:
    """Whether what is told is the constraint that refused by the specification."""
    begins = next((begin for what, begin in TOLD.items() if refusal.what.startswith(what)), f"{refusal.what}: ")
    forthcoming = "with forthcoming instances"
    return told.startswith(tuple(begins.split("|"))) and (forthcoming in told) == (forthcoming in refusal.what)


@settings(max_examples=60, deadline=None)
@given(clusters())
def test_the_constraint_that_is_told_is_the_one_that_refused(cluster: Cluster) -> None:
    extra = Settings(disk_reserve=0.1, vcpu_ratio=2.0)
    model, state = Model.of(cluster, extra), initial_state(cluster, extra)
    online = [index for index, node in model.nodes.items() if not node.offline]
    for vm in movable(model, Rules()):
        explanation = Explanation(model, Rules(), vm.index)
        told = {move: (value, obstacle) for move, value, obstacle in explanation.candidates()}
        for move in offered(model, vm.index, Rules(), online):
            moved = attempt(model, move)
            value, obstacle = told[move]
            if isinstance(moved, FailMode):
                assert obstacle is not None
                unknown = vm.spindles is None and any(node.exclusive for node in model.nodes.values())
                assert obstacle.mode is moved or unknown
                refusal = moves.attempt(state, move)
                assert isinstance(refusal, Refusal)
                same = names_the_same(obstacle.constraint, refusal)
                assert same or unknown, (obstacle.constraint, refusal)
            else:
                assert value is not None
        assert max(map(len, explanation.lines())) <= 80


def test_explain_names_instances_that_are_unknown(tmp_path: Path) -> None:
    outcome = run_ours(hbal.main, ["-t", written(tmp_path, 2), "-G", "group0", "--explain", "nobody"], tmp_path)
    assert outcome.code == 1
    assert "'nobody' is no instance" in outcome.errors
    assert "Trying" not in outcome.output


@pytest.mark.parametrize("name", ["plan.svg", "plan.html"])
def test_the_picture_is_well_formed_and_names_every_node(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, 3)
    assert run_ours(hbal.main, ["-t", path, "-G", "group0", "--plot", str(tmp_path / name)], tmp_path).code == 0
    content = (tmp_path / name).read_text()
    picture = content[content.index("<svg") : content.index("</svg>") + len("</svg>")]
    tree = ET.fromstring(picture)  # noqa: S314 - written by us
    labels = {element.text for element in tree.iter("{http://www.w3.org/2000/svg}text")}
    assert {node.name for node in text.load(path).nodes if node.group == 0} <= labels


@pytest.mark.parametrize("seed", SEEDS)
def test_looking_ahead_never_ends_higher_and_counts_what_it_does(tmp_path: Path, seed: int) -> None:
    cluster = text.load(written(tmp_path, seed))
    greedy, ahead = (Model.of(cluster, Settings()).group(0) for _ in range(2))
    before = score(greedy.nodes.values())
    plain = list(balance(greedy, Rules(), before, stop_at=0.0, rounds=6))
    plan = list(balance_ahead(ahead, Rules(), before, ahead=3, stop_at=0.0, rounds=6))
    assert len(plan) <= 6
    if plan:
        assert plan[-1].score == score(ahead.nodes.values())
        assert plan[-1].score < before
    assert bool(plan) >= bool(plain)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_told_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("htools.progress.PATIENCE", 0.0)
    cluster = text.parse(Generator(5).build().text)
    model = Model.of(cluster, Settings()).group(0)
    before = score(model.nodes.values())
    plan: list[Planned] = list(balance(model.copy(), Rules(), before, stop_at=0.0, rounds=2))
    for stream, expected in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        assert list(shown(plan, before, 0.0, quiet=False)) == plan
        assert ("round 1" in stream.getvalue()) == (expected and bool(plan))
