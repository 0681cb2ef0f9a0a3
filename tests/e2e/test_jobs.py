"""Whole chains: wconfd, luxid and job processes, all running."""

import os
import random
import signal
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from impl.cluster.view import ClusterView
from impl.hypervisor.facts import ConfiguredObserver
from impl.job.units.verification import configuration_findings, group_findings
from impl.queue.files import job_path, read_job
from impl.setup.daemons import daemons
from tests.impl.clusters import make_config, uuid
from tests.running import FINAL, RunningCluster, running

NODES = 6
INSTANCES: dict[str, tuple[int, int | None]] = {
    f"web{number}": (1 + number % NODES, 1 + (number + 1) % NODES) for number in range(12)
}
NODE1 = f"node/{uuid(1, 1)}"


def delay(seconds: float, **more: Any) -> dict[str, Any]:
    return {"OP_ID": "OP_TEST_DELAY", "duration": seconds, "on_master": True, "no_locks": False, **more}


@pytest.fixture(scope="module")
def cluster() -> Iterator[RunningCluster]:
    with running(make_config(NODES, INSTANCES)) as found:
        yield found


def seconds(stamp: list[int]) -> float:
    return stamp[0] + stamp[1] / 1e6


def no_processes_left(cluster: RunningCluster) -> bool:
    """Wait until the jobs' live-locks are gone; a process ends shortly after its job."""
    deadline = time.monotonic() + 60.0
    while any(name.startswith("job_") for name in os.listdir(cluster.root.livelocks)):
        if time.monotonic() > deadline:
            return False
        os.sched_yield()
    return True


def settled(cluster: RunningCluster) -> None:
    """Assert that no lock is held, no live-lock of a job is left, and the configuration is consistent."""
    assert cluster.owners() == {}
    assert no_processes_left(cluster)
    view = ClusterView(cluster.config())
    assert list(configuration_findings(view)) == []
    for group in view.groups.values():
        assert [finding for finding in group_findings(view, group, redundancy=False) if not finding.warning] == []


def kill_job(cluster: RunningCluster, job_id: int) -> bool:
    """Kill a job's process, never another one with the same number; False if it has ended."""
    pid = read_job(job_path(cluster.root.queue, job_id)).process_id
    if pid is None:
        return False
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if cluster.root.directory.encode() not in file.read():
                return False
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError):
        return False
    finally:
        os.close(descriptor)
    return True


def test_two_jobs_compete_for_a_node(cluster: RunningCluster) -> None:
    first, second = cluster.submit_many([delay(0.3)], [delay(0.001)])
    assert cluster.until(second, "waiting", *FINAL) in {"waiting", "success"}
    assert cluster.end(first) == ("success", [None])
    assert cluster.end(second) == ("success", [None])
    spans = cluster.luxid.call("QueryJobs", [first, second], ["opexec", "opend"])
    ((begin,), (end,)), ((other_begin,), (other_end,)) = spans
    assert seconds(other_begin) - seconds(begin) >= 0.3 or seconds(begin) >= seconds(other_begin) + 0.001, spans
    assert end
    assert other_end
    settled(cluster)


def test_a_killed_job_frees_its_locks_and_fails(cluster: RunningCluster) -> None:
    victim = cluster.submit(delay(60.0))
    cluster.until(victim, "running")
    heir = cluster.submit(delay(0.001))
    cluster.until(heir, "waiting")
    assert kill_job(cluster, victim)
    assert cluster.end(victim) == ("error", [f"detected death of job {victim}"])
    assert cluster.end(heir) == ("success", [None])
    settled(cluster)


def test_a_waiting_job_is_cancelled(cluster: RunningCluster) -> None:
    holder = cluster.submit(delay(60.0, interruptible=True))
    cluster.until(holder, "running")
    waiting = cluster.submit(delay(0.001), delay(0.001))
    cluster.until(waiting, "waiting")
    done, _ = cluster.luxid.call("CancelJob", waiting)
    assert done
    assert cluster.end(waiting) == ("canceled", ["Job canceled by request"] * 2)
    cluster.luxid.call("CancelJob", holder, True)
    cluster.until(holder, *FINAL)
    settled(cluster)


def test_many_moves_at_once_leave_a_sound_cluster(cluster: RunningCluster) -> None:
    """Sixty moves on twelve instances, all at once: each succeeds or is refused with a reason, nothing contradicts."""
    order = random.Random(5)
    jobs: list[list[dict[str, Any]]] = []
    for _ in range(60):
        name = f"web{order.randrange(12)}"
        move = {"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": name}
        replace = {
            "OP_ID": "OP_INSTANCE_REPLACE_DISKS", "instance_name": name, "mode": "replace_new_secondary",
            "remote_node": f"node{order.randrange(1, NODES + 1)}",
        }  # fmt: skip
        jobs.append([[move], [replace], [move, replace]][order.randrange(3)])
    for job_id in cluster.submit_many(*jobs):
        status, results = cluster.end(job_id)
        if status == "error":
            assert results[-1][0] in {"OpPrereqError", "OpExecError"}, results
            assert any(result and result[1][-1] == "wrong_input" for result in results), results
    settled(cluster)
    view, observer = ClusterView(cluster.config()), ConfiguredObserver()
    infos = [observer.node_info(view, node) for node in view.nodes.values()]
    assert sum(info.memory_free for info in infos if info) == NODES * 63 * 1024 - 12 * 2 * 1024


def test_wconfd_is_killed_in_the_middle_of_jobs(cluster: RunningCluster) -> None:
    """Jobs outlive wconfd: each asks again, and what was done is done once."""
    jobs = [[{"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": f"web{n}"}] for n in range(12)]
    before = {item["name"]: item["primary_node"] for item in cluster.config()["instances"].values()}
    ids = cluster.submit_many(*jobs)
    wconfd = daemons(cluster.root)[0]
    pid = wconfd.start()
    for _ in range(3):
        os.kill(pid, signal.SIGKILL)
        while wconfd.pid() is not None:  # it is listed a little longer
            os.sched_yield()
        pid = wconfd.start()
    assert [cluster.end(job_id) for job_id in ids] == [("success", [None])] * 12
    cluster.reconnect()
    after = {item["name"]: item["primary_node"] for item in cluster.config()["instances"].values()}
    assert all(before[name] != after[name] for name in before)
    settled(cluster)


def set_speed(cluster: RunningCluster, seconds_per_gib: float) -> None:
    settings = cluster.wconfd.call("readCluster")
    settings["gantry"] = {"seconds_per_gib": seconds_per_gib}
    assert cluster.wconfd.call("updateCluster", settings) is not None


@pytest.mark.parametrize("op_id", ["OP_INSTANCE_MIGRATE", "OP_INSTANCE_REPLACE_DISKS", "OP_INSTANCE_CREATE"])
def test_a_job_killed_in_the_middle_of_its_action(cluster: RunningCluster, op_id: str) -> None:
    """The configuration is as before, the locks are free, and the operation can be done again."""
    view = ClusterView(cluster.config())
    instance = view.find("instance", "web0")
    taken = set(view.nodes_of(instance))
    free = sorted(str(node["name"]) for uuid_, node in view.nodes.items() if uuid_ not in taken)
    operations: dict[str, dict[str, Any]] = {
        "OP_INSTANCE_MIGRATE": {"instance_name": "web0"},
        "OP_INSTANCE_REPLACE_DISKS": {"instance_name": "web0", "mode": "replace_new_secondary", "remote_node": free[0]},
        "OP_INSTANCE_CREATE": {
            "instance_name": "late", "mode": "create", "os_type": "noop", "nics": [], "disks": [{"size": 1024}],
            "disk_template": "drbd", "pnode": free[0], "snode": free[1],
        },
    }  # fmt: skip
    more = operations[op_id]
    set_speed(cluster, 60.0)
    before = cluster.config()
    job_id = cluster.submit({"OP_ID": op_id, **more})
    serial = None
    while True:  # until it reports that the copy has begun
        _, entries = cluster.luxid.call("WaitForJobChange", job_id, ["status"], None, serial, 20)
        if any("copying" in str(message) for _, _, _, message in entries):
            break
    assert kill_job(cluster, job_id)
    assert cluster.end(job_id) == ("error", [f"detected death of job {job_id}"])
    after = cluster.config()
    assert {name: after[name] for name in ("instances", "disks", "nodes")} == {
        name: before[name] for name in ("instances", "disks", "nodes")
    }
    settled(cluster)
    set_speed(cluster, 0.0)
    assert cluster.end(cluster.submit({"OP_ID": op_id, **more}))[0] == "success"
    settled(cluster)


def test_an_opcode_that_submits_jobs(cluster: RunningCluster) -> None:
    status, results = cluster.end(cluster.submit({"OP_ID": "OP_CLUSTER_VERIFY"}))
    assert status == "success"
    accepted = results[0]["jobs"]
    assert len(accepted) == 2
    for ok, job_id in accepted:
        assert ok
        assert cluster.end(job_id) == ("success", [True])


def test_changing_the_number_of_running_jobs(cluster: RunningCluster) -> None:
    assert cluster.end(cluster.submit({"OP_ID": "OP_CLUSTER_SET_PARAMS", "max_running_jobs": 1}))[0] == "success"
    deadline = time.monotonic() + 60.0
    status = ""
    while status != "queued":  # luxid looks at the configuration every second
        assert time.monotonic() < deadline
        first, second = cluster.submit_many(*[[delay(0.1, on_master=False)]] * 2)
        assert cluster.until(first, "running", *FINAL) == "running"
        ((status,),) = cluster.luxid.call("QueryJobs", [second], ["status"])
        cluster.end(second)
    cluster.end(cluster.submit({"OP_ID": "OP_CLUSTER_SET_PARAMS", "max_running_jobs": 20}))


def test_a_create_by_our_own_allocator(cluster: RunningCluster) -> None:
    op = {
        "OP_ID": "OP_INSTANCE_CREATE", "instance_name": "new", "mode": "create", "os_type": "noop", "nics": [{}],
        "disk_template": "drbd", "disks": [{"size": 1024}], "iallocator": "hail", "opportunistic_locking": True,
    }  # fmt: skip
    status, (nodes,) = cluster.end(cluster.submit(op))
    assert status == "success", nodes
    assert len(set(nodes)) == 2
    settled(cluster)
    assert cluster.end(cluster.submit({"OP_ID": "OP_INSTANCE_REMOVE", "instance_name": "new"}))[0] == "success"
    settled(cluster)


def primary(cluster: RunningCluster, name: str) -> str:
    """Return the name of an instance's primary node."""
    view = ClusterView(cluster.config())
    return str(view.nodes[str(view.find("instance", name)["primary_node"])]["name"])


def test_our_allocator_moves_what_every_node_reaches(cluster: RunningCluster) -> None:
    templates = {"enabled_disk_templates": ["drbd", "plain", "rbd"], "ipolicy": {"disk-templates": ["drbd", "rbd"]}}
    assert cluster.end(cluster.submit({"OP_ID": "OP_CLUSTER_SET_PARAMS", **templates}))[0] == "success"
    create = {"OP_ID": "OP_INSTANCE_CREATE", "mode": "create", "os_type": "noop", "nics": [], "disks": [{"size": 64}]}
    create |= {"instance_name": "shared", "disk_template": "rbd", "pnode": "node1"}
    assert cluster.end(cluster.submit(create))[0] == "success"
    places = [primary(cluster, "shared")]
    move = {"instance_name": "shared"}
    for op in ({"OP_ID": "OP_INSTANCE_MIGRATE"}, {"OP_ID": "OP_INSTANCE_FAILOVER", "iallocator": "hail"}):
        assert cluster.end(cluster.submit({**move, **op})) == ("success", [None])
        places.append(primary(cluster, "shared"))
    here = {"node_name": places[-1], "iallocator": "hail"}
    for op in ({"OP_ID": "OP_NODE_MIGRATE", **here}, {"OP_ID": "OP_NODE_EVACUATE", "mode": "primary-only", **here}):
        status, (result,) = cluster.end(cluster.submit({**op, "node_name": places[-1]}))
        assert status == "success"
        for accepted, job_id in result["jobs"]:
            assert accepted
            cluster.end(job_id)  # those of mirrored instances refuse an allocator
        places.append(primary(cluster, "shared"))
    assert all(before != after for before, after in pairwise(places)), places
    settled(cluster)
    assert cluster.end(cluster.submit({"OP_ID": "OP_INSTANCE_REMOVE", "instance_name": "shared"}))[0] == "success"


@pytest.mark.long
def test_kills_under_load_leave_a_sound_cluster(cluster: RunningCluster) -> None:
    """Two hundred jobs, sixty of their processes and wconfd six times killed: each job ends, nothing contradicts."""
    order = random.Random(11)
    set_speed(cluster, 0.02)
    jobs: list[list[dict[str, Any]]] = []
    for number in range(200):
        name = f"web{order.randrange(12)}"
        node = f"node{order.randrange(1, NODES + 1)}"
        jobs.append(
            order.choice(
                [
                    [{"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": name}],
                    [{"OP_ID": "OP_INSTANCE_FAILOVER", "instance_name": name}],
                    [
                        {
                            "OP_ID": "OP_INSTANCE_REPLACE_DISKS", "instance_name": name, "remote_node": node,
                            "mode": "replace_new_secondary",
                        }
                    ],
                    [
                        {
                            "OP_ID": "OP_INSTANCE_CREATE", "instance_name": f"soak{number}", "mode": "create",
                            "os_type": "noop", "nics": [{}], "disk_template": "drbd", "disks": [{"size": 1024}],
                            "pnode": node, "snode": f"node{1 + int(node[4:]) % NODES}", "start": False,
                        },
                        {"OP_ID": "OP_INSTANCE_REMOVE", "instance_name": f"soak{number}"},
                    ],
                ]
            )
        )  # fmt: skip
    ids = cluster.submit_many(*jobs)
    wconfd = daemons(cluster.root)[0]
    killed = 0
    while killed < 66:
        running_now = [name for name in os.listdir(cluster.root.livelocks) if name.startswith("job_")]
        if not running_now:
            break
        if killed % 11 == 10:
            pid = wconfd.start()
            os.kill(pid, signal.SIGKILL)
            while wconfd.pid() is not None:
                os.sched_yield()
            wconfd.start()
            killed += 1
            continue
        job_id = int(order.choice(running_now)[4:10])
        killed += kill_job(cluster, job_id)
        time.sleep(0.02)  # so that the next one has begun its work
    ends = [cluster.end(job_id)[0] for job_id in ids]
    assert set(ends) <= FINAL
    assert ends.count("success") > 20, ends
    cluster.reconnect()
    set_speed(cluster, 0.0)
    settled(cluster)
