"""Ganeti's own command-line tools, through its Python LUXI client, against our luxid."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.impl.luxid.fakes import FakeWconfd, Luxid, short_root

SHARE = Path("/usr/share/ganeti/3.0")

pytestmark = [
    pytest.mark.ganeti,
    pytest.mark.skipif(not (SHARE / "gnt-job").exists(), reason="Ganeti's own clients are not installed"),
    pytest.mark.xdist_group("luxid"),
]


class Tools:
    def __init__(self, root: str) -> None:
        self._environment = {**os.environ, "GANETI_ROOTDIR": root, "GANETI_HOSTNAME": "vm", "PYTHONPATH": str(SHARE)}

    def __call__(self, *words: str, code: int = 0) -> str:
        return self._run(str(SHARE / words[0]), *words[1:], code=code)

    def python(self, text: str) -> str:
        return self._run("-c", text)

    def _run(self, *words: str, code: int = 0) -> str:
        command = ["/usr/bin/python3", *words]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def gnt() -> Iterator[Tools]:
    with short_root() as root:
        for name, value in (("master_node", "vm"), ("cluster_name", "c")):
            Path(root.state, f"ssconf_{name}").write_text(f"{value}\n", encoding="ascii")
        wconfd, luxid = FakeWconfd(root), Luxid(root)
        luxid.start()
        yield Tools(root.directory)
        luxid.stop()
        wconfd.close()


def test_jobs(gnt: Tools) -> None:
    assert gnt("gnt-job", "list", "--no-headers") == ""
    assert "running" in gnt("gnt-debug", "delay", "--no-master", "0.01")
    assert "JobID: 2" in gnt("gnt-debug", "delay", "--submit", "0.01")
    gnt("gnt-job", "wait", "2")
    lines = gnt("gnt-job", "list", "--no-headers").splitlines()
    assert [line.split() for line in lines] == [
        ["1", "success", "TEST_DELAY(1.0e-2)"],
        ["2", "success", "TEST_DELAY(1.0e-2)"],
    ]
    assert "Status: success" in gnt("gnt-job", "info", "1")
    assert "not found in queue" in gnt("gnt-job", "cancel", "--force", "2", code=1)
    gnt("gnt-job", "archive", "1")
    assert gnt("gnt-job", "list", "--no-headers").split()[0] == "2"


def test_drain(gnt: Tools) -> None:
    gnt("gnt-cluster", "queue", "drain")
    assert "is set" in gnt("gnt-cluster", "queue", "info")
    assert "drained" in gnt("gnt-debug", "delay", "0.01", code=1)
    gnt("gnt-cluster", "queue", "undrain")
    assert "unset" in gnt("gnt-cluster", "queue", "info")


def test_filters_and_nodes(gnt: Tools) -> None:
    uuid = gnt(
        "gnt-filter", "add", "--predicates", '[["jobid", [">", "id", "watermark"]]]', "--action", "PAUSE"
    ).strip()
    assert uuid in gnt("gnt-filter", "list", "--no-headers")
    gnt("gnt-filter", "delete", uuid)
    assert gnt("gnt-filter", "list", "--no-headers") == ""
    assert gnt("gnt-node", "list", "--no-headers", "-o", "name,offline").split() == ["node1", "N"]


def test_the_job_queue_test_s_first_step_passes(gnt: Tools) -> None:
    """`gnt-debug test-jobqueue` needs notifications of running jobs after it; its first step only submits."""
    step = "from ganeti.client import gnt_debug; gnt_debug._TestJobSubmission(type('Options', (), {'debug': 1})())"
    assert "Job submission tests were successful" in gnt.python(step)
