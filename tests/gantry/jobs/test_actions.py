import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gantry.cli import main
from gantry.jobs.display import duration, job_table, result_text, seconds_between, shorten
from tests.impl.clusters import make_config
from tests.running import RunningCluster, running

Gantry = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def cluster() -> Iterator[RunningCluster]:
    with running(make_config(instances={"web1": (1, 2), "web2": (2, 3)})) as found:
        yield found


@pytest.fixture
def gantry(cluster: RunningCluster, capsys: pytest.CaptureFixture[str]) -> Gantry:
    """Run `gantry job …`; exit code, standard output, standard error."""

    def call(action: str, *words: str) -> tuple[int, str, str]:
        code = main(["job", action, "--root", cluster.root.directory, *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def submitted(out: str) -> str:
    found = re.match(r"job (\d+) submitted\n", out)
    assert found, out
    return found[1]


def test_submit_and_watch(gantry: Gantry) -> None:
    code, out, _ = gantry("submit", "instance_migrate", "instance_name=web1", "--watch", "--reason", "try")
    assert code == 0
    assert re.search(r"^\d\d:\d\d:\d\d\.\d{3} Migrating instance web1 from node1", out, re.MULTILINE)
    job_id = submitted(out)
    assert out.endswith(f"job {job_id}: success\n")
    code, out, _ = gantry("info", job_id)
    assert "instance_name = web1" in out
    assert "reason: gantry:client:job-submit: try at " in out


def test_a_failed_job_has_exit_code_1_and_says_why(gantry: Gantry) -> None:
    code, out, _ = gantry("submit", "OP_INSTANCE_MIGRATE", "instance_name=nosuch", "--watch")
    assert code == 1
    assert out.endswith("  OpPrereqError: Instance 'nosuch' not known (unknown_entity)\n")


def test_jobs_from_a_file_and_from_standard_input(
    gantry: Gantry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    op = {"OP_ID": "OP_TEST_DELAY", "duration": 0.001, "on_master": False}
    file = tmp_path / "jobs.json"
    file.write_text(json.dumps([[op], [op, op]]), encoding="utf-8")
    code, out, _ = gantry("submit", str(file), "--watch", "--json")
    last = json.loads(out.splitlines()[-1])
    assert (code, last["opstatus"]) == (0, ["success", "success"])
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(op)))
    code, out, _ = gantry("submit", "-", "--json")
    assert code == 0
    assert json.loads(out)[0]["accepted"] is True


def test_cancel_of_a_queued_job_and_what_came_of_it(gantry: Gantry, cluster: RunningCluster) -> None:
    _, out, _ = gantry("submit", "test_delay", "duration=30", "on_master=false", "interruptible=true")
    holder = submitted(out)
    _, out, _ = gantry("submit", "test_delay", "duration=1", "on_master=false", "--after", holder)
    waiting = submitted(out)
    code, out, _ = gantry("priority", "high", waiting)
    assert (code, out) == (
        0,
        f"job {waiting}: Priorities of pending opcodes for job {waiting} have been changed to -10\n",
    )
    code, out, _ = gantry("list", "--live", "--json")
    assert {job["id"] for job in json.loads(out)} >= {int(holder), int(waiting)}
    code, out, _ = gantry("cancel", waiting)
    assert code == 0
    code, _, _ = gantry("watch", waiting)
    assert code == 3
    cluster.until(int(holder), "running")
    code, _, _ = gantry("cancel", holder, "--kill")
    assert code == 0
    assert gantry("watch", holder)[0] == 1
    code, _, err = gantry("cancel", holder)
    assert code == 1
    assert "not found in queue" in err


def test_the_drain_flag(gantry: Gantry) -> None:
    assert gantry("drain")[1] == "the queue takes new jobs\n"
    try:
        assert gantry("drain", "on")[1] == "the queue is drained: new jobs are refused\n"
        code, _, err = gantry("submit", "test_delay", "duration=1")
        assert code == 1
        assert "Queue drained" in err
    finally:
        assert json.loads(gantry("drain", "off", "--json")[1]) == {"drained": False}


def test_archiving(gantry: Gantry) -> None:
    _, out, _ = gantry("submit", "test_delay", "duration=0.001", "on_master=false", "--watch")
    job_id = submitted(out)
    assert gantry("archive", job_id)[0] == 0
    assert gantry("archive", job_id)[0] == 1
    assert f"\n{job_id:>3} success" not in gantry("list")[1]
    assert job_id in gantry("list", "--archived")[1]
    assert "archived 0 jobs" in gantry("archive", "--older", "7d")[1]


@pytest.mark.parametrize("words", [["info", "9999"], ["watch", "9999"], ["cancel", "9999"], ["list", "9999"]])
def test_a_job_that_is_not_there(gantry: Gantry, words: list[str]) -> None:
    code, _, err = gantry(*words)
    assert code == 4
    assert "no such job: 9999" in err


def test_a_refused_opcode_is_reported(gantry: Gantry) -> None:
    code, _, err = gantry("submit", "OP_TEST_DELAY")
    assert code == 1
    assert "duration" in err


def test_without_a_daemon(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["job", "list", "--root", str(tmp_path)]) == 1
    assert "is --root or $GANTRY_ROOT the cluster's directory?" in capsys.readouterr().err


def test_texts() -> None:
    assert [duration(seconds) for seconds in (0.5, 59, 61, 7260, 90_000)] == [
        "0.50 s", "59 s", "1 min 01 s", "2 h 01 min", "1 d 1 h"
    ]  # fmt: skip
    assert shorten("abcdef", 4) == "abc…"
    assert seconds_between(None, None, 0.0) == "-"
    assert seconds_between([10, 0], None, 12.0) == "2.00 s"
    assert result_text("error", ["OpExecError", ["x"]]) == "OpExecError: x"
    assert result_text("error", "detected death of job 1") == "detected death of job 1"
    job: dict[str, Any] = {
        "id": 7, "status": "running", "priority": 0, "summary": ["TEST_DELAY(1.0)"], "received_ts": [1, 0],
        "start_ts": [2, 0], "end_ts": None,
    }  # fmt: skip
    lines = job_table([job], 30, 4.0)
    assert lines[1] == " 7 running    0 2.00 s TEST_D…"
    assert all(len(line) <= 30 for line in lines)
