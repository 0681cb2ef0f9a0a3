"""Commands that follow jobs, while luxid is killed, stopped and started again."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gantry.jobs.client import LostAnswerError, PatientClient
from impl.setup.daemons import Daemon
from impl.wire.client import Client, UnreachableError
from impl.wire.framing import FrameDecoder, frame
from impl.wire.messages import encode_result
from tests.impl.clusters import make_config
from tests.running import RunningCluster, running

pytestmark = pytest.mark.xdist_group("gantry-patience")


@pytest.fixture(scope="module")
def cluster() -> Iterator[RunningCluster]:
    with running(make_config()) as found:
        yield found


@pytest.mark.parametrize("kill", [True, False])
def test_a_watched_job_is_followed_over_a_restart_of_luxid(cluster: RunningCluster, kill: bool) -> None:
    daemon = Daemon("luxid", cluster.root)
    command = [sys.executable, "-m", "gantry", "job", "submit", "--root", cluster.root.directory, "--watch"]
    command += ["test_delay", "duration=60", "interruptible=true", "on_master=false"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stderr is not None
        try:
            job_id = int(watching.stdout.readline().split()[1])
            while "running" not in watching.stdout.readline():
                pass
            if kill:
                os.kill(daemon.pid() or 0, signal.SIGKILL)
            else:
                daemon.stop()
            assert watching.stderr.readline().startswith("luxid is away; trying to reach it again for up to 60 s")
            daemon.start()
            assert watching.stderr.readline().startswith("luxid is back after ")
            with Client(cluster.root.luxi_socket) as client:
                assert client.call("CancelJob", job_id, True)[0]
            rest = watching.stdout.read()
            assert rest.splitlines()[-2:] == [f"job {job_id}: error", f"  detected death of job {job_id}"]
            assert watching.wait(10) == 1
        finally:
            watching.kill()


class Rude:
    """Hangs up on a request `times` times, and is nice then."""

    def __init__(self, path: str, times: int) -> None:
        self.times = times
        self.requests = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with connection:
                    decoder = FrameDecoder()
                    while data := connection.recv(4096):
                        if not decoder.receive_data(data):
                            continue
                        self.requests += 1
                        if self.requests <= self.times:
                            break
                        connection.sendall(frame(encode_result(self.requests)))


def test_questions_are_asked_again_and_changes_are_not(tmp_path: Path) -> None:
    said: list[str] = []
    path = str(tmp_path / "s")
    server = Rude(path, times=2)
    with PatientClient(path, say=said.append) as client:
        assert client.call("QueryJobs", None, ["id"]) == 3
        assert [line.split(maxsplit=3)[:3] for line in said] == [["luxid", "is", "away;"], ["luxid", "is", "back"]] * 2
        server.times = 4
        with pytest.raises(LostAnswerError, match="before it answered SubmitManyJobs"):
            client.call("SubmitManyJobs", [])
        assert server.requests == 4
        assert client.call("CancelJob", 1) == 5
    server.listener.close()


def test_a_change_that_luxid_has_not_read_is_sent_again(tmp_path: Path) -> None:
    """Luxid hangs up before it reads, twice: once when the connection was idle, once while it is stopped."""
    path = str(tmp_path / "s")
    said: list[str] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def serve() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                connection.recv(1, socket.MSG_PEEK)
                connection.close()
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(frame(encode_result([[True, 7]])))

        thread = threading.Thread(target=serve)
        thread.start()
        with PatientClient(path, say=said.append) as client:
            assert client.call("SubmitManyJobs", []) == [[True, 7]]
        thread.join(10)
    assert [line.split(maxsplit=3)[:3] for line in said] == [["luxid", "is", "away;"], ["luxid", "is", "back"]]


def test_patience_ends(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    server = Rude(path, times=1000)
    client = PatientClient(path, patience=0.0, say=lambda _: None)
    server.listener.close()
    os.unlink(path)
    with pytest.raises(UnreachableError):
        client.call("QueryJobs", None, ["id"])
    with pytest.raises(UnreachableError):
        PatientClient(path)
