"""Daemons killed while hbal executes a plan: after a restart the plan is completed, and nothing is lost."""

import os
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from checkers.plans.outcome import broken_promises
from checkers.plans.reader import read_plan
from htools.backends import text
from tests.e2e.conftest import EXAMPLES, FINAL, Chain, chain_of, until

pytestmark = pytest.mark.xdist_group("chain-kills")

MOVES = 6
SECONDS_PER_GIB = 0.015


def statuses(chain: Chain) -> list[str]:
    with chain.luxid() as luxid:
        return [str(status) for (status,) in luxid.call("QueryJobs", [], ["status"])]


def at_work(chain: Chain, ended: int) -> bool:
    """Return whether some jobs have ended, another is running, and some have not begun."""
    found = statuses(chain)
    done = sum(status in FINAL for status in found)
    return ended <= done < MOVES and "running" in found


def restart(chain: Chain, name: str) -> None:
    chain.kill(name)
    chain.daemon(name).start()


@pytest.mark.parametrize(
    "victims",
    [
        pytest.param(("wconfd",), id="wconfd", marks=pytest.mark.long),
        pytest.param(("luxid",), id="luxid", marks=pytest.mark.long),
        pytest.param(("wconfd", "luxid"), id="wconfd and luxid"),
    ],
)
def test_the_plan_is_completed_when_daemons_are_killed_in_its_middle(victims: tuple[str, ...]) -> None:
    with chain_of(text.load(str(EXAMPLES / "office-20.txt")), SECONDS_PER_GIB) as chain:
        before = chain.stage.config()
        path = Path(chain.root.directory, "plan")
        with chain.stage.hbal("-X", f"-l{MOVES}", f"-C{path}") as hbal:
            for ended, victim in enumerate(victims, start=1):
                until(partial(at_work, chain, ended), "jobs at work", 60)
                restart(chain, victim)
            check_completed(chain, hbal, before, path)


def check_completed(chain: Chain, hbal: "subprocess.Popen[str]", before: Any, path: Path) -> None:
    said, _ = hbal.communicate(timeout=60)
    assert hbal.returncode == 0, said
    assert statuses(chain) == ["success"] * MOVES
    plan = read_plan(path.read_text(encoding="utf-8"), chain.cluster)
    assert broken_promises(before, chain.stage.config(), chain.cluster, plan) == []
    until(lambda: chain.locks() == ([], []), "no lock is held")
    until(lambda: not [name for name in os.listdir(chain.root.livelocks) if name.startswith("job_")], "no live-lock")


@pytest.mark.long
def test_both_daemons_gone_at_once_while_jobs_run(tmp_path: Path) -> None:
    """Jobs continue without the daemons; all that was confirmed is there after their restart."""
    del tmp_path
    with chain_of(text.load(str(EXAMPLES / "branch-4.txt")), 0.0) as chain:
        running = chain.delay(3.0, "north")
        chain.wait_for(running, "running")
        next_one = chain.delay(0.01, "north")
        chain.wait_for(next_one, "waiting")
        for name in ("luxid", "wconfd"):
            chain.kill(name)
        for name in ("wconfd", "luxid"):
            chain.daemon(name).start()
        assert chain.wait_for(running, "success") == "success"
        assert chain.wait_for(next_one, "success") == "success"
        assert chain.submit({"OP_ID": "OP_TEST_DELAY", "duration": 0.01}) == next_one + 1
        until(lambda: chain.locks() == ([], []), "no lock is held")
