"""What our hbal has beyond the real one: JSON, explanations, pictures, looking ahead, progress."""

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings

from checkers.plans.reader import read_plan
from htools import hbal
from htools.backends import text
from htools.balance.explain import Explanation, Obstacle
from htools.balance.lookahead import balance_ahead
from htools.balance.rounds import balance
from htools.model.cluster import Model
from htools.model.moves import Planned, attempt, movable, offered
from htools.model.score import score
from htools.plan.plot import NodeFigures, label, svg
from htools.plan.progress import shown
from spec.allocator import moves
from spec.allocator.cluster import Cluster
from spec.allocator.decisions import FailMode, Move, MoveKind, Refusal, Rules, Settings
from spec.allocator.initial import initial_state
from spec.allocator.state import State, group_state
from tests.conformance.clusters import Generator
from tests.conformance.programs import run_ours
from tests.htools.model.test_cluster import clusters

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


def told_accounts(defined: State) -> list[dict[str, object]]:
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
def test_json_tells_the_accounts_that_the_definition_comes_to(tmp_path: Path, seed: int) -> None:
    """Before the plan, and after its moves were made one after the other."""
    path = written(tmp_path, seed)
    outcome = run_ours(hbal.main, ["-t", path, "-G", "group0", "--json", "--ignore-soft-errors"], tmp_path)
    told, cluster = json.loads(outcome.output), text.load(path)
    defined = group_state(initial_state(cluster, Settings()), 0)
    assert [node["before"] for node in told["cluster"]] == told_accounts(defined)
    node_at = {node.name: index for index, node in enumerate(cluster.nodes)}
    vm_at = {vm.name: index for index, vm in enumerate(cluster.instances)}
    for one in told["plan"]:
        kind = MoveKind(one["move"])
        target = None if kind is MoveKind.FAILOVER else node_at[one["to"][TARGET[kind]]]
        moved = moves.apply(defined, Move(vm_at[one["instance"]], kind, target), ignore_soft=True)
        assert isinstance(moved, State)
        defined = moved
    assert [node["after"] for node in told["cluster"]] == told_accounts(defined)
    assert [node["name"] for node in told["cluster"]] == [cluster.nodes[index].name for index in defined.nodes]


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
    told = json.loads(outcome.output)
    assert told["state"] == state
    assert ("error" in told) == (state == "failed")
    assert state != "failed" or "Error: " in outcome.errors


def test_json_is_one_document_also_when_the_plan_cannot_be_executed(tmp_path: Path) -> None:
    outcome = run_ours(hbal.main, ["-t", written(tmp_path, 2), "-G", "group0", "--json", "-X"], tmp_path)
    assert outcome.code == 1
    assert json.loads(outcome.output)["state"] == "improved"


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
                assert obstacle.mode is moved
                refusal = moves.attempt(state, move)
                assert isinstance(refusal, Refusal)
                assert names_the_same(obstacle.constraint, refusal), (obstacle.constraint, refusal)
            else:
                assert value is not None
        assert max(map(len, explanation.lines())) <= 80


PLENTY = 10**7
LIFTED = {
    FailMode.MEMORY: ("total_memory", "free_memory"),
    FailMode.DISK: ("total_disk", "free_disk", "spindles"),
    FailMode.CPU: ("total_cpus",),
    FailMode.SPINDLES: ("spindles", "free_spindles"),
}
"""What a node has to have more of, lest it refuse for a reason."""


def lifted(cluster: Cluster, obstacles: Iterable[Obstacle]) -> Cluster:
    """The cluster with plenty of what the obstacles are about, on the nodes that they name."""
    nodes = list(cluster.nodes)
    for at, node in enumerate(nodes):
        keys = {key for one in obstacles if one.node == node.name for key in LIFTED[one.mode]}
        nodes[at] = replace(node, **{key: getattr(node, key) + PLENTY for key in keys})
    return replace(cluster, nodes=tuple(nodes))


def wrongly_explained(cluster: Cluster, explain: Callable[[Explanation, Move], Obstacle]) -> list[str]:
    """Refusals that stay when all is lifted that is told, or that nobody told of when one thing is lifted."""
    extra, wrong = Settings(vcpu_ratio=2.0), []
    unknown = any(vm.total_spindles is None for vm in cluster.instances)  # of spindles no number is enough then
    model = Model.of(cluster, extra)
    for vm in movable(model, Rules()):
        explanation = Explanation(model, Rules(), vm.index)
        for move, value, _ in explanation.candidates():
            if value is not None:
                continue
            first = explain(explanation, move)
            told = (first, *first.others)
            if any(one.mode not in LIFTED or (unknown and one.mode is FailMode.SPINDLES) for one in told):
                continue
            if isinstance(moves.attempt(initial_state(lifted(cluster, told), extra), move), Refusal):
                wrong.append(f"{move}: refused with all of {told} lifted")
            left = moves.attempt(initial_state(lifted(cluster, (first,)), extra), move)
            if isinstance(left, Refusal):
                name = cluster.nodes[left.node].name
                if (name, left.mode) not in {(one.node, one.mode) for one in first.others}:
                    wrong.append(f"{move}: then {left}, which is not in {first.others}")
    return wrong


@settings(max_examples=60, deadline=None)
@given(clusters())
def test_what_is_told_is_all_that_stands_in_the_way(cluster: Cluster) -> None:
    assert not wrongly_explained(cluster, Explanation.obstacle)


TIGHT = """g|u|preferred||

n0|4096|100|1996|10000|5000|4|M|u|1||N|0|1|1.0
n1|4096|100|3996|10000|5000|4|N|u|1||N|0|1|1.0
n2|1024|100|924|10000|100|1|N|u|1||N|0|1|1.0
n3|4096|100|3996|10000|9000|4|Y|u|1||N|0|1|1.0

i1|2000|5000|4|running|Y|n0|n1|drbd|svc:a|1|-|N
i2|200|9900|4|running|Y|n2||plain|svc:a|1|-|N

htools:iextags:svc

"""


def test_several_constraints_that_bind_are_all_told(tmp_path: Path) -> None:
    (tmp_path / "tight").write_text(TIGHT)
    outcome = run_ours(hbal.main, ["-t", "tight", "--explain", "i1"], tmp_path)
    told = " ".join(outcome.output.split())
    for line in (
        "Offline, and so no targets: n3.",
        "r:n2 refused by n2 as new secondary (hard): free disk: -4900 MiB would be left, 1 MiB needed and then (soft)",
        "1 MiB needed and then (soft): memory for fail-over: 724 MiB are free, 2001 MiB needed",
        "free memory: -1276 MiB would be left, 1 MiB needed and then (hard): free disk: -4900 MiB",
        "and then (soft): virtual cores for each core: would be 9.00, 4.00 allowed",
        "and then (soft): exclusion tag svc:a is there already",
        "None of them lowers the score, so it stays where it is.",
    ):
        assert line in told
    assert "forthcoming" not in told
    outcome = run_ours(hbal.main, ["-t", "tight", "--explain", "i2"], tmp_path)
    assert "plain cannot be moved" in outcome.output
    assert "No move is tried." in outcome.output
    alone = "\n".join(line for line in TIGHT.splitlines() if line[:2] not in {"n1", "n2", "i1"}).replace("plain", "ext")
    (tmp_path / "alone").write_text(alone.replace("|n2|", "|n0|") + "\n")
    outcome = run_ours(hbal.main, ["-t", "alone", "--explain", "i2"], tmp_path)
    assert "No move is tried: no other node of its group is online." in outcome.output


def test_a_gain_that_is_too_small_is_told() -> None:
    model = Model.of(text.parse(Generator(2).build().text), Settings()).group(0)
    best = next(balance(model.copy(), Rules(), score(model.nodes.values()), stop_at=0.0))
    told = {
        rules: " ".join(" ".join(Explanation(model, rules, best.move.instance).lines()).split())
        for rules in (Rules(), Rules(min_gain=1e6, min_gain_limit=1e6))
    }
    assert told[Rules()].endswith("another round could make it.")
    assert "which is too little" in told[Rules(min_gain=1e6, min_gain_limit=1e6)]


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


def odd_names() -> list[str]:
    same = "x" * 300
    return ["a&b<c>\"d'e", "😀" + "界" * 40, f"{same}1", f"{same}2", "n\x01\x1b[31m\ufffe", "rack1-n1.long.example.com"]


def test_pictures_of_odd_names_are_well_formed_and_their_labels_differ(tmp_path: Path) -> None:
    names = odd_names()
    nodes = "".join(f"{name}|4096|0|4096|100|100|1|{'MN'[at > 0]}|u\n" for at, name in enumerate(names))
    instances = "".join(f"i{at}<|1|1|1|running|Y|{names[0]}|{names[1]}|drbd|\n" for at in range(3))
    (tmp_path / "cluster").write_text(f"<g>|u|preferred||\n\n{nodes}\n{instances}\n\n")
    run_ours(hbal.main, ["-t", "cluster", "--plot", "plan.svg"], tmp_path)
    tree = ET.fromstring((tmp_path / "plan.svg").read_text())  # noqa: S314 - written by us
    labels = [str(item.text) for item in tree.iter("{http://www.w3.org/2000/svg}text") if item.get("text-anchor")]
    beside = [one for one in labels if one[0] not in "0123456789"]
    assert len(set(beside)) == len(names)
    assert names[0] in beside
    assert max(map(len, beside)) <= 24


def test_labels_keep_what_tells_nodes_apart() -> None:
    assert label("n1.example.com", "n1") == "n1.example.com"
    assert label("node1-rack3.cluster.dept.example.com", "node1-rack3") == "node1-rack3"
    assert label("a" * 30 + "1", "a" * 30 + "1") == "aaaaaaaaaaa…aaaaaaaaaa1".rjust(23, "a")


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_scores_that_are_no_numbers_are_left_out(value: float) -> None:
    figure = NodeFigures("n", "n", value, 0.5, value)
    assert "nan" not in svg("title", [figure], [figure], [value, 2.0, 1.0]).replace("NaN", "")


Ahead = Callable[[Model, Rules, float, int, int], Iterable[Planned]]


def usual_ahead(model: Model, rules: Rules, before: float, ahead: int, rounds: int) -> Iterable[Planned]:
    return balance_ahead(model, rules, before, ahead=ahead, stop_at=0.0, rounds=rounds)


def ends_higher(search: Ahead) -> list[tuple[int, int, int]]:
    """Seeds, steps looked ahead and rounds with which a search ends above the greedy one, or not where it says."""
    found = []
    for seed in (*SEEDS, 7):
        cluster = text.parse(Generator(seed, 3, 7).build().text)
        for ahead, rounds in ((2, -1), (5, -1), (3, 6)):
            greedy, looking = (Model.of(cluster, Settings()).group(0) for _ in range(2))
            before = score(greedy.nodes.values())
            plain = list(balance(greedy, Rules(), before, stop_at=0.0, rounds=rounds))
            plan = list(search(looking, Rules(), before, ahead, rounds))
            end = plan[-1].score if plan else before
            honest = end == score(looking.nodes.values()) and (rounds < 0 or len(plan) <= rounds)
            if not honest or end > (plain[-1].score if plain else before):
                found.append((seed, ahead, rounds))
    return found


def test_looking_ahead_never_ends_higher_and_counts_what_it_does() -> None:
    assert not ends_higher(usual_ahead)


def test_a_plan_found_by_looking_ahead_can_be_executed_in_its_order() -> None:
    for seed in SEEDS:
        model = Model.of(text.parse(Generator(seed, 3, 7).build().text), Settings()).group(0)
        before = score(model.nodes.values())
        again = model.copy()
        for planned in balance_ahead(model, Rules(), before, ahead=3, stop_at=0.0):
            assert again.instances[planned.move.instance].current() == planned.before.current()
            moved = attempt(again, planned.move)
            assert not isinstance(moved, FailMode)
            moved.commit(again)
            assert score(again.nodes.values()) == planned.score
            assert before - planned.score == planned.gain
            before = planned.score


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("shared", [False, True], ids=["errors", "both"])
def test_progress_is_told_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch, shared: bool) -> None:
    monkeypatch.setattr("htools.plan.progress.PATIENCE", 0.0)
    monkeypatch.setenv("COLUMNS", "60")
    cluster = text.parse(Generator(5).build().text)
    model = Model.of(cluster, Settings()).group(0)
    before = score(model.nodes.values())
    plan: list[Planned] = list(balance(model.copy(), Rules(), before, stop_at=0.0, rounds=2))
    assert len(plan) == 2
    for stream, expected in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        if shared:
            monkeypatch.setattr(sys, "stdout", stream)
        for planned in shown(plan, before, 0.0, quiet=False):
            stream.write(f"move {planned.move.instance}\n")
        assert ("round 1" in stream.getvalue()) == expected
        lines = [line.split("\r")[-1] for line in stream.getvalue().split("\n")]
        assert lines[:2] == [f"move {planned.move.instance}" for planned in plan]
        assert not any(lines[2:])
        assert all(len(part) < 60 for part in stream.getvalue().replace("\n", "\r").split("\r"))


def test_progress_is_told_while_looking_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("htools.plan.progress.PATIENCE", 0.0)
    stream, path = Terminal(), written(tmp_path, 5)
    with contextlib.redirect_stderr(stream), contextlib.redirect_stdout(io.StringIO()):
        assert hbal.main(["-t", path, "-G", "group0", "--look-ahead", "2", "-l2"]) == 0
    assert "round 1" in stream.getvalue()


def test_quiet_runs_tell_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("htools.plan.progress.PATIENCE", 0.0)
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    assert not list(shown([], 1.0, 0.0, quiet=True))
    assert not stream.getvalue()
