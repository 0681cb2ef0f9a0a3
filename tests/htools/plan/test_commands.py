"""Moves in every form: letters, commands, opcodes, lines and sets of jobs.

Source: the moves that hbal 3.0.2 prints, its output of `-C` and of `-X`.
"""

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from htools.model.cluster import Model
from htools.model.instance import InstanceModel
from htools.model.moves import Planned
from htools.plan.commands import commands, job_sets, line, opcodes, places, script, steps_of
from spec.allocator import squeeze
from spec.allocator.cluster import InstanceStatus
from spec.allocator.decisions import Move, MoveKind, Settings
from tests.spec.allocator.small import RBD, cluster, instance, node

READ = cluster([node() for _ in range(6)], [instance(0, 1), instance(0, None, disk_template=RBD)])
MODEL = Model.of(READ, Settings())
MIRRORED, SHARED = MODEL.instances.values()

MOVES: dict[str, tuple[InstanceModel, MoveKind, int, int, str, list[str]]] = {
    "fail-over": (MIRRORED, MoveKind.FAILOVER, 1, 0, "f", ["migrate -f i0"]),
    "to any": (SHARED, MoveKind.FAILOVER_TO_ANY, 3, -1, "fa:n3", ["migrate -f -n n3 i1"]),
    "secondary": (MIRRORED, MoveKind.REPLACE_SECONDARY, 0, 3, "r:n3", ["replace-disks -n n3 i0"]),
    "replace, fail over": (
        MIRRORED, MoveKind.REPLACE_AND_FAILOVER, 3, 0, "r:n3 f", ["replace-disks -n n3 i0", "migrate -f i0"]
    ),
    "primary": (
        MIRRORED, MoveKind.REPLACE_PRIMARY, 3, 1, "f r:n3 f",
        ["migrate -f i0", "replace-disks -n n3 i0", "migrate -f i0"],
    ),
    "fail over, replace": (
        MIRRORED, MoveKind.FAILOVER_AND_REPLACE, 1, 3, "f r:n3", ["migrate -f i0", "replace-disks -n n3 i0"]
    ),
}  # fmt: skip


def planned(vm: InstanceModel, kind: MoveKind, primary: int, secondary: int) -> Planned:
    return Planned(Move(vm.index, kind, None), vm, vm.at(primary, secondary), 1.25, 0.5)


@pytest.mark.parametrize("name", MOVES)
def test_letters_commands_and_opcodes(name: str) -> None:
    vm, kind, primary, secondary, letters, words = MOVES[name]
    move = planned(vm, kind, primary, secondary)
    assert steps_of(move, MODEL.nodes) == letters
    other = "" if secondary < 0 else f"n{secondary}"
    assert commands(move, f"n{primary}", other, vm.name) == words
    jobs = opcodes(move, MODEL.nodes)
    ids = {"migrate": "OP_INSTANCE_MIGRATE", "replace-disks": "OP_INSTANCE_REPLACE_DISKS"}
    assert [op["OP_ID"] for op in jobs] == [ids[word.split()[0]] for word in words]
    assert [op.get("remote_node", op.get("target_node")) for op in jobs] == [
        word.split()[word.split().index("-n") + 1] if "-n" in word else None for word in words
    ]


def test_what_does_not_run_fails_over() -> None:
    down = replace(MIRRORED.instance, status=InstanceStatus.ADMIN_DOWN)
    move = planned(InstanceModel(0, down), MoveKind.FAILOVER, 1, 0)
    assert commands(move, "n1", "n0", "i0") == ["failover -f i0"]
    assert [op["OP_ID"] for op in opcodes(move, MODEL.nodes)] == ["OP_INSTANCE_MIGRATE"]  # allows a fail-over
    later = planned(InstanceModel(0, replace(down, forthcoming=True)), MoveKind.FAILOVER, 1, 0)
    assert [op["OP_ID"] for op in opcodes(later, MODEL.nodes)] == ["OP_INSTANCE_FAILOVER"]


def test_a_line_is_aligned() -> None:
    move = planned(MIRRORED, MoveKind.REPLACE_SECONDARY, 0, 3)
    assert line(move, 7, MODEL.nodes, 3, 5) == "    7. i0    n0:n1   => n0:n3     1.25000000 a=r:n3"
    shared = planned(SHARED, MoveKind.FAILOVER_TO_ANY, 3, -1)
    assert line(shared, 12, MODEL.nodes, 2, 2) == "   12. i1 n0    => n3      1.25000000 a=fa:n3"
    assert (places(move, MODEL.nodes), places(shared, MODEL.nodes)) == (("n0", "n1"), ("n0",))


def moves(pairs: list[tuple[int, int]]) -> list[Planned]:
    """Return moves of shared instances from one node to another."""
    return [planned(SHARED.at(a, -1), MoveKind.FAILOVER_TO_ANY, b, -1) for a, b in pairs]


def test_jobs_of_a_set_have_no_node_in_common() -> None:
    plan = moves([(0, 1), (2, 3), (1, 4), (5, 2)])
    assert [len(jobs) for jobs in job_sets(plan)] == [2, 2]
    assert [len(jobs) for jobs in job_sets(moves([(0, 1), (2, 3), (4, 5)]))] == [3]
    assert [len(jobs) for jobs in job_sets(moves([(0, 1), (1, 0)]))] == [1, 1]
    assert job_sets([]) == []


def test_sets_are_built_from_the_end() -> None:
    """From the beginning, the first set would have two jobs."""
    assert [len(jobs) for jobs in job_sets(moves([(0, 1), (2, 3), (3, 4)]))] == [2, 1]
    assert [len(jobs) for jobs in job_sets(moves([(0, 1), (1, 2), (3, 4)]))] == [1, 2]


@pytest.mark.parametrize("seed", range(20))
def test_sets_keep_the_order_and_are_as_large_as_can_be(seed: int) -> None:
    rng = random.Random(seed)
    plan = moves([(a, b) for a, b in (rng.sample(range(6), 2) for _ in range(8))])
    sets = job_sets(plan)
    assert [move for jobs in sets for move in jobs] == plan
    defined = squeeze.job_sets([tuple(move.involved) for move in plan])
    assert [len(jobs) for jobs in sets] == [len(jobs) for jobs in defined]
    for jobs in sets:
        nodes = [index for move in jobs for index in move.involved]
        assert len(set(nodes)) == len(nodes)
    for before, after in pairwise(sets):
        assert before[-1].involved & {index for move in after for index in move.involved}


def test_a_script_counts_its_jobs() -> None:
    MIRRORED.alias = "short"
    text = script([[planned(MIRRORED, MoveKind.FAILOVER, 1, 0)], moves([(2, 3)])], MODEL.nodes)
    assert text.splitlines() == [
        "", "echo jobset 1, 1 jobs", "  echo job 1/1", "  check", "  gnt-instance migrate -f short",
        "", "echo jobset 2, 1 jobs", "  echo job 2/1", "  check", "  gnt-instance migrate -f -n n3 i1",
    ]  # fmt: skip
    full = script([[planned(MIRRORED, MoveKind.FAILOVER, 1, 0)]], MODEL.nodes, full_names=True)
    assert full.splitlines()[-1] == "  gnt-instance migrate -f i0"
