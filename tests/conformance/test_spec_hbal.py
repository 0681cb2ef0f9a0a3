"""The specification of balancing against Ganeti's hbal: the same moves with the same printed scores."""

import subprocess
from pathlib import Path

import pytest

from htools.backends import text
from htools.errors import LoadError
from htools.formatting.numbers import fixed
from spec.allocator.balance import balance
from spec.allocator.decisions import MoveKind, Rules
from spec.allocator.initial import initial_state
from spec.allocator.score import optimum
from spec.allocator.state import group_state
from tests.conftest import ganeti_program

GANETI_KINDS = {
    ("f",): MoveKind.FAILOVER,
    ("fa",): MoveKind.FAILOVER_TO_ANY,
    ("r",): MoveKind.REPLACE_SECONDARY,
    ("r", "f"): MoveKind.REPLACE_AND_FAILOVER,
    ("f", "r"): MoveKind.FAILOVER_AND_REPLACE,
    ("f", "r", "f"): MoveKind.REPLACE_PRIMARY,
}


def steps_of_ganeti(hbal: str, arguments: list[str]) -> list[tuple[MoveKind, str]]:
    """Kind and printed score of each move, from Ganeti's own output."""
    answer = subprocess.run([hbal, *arguments], capture_output=True, text=True, check=False).stdout
    steps = []
    for line in answer.splitlines():
        if " a=" in line:
            head, _, action = line.partition(" a=")
            kind = tuple(step.partition(":")[0] for step in action.split())
            steps.append((GANETI_KINDS[kind], head.split()[-1]))
    return steps


@pytest.mark.ganeti
@pytest.mark.shared
@pytest.mark.parametrize(
    ("flags", "rules"),
    [
        ([], Rules()),
        (["--restricted-migration"], Rules(restricted_migration=True)),
        (["--evac-mode", "--restricted-migration"], Rules(evacuation=True, restricted_migration=True)),
        (["--no-disk-moves", "--ignore-soft-errors"], Rules(disk_moves=False, ignore_soft=True)),
    ],
)
def test_the_specified_steps_are_ganetis(shared: Path, flags: list[str], rules: Rules) -> None:
    hbal = ganeti_program("hbal")
    if hbal is None:
        pytest.skip("Ganeti's hbal is not installed")
    compared = 0
    for path in sorted((shared / "clusters" / "peer").glob("*.data")):
        try:
            cluster = text.load(str(path))
        except LoadError:
            continue
        for group, owner in enumerate(cluster.groups):
            state = group_state(initial_state(cluster), group)
            if len(state.nodes) * len(state.instances) > 300 or not state.instances:
                continue
            steps = balance(state, rules, stop_at=optimum(state) + 1e-9, rounds=5)
            ours = [(step.move.kind, fixed(step.score, 8)) for step in steps]
            assert ours == steps_of_ganeti(hbal, ["-t", str(path), "-G", owner.name, "-l5", *flags]), path.name
            compared += len(ours)
    assert compared >= 3
