"""hbal --explain: the constraint that is named is the one that refuses, and all other unmet ones are named."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings

from htools import hbal
from htools.backends import text
from htools.balance.explain import Explanation, Obstacle
from htools.balance.rounds import balance
from htools.model.cluster import Model
from htools.model.moves import attempt, movable, offered
from htools.model.score import score
from spec.allocator import moves
from spec.allocator.cluster import Cluster
from spec.allocator.decisions import FailMode, Move, Refusal, Rules, Settings
from spec.allocator.initial import initial_state
from tests.conformance.clusters import Generator
from tests.conformance.programs import run_ours
from tests.htools.generated import written
from tests.htools.model.test_cluster import clusters

CONSTRAINT_TEXTS = {
    "memory above the N+1 reserve": "memory above the N+1 reserve|memory for the failure of ",
    "migration tag": "does not accept instances from ",
    "exclusion tag": "exclusion tag ",
}
"""The specification's names of constraints, and the beginnings of their texts in `--explain`, where these differ."""


def names_the_same(shown: str, refusal: Refusal) -> bool:
    """Return whether a shown names the constraint that refused by the specification."""
    begins = next(
        (begin for what, begin in CONSTRAINT_TEXTS.items() if refusal.what.startswith(what)), f"{refusal.what}: "
    )
    forthcoming = "with forthcoming instances"
    return shown.startswith(tuple(begins.split("|"))) and (forthcoming in shown) == (forthcoming in refusal.what)


@settings(max_examples=60, deadline=None)
@given(clusters())
def test_the_named_constraint_is_the_one_that_refused(cluster: Cluster) -> None:
    extra = Settings(disk_reserve=0.1, vcpu_ratio=2.0)
    model, state = Model.of(cluster, extra), initial_state(cluster, extra)
    online = [index for index, node in model.nodes.items() if not node.offline]
    for vm in movable(model, Rules()):
        explanation = Explanation(model, Rules(), vm.index)
        by_move = {move: (value, obstacle) for move, value, obstacle in explanation.candidates()}
        for move in offered(model, vm.index, Rules(), online):
            moved = attempt(model, move)
            value, obstacle = by_move[move]
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
"""The fields of a node to increase, so that it does not refuse for a reason."""


def lifted(cluster: Cluster, obstacles: Iterable[Obstacle]) -> Cluster:
    """Return the cluster with plenty of the resources that the obstacles name, on their nodes."""
    nodes = list(cluster.nodes)
    for at, node in enumerate(nodes):
        keys = {key for one in obstacles if one.node == node.name for key in LIFTED[one.mode]}
        nodes[at] = replace(node, **{key: getattr(node, key) + PLENTY for key in keys})
    return replace(cluster, nodes=tuple(nodes))


def wrongly_explained(cluster: Cluster, explain: Callable[[Explanation, Move], Obstacle]) -> list[str]:
    """List refusals that remain when all obstacles named are removed, or that were not named when one is removed."""
    extra, wrong = Settings(vcpu_ratio=2.0), []
    unknown = any(vm.total_spindles is None for vm in cluster.instances)  # then no number of spindles is enough
    model = Model.of(cluster, extra)
    for vm in movable(model, Rules()):
        explanation = Explanation(model, Rules(), vm.index)
        for move, value, _ in explanation.candidates():
            if value is not None:
                continue
            first = explain(explanation, move)
            obstacles = (first, *first.others)
            if any(one.mode not in LIFTED or (unknown and one.mode is FailMode.SPINDLES) for one in obstacles):
                continue
            if isinstance(moves.attempt(initial_state(lifted(cluster, obstacles), extra), move), Refusal):
                wrong.append(f"{move}: refused with all of {obstacles} lifted")
            left = moves.attempt(initial_state(lifted(cluster, (first,)), extra), move)
            if isinstance(left, Refusal):
                name = cluster.nodes[left.node].name
                if (name, left.mode) not in {(one.node, one.mode) for one in first.others}:
                    wrong.append(f"{move}: then {left}, which is not in {first.others}")
    return wrong


@settings(max_examples=60, deadline=None)
@given(clusters())
def test_the_named_constraints_are_all_that_stands_in_the_way(cluster: Cluster) -> None:
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


def test_several_constraints_that_bind_are_all_listed(tmp_path: Path) -> None:
    (tmp_path / "tight").write_text(TIGHT)
    outcome = run_ours(hbal.main, ["-t", "tight", "--explain", "i1"], tmp_path)
    printed = " ".join(outcome.output.split())
    for line in (
        "Offline, and so no targets: n3.",
        "r:n2 refused by n2 as new secondary (hard): free disk: -4900 MiB would be left, 1 MiB needed and then (soft)",
        "1 MiB needed and then (soft): memory for fail-over: 724 MiB are free, 2001 MiB needed",
        "free memory: -1276 MiB would be left, 1 MiB needed and then (hard): free disk: -4900 MiB",
        "and then (soft): virtual cores for each core: would be 9.00, 4.00 allowed",
        "and then (soft): exclusion tag svc:a is there already",
        "None of them lowers the score, so it stays where it is.",
    ):
        assert line in printed
    assert "forthcoming" not in printed
    outcome = run_ours(hbal.main, ["-t", "tight", "--explain", "i2"], tmp_path)
    assert "plain cannot be moved" in outcome.output
    assert "No move is tried." in outcome.output
    alone = "\n".join(line for line in TIGHT.splitlines() if line[:2] not in {"n1", "n2", "i1"}).replace("plain", "ext")
    (tmp_path / "alone").write_text(alone.replace("|n2|", "|n0|") + "\n")
    outcome = run_ours(hbal.main, ["-t", "alone", "--explain", "i2"], tmp_path)
    assert "No move is tried: no other node of its group is online." in outcome.output


def test_a_gain_that_is_too_small_is_explained() -> None:
    model = Model.of(text.parse(Generator(2).build().text), Settings()).group(0)
    best = next(balance(model.copy(), Rules(), score(model.nodes.values()), stop_at=0.0))
    verdicts = {
        rules: " ".join(" ".join(Explanation(model, rules, best.move.instance).lines()).split())
        for rules in (Rules(), Rules(min_gain=1e6, min_gain_limit=1e6))
    }
    assert verdicts[Rules()].endswith("another round could make it.")
    assert "which is too little" in verdicts[Rules(min_gain=1e6, min_gain_limit=1e6)]


def test_explain_names_instances_that_are_unknown(tmp_path: Path) -> None:
    outcome = run_ours(hbal.main, ["-t", written(tmp_path, 2), "-G", "group0", "--explain", "nobody"], tmp_path)
    assert outcome.code == 1
    assert "'nobody' is no instance" in outcome.errors
    assert "Trying" not in outcome.output
