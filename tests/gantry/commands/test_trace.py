"""`gantry trace`: exit codes and output."""

import json
from pathlib import Path

import pytest

from gantry.cli import main

START = {"seq": 1, "event": "start"}
GRANT = {"seq": 2, "event": "Try", "args": {"owner": [1, 7, "/l/7", 70], "requests": [[[3, 1, "n1"], 2]]}}


def _file(tmp_path: Path, *lines: object) -> str:
    path = tmp_path / "trace"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def test_a_good_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "locks", _file(tmp_path, START, {**GRANT, "effects": {}})]) == 0
    assert capsys.readouterr().out == "ok: 2 lines, 1 run, all within the specification of locks\n"


def test_a_bad_trace_is_described_in_prose(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocked = {**GRANT, "effects": {"blockers": [[1, 8, "/l/8", 80]]}}
    assert main(["trace", "locks", _file(tmp_path, START, blocked)]) == 1
    out = capsys.readouterr().out
    assert "line 2: the specification does not allow this 'Try'" in out
    assert "nothing is held" in out
    assert "Try with blockers [], granted [], taken []" in out


def test_a_file_that_is_missing_or_no_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "locks", str(tmp_path / "none")]) == 1
    assert "cannot read the trace" in capsys.readouterr().err
    assert main(["trace", "locks", _file(tmp_path, [])]) == 1
    assert "line 1 is no trace event" in capsys.readouterr().err
