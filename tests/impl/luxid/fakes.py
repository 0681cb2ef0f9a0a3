"""A wconfd that only has a configuration, a minimal job program, and a luxid of one's own to talk to."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from impl.job.signals import Signals
from impl.paths import Root
from impl.process.livelock import LiveLock
from impl.queue.files import JobFileError, job_path, read_job, write_job
from impl.wire.client import Client, UnreachableError
from impl.wire.framing import FrameDecoder, frame
from impl.wire.messages import decode_request, encode_result
from spec.jobs.model import Job, LogEntry, Opcode, Status, Timestamp

PROGRAM = "tests.impl.luxid.fakes:run_job"


def now() -> Timestamp:
    stamp = time.time_ns()
    return stamp // 10**9, stamp % 10**9 // 1000


def delay(seconds: float = 0.001, **more: Any) -> dict[str, Any]:
    return {"OP_ID": "OP_TEST_DELAY", "duration": seconds, "on_master": True, "on_nodes": [], "reason": [], **more}


def wait_for(flags: Signals, name: str) -> None:
    """Wait up to a minute for a signal; an Event would not do: a handler must not take a lock that it interrupted."""
    deadline = time.monotonic() + 60
    while not getattr(flags, name) and (left := deadline - time.monotonic()) > 0:
        flags.wait(left)


def run_job(job_id: int, root: Root, receive_fd: int, send_fd: int) -> int:
    """A job program that knows delays only: `duration` 600 waits for a signal, `comment` requests special actions."""
    lock = LiveLock.create(root.livelocks, f"job_{job_id:06d}")
    decoder = FrameDecoder()

    def ask(payload: bytes) -> bytes | None:
        os.write(send_fd, frame(payload))
        while data := os.read(receive_fd, 4096):
            if messages := decoder.receive_data(data):
                return messages[0]
        return None

    path = job_path(root.queue, job_id)
    if read_job(path).ops[0].input.get("comment") == "no hand-over":
        return 3
    if ask(lock.path.encode()) is None:
        lock.release()
        return 1
    secrets = json.loads(ask(b"") or b"[]")
    flags = Signals()
    job = replace(read_job(path), process_id=os.getpid())
    write_job(path, job)

    def update(index: int, **changes: Any) -> None:
        nonlocal job
        ops = list(job.ops)
        ops[index] = replace(ops[index], **changes)
        job = replace(job, ops=tuple(ops))

    for index, op in enumerate(job.ops):
        job = replace(job, start_timestamp=job.start_timestamp or now())
        update(index, status=Status.WAITING, start_timestamp=now())
        write_job(path, job)
        if op.input.get("comment") == "wait for locks":
            wait_for(flags, "cancel")
        if flags.cancel:
            for rest in range(index, len(job.ops)):
                update(rest, status=Status.CANCELED, result="Job canceled by request", end_timestamp=now())
            break
        update(index, status=Status.RUNNING, exec_timestamp=now(), log=(LogEntry(1, now(), "message", "running"),))
        write_job(path, job)
        if op.input.get("comment") == "tell secrets":
            update(index, result=secrets[index])
        elif op.input["duration"] >= 600:
            wait_for(flags, "reprioritise")
        else:
            time.sleep(op.input["duration"])
        update(index, status=Status.SUCCESS, end_timestamp=now())
    job = replace(job, end_timestamp=now())
    write_job(path, job)
    lock.release()
    return 0


class FakeWconfd:
    """Answers readConfig, cleanupLocks, listLocksWaitingStatus and the locking of the configuration.

    Attributes:
        hangs_up: close each connection after an answer, as wconfd does to one that is idle for long.
    """

    hangs_up = False

    def __init__(self, root: Root, **cluster: Any) -> None:
        self.root = root
        self.config: dict[str, Any] = {
            "version": 3000000,
            "cluster": {"cluster_name": "c", "master_node": "u1", "max_running_jobs": 20, "max_tracked_jobs": 25,
                        "tags": ["mytag"], **cluster},
            "nodes": {"u1": {"uuid": "u1", "name": "node1", "group": "g1", "offline": False}},
            "instances": {}, "nodegroups": {"g1": {"uuid": "g1", "name": "default", "members": ["u1"]}},
            "networks": {}, "disks": {}, "filters": {}, "serial_no": 1,
        }  # fmt: skip
        self.cleanups = 0
        self.cleaned = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(root.wconfd_socket)
        self._listener.listen(64)
        self._open: list[socket.socket] = []
        self.touch()
        threading.Thread(target=self._accept, daemon=True).start()

    def touch(self) -> None:
        Path(self.root.config).write_text(json.dumps(self.config), encoding="utf-8")

    def set(self, **cluster: Any) -> None:
        self.config["cluster"].update(cluster)
        self.config["serial_no"] += 1
        self.touch()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        decoder = FrameDecoder()
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                for message in decoder.receive_data(data):
                    client.sendall(frame(encode_result(self._answer(decode_request(message).method, message))))
                    if self.hangs_up:
                        client.close()
                        return

    def _answer(self, method: str, message: bytes) -> Any:
        if method == "cleanupLocks":
            self.cleanups += 1
            self.cleaned.set()
            return []
        if method == "listLocksWaitingStatus":
            return [[], []]
        if method == "readConfigSerial":
            return self.config["serial_no"]
        if method in {"lockConfig", "readConfig"}:
            return self.config
        if method in {"writeConfig", "writeConfigAndUnlock"}:
            self.config = decode_request(message).args[1]
            self.config["serial_no"] += 1
            self.touch()
            return True
        return []

    def close(self) -> None:
        self._listener.close()
        for client in self._open:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            client.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.root.wconfd_socket)


class Luxid:
    """A luxid process over a root of its own."""

    def __init__(self, root: Root, *options: str, program: str = PROGRAM) -> None:
        self.root = root
        self._arguments = [sys.executable, "-m", "impl.luxid", "--root", root.directory, "-f",
                           "--job-program", program, *options]  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True) -> None:
        with open(f"{self.root.log}/stderr", "ab") as output:
            self.process = subprocess.Popen(self._arguments, stdin=subprocess.DEVNULL, stderr=output)
        if wait:
            self.client().close()

    def client(self, seconds: float = 60.0) -> Client:
        deadline = time.monotonic() + seconds
        while True:
            try:
                return Client(self.root.luxi_socket, timeout=60)
            except UnreachableError:
                if time.monotonic() > deadline or (self.process is not None and self.process.poll() is not None):
                    raise AssertionError(Path(f"{self.root.log}/stderr").read_text(encoding="utf-8")) from None
                time.sleep(0.01)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.root.luxi_socket)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)

    def log(self) -> list[dict[str, Any]]:
        text = Path(f"{self.root.log}/luxid.log").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]


@contextlib.contextmanager
def short_root() -> Iterator[Root]:
    with tempfile.TemporaryDirectory(prefix="lx") as directory:
        root = Root(f"{directory}/vm")  # Ganeti's clients want the host's name as the last component
        root.make_directories()
        try:
            yield root
        finally:
            end_jobs(root)


def end_jobs(root: Root) -> None:
    """Kill every job process that is still alive, by the id in its own file."""
    for name in os.listdir(root.queue):
        if name.startswith("job-"):
            try:
                job = read_job(f"{root.queue}/{name}")
            except JobFileError:
                continue
            if job.process_id is not None and job.livelock is not None and os.path.exists(job.livelock):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(job.process_id, signal.SIGKILL)


def wait_status(client: Client, job_id: int, wanted: str, seconds: float = 60.0) -> None:
    """Wait, by WaitForJobChange, until a job has a status."""
    previous: Any = None
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        (status,), _ = client.call("WaitForJobChange", job_id, ["status"], previous, 10**6, 1)
        if status == wanted:
            return
        previous = [status]
    raise AssertionError(f"job {job_id} is {previous}, not {wanted}")


def wait_all(client: Client, ids: list[int], wanted: str = "success") -> None:
    for job_id in ids:
        wait_status(client, job_id, wanted)


__all__ = ["FakeWconfd", "Job", "Luxid", "Opcode", "delay", "short_root", "wait_all", "wait_status"]
