"""The shared vectors: TLC's values, errors and verdicts, all of which must agree."""

import json
from pathlib import Path
from typing import Any

import pytest

from checkers.tla import TlaError, TlaEvalError, TlaSemanticError, TlaSyntaxError, load
from checkers.tla.model.expression import evaluate
from checkers.tla.search.check import Outcome, check
from checkers.tla.search.state_graph import Options
from checkers.tla.values.show import show

_PHASES: dict[str, type[TlaError]] = {"parse": TlaSyntaxError, "semantic": TlaSemanticError, "eval": TlaEvalError}
_LARGE = 20_000


def vectors(shared: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((shared / "tla" / name).read_text(encoding="utf-8"))
    return found


@pytest.mark.shared
def test_expressions_have_tlcs_values(shared: Path) -> None:
    wrong = []
    for vector in vectors(shared, "expressions.json"):
        value = show(evaluate(vector["expr"]))
        if value != vector["value"] and show(evaluate(vector["value"])) != value:
            wrong.append((vector["expr"], value, vector["value"]))
    assert not wrong


@pytest.mark.shared
def test_errors_are_of_the_class_and_phase_of_tlcs(shared: Path) -> None:
    errors = vectors(shared, "errors.json")
    assert errors
    for vector in errors:
        with pytest.raises(_PHASES[vector["phase"]]) as caught:
            evaluate(vector["expr"])
        assert caught.value.kind == vector["class"], vector["expr"]
        assert caught.value.position is not None


def run(root: Path, vector: dict[str, Any], *, keep_going: bool) -> Outcome:
    folder = root / "specs" / vector["name"]
    specification = load(folder / f"{vector['name']}.tla")
    config = specification.config(folder / vector["config"])
    deadlock = config.check_deadlock and not keep_going
    return check(specification.model(config), Options(check_deadlock=deadlock, keep_going=keep_going))


def agrees(root: Path, vector: dict[str, Any]) -> None:
    outcome = run(root, vector, keep_going=False)
    first = outcome.violations[0] if outcome.violations else None
    assert outcome.verdict == vector["verdict"], first and first.error
    assert (first.name if first else None) == vector["violated"]
    if vector["trace_length"] is not None:
        assert first is not None
        assert len(first.trace) == vector["trace_length"]
    if vector["distinct"] is None:
        return
    if first is not None:
        outcome = run(root, vector, keep_going=True)
    figures = outcome.figures
    found = (figures.distinct, figures.generated, figures.depth)
    assert found == (vector["distinct"], vector["generated"], vector["depth"])


@pytest.mark.shared
def test_specifications_have_tlcs_verdicts(shared: Path) -> None:
    small = [vector for vector in vectors(shared, "specs.json") if (vector["distinct"] or 0) < _LARGE]
    assert small
    for vector in small:
        agrees(shared / "tla", vector)


SCOPES = {"QInv2", "NameClash", "EnShare", "DefOverMod"}
"""Vectors of the second set that test which module a name belongs to."""


@pytest.mark.shared
def test_scopes_are_those_of_tlc(shared: Path) -> None:
    found = [vector for vector in vectors(shared, "more/specs.json") if vector["name"] in SCOPES]
    assert {vector["name"] for vector in found} == SCOPES
    for vector in found:
        agrees(shared / "tla" / "more", vector)


@pytest.mark.shared
@pytest.mark.long
def test_large_specifications_have_tlcs_verdicts(shared: Path) -> None:
    large = [vector for vector in vectors(shared, "specs.json") if (vector["distinct"] or 0) >= _LARGE]
    assert large
    for vector in large:
        agrees(shared / "tla", vector)
