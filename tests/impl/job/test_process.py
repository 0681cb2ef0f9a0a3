import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from impl.cluster.change import Change
from impl.job.process import ASK_AGAIN_SECONDS
from impl.job.service import Service
from impl.process.ground import GroundLostError
from impl.process.livelock import is_dead
from impl.queue.files import job_path
from impl.queue.status import job_status
from impl.wire.framing import FrameDecoder, frame
from spec.jobs.model import Status
from tests.impl.clusters import uuid
from tests.impl.job.conftest import Bench

DELAY: dict[str, Any] = {"OP_ID": "OP_TEST_DELAY", "duration": 0.001, "on_master": False, "no_locks": False}
NODE1, NODE2 = uuid(1, 1), uuid(1, 2)
OTHER: list[Any] = [99, "/livelock/99", 1]


def test_a_trivial_job(bench: Bench) -> None:
    job = bench.run(DELAY)
    op = job.ops[0]
    assert (op.status, op.result, op.log) == (Status.SUCCESS, None, ())
    assert job.process_id == os.getpid()
    assert op.start_timestamp
    assert op.exec_timestamp
    assert op.end_timestamp
    assert op.input["on_node_uuids"] == []


def test_locks_are_asked_for_in_one_request_and_freed_between_opcodes(bench: Bench) -> None:
    seen: list[Any] = []
    bench.wconfd.before = lambda method, args: seen.append(args[2]) if method == "updateLocksWaiting" else None
    job = bench.run(DELAY | {"on_master": True}, DELAY | {"on_nodes": ["node2"]})
    assert job_status(job) == "success"
    assert seen == [
        [["cluster/BGL", "shared"], [f"node/{NODE1}", "exclusive"]],
        [["cluster/BGL", "shared"], [f"node/{NODE2}", "exclusive"]],
    ]
    calls = [name for name in bench.wconfd.calls if name in {"updateLocksWaiting", "freeLocks"}]
    assert calls == ["updateLocksWaiting", "freeLocks"] * 2
    assert job.ops[1].input["on_nodes"] == ["node2.example.com"]


@pytest.mark.parametrize(("duration", "end"), [(0.001, Status.SUCCESS), (-1, Status.ERROR)])
def test_locks_are_freed_before_the_end_is_announced(bench: Bench, duration: float, end: Status) -> None:
    seen: list[Status] = []

    def before(method: str, _: list[Any]) -> None:
        if method == "freeLocks":
            seen.append(bench.read().ops[0].status)

    bench.wconfd.before = before
    assert bench.run(DELAY | {"on_master": True, "duration": duration}).ops[0].status is end
    assert len(seen) == 1
    assert not seen[0].finalised


def test_the_first_of_two_opcodes_fails(bench: Bench) -> None:
    job = bench.run(DELAY | {"duration": -1}, DELAY)
    assert job.ops[0].result == ["OpPrereqError", ["Duration must be greater than zero"]]
    assert job.ops[1].result == ["OpExecError", ["Preceding opcode failed"]]
    assert job.ops[0].exec_timestamp is None


def test_unknown_names_and_opcodes_fail_as_in_ganeti(bench: Bench) -> None:
    assert bench.fails(DELAY | {"on_nodes": ["nosuch"]}) == [
        "OpPrereqError",
        ["Node 'nosuch' not known", "unknown_entity"],
    ]
    assert bench.fails({"OP_ID": "OP_CLUSTER_RENAME", "name": "x"})[0] == "OpCodeUnknown"


def test_a_dry_run_checks_and_does_nothing(bench: Bench) -> None:
    before = bench.config
    assert bench.succeeds({"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": "web1", "dry_run": True}) is None
    assert bench.config == before


def test_a_waiting_job_says_so_and_goes_on_without_any_notification(bench: Bench) -> None:
    bench.wconfd.take(OTHER, (f"node/{NODE1}", "exclusive"))
    seen: list[Status] = []

    def on_wait() -> None:
        seen.append(bench.read().ops[0].status)
        if bench.signals.waits == 3:
            bench.wconfd.free(OTHER)

    bench.signals.on_wait = on_wait
    bench.succeeds(DELAY | {"on_master": True})
    assert seen == [Status.WAITING] * 3
    assert ASK_AGAIN_SECONDS <= 1.0


def test_cancelled_while_waiting(bench: Bench) -> None:
    bench.wconfd.take(OTHER, (f"node/{NODE1}", "exclusive"))
    bench.signals.on_wait = lambda: setattr(bench.signals, "cancel", True)
    job = bench.run(DELAY | {"on_master": True}, DELAY)
    assert [op.status for op in job.ops] == [Status.CANCELED] * 2
    assert job.ops[0].result == "Job canceled by request"
    assert bench.wconfd.held_by(bench.client()) == {}
    assert not bench.wconfd.do_hasPendingRequest(bench.client())


def test_cancelled_between_opcodes(bench: Bench) -> None:
    def before(method: str, _: list[Any]) -> None:
        if method == "freeLocks":
            bench.signals.cancel = True

    bench.wconfd.before = before
    job = bench.run(DELAY, DELAY)
    assert [op.status for op in job.ops] == [Status.SUCCESS, Status.CANCELED]


def test_a_new_priority_moves_the_waiting_request(bench: Bench) -> None:
    bench.wconfd.take(OTHER, (f"node/{NODE1}", "exclusive"))
    priorities: list[int] = []

    def before(method: str, args: list[Any]) -> None:
        if method == "updateLocksWaiting":
            priorities.append(args[1])

    def on_wait() -> None:
        if bench.signals.waits == 1:
            Path(bench.root.luxid_messages, "1.prio").write_text("-7", encoding="ascii")
            bench.signals.reprioritise = True
        else:
            bench.wconfd.free(OTHER)

    bench.wconfd.before = before
    bench.signals.on_wait = on_wait
    job = bench.run(DELAY | {"on_master": True})
    assert job_status(job) == "success"
    assert job.ops[0].priority == -7
    assert priorities[:2] == [0, -7]
    assert not Path(bench.root.luxid_messages, "1.prio").exists()


def test_a_notice_of_a_priority_that_is_not_there(bench: Bench) -> None:
    bench.wconfd.take(OTHER, (f"node/{NODE1}", "exclusive"))

    def on_wait() -> None:
        bench.signals.reprioritise = bench.signals.waits == 1
        if bench.signals.waits == 2:
            bench.wconfd.free(OTHER)

    bench.signals.on_wait = on_wait
    assert bench.succeeds(DELAY | {"on_master": True}) is None


def test_locks_follow_an_instance_that_moved_while_the_job_waited(bench: Bench) -> None:
    """The nodes to lock are known only under the locks; a change in between makes the job request again."""
    bench.wconfd.take(OTHER, (f"node/{uuid(1, 3)}", "exclusive"))
    held: list[dict[str, str]] = []

    def on_wait() -> None:
        instance = bench.instance("web2")
        disk = bench.disk("web2")
        config = bench.wconfd.config
        config["instances"][instance["uuid"]] = {**instance, "primary_node": uuid(1, 4)}
        config["disks"][disk["uuid"]] = {**disk, "logical_id": [uuid(1, 4), NODE1, *disk["logical_id"][2:]]}
        config["serial_no"] += 1
        bench.wconfd.free(OTHER)

    def before(method: str, _: list[Any]) -> None:
        if method == "updateInstance":
            held.append(bench.wconfd.held_by(bench.client()))

    bench.signals.on_wait = on_wait
    bench.wconfd.before = before
    bench.succeeds({"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": "web2"})
    assert bench.instance("web2")["primary_node"] == NODE1
    assert {f"node/{uuid(1, 4)}", f"node/{NODE1}"} <= set(held[0])


def test_an_answer_that_got_lost_does_no_harm(bench: Bench) -> None:
    for lost in ("readConfig", "updateLocksWaiting", "updateInstance", "freeLocks"):
        source = bench.instance("web1")["primary_node"]
        bench.wconfd.drop_answer_of = lost
        job = bench.run({"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": "web1"})
        assert job_status(job) == "success", (lost, job.ops[0].result)
        assert bench.instance("web1")["primary_node"] != source
        assert bench.wconfd.held_by(bench.client()) == {}


def test_a_lost_answer_to_a_whole_write_does_no_harm(bench: Bench) -> None:
    disk = bench.disk("web1")
    config = bench.wconfd.config
    twin = {**disk, "uuid": uuid(4, 77)}
    config["disks"][twin["uuid"]] = twin
    config["instances"][uuid(3, 1)]["disks"].append(twin["uuid"])
    for lost, target in (("lockConfig", 3), ("writeConfigAndUnlock", 4)):
        bench.wconfd.drop_answer_of = lost
        op = {"OP_ID": "OP_INSTANCE_REPLACE_DISKS", "instance_name": "web1", "mode": "replace_new_secondary"}
        job = bench.run(op | {"remote_node": f"node{target}"})
        assert job_status(job) == "success", (lost, job.ops[0].result)
        for one in (disk["uuid"], twin["uuid"]):
            assert bench.config["disks"][one]["logical_id"][1] == uuid(1, target)
        assert bench.wconfd.held_by(bench.client()) == {}


# --- the process itself


class Luxid:
    """luxid's half of the hand-over, by hand."""

    def __init__(self, process: subprocess.Popen[bytes], channel: socket.socket) -> None:
        self.process = process
        self.channel = channel
        self.decoder = FrameDecoder()
        channel.settimeout(20)

    def receive(self) -> bytes:
        messages: list[bytes] = []
        while not messages:
            data = self.channel.recv(4096)
            assert data, "the job closed the channel"
            messages = self.decoder.receive_data(data)
        assert len(messages) == 1
        return messages[0]

    def send(self, payload: bytes) -> None:
        self.channel.sendall(frame(payload))


@contextmanager
def started(bench: Bench) -> Iterator[Luxid]:
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "impl.job", "1", "--root", bench.root.directory]
    with ours, theirs, subprocess.Popen(command, stdin=theirs.fileno(), stdout=theirs.fileno()) as process:
        theirs.close()
        try:
            yield Luxid(process, ours)
        finally:
            process.kill()


def test_the_whole_process_from_hand_over_to_end(bench: Bench) -> None:
    bench.job({"OP_ID": "OP_TEST_OS_PARAMS"})
    with started(bench) as luxid:
        livelock = luxid.receive().decode()
        assert livelock.startswith(f"{bench.root.livelocks}/job_000001_")
        assert not is_dead(livelock)
        assert bench.read().process_id is None, "the file is luxid's until it has confirmed"
        luxid.send(b"")
        assert luxid.receive() == b""
        luxid.send(b'[{"osparams_secret":{"password":"hunter2"}}]')
        assert luxid.process.wait(60) == 0
    job = bench.read()
    assert job_status(job) == "success", job.ops[0].result
    assert (job.process_id, job.livelock) == (luxid.process.pid, livelock)
    assert not Path(livelock).exists()
    assert "hunter2" not in Path(job_path(bench.root.queue, 1)).read_text(encoding="utf-8")


def test_without_confirmation_the_job_is_not_touched(bench: Bench) -> None:
    before = bench.job(DELAY)
    with started(bench) as luxid:
        luxid.receive()
        luxid.channel.close()
        assert luxid.process.wait(60) == 1
    assert bench.read() == before
    assert os.listdir(bench.root.livelocks) == []


def test_signals_reach_a_waiting_process(bench: Bench) -> None:
    """HUP brings the lock at once; TERM cancels the second opcode, which waits again."""
    bench.wconfd.take([*OTHER[:2], 0], (f"node/{NODE1}", "exclusive"), (f"node/{NODE2}", "exclusive"))
    bench.job(DELAY | {"on_master": True}, DELAY | {"on_nodes": ["node2"]})
    with started(bench) as luxid:
        luxid.receive()
        luxid.send(b"")
        luxid.receive()
        luxid.send(b"[null,null]")
        _wait_until(bench, 0, Status.WAITING)
        bench.wconfd.answer("updateLocksWaiting", [[*OTHER[:2], 0], 0, [[f"node/{NODE1}", "release"]]])
        _wait_until(bench, 1, Status.WAITING)
        os.kill(luxid.process.pid, signal.SIGTERM)
        assert luxid.process.wait(60) == 0
    assert [op.status for op in bench.read().ops] == [Status.SUCCESS, Status.CANCELED]


def _wait_until(bench: Bench, index: int, status: Status) -> None:
    poller = 0
    while bench.read().ops[index].status is not status:
        poller += 1
        assert poller < 100_000, bench.read()
        os.sched_yield()


def test_a_job_file_that_cannot_be_read_ends_the_process_not_the_world(bench: Bench) -> None:
    Path(job_path(bench.root.queue, 1)).write_text("nonsense", encoding="utf-8")
    with started(bench) as luxid:
        luxid.receive()
        luxid.send(b"")
        luxid.receive()
        luxid.send(b"[]")
        assert luxid.process.wait(60) == 1
    assert os.listdir(bench.root.livelocks) == []


@pytest.mark.parametrize("error", ["disk full", ""])
def test_what_a_unit_raises_is_the_opcode_s_result(bench: Bench, monkeypatch: pytest.MonkeyPatch, error: str) -> None:
    def explode(*_: Any) -> None:
        raise OSError(error)

    monkeypatch.setattr("time.sleep", explode)
    assert bench.fails(DELAY) == ["OpExecError", [error or "OSError"]]


def test_a_job_whose_root_was_replaced_writes_nothing_into_the_next_one(bench: Bench) -> None:
    """Neither into the job file that has its name there, nor into the configuration of the wconfd that serves there."""
    aside = f"{bench.root.directory}.aside"

    def replace_root(method: str, _: list[Any]) -> None:
        if method == "updateLocksWaiting":
            os.rename(bench.root.directory, aside)
            bench.root.make_directories()
            Path(job_path(bench.root.queue, 1)).write_text("another's", encoding="ascii")

    bench.wconfd.before = replace_root
    try:
        with pytest.raises(GroundLostError, match=f"{bench.root.directory} was replaced"):
            bench.run(DELAY | {"on_master": True})
        assert Path(job_path(bench.root.queue, 1)).read_text(encoding="ascii") == "another's"
        assert sorted(os.listdir(bench.root.queue)) == ["archive", "job-1"]
    finally:
        shutil.rmtree(bench.root.directory)
        os.rename(aside, bench.root.directory)


def test_a_job_sends_nothing_to_a_wconfd_of_another_root(bench: Bench) -> None:
    def refuse() -> None:
        raise GroundLostError(bench.root.directory)

    service = Service(bench.root.wconfd_socket, bench.client(), check=refuse)
    for call in (lambda: service.call("readConfig"), lambda: service.change(lambda _: Change())):
        with pytest.raises(GroundLostError):
            call()
    assert bench.wconfd.calls == []
