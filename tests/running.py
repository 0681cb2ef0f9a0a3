"""A cluster with real daemons in a directory of its own, stopped by pid at the end."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from impl.paths import Root
from impl.setup.daemons import start_all, stop_all
from impl.setup.root import create_root
from impl.wire.client import Client

FINAL = {"success", "error", "canceled"}


@dataclass
class RunningCluster:
    root: Root
    luxid: Client
    wconfd: Client

    def reconnect(self) -> None:
        """A new connection to wconfd, which has been restarted."""
        self.wconfd.close()
        self.wconfd = Client(self.root.wconfd_socket)

    def submit(self, *ops: dict[str, Any]) -> int:
        job_id: int = self.luxid.call("SubmitJob", [{"reason": [], **op} for op in ops])
        return job_id

    def submit_many(self, *jobs: list[dict[str, Any]]) -> list[int]:
        answers = self.luxid.call("SubmitManyJobs", [[{"reason": [], **op} for op in job] for job in jobs])
        assert all(accepted for accepted, _ in answers), answers
        return [job_id for _, job_id in answers]

    def until(self, job_id: int, *statuses: str) -> str:
        """Wait until a job has one of some statuses."""
        previous: Any = None
        while True:
            previous, _ = self.luxid.call("WaitForJobChange", job_id, ["status"], previous, None, 20)
            if previous[0] in statuses:
                return str(previous[0])

    def end(self, job_id: int) -> tuple[str, list[Any]]:
        """Return a job's final status and its opcodes' results."""
        status = self.until(job_id, *FINAL)
        ((results,),) = self.luxid.call("QueryJobs", [job_id], ["opresult"])
        return status, results

    def config(self) -> dict[str, Any]:
        config: dict[str, Any] = self.wconfd.call("readConfig")
        return config

    def owners(self) -> dict[str, list[Any]]:
        """Locks that somebody holds, with the names of their owners."""
        return {
            lock: [client[0] for client, _ in owners]
            for lock, owners in self.wconfd.call("listAllLocksOwners")
            if owners
        }


@contextmanager
def running(config: dict[str, Any]) -> Iterator[RunningCluster]:
    with tempfile.TemporaryDirectory(prefix="gj") as directory:
        root = Root.of(directory)
        create_root(root, config)
        start_all(root)
        try:
            cluster = RunningCluster(root, Client(root.luxi_socket), Client(root.wconfd_socket))
            try:
                yield cluster
            finally:
                cluster.luxid.close()
                cluster.wconfd.close()
        finally:
            stop_all(root)
