"""Damaged inputs of every format: Ganeti's hbal and ours refuse the same, with the same phrases, or give the same text.

The differences are those that docs/conformance.md names. Other seeds: `pytest --seed N --clusters N`.
"""

from pathlib import Path

import pytest

from htools import hbal
from tests import budget
from tests.conformance.damaged_cases import FORMATS, comparable, damaged_case, stricter
from tests.conformance.fuzz import STUMBLES
from tests.conformance.programs import difference, run_ganeti, run_ours
from tests.conftest import ganeti_program

FAST, LONG = 25, budget.spent(ci=200, weekly=800)


def compare(program: str, kind: str, seed: int, directory: Path) -> str:
    """Run both programs on one damaged input; return their difference, empty if there is none."""
    inputs, theirs, ours = (directory / name for name in ("inputs", "ganeti", "ours"))
    for path in (inputs, theirs, ours):
        path.mkdir(parents=True)
    words = damaged_case(kind, seed, inputs)
    own = run_ours(hbal.main, words, ours)
    place = f"{kind} {seed}: hbal {' '.join(words)}\n"
    if own.code not in {0, 1} or (
        own.code == 1 and "Error: " not in own.errors and not own.errors.startswith("hbal: ")
    ):
        return f"{place}ends with {own.code}: {own.errors[-300:]}"
    if not comparable(inputs):
        return ""
    ganeti = run_ganeti(program, words, theirs)
    if ganeti.code != 0 and any(sign in ganeti.errors for sign in STUMBLES):
        return ""
    if own.code == 1 and ganeti.code in {0, 1} and stricter(own.errors):
        return ""
    if ganeti.code == own.code == 1 and "hGetContents" in own.errors:
        return ""  # Ganeti reads on demand, and may find another fault before the byte that is no UTF-8
    found = difference(ganeti, own)
    return place + found if found else ""


def run(config: pytest.Config, kind: str, first: int, usual: int, directory: Path) -> None:
    program = ganeti_program("hbal")
    if program is None:
        pytest.skip("Ganeti's hbal is not installed")
    count = int(config.getoption("--clusters") or usual)
    found = [compare(program, kind, seed, directory / str(seed)) for seed in range(first, first + count)]
    assert not list(filter(None, found))


@pytest.mark.ganeti
@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_inputs(pytestconfig: pytest.Config, kind: str, tmp_path: Path) -> None:
    run(pytestconfig, kind, budget.fixed(0), FAST, tmp_path)


@pytest.mark.long
@pytest.mark.ganeti
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", FORMATS)
def test_many_damaged_inputs(pytestconfig: pytest.Config, kind: str, tmp_path: Path) -> None:
    run(pytestconfig, kind, budget.seed(), LONG, tmp_path)
