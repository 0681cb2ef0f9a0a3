"""Wrong levels are refused when a module is read, as are constants where a configuration needs a formula."""

from pathlib import Path

import pytest

from checkers.tla import TlaError, load
from tests.checkers.tla.specs import figures, run

MODULE = """---- MODULE Spec ----
EXTENDS Naturals
VARIABLE x
Op(a) == a'
Able(A) == ENABLED A
Id(a) == a
{body}
Init == x = 0
Next == x' = 1 - x
===="""


@pytest.mark.parametrize(
    "body",
    ["P == (x')'", "Q == x'\nP == Q'", "P == [](x' = x)", "P == []<<x' = x>>_x", "P == <>[x' = x]_x",
     "P == (x' = 1) ~> (x = 2)", "P == ENABLED []TRUE", "P == {[]TRUE}", "P == Op(x')", "R(b) == Op(b)\nP == R(x')",
     "P == CHOOSE a \\in {1} : []TRUE", "P == \\A a \\in {x'} : [](x = a)", "P == UNCHANGED (x')",
     "P == x' = 1 /\\ []TRUE", "P == WF_(x')(x' = 1)", "P == [f |-> []TRUE]", "P == @",
     "P == LET f ==<>(x' = 1) IN 2"],
)  # fmt: skip
def test_levels_that_do_not_fit(tmp_path: Path, body: str) -> None:
    (tmp_path / "Spec.tla").write_text(MODULE.replace("{body}", body))
    with pytest.raises(TlaError) as caught:
        load(tmp_path / "Spec.tla")
    assert caught.value.kind in {"level", "undefined"}
    assert caught.value.position is not None


@pytest.mark.parametrize(
    "body",
    ["P == [][x' = x]_x /\\ <><<x' = x>>_x", "P == [](Able(x' = 1))", "P == (Able(x' = 1))' = TRUE", "P == Op(x)",
     "P == [](Id(x) = 0) ~> (x = 1)", "P == \\A a \\in {1} : []<>(x = a)", "P == WF_x(x' = 1) => [](x = 0)",
     "P == IF x = 0 THEN []TRUE ELSE <>(x = 1)", "P == LET Q == []TRUE IN Q", "P == UNCHANGED <<x, Id(x)>>"],
)  # fmt: skip
def test_levels_that_fit(tmp_path: Path, body: str) -> None:
    assert figures(run(tmp_path, MODULE.replace("{body}", body), "INIT Init\nNEXT Next")) == ("ok", 2, 3, 2)


@pytest.mark.parametrize(
    ("body", "config"),
    [
        ("Go == TRUE", "INIT Init\nNEXT Go"),
        ("Go == TRUE", "INIT Go\nNEXT Next"),
        ("Go == x' = x", "INIT Init\nNEXT Next\nPROPERTY Go"),
        ("Go == TRUE", ""),
    ],
)
def test_configurations_that_name_the_wrong_kind_of_formula(tmp_path: Path, body: str, config: str) -> None:
    with pytest.raises(TlaError) as caught:
        run(tmp_path, MODULE.replace("{body}", body), config or "CHECK_DEADLOCK TRUE")
    assert caught.value.kind == "config"


def test_a_property_that_the_initial_state_violates(tmp_path: Path) -> None:
    outcome = run(tmp_path, MODULE.replace("{body}", "Later == x = 1"), "INIT Init\nNEXT Next\nPROPERTY Later")
    assert outcome.verdict == "property"
    assert len(outcome.violations[0].trace) == 1


def test_a_state_that_no_next_step_can_reach_needs_no_code(tmp_path: Path) -> None:
    text = MODULE.replace("{body}", "Never == x = 0 /\\ FALSE")
    assert figures(run(tmp_path, text, "INIT Never\nNEXT Next")) == ("ok", 0, 0, 0)
