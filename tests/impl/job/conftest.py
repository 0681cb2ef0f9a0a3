import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from impl.job.process import JobRunner
from impl.opcodes import validate
from impl.paths import Root
from impl.queue.files import job_path, read_job, write_job
from impl.queue.status import job_status
from spec.jobs.model import Job, Opcode
from tests.impl.clusters import make_config
from tests.impl.job.fake_wconfd import FakeWconfd, serving

INSTANCES: dict[str, tuple[int, int | None]] = {"web1.example.com": (1, 2), "web2.example.com": (2, 3), "db": (3, None)}


class FakeSignals:
    """Signals that a test sends by hand; `on_wait` is called instead of waiting."""

    def __init__(self) -> None:
        self.cancel = False
        self.reprioritise = False
        self.waits = 0
        self.on_wait: Callable[[], None] = lambda: None

    def wait(self, seconds: float) -> None:
        assert seconds <= 1.0
        self.waits += 1
        assert self.waits < 1000, "the job waits for ever"
        self.on_wait()


@dataclass
class Bench:
    """A root with a wconfd in memory, where jobs are run in this very process."""

    root: Root
    wconfd: FakeWconfd
    signals: FakeSignals = field(default_factory=FakeSignals)

    @property
    def config(self) -> dict[str, Any]:
        return self.wconfd.config

    def client(self, job_id: int = 1) -> list[Any]:
        return [job_id, f"/livelock/{job_id}", os.getpid()]

    def job(self, *ops: dict[str, Any], job_id: int = 1) -> Job:
        inputs = [validate({"reason": [], **op}) for op in ops]
        job = Job(job_id, tuple(Opcode(op, priority=op["priority"]) for op in inputs), received_timestamp=(1, 2))
        write_job(job_path(self.root.queue, job_id), job)
        return job

    def run(self, *ops: dict[str, Any], job_id: int = 1) -> Job:
        """Run a job to its end and read back what it wrote."""
        job = self.job(*ops, job_id=job_id)
        JobRunner(self.root, job, [], f"/livelock/{job_id}", self.signals).run()
        return self.read(job_id)

    def read(self, job_id: int = 1) -> Job:
        return read_job(job_path(self.root.queue, job_id))

    def fails(self, *ops: dict[str, Any]) -> list[Any]:
        """Run a job that must fail at its last opcode; its result, and proof that nothing was changed."""
        before = self.config
        job = self.run(*ops)
        assert job_status(job) == "error", job
        assert self.config == before
        assert self.wconfd.held_by(self.client()) == {}
        result = job.ops[-1].result
        assert isinstance(result, list)
        return result

    def succeeds(self, op: dict[str, Any]) -> Any:
        """Run one opcode that must succeed and leave no lock; its result."""
        job = self.run(op)
        assert job_status(job) == "success", job.ops[0].result
        assert self.wconfd.held_by(self.client()) == {}
        return job.ops[0].result

    def instance(self, name: str) -> dict[str, Any]:
        return next(item for item in self.config["instances"].values() if item["name"].startswith(name))

    def disk(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.config["disks"][self.instance(name)["disks"][0]]
        return found


@contextmanager
def made_bench() -> Iterator[Bench]:
    """A bench of its own."""
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None  # syncs cost nothing there
    with tempfile.TemporaryDirectory(prefix="gj", dir=memory) as directory:
        root = Root.of(directory)
        root.make_directories()
        with serving(root.wconfd_socket, make_config(instances=INSTANCES)) as wconfd:
            yield Bench(root, wconfd)


def refused(bench: Bench, op: dict[str, Any], text: str) -> None:
    result = bench.fails(op)
    assert result[1][0].startswith(text), result


@pytest.fixture
def bench() -> Iterator[Bench]:
    with made_bench() as made:
        yield made
