"""The pairs and their bounds: configurations by name, constants of the module, and a planted difference."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from checkers.refinement.compare import System
from checkers.refinement.pairs import DIRECTORY, REFINEMENTS, NoModelsError, configurations, constants_of, refine
from checkers.tla import load
from checkers.verdict import Illegal, Ok

SMALLEST = "MaxChange = 1 Targets = {1} MaxFailures = 0 MaxCrashes = 1 MaxLosses = 0 KeepLabels = TRUE"


@pytest.fixture
def smallest(tmp_path: Path) -> str:
    path = tmp_path / "smallest.cfg"
    path.write_text(f"CONSTANTS {SMALLEST}\nSPECIFICATION Spec\nCHECK_DEADLOCK FALSE\n")
    return str(path)


def test_configurations_come_in_order_and_weekly_ones_apart(tmp_path: Path) -> None:
    for name in ("Store.refine.b.cfg", "Store.refine.a.cfg", "Store.refine.weekly.cfg", "Store.cfg", "Jobs.refine.cfg"):
        (tmp_path / name).touch()
    names = [os.path.basename(path) for path in configurations("store", str(tmp_path))]
    assert names == ["Store.refine.a.cfg", "Store.refine.b.cfg"]
    weekly = [os.path.basename(path) for path in configurations("store", str(tmp_path), weekly=True)]
    assert weekly == ["Store.refine.weekly.cfg"]
    with pytest.raises(NoModelsError, match="name the tla/ folder"):
        configurations("store", str(tmp_path / "none"))


@pytest.mark.parametrize("name", REFINEMENTS)
def test_every_pair_has_its_module_configurations_and_constants(name: str) -> None:
    pair = REFINEMENTS[name]
    config = configurations(name)[0]
    found = constants_of(load(os.path.join(DIRECTORY, pair.module)), config, pair.constants)
    assert set(found) == set(pair.constants)
    system = pair.system(found)
    assert list(system.successors(system.initial))


def test_bounds_are_those_of_the_configuration(smallest: str) -> None:
    pair = REFINEMENTS["store"]
    found = constants_of(load(os.path.join(DIRECTORY, pair.module)), smallest, pair.constants)
    assert found["MaxChange"] == 1
    assert found["MaxCrashes"] == 1
    assert set(found["Targets"]) == {1}


def test_the_smallest_store_is_the_same_on_both_sides_and_another_bound_is_not(smallest: str) -> None:
    verdict = refine("store", smallest)
    assert isinstance(verdict, Ok)

    def larger(constants: Mapping[str, Any]) -> System[Any]:
        return REFINEMENTS["store"].system({**constants, "MaxChange": 2})

    wrong = refine("store", smallest, system=larger)
    assert isinstance(wrong, Illegal)
    assert wrong.witness.only_spec
