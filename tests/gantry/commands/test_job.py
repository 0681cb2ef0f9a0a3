from pathlib import Path

import pytest

from gantry.cli import main

WRONG = [
    (["submit", "OP_NOSUCH"], "neither an opcode nor a file"),
    (["submit", "/nosuch/file"], "cannot be read"),
    (["submit", "OP_TEST_DELAY", "zz=1"], "OP_TEST_DELAY has no such parameter"),
    (["submit", "OP_TEST_DELAY", "duration"], "expected NAME=VALUE"),
    (["priority", "99", "1"], "a priority lies between"),
    (["priority", "urgent", "1"], "expected low, normal, high"),
    (["archive"], "name jobs, or say --older AGE"),
    (["archive", "--older", "soon"], "expected an age"),
]


@pytest.mark.parametrize(("words", "text"), WRONG)
def test_wrong_usage_is_reported_without_a_daemon(
    words: list[str], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["job", words[0], "--root", str(tmp_path), *words[1:]]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"gantry job {words[0]}: '")
    assert text in err
