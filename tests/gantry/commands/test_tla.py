"""`gantry tla`: exit codes, text and JSON."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gantry.cli import main
from tests.checkers.tla.specs import COUNTER

BASE = "CONSTANTS Top = 3 Fail = FALSE\nSPECIFICATION Spec\n"


def check(folder: Path, config: str, *options: str, text: str = COUNTER) -> int:
    (folder / "Spec.tla").write_text(text, encoding="utf-8")
    (folder / "Spec.cfg").write_text(config, encoding="utf-8")
    return main(["tla", "check", str(folder / "Spec.tla"), *options])


@pytest.mark.parametrize(
    ("config", "code"),
    [
        (BASE, 0),
        (BASE + "INVARIANT Low", 12),
        (BASE + "PROPERTY NoDrop", 13),
        (BASE + "PROPERTY Often", 13),
        (BASE + "CONSTRAINT Hidden", 75),
        (BASE + "INVARIANT Missing", 151),
        ("CONSTANTS Top = 3 Fail = TRUE\nSPECIFICATION Spec", 75),
    ],
)
def test_exit_codes(tmp_path: Path, config: str, code: int) -> None:
    assert check(tmp_path, config) == code


def test_other_exit_codes(tmp_path: Path) -> None:
    assert check(tmp_path, BASE, text=COUNTER.replace("Next == Up \\/ Down \\/ Turn", "Next == Up")) == 11
    assert check(tmp_path, BASE, text=COUNTER.replace("VARIABLES", "ASSUME Top > 5\nVARIABLES")) == 10
    assert check(tmp_path, BASE, text=COUNTER.replace("n' = n + 1", "n' = (n + 1")) == 150
    assert check(tmp_path, BASE, "--max-states", "2", "--no-deadlock") in {0, 20}


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(tmp_path, BASE + "INVARIANT Low", "--json") == 12
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["violated"], found["loop_start"]) == ("invariant", "Low", None)
    assert [step["action"] for step in found["trace"]] == ["Initial predicate", "Up", "Up"]
    assert found["trace"][2]["state"] == {"n": "2", "mode": '"up"'}


def test_a_trace_marks_what_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check(tmp_path, BASE + "INVARIANT Low")
    lines = capsys.readouterr().out.splitlines()
    assert "Error: Invariant Low is violated." in lines
    assert "* /\\ n = 2" in lines
    assert '  /\\ mode = "up"' in lines


def test_a_lasso_shows_where_it_goes_back_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check(tmp_path, "CONSTANTS Top = 3 Fail = FALSE\nSPECIFICATION Fair\nPROPERTY Settles")
    assert "Back to state" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["dot", "json"])
def test_the_graph_can_be_written(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "graph"
    assert check(tmp_path, BASE, "--dump", kind, str(target)) == 0
    text = target.read_text(encoding="utf-8")
    assert text.startswith("strict digraph") if kind == "dot" else len(json.loads(text)["states"]) == 8


def test_simulation_is_the_same_for_the_same_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    traces = []
    for seed in ("1", "1", "2"):
        assert check(tmp_path, BASE + "INVARIANT Low", "--simulate", "50", "--seed", seed, "--json") == 12
        traces.append(json.loads(capsys.readouterr().out)["trace"])
    assert traces[0] == traces[1]


def test_coverage_counts_each_action(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check(tmp_path, BASE, "--coverage")
    lines = [line.split()[:2] for line in capsys.readouterr().out.splitlines() if "<" in line]
    assert ["3", "<Up"] in lines
    assert ["8", "<Turn"] in lines


def test_eval(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tla", "eval", "{1, 2} \\X {3}"]) == 0
    assert capsys.readouterr().out == "{<<1, 3>>, <<2, 3>>}\n"
    assert main(["tla", "eval", '2 + "x"']) == 1
    assert capsys.readouterr().err.startswith("gantry tla: type error at line 1, column 1: ")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("1 + ", "1, column 4: syntax error: the expression ends too early"),
        ("1 +\n  {2,", "2, column 6: syntax error: the expression ends too early"),
        ("", "1, column 1: syntax error: the expression ends too early"),
        ("]", "1, column 1: syntax error at ']'"),
        ("1 + ) 2", "1, column 5: syntax error at ')'"),
        ("1 x == 2", "1, column 3: syntax error at 'x == 2': the expression has ended before it"),
        ("1\n====", "2, column 1: syntax error at '====': the expression has ended before it"),
    ],
)
def test_eval_names_the_place_of_a_syntax_error(text: str, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tla", "eval", text]) == 1
    assert capsys.readouterr().err == f"gantry tla: syntax error at line {place}\n"


def test_paths_are_shown_as_they_were_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "Nowhere.tla"
    assert main(["tla", "check", str(missing)]) == 150
    assert f"cannot read {missing}: " in capsys.readouterr().err
    extending = tmp_path / "Spec.tla"
    extending.write_text("---- MODULE Spec ----\nEXTENDS Unheard\n====", encoding="utf-8")
    assert main(["tla", "check", str(extending)]) == 150
    assert f"cannot find module Unheard (looked in {tmp_path})" in capsys.readouterr().err


def test_eval_in_a_module(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = tmp_path / "M.tla"
    module.write_text(
        "---- MODULE M ----\nEXTENDS Naturals\nCONSTANT C\nDouble(x) == 2 * x + C\n====", encoding="utf-8"
    )
    config = tmp_path / "M.cfg"
    config.write_text("CONSTANT C = 1", encoding="utf-8")
    assert main(["tla", "eval", "Double(4)", "--module", str(module), "--config", str(config)]) == 0
    assert capsys.readouterr().out == "9\n"


def test_parse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = tmp_path / "Spec.tla"
    good.write_text(COUNTER, encoding="utf-8")
    assert main(["tla", "parse", str(good)]) == 0
    good.write_text(COUNTER.replace("n < Top", "n < Tpo"), encoding="utf-8")
    assert main(["tla", "parse", str(good)]) == 150
    assert "'Tpo'" in capsys.readouterr().err


def test_assertions_and_assumptions_without_a_value_have_their_own_codes(tmp_path: Path) -> None:
    failing = COUNTER.replace("EXTENDS Naturals", "EXTENDS Naturals, TLC")
    step = failing.replace("Next == Up", 'Next == (n > 0 /\\ Assert(FALSE, "no")) \\/ Up')
    assert check(tmp_path, BASE, text=step) == 14
    assert check(tmp_path, BASE, text=failing.replace("VARIABLES", 'ASSUME 1 + "a" = 2\nVARIABLES')) == 10
    assert check(tmp_path, BASE, text=failing.replace("Init == n = 0", 'Init == Assert(FALSE, "no") /\\ n = 0')) == 75


def test_a_module_with_bounds_goes_with_the_configuration_of_the_module_that_it_bounds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bounded = "---- MODULE MCSpec ----\nEXTENDS Spec\nThree == 3\n===="
    (tmp_path / "MCSpec.tla").write_text(bounded, encoding="utf-8")
    assert check(tmp_path, BASE.replace("Top = 3", "Top <- Three")) == 151
    assert "MCSpec.tla, check that module instead" in capsys.readouterr().err
    assert main(["tla", "check", str(tmp_path / "MCSpec.tla")]) == 0


def test_no_prompt_where_nobody_sees_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("1 + 1\n\n{2, 1}\n"))
    assert main(["tla", "eval"]) == 0
    assert capsys.readouterr().out == "2\n{1, 2}\n"


@pytest.mark.parametrize("seed", ["1", "2", "3", "4", "5"])
def test_a_quantifier_decides_in_the_order_of_the_set_whatever_the_hashes(seed: str) -> None:
    text = '<<\\A x \\in {"a", "b", "c"} : IF x = "a" THEN FALSE ELSE x, \\E x \\in {"k", "l"} : x = "k" \\/ x[1]>>'
    command = [sys.executable, "-c", "from gantry.cli import main; main()", "tla", "eval", text]
    found = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONHASHSEED": seed}
    )
    assert found.stdout == "<<FALSE, TRUE>>\n"
