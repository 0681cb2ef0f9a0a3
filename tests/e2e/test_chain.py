"""Both daemons with jobs and locks: what a client sees."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from typing import Any

import pytest

from checkers.plans.outcome import broken_promises
from checkers.plans.reader import read_plan
from gantry.cli import main
from tests.control import Control
from tests.e2e.conftest import EXAMPLES, Chain, hbal, until

pytestmark = pytest.mark.xdist_group("chain")


def began(chain: Chain, number: int) -> float:
    """Return the time when a job's opcode had its locks and began to run."""
    (when,) = chain.job(number, "opexec")[0]
    return float(when[0] + when[1] / 1e6)


def test_two_jobs_that_want_the_same_node_run_one_after_the_other(chain: Chain) -> None:
    seconds = 0.5
    first, second = chain.delay(seconds, "north"), chain.delay(seconds, "north", "east")
    other = chain.delay(seconds, "south")
    assert [chain.wait_for(job, "success") for job in (first, second, other)] == ["success"] * 3
    earlier, later = sorted([began(chain, first), began(chain, second)])
    assert later - earlier >= seconds, "they held north at the same time"
    assert began(chain, other) < later, "the one that wants nothing of theirs had to wait"
    assert chain.locks() == ([], [])


def test_a_killed_job_fails_and_its_locks_go_to_the_next_within_a_second(chain: Chain) -> None:
    killed = chain.delay(600, "north")
    chain.wait_for(killed, "running")
    waiting = chain.delay(0.01, "north")
    chain.wait_for(waiting, "waiting")
    until(lambda: chain.locks()[1], "the second job asks for its lock")
    with open(os.path.join(chain.root.queue, f"job-{killed}"), "rb") as file:
        pid = json.load(file)["process_id"]
    with Control() as control:
        os.kill(pid, signal.SIGKILL)
        assert chain.wait_for(killed, "error") == "error"
        assert chain.wait_for(waiting, "success") == "success"
    assert control.seconds < 1.0
    assert chain.locks() == ([], [])


def test_a_waiting_job_can_be_canceled_and_leaves_no_request(chain: Chain) -> None:
    holder = chain.delay(600, "north")
    chain.wait_for(holder, "running")
    waiting = chain.delay(0.01, "north")
    chain.wait_for(waiting, "waiting")
    until(lambda: chain.locks()[1], "the second job asks for its lock")
    with chain.luxid() as luxid:
        done, _ = luxid.call("CancelJob", waiting)
        assert done
        chain.wait_for(waiting, "canceled")
        until(lambda: not chain.locks()[1], "its request is gone")
    assert chain.job(holder, "status") == ["running"]


def test_a_plan_is_executed_and_keeps_its_promise(chain: Chain) -> None:
    before = chain.stage.config()
    path = os.path.join(chain.root.directory, "plan")
    with hbal(chain, "-X", f"-C{path}", "-v") as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    with open(path, encoding="utf-8") as file:
        plan = read_plan(file.read(), chain.cluster)
    assert plan.steps
    assert broken_promises(before, chain.stage.config(), chain.cluster, plan) == []
    assert chain.locks() == ([], [])


def test_json_is_one_object_also_while_jobs_run(chain: Chain) -> None:
    command = [sys.executable, "-m", "htools.hbal", f"-L{chain.root.luxi_socket}", "-X", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert len(json.loads(done.stdout)["plan"]) == 2
    assert done.stderr == "Got job IDs 1\nGot job IDs 2\n"


def test_a_plan_is_audited_against_the_running_cluster(chain: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["audit", str(EXAMPLES / "branch-4.plan"), "--live", "--root", chain.root.directory]
    assert main(command) == 1
    assert "job 1/1: gnt-instance migrate -f till" in capsys.readouterr().out
    # The other order: once stock is gone from east, the rest of the plan would be safe there.
    chain.wait_for(chain.submit({"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": "stock"}), "success")
    rest = os.path.join(chain.root.directory, "rest.plan")
    with open(rest, "w", encoding="utf-8") as file:
        file.write("gnt-instance migrate -f till\n")
    assert main(["audit", rest, *command[2:]]) == 0
    assert capsys.readouterr().out.startswith("safe: 1 commands, 2 states")


def talk(path: str, data: bytes, *, end: bool = True) -> bytes:
    """Send bytes, and return what comes back until the answer is whole or the connection ends."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(path)
        # A client that sends too much gets an answer and is disconnected; the answer can still be read.
        with suppress(BrokenPipeError):
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
        found = b""
        while not found.endswith(b"\x03"):
            part = connection.recv(1 << 16)
            if not part:
                break
            found += part
        return found


BAD = {
    "not JSON": b"what?\x03",
    "not UTF-8": b'{"method": "\xff", "args": []}\x03',
    "no object": b"[]\x03",
    "no method": b'{"args": []}\x03',
    "unknown method": b'{"method": "MakeCoffee", "args": []}\x03',
    "arguments that are no list": b'{"method": "QueryJobs", "args": 7}\x03',
    "too few arguments": b'{"method": "QueryJobs", "args": []}\x03',
    "wrong arguments for luxid": b'{"method": "SubmitJob", "args": [{"OP_ID": 7}]}\x03',
    "wrong arguments for wconfd": b'{"method": "tryUpdateLocks", "args": ["me", "all of them"]}\x03',
    "deep nesting": b'{"method": "echo", "args": ' + b"[" * 5000 + b"]" * 5000 + b"}\x03",
    "an empty message": b"\x03",
}


@pytest.mark.parametrize("which", ["wconfd", "luxid"])
def test_bad_requests_are_answered_and_harm_nobody(chain: Chain, which: str) -> None:
    path = chain.daemon(which).socket
    pid = chain.daemon(which).pid()
    for what, data in BAD.items():
        answer = talk(path, data)
        assert answer.endswith(b"\x03"), what
        refused: dict[str, Any] = json.loads(answer[:-1])
        assert refused["success"] is False, what
    # A message of 70 MB, one that never ends, and one that is cut off; a request beside them is served.
    huge = talk(path, b'{"method": "' + b"x" * (70 << 20), end=False)
    assert json.loads(huge[:-1])["success"] is False
    with socket.socket(socket.AF_UNIX) as half:
        half.connect(path)
        half.sendall(b'{"method": "Que')
        assert chain.wait_for(chain.delay(0.01, "north"), "success") == "success"
    talk(path, b'{"method": "Que')
    assert chain.daemon(which).pid() == pid
    assert chain.wait_for(chain.delay(0.01, "north"), "success") == "success"
