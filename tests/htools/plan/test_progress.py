"""The line of progress: on a terminal only, and gone before a move is printed."""

import contextlib
import io
import sys
from pathlib import Path

import pytest

from htools import hbal
from htools.backends import text
from htools.balance.rounds import balance
from htools.model.cluster import Model
from htools.model.moves import Planned
from htools.model.score import score
from htools.plan.progress import shown
from spec.allocator.decisions import Rules, Settings
from tests.conformance.clusters import Generator
from tests.htools.generated import written


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("shared", [False, True], ids=["errors", "both"])
def test_progress_is_shown_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch, shared: bool) -> None:
    monkeypatch.setattr("htools.plan.progress.PATIENCE", 0.0)
    monkeypatch.setenv("COLUMNS", "60")
    cluster = text.parse(Generator(5).build().text)
    model = Model.of(cluster, Settings()).group(0)
    before = score(model.nodes.values())
    plan: list[Planned] = list(balance(model.copy(), Rules(), before, stop_at=0.0, rounds=2))
    assert len(plan) == 2
    for stream, expected in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        if shared:
            monkeypatch.setattr(sys, "stdout", stream)
        for planned in shown(plan, before, 0.0, quiet=False):
            stream.write(f"move {planned.move.instance}\n")
        assert ("round 1" in stream.getvalue()) == expected
        lines = [line.split("\r")[-1] for line in stream.getvalue().split("\n")]
        assert lines[:2] == [f"move {planned.move.instance}" for planned in plan]
        assert not any(lines[2:])
        assert all(len(part) < 60 for part in stream.getvalue().replace("\n", "\r").split("\r"))


def test_progress_is_shown_while_looking_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("htools.plan.progress.PATIENCE", 0.0)
    stream, path = Terminal(), written(tmp_path, 5)
    with contextlib.redirect_stderr(stream), contextlib.redirect_stdout(io.StringIO()):
        assert hbal.main(["-t", path, "-G", "group0", "--look-ahead", "2", "-l2"]) == 0
    assert "round 1" in stream.getvalue()


def test_quiet_runs_show_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("htools.plan.progress.PATIENCE", 0.0)
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    assert not list(shown([], 1.0, 0.0, quiet=True))
    assert not stream.getvalue()
