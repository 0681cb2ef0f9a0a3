"""A create and a replacement, killed before and after every call of wconfd: nothing is left over.

The job runs in this process. Its death is an exception that nothing catches; all later calls are refused, and its
live-lock is released. wconfd is our daemon, not a fake.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from impl.cluster.view import ClusterView
from impl.job.process import JobRunner
from impl.job.service import Service
from impl.job.units.verification import configuration_findings
from impl.opcodes import validate
from impl.process.livelock import LiveLock
from impl.queue.files import job_path, write_job
from impl.queue.status import job_status
from spec.jobs.model import Job, Opcode
from tests.impl.clusters import make_config
from tests.impl.job.conftest import FakeSignals
from tests.running import RunningCluster, running

pytestmark = pytest.mark.xdist_group("create-kills")

CREATE: dict[str, Any] = {
    "OP_ID": "OP_INSTANCE_CREATE", "instance_name": "new", "mode": "create", "os_type": "noop", "nics": [{}],
    "disk_template": "drbd", "disks": [{"size": 64}, {"size": 64}], "pnode": "node3", "snode": "node1",
}  # fmt: skip
REMOVE: dict[str, Any] = {"OP_ID": "OP_INSTANCE_REMOVE", "instance_name": "new"}
REPLACE: dict[str, Any] = {
    "OP_ID": "OP_INSTANCE_REPLACE_DISKS",
    "instance_name": "new",
    "mode": "replace_new_secondary",
}


class KilledError(BaseException):
    """The exception that stands for SIGKILL."""


class Reaper:
    """Kills at the call with a given number, before it or after it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = -1
        self.after = False
        self.dead = False
        for name in ("call", "_once"):
            monkeypatch.setattr(Service, name, self.wrapped(getattr(Service, name)))

    def wrapped(self, method: Any) -> Any:
        def call(service: Service, name: str, *args: Any) -> Any:
            if self.dead:
                raise KilledError
            self.left -= 1
            if self.left == 0 and not self.after:
                self.dead = True
                raise KilledError
            try:
                return method(service, name, *args)
            finally:  # a refusal is an answer too
                if self.left == 0:
                    self.dead = True
                    raise KilledError

        return call


@pytest.fixture(scope="module")
def cluster() -> Iterator[RunningCluster]:
    with running(make_config(instances={"web1": (1, 2), "web2": (2, 3)})) as found:
        yield found


def run(cluster: RunningCluster, job_id: int, op: dict[str, Any]) -> str | None:
    """Run a job in this process; return its status, None if it was killed."""
    ops = (Opcode(validate({"reason": [], **op})),)
    job = Job(job_id, ops, received_timestamp=(1, 2))
    path = job_path(cluster.root.queue, job_id)
    write_job(path, job)
    lock = LiveLock.create(cluster.root.livelocks, f"job_{job_id:06d}")
    runner = JobRunner(cluster.root, job, [], lock.path, FakeSignals())
    try:
        runner.run()
    except KilledError:
        return None
    finally:
        lock.release()
        os.unlink(path)
        cluster.wconfd.call("cleanupLocks")
    return str(job_status(runner._job))


def left_over(cluster: RunningCluster) -> dict[str, Any]:
    """Return wconfd's temporary reservations, by kind; their file is written shortly after the answer."""
    cluster.wconfd.call("flushConfig")
    found: dict[str, Any] = json.loads(Path(cluster.root.reservations).read_bytes())
    return {kind: value for kind, value in found.items() if value}


def ports(config: dict[str, Any]) -> tuple[set[int], set[int]]:
    """Return the ports in use and the ports in the pool."""
    used = {disk["logical_id"][2] for disk in config["disks"].values()}
    return used, set(config["cluster"]["tcpudp_port_pool"])


def sound(cluster: RunningCluster) -> None:
    config = cluster.config()
    assert list(configuration_findings(ClusterView(config))) == []
    used, pool = ports(config)
    assert not used & pool
    assert used | pool == set(range(11001, config["cluster"]["highest_used_port"] + 1)), "a port is lost"
    assert cluster.owners() == {}


def creates_killed(cluster: RunningCluster, reaper: Reaper, steps: range, *, after: bool) -> int:
    """Kill a create at each of some calls; return how often it was killed before it ended."""
    killed = 0
    for step in steps:
        reaper.left, reaper.after, reaper.dead = step, after, False
        status = run(cluster, 10_000 + step, CREATE)
        reaper.left, reaper.dead = -1, False
        if status is not None:
            break
        killed += 1
        sound(cluster)
        if not ClusterView(cluster.config()).has("instance", "new"):
            assert run(cluster, 20_000 + step, CREATE) == "success"
        sound(cluster)
        assert left_over(cluster) == {}, f"killed at call {step}"
        assert run(cluster, 30_000 + step, REMOVE) == "success"
    else:
        return killed
    assert run(cluster, 40_000, REMOVE) == "success"
    return killed


def test_a_create_killed_at_some_calls_leaves_nothing(cluster: RunningCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    assert creates_killed(cluster, Reaper(monkeypatch), range(4, 200, 6), after=True) >= 3


@pytest.mark.long
@pytest.mark.parametrize("after", [False, True])
def test_a_create_killed_at_any_call_leaves_nothing(
    cluster: RunningCluster, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    assert creates_killed(cluster, Reaper(monkeypatch), range(1, 200), after=after) > 15


@pytest.mark.long
@pytest.mark.parametrize("after", [False, True])
def test_a_replacement_killed_at_any_call_leaves_nothing(
    cluster: RunningCluster, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    reaper = Reaper(monkeypatch)
    assert run(cluster, 50_000, CREATE) == "success"
    killed = 0
    for step in range(1, 200):
        for target in ("node4", "node1"):
            reaper.left, reaper.after, reaper.dead = step, after, False
            status = run(cluster, 50_000 + step, REPLACE | {"remote_node": target})
            reaper.left, reaper.dead = -1, False
            sound(cluster)
            if status is not None:
                break
            killed += 1
            run(cluster, 60_000 + step, REPLACE | {"remote_node": target})  # refused if it was done before the kill
            assert left_over(cluster) == {}, f"killed at call {step}"
        else:
            continue
        break
    assert killed > 15
    assert run(cluster, 70_000, REMOVE) == "success"
