"""The command `gantry audit`: exit codes and what it says."""

import shutil
import subprocess
from pathlib import Path

import pytest

from gantry.cli import main
from tests.conftest import ganeti_program

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
BRANCH = str(EXAMPLES / "branch-4.txt")


def test_an_unsafe_plan_is_reported_with_the_first_offending_move(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(EXAMPLES / "branch-4.plan"), "--cluster", BRANCH]) == 1
    said = capsys.readouterr().out
    assert "command 1 of 2" in said
    assert "job 1/1: gnt-instance migrate -f till" in said
    assert "east has 1024 MiB of memory left, and 2048 MiB would come to it if south failed (n+1)" in said


def test_a_rule_can_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(EXAMPLES / "branch-4.plan"), "--cluster", BRANCH, "--ignore", "n+1"]) == 0
    assert capsys.readouterr().out.startswith("safe: 2 commands, 3 states")


def test_no_time_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(EXAMPLES / "branch-4.plan"), "--cluster", BRANCH, "--timeout", "0"]) == 3
    assert capsys.readouterr().out.startswith("unknown: ")


def test_unreadable_input_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tmp_path / "plan"
    plan.write_bytes(b"\xff")
    absent = str(tmp_path / "absent")
    for words in (
        [absent, "--cluster", BRANCH],
        [str(plan), "--cluster", BRANCH],
        [BRANCH, "--cluster", BRANCH],
        [str(plan), "--cluster", absent],
    ):
        assert main(["audit", *words]) == 2
        assert capsys.readouterr().err.startswith("gantry audit: ")
    with pytest.raises(SystemExit) as caught:
        main(["audit", str(plan)])
    assert caught.value.code == 2


@pytest.mark.long
@pytest.mark.ganeti
def test_the_plan_of_ganetis_hbal_for_the_office_is_safe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hbal = ganeti_program("hbal")
    if hbal is None or shutil.which(hbal) is None:
        pytest.skip("Ganeti's hbal is not installed")
    plan = tmp_path / "plan.sh"
    office = str(EXAMPLES / "office-20.txt")
    done = subprocess.run([hbal, "-t", office, f"-C{plan}"], check=True, capture_output=True, text=True)
    moves = int(done.stdout.partition("Solution length=")[2].split()[0])
    assert 20 <= moves <= 40
    for order in ([], ["--any-order"]):
        assert main(["audit", str(plan), "--cluster", office, *order]) == 0
        assert capsys.readouterr().out.startswith("safe: ")
