"""Where luxid refuses to run: a directory that holds no cluster, before it makes anything there."""

import os
import signal
from pathlib import Path

import pytest

from impl.luxid.options import Options
from impl.luxid.run import run


@pytest.mark.parametrize("query_only", [False, True])
def test_a_directory_without_a_cluster_is_refused_and_nothing_is_made(
    short_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], query_only: bool
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert run(Options(root=str(short_path / "mistyped"), query_only=query_only)) == 1
    missing = short_path / "mistyped/var/lib/ganeti/config.data"
    assert capsys.readouterr().err == (
        f"luxid: no cluster here ({missing} is missing): make one with 'gantry cluster init --from FILE'\n"
    )
    assert os.listdir(short_path) == []
