"""`hbal -X`: Ganeti's and ours, each on a cluster of its own, say the same and submit the same jobs."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spec.allocator.cluster import Cluster
from tests.conftest import ganeti_program
from tests.e2e.conftest import Chain, branch, chain_of

__all__ = ["branch"]

pytestmark = [pytest.mark.ganeti, pytest.mark.long, pytest.mark.xdist_group("chain")]

VERSION = re.compile(r"hbal (\(ganeti\) version )?[0-9][-.0-9]+")

CASES = [
    ["-X"],
    ["-X", "-q", "--no-disk-moves", "--priority=low"],
    ["-X", "--first-job-group", "--priority", "high", "--reason", "spring cleaning", "-C", "-Sstate"],
    ["-X", "-vvv", "-l1", "--reason=", "-Cscript"],
    ["-X", "--evac-mode", "--restricted-migration"],
    ["-X", "-Oeast", "--no-instance-moves"],
    ["-X", "-e100"],
]


def of_a_run(value: Any) -> Any:
    """Return an opcode without versions and times."""
    if isinstance(value, str):
        return VERSION.sub("hbal V", value)
    if isinstance(value, list):
        return [of_a_run(item) for item in value]
    if isinstance(value, dict):
        return {key: of_a_run(item) for key, item in value.items()}
    return "a time" if isinstance(value, int) and value > 10**18 else value


def run(program: list[str], chain: Chain, options: list[str], folder: Path) -> dict[str, Any]:
    """Run a program; return its output, its files and its jobs."""
    command = [*program, f"-L{chain.root.luxi_socket}", *options]
    with chain.luxid() as luxid:
        before = len(luxid.call("QueryJobs", None, ["id"]))
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        jobs = luxid.call("QueryJobs", None, ["id", "ops", "status", "priority"])[before:]
    times = {op["reason"][0][2] for _, ops, *_ in jobs for op in ops}
    files = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
    return {
        "code": done.returncode,
        "said": done.stdout,
        "errors": done.stderr,
        "files": files,
        "jobs": of_a_run(jobs),
        "times": len(times),
    }


@pytest.mark.parametrize("options", CASES, ids=" ".join)
def test_the_same_jobs(branch: Cluster, tmp_path: Path, options: list[str]) -> None:
    hbal, results = ganeti_program("hbal"), []
    assert hbal
    for name, program in (("ganeti", [hbal]), ("ours", [sys.executable, "-m", "htools.hbal"])):
        (folder := tmp_path / name).mkdir()
        with chain_of(branch, 0.0) as chain:
            if "--evac-mode" in options:
                change = {"OP_ID": "OP_NODE_SET_PARAMS", "node_name": "east", "drained": True}
                assert chain.wait_for(chain.submit(change), "success")
            results.append(run(program, chain, options, folder))
    assert results[1] == results[0]
    assert bool(results[0]["jobs"]) == (options[-1] != "-e100")
