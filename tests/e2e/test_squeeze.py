"""hsqueeze against running daemons: nodes are drained, emptied, tagged and powered off, and come back."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from htools.backends import text
from spec.allocator.tags import STANDBY_AUTO
from tests.e2e.conftest import Chain, chain_of, until

pytestmark = pytest.mark.xdist_group("chain")

GROUP = "0ff1ce00-0000-4000-8000-000000000001"
POLICY = "512,1,512,1,1,1|128,1,0,0,1,1;8192,8,8192,16,8,12|drbd,sharedfile|4.0|32.0"
KEEP = ("--minimal-resources=0", "--target-resources=1")


def cluster(template: str = "sharedfile") -> str:
    """Return three nodes with two instances; the one on east must move before east is powered off."""
    mirror = "west" if template == "drbd" else ""
    return (
        f"small|{GROUP}|preferred||\n\n"
        f"north|8192|512|7168|65536|65536|8|M|{GROUP}|1||N|0|1|1.0\n"
        f"east|8192|512|7424|65536|65536|8|N|{GROUP}|1||N|0|1|1.0\n"
        f"west|8192|512|7680|65536|65536|8|N|{GROUP}|1||N|0|1|1.0\n\n"
        f"till|512|512|1|running|Y|north|{mirror}|{template}||1|-|N\n"
        f"camera|256|512|1|running|Y|east|{mirror}|{template}||1|-|N\n\n\n"
        f"|{POLICY}\nsmall|{POLICY}\n"
    )


@pytest.fixture
def powered() -> Iterator[Chain]:
    """Run a cluster whose nodes can be powered."""
    with chain_of(text.parse(cluster()), 0.0) as chain:
        program = {"OP_ID": "OP_CLUSTER_SET_PARAMS", "ndparams": {"oob_program": "/bin/true"}}
        chain.wait_for(chain.submit(program), "success")
        yield chain


@contextmanager
def started(chain: Chain, *words: str) -> "Iterator[subprocess.Popen[str]]":
    """Run hsqueeze in the background; it is ended with the test."""
    command = [sys.executable, "-m", "htools.hsqueeze", "-L", "--root", chain.root.directory, *words]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def end(chain: Chain, job: int) -> None:
    """Kill the process of a job."""
    with open(os.path.join(chain.root.queue, f"job-{job}"), "rb") as file:
        os.kill(json.load(file)["process_id"], signal.SIGKILL)


def hsqueeze(chain: Chain, *words: str, code: int = 0) -> str:
    with started(chain, *words) as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == code, said
    return said


def nodes(chain: Chain) -> dict[str, Any]:
    return {node["name"]: node for node in chain.stage.config()["nodes"].values()}


def homes(chain: Chain) -> dict[str, str]:
    config = chain.stage.config()
    return {vm["name"]: config["nodes"][vm["primary_node"]]["name"] for vm in config["instances"].values()}


def opcodes(chain: Chain) -> list[tuple[str, ...]]:
    """Return the opcodes of hsqueeze's jobs, in order: name and the relevant parameters."""
    with chain.luxid() as luxid:
        rows = luxid.call("QueryJobs", None, ["id", "ops"])
    report = []
    for _, ops in sorted(rows, key=lambda row: int(row[0])):
        for op in ops:
            if str(op.get("comment", "")).startswith(("condensing", "expanding")):
                state = [name for name in ("drained", "offline") if op.get(name)]
                released = [f"not {name}" for name in ("drained", "offline") if op.get(name) is False]
                report.append((op["OP_ID"], *([op["command"]] if "command" in op else []), *state, *released))
    return report


def test_nodes_go_and_come_back(powered: Chain) -> None:
    said = hsqueeze(powered, "-X", *KEEP)
    assert said.startswith("'Nodes to offline'\neast\nwest\nGot job IDs "), said
    there = nodes(powered)
    for name in ("east", "west"):
        node = there[name]
        assert (node["offline"], node["drained"], node["powered"]) == (True, False, False), name
        assert node["tags"] == [STANDBY_AUTO], name
    assert set(homes(powered).values()) == {"north"}
    done = opcodes(powered)
    assert done[:2] == [("OP_NODE_SET_PARAMS", "drained")] * 2
    assert done[2] == ("OP_INSTANCE_MIGRATE",)
    assert done[3:5] == [("OP_TAGS_SET",)] * 2
    assert done[5:] == [("OP_NODE_SET_PARAMS", "offline")] * 2 + [("OP_OOB_COMMAND", "power-off")]
    # The resources of nodes that are powered off are unknown, so they seem to lack room (docs/conformance.md).
    said = hsqueeze(powered, "-X", *KEEP)
    assert said.startswith("'Nodes to online'\neast\nwest\nGot job IDs "), said
    there = nodes(powered)
    for name in ("east", "west"):
        assert (there[name]["offline"], there[name]["drained"], there[name]["powered"]) == (False, False, True), name
    back = opcodes(powered)[len(done) :]
    assert back[0] == ("OP_OOB_COMMAND", "power-on")
    assert back[1:3] == [("OP_NODE_SET_PARAMS", "not drained", "not offline")] * 2
    assert all(entry == ("OP_INSTANCE_MIGRATE",) for entry in back[3:])
    assert powered.locks() == ([], [])


def test_nothing_to_do_and_dry_runs_change_nothing(powered: Chain) -> None:
    before = powered.stage.config()["serial_no"]
    assert hsqueeze(powered, "-X", "-q", "--target-resources=1000", "--minimal-resources=0") == ""
    report = json.loads(hsqueeze(powered, "-X", "--dry-run", "--json", *KEEP))
    assert (report["action"], report["nodes"]) == ("offline", ["east", "west"])
    assert [entry["phase"] for entry in report["phases"]] == [
        "drain", "move", "tag", "tag", "mark offline, then power off",
    ]  # fmt: skip
    assert (powered.stage.config()["serial_no"], opcodes(powered)) == (before, [])


def test_two_runs_never_overlap(powered: Chain) -> None:
    """While the first run waits for a node's lock, the second finds it running and changes nothing."""
    holder = powered.delay(600, "east")
    powered.wait_for(holder, "running")
    with started(powered, "-X", *KEEP) as first:
        until(lambda: powered.locks()[1], "the first run asks for the node")
        said = hsqueeze(powered, "-X", *KEEP)
        assert "another hsqueeze is at work" in said
        assert hsqueeze(powered, "-X", "-q", *KEEP) == ""
        with powered.luxid() as luxid:
            jobs = luxid.call("QueryJobs", None, ["id"])
        assert len(jobs) == 3, "power settings, the holder, the first run's first job"
        end(powered, holder)
        output, _ = first.communicate(timeout=60)
    assert first.returncode == 0, output
    assert nodes(powered)["east"]["offline"]
    path = os.path.join(os.path.dirname(powered.root.luxi_socket), "hsqueeze.lock")
    with open(path, "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # it is not held any more


@pytest.mark.long
def test_nodes_that_cannot_be_emptied_are_released(powered: Chain) -> None:
    """A job that fails ends the run; a drained node without a tag would be lost to later runs."""
    holder = powered.delay(600, "west")
    powered.wait_for(holder, "running")
    with started(powered, "-X", *KEEP) as process:
        until(lambda: powered.locks()[1], "it asks for the node")
        with powered.luxid() as luxid:
            newest = max(int(row[0]) for row in luxid.call("QueryJobs", None, ["id"]))
            done, why = luxid.call("CancelJob", newest)
            assert done, why
        end(powered, holder)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 1, output
    assert "in service again" in output
    assert not any(node["drained"] or node["offline"] or node["tags"] for node in nodes(powered).values())


@pytest.mark.long
def test_mirrored_instances_leave_only_when_allowed() -> None:
    with chain_of(text.parse(cluster("drbd")), 0.0) as chain:
        keep = ("--minimal-resources=0", "--target-resources=0", "--no-headers")
        assert json.loads(hsqueeze(chain, "--json", *keep))["action"] == "nothing"
        report = json.loads(hsqueeze(chain, "--allow-drbd", "--json", *keep))
        assert (report["action"], len(report["nodes"])) == ("offline", 1)
        hsqueeze(chain, "-X", "--allow-drbd", *keep)
        gone = report["nodes"][0]
        config = chain.stage.config()
        uuid = next(node["uuid"] for node in config["nodes"].values() if node["name"] == gone)
        assert nodes(chain)[gone]["offline"]
        assert uuid not in {vm["primary_node"] for vm in config["instances"].values()}
        assert not any(uuid in disk.get("nodes", ()) for disk in config["disks"].values())
