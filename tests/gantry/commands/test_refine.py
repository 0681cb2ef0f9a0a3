"""`gantry refine`: exit codes and output; bounds that take seconds are marked long, the weekly ones weekly."""

from pathlib import Path

import pytest

from gantry.cli import main
from tests.quality.test_model_bugs import planted

STATE = (
    'in the state [answer |-> <<"", "", "">>, believed |-> <<0>>, copy |-> <<0>>, crashes |-> 0, disk |-> <<>>, '
    "failures |-> 0, issued |-> 1, losses |-> 0, memory |-> <<1>>, message |-> <<<<>>>>, up |-> TRUE, writing |-> <<>>]"
)


def test_the_store(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["refine", "store"]) == 0
    assert capsys.readouterr().out.startswith(
        "Store.refine.cfg: 1506 states and 3203 labelled steps are the same ("  # TLC finds as many states
    )


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["locks", "jobs"])
def test_locks_and_jobs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["refine", name]) == 0
    assert "are the same" in capsys.readouterr().out


@pytest.mark.weekly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ["locks", "jobs"])
def test_locks_and_jobs_on_larger_bounds(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["refine", name, "--weekly"]) == 0
    assert "differ after" not in capsys.readouterr().out


def test_a_difference_is_shown_with_its_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = planted(tmp_path, "Store.tla", "/\\ memory' = Append(memory, issued + 1)", "/\\ memory' = <<issued + 1>>")
    config = Path(__file__).resolve().parents[3] / "tla" / "Store.refine.cfg"
    assert main(["refine", "store", "--tla", str(wrong), "--config", str(config)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "Store.refine.cfg: they differ after 1 step:",
        '  1. <<"Ask">>',
        STATE,
        'only the TLA+ module has the step <<"Ask">>, which makes',
        "  issued = 2",
        "  memory = <<2>>",
        'only the executable specification has the step <<"Ask">>, which makes',
        "  issued = 2",
        "  memory = <<1, 2>>",
    ]


def test_what_is_not_there_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["refine", "store", "--tla", str(tmp_path / "none")]) == 1
    assert "there are no TLA+ modules" in capsys.readouterr().err
    silent = tmp_path / "silent.cfg"
    constants = "MaxChange = 1 Targets = {} MaxFailures = 0 MaxCrashes = 0 MaxLosses = 0 KeepLabels = FALSE"
    silent.write_text(f"CONSTANTS {constants}\nSPECIFICATION Spec\nCHECK_DEADLOCK FALSE\n")
    assert main(["refine", "store", "--config", str(silent)]) == 1
    assert "KeepLabels" in capsys.readouterr().err
