import json
import logging
import os
from pathlib import Path

import pytest

from impl.process.trace import TraceWriter
from spec.locks.model import Effects, Free
from spec.locks.names import job

ALICE = job(1, "/l", 7)


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_lines_are_numbered_and_begin_again_with_a_run(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    writer = TraceWriter(str(path))
    numbers = [
        writer.start({"held": []}),
        writer.step(Free(ALICE), Effects((), (), (ALICE,)), now=[1, 2]),
        writer.step(Free(ALICE), error="refused"),
        writer.record("durable", upto=2),
        writer.start({"held": []}),
    ]
    writer.close()
    found = lines(path)
    assert numbers == [line["seq"] for line in found] == [1, 2, 3, 4, 1]
    assert [line["event"] for line in found] == ["start", "Free", "Free", "durable", "start"]
    assert found[1]["effects"] == {"blockers": [], "taken": [], "granted": [[1, 1, "/l", 7]]}
    assert found[1]["now"] == [1, 2]
    assert (found[2]["error"], "effects" in found[2]) == ("refused", False)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_line_is_in_the_file_when_the_call_returns_and_later_runs_are_appended(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    for count in (1, 2):
        writer = TraceWriter(str(path))
        writer.start({})
        assert len(lines(path)) == count
        writer.close()


def test_a_failure_is_logged_once_and_ends_the_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    writer = TraceWriter(str(tmp_path / "trace"))
    writer.start({})

    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(os, "write", fail)
        assert writer.record("end") == 2
    assert [record.getMessage().count("ends here") for record in caplog.records] == [1]
    caplog.clear()
    assert writer.record("end") == 3
    writer.close()
    assert (len(lines(tmp_path / "trace")), caplog.records) == (1, [])
