"""The speed of luxid beside Ganeti's, where that is installed: `python -m bench luxid`.

Every figure is of OP_TEST_DELAY of 1 ms without nodes. `GANTRY_BENCH_JOBS` sets how many jobs are submitted together.
"""

import os
import statistics
import time
from dataclasses import dataclass
from typing import Any

from bench.daemons import daemons, ganeti_missing
from impl.wire.client import Client

JOBS = int(os.environ.get("GANTRY_BENCH_JOBS", "200"))
LATENCY_RUNS = 11
SUBMISSION_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Figures:
    """The measurements of one luxid."""

    jobs_per_second: float
    latency: float
    single_submissions: float
    batch_submissions: float


def opcode(duration: float = 0.001, **more: Any) -> dict[str, Any]:
    """Return an OP_TEST_DELAY without nodes."""
    return {"OP_ID": "OP_TEST_DELAY", "duration": duration, "on_master": False, "on_nodes": [], "repeat": 0,
            "interruptible": False, "no_locks": False, "debug_level": 0, "dry_run": False, "priority": 0,
            "reason": [], **more}  # fmt: skip


def wait(client: Client, job_id: int) -> str:
    """Wait for a job's end and return its status."""
    previous: Any = None
    while True:
        (status,), _ = client.call("WaitForJobChange", job_id, ["status"], previous, 10**6, 20)
        if status in {"success", "error", "canceled"}:
            return str(status)
        previous = [status]


def measure(*, ganeti: bool) -> Figures:
    """Measure one luxid."""
    with daemons(ganeti=ganeti) as root, Client(root.luxi_socket, timeout=600) as client:
        assert wait(client, client.call("SubmitJob", [opcode()])) == "success"
        latencies = []
        for _ in range(LATENCY_RUNS):
            began = time.monotonic()
            assert wait(client, client.call("SubmitJob", [opcode()])) == "success"
            latencies.append(time.monotonic() - began)
        began = time.monotonic()
        ids = [job_id for _, job_id in client.call("SubmitManyJobs", [[opcode()] for _ in range(JOBS)])]
        assert {wait(client, job_id) for job_id in ids} == {"success"}
        rate = JOBS / (time.monotonic() - began)
        # from here on only submissions: the jobs wait for one that does not end while we measure
        blocker = client.call("SubmitJob", [opcode(60, on_master=True)])
        waiting = opcode(depends=[[blocker, ["success"]]])
        began, count = time.monotonic(), 0
        while time.monotonic() - began < SUBMISSION_SECONDS:
            client.call("SubmitJob", [waiting])
            count += 1
        single = count / (time.monotonic() - began)
        began = time.monotonic()
        client.call("SubmitManyJobs", [[waiting] for _ in range(500)])
        batch = 500 / (time.monotonic() - began)
        client.call("CancelJob", blocker, True)
        return Figures(rate, statistics.median(latencies), single, batch)


def _line(what: str, unit: str, ours: float, ganeti: float | None, *, smaller_is_better: bool = False) -> str:
    if ganeti is None:
        return f"{what:<44} {ours:>10.1f} {unit}"
    ratio = ganeti / ours if smaller_is_better else ours / ganeti
    return f"{what:<44} {ours:>10.1f} {ganeti:>10.1f} {unit:<8} {ratio:>6.1f}x"


def main() -> None:
    """Measure and print."""
    missing = ganeti_missing()
    ganeti = None if missing else measure(ganeti=True)
    ours = measure(ganeti=False)
    if missing:
        print(f"ours alone: {missing}")
    else:
        print(f"{'':<44} {'ours':>10} {'ganeti':>10} {'':<8} {'ratio':>7}")
    rows = (
        (f"{JOBS} jobs submitted together, to their end", "jobs/s", "jobs_per_second", 1, False),
        ("one job, submission to success (median)", "ms", "latency", 1000, True),
        ("submissions, one by one", "jobs/s", "single_submissions", 1, False),
        ("submissions, 500 at once", "jobs/s", "batch_submissions", 1, False),
    )
    for what, unit, name, factor, smaller in rows:
        theirs = None if ganeti is None else getattr(ganeti, name) * factor
        print(_line(what, unit, getattr(ours, name) * factor, theirs, smaller_is_better=smaller))


if __name__ == "__main__":
    main()
