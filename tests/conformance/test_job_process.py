"""Our job process under Ganeti's wconfd: the locks, the configuration and the answers are Ganeti's own."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bench.daemons import daemons, ganeti_missing
from impl.cluster.view import ClusterView
from impl.job.reserving import WconfdReservations
from impl.opcodes import validate
from impl.paths import Root
from impl.process.livelock import LiveLock
from impl.queue.files import job_path, read_job, write_job
from impl.wire.client import Client
from impl.wire.framing import FrameDecoder, frame
from spec.jobs.model import Job, Opcode

pytestmark = [pytest.mark.ganeti, pytest.mark.long, pytest.mark.xdist_group("ganeti")]


@pytest.fixture(scope="module")
def ganeti() -> Iterator[Root]:
    missing = ganeti_missing()
    if missing is not None:
        pytest.skip(missing)
    with daemons(ganeti=True) as root, tempfile.TemporaryDirectory(prefix="gj") as directory:
        own = Root.of(directory)  # a queue of our own: Ganeti's luxid would start our jobs itself
        own.make_directories()
        os.symlink(root.wconfd_socket, own.wconfd_socket)
        yield own


def run(root: Root, job_id: int, *ops: dict[str, Any]) -> Job:
    """Hand a job over to a process of ours, and read what it made of it."""
    job = Job(job_id, tuple(Opcode(validate({"reason": [], **op})) for op in ops), received_timestamp=(1, 2))
    write_job(job_path(root.queue, job_id), job)
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "impl.job", str(job_id), "--root", root.directory]
    with ours, theirs, subprocess.Popen(command, stdin=theirs.fileno(), stdout=theirs.fileno()) as process:
        theirs.close()
        ours.settimeout(20)
        decoder = FrameDecoder()
        for answer in (b"", b"[]"):
            messages: list[bytes] = []
            while not messages:
                messages = decoder.receive_data(ours.recv(4096))
            ours.sendall(frame(answer))
        assert process.wait(60) == 0
    return read_job(job_path(root.queue, job_id))


def config(root: Root) -> dict[str, Any]:
    with Client(root.wconfd_socket) as wconfd:
        found: dict[str, Any] = wconfd.call("readConfig")
        return found


def test_opcodes_change_ganetis_configuration(ganeti: Root) -> None:
    delay = {"OP_ID": "OP_TEST_DELAY", "duration": 0.001, "on_master": True, "no_locks": False}
    tag = {"OP_ID": "OP_TAGS_SET", "kind": "node", "name": "node2", "tags": ["x:y"]}
    cluster = {"OP_ID": "OP_CLUSTER_SET_PARAMS", "max_running_jobs": 7}
    group = {"OP_ID": "OP_GROUP_ADD", "group_name": "third"}
    job = run(ganeti, 901, delay, tag, cluster, group)
    assert [(op.status.value, op.result) for op in job.ops] == [("success", None)] * 4
    found = config(ganeti)
    node = next(node for node in found["nodes"].values() if node["name"] == "node2.example.com")
    assert node["tags"] == ["x:y"]
    assert found["cluster"]["max_running_jobs"] == 7
    assert "third" in {item["name"] for item in found["nodegroups"].values()}
    with Client(ganeti.wconfd_socket) as wconfd:
        assert [lock for lock, owners in wconfd.call("listAllLocksOwners") if owners] == []


def test_what_a_job_has_set_aside_with_ganetis_wconfd(ganeti: Root) -> None:
    """Ports, minors, secrets and addresses: of two jobs no two alike, and gone with the end of an opcode."""
    nodes = sorted(config(ganeti)["nodes"])[:2]
    livelock = LiveLock.create(ganeti.livelocks, "somebody")
    clients = [[name, livelock.path, os.getpid()] for name in ("one", "two", "three")]
    found = config(ganeti)  # its ports are all used up
    view = ClusterView({**found, "cluster": {**found["cluster"], "highest_used_port": 11000}})
    try:
        with Client(ganeti.wconfd_socket) as wconfd:
            aside = [WconfdReservations(wconfd.call, client, lambda: view) for client in clients[:2]]
            set_aside(aside, nodes)
            assert wconfd.call("reserveLV", clients[2], "tcp-port/11001") == []
            assert not any(disk.endswith("-disk") for _, held in wconfd.call("computeDRBDMap") for _, disk in held)
            wconfd.call("dropAllReservations", clients[2])
    finally:
        livelock.release()


def set_aside(aside: list[WconfdReservations], nodes: list[str]) -> None:
    assert len({port for one in aside for port in (one.reserve_port(), one.reserve_port())}) == 4
    assert len({one.reserve_secret() for one in aside} | {one.reserve_mac(None) for one in aside}) == 4
    first = aside[0].reserve_minors("a-disk", nodes)
    assert aside[0].reserve_minors("another-disk", nodes) != first
    assert aside[1].reserve_minors("a-third-disk", nodes) == first  # what was left there is taken over
    aside[1].release_minors("a-third-disk")
    for one in aside:
        one.drop()


def test_a_waiting_job_gets_its_lock_from_ganetis_wconfd(ganeti: Root) -> None:
    """Another owner has the node until the job waits for it: the job is notified, and goes on."""
    master = config(ganeti)["cluster"]["master_node"]
    livelock = LiveLock.create(ganeti.livelocks, "somebody")
    owner = ["somebody", livelock.path, os.getpid()]
    delay = {"OP_ID": "OP_TEST_DELAY", "duration": 0.001, "on_master": True, "no_locks": False}
    freed: list[float] = []

    def free_when_waited_for() -> None:
        with Client(ganeti.wconfd_socket) as wconfd:
            while not wconfd.call("listLocksWaitingStatus")[1]:
                time.sleep(0.01)
            freed.append(time.time())
            wconfd.call("freeLocks", owner)

    try:
        with Client(ganeti.wconfd_socket) as wconfd:
            assert wconfd.call("updateLocksWaiting", owner, 0, [[f"node/{master}", "exclusive"]]) == []
        other = threading.Thread(target=free_when_waited_for, daemon=True)
        other.start()
        job = run(ganeti, 902, delay)
        other.join(60)
    finally:
        livelock.release()
    (op,) = job.ops
    assert op.status.value == "success"
    assert op.exec_timestamp is not None
    assert op.exec_timestamp[0] + op.exec_timestamp[1] / 1e6 >= freed[0] - 1e-6
