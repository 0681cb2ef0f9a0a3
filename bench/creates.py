"""Create 32 instances at once on 20 nodes chosen by hail: how many fail for lack of locks, and how long it takes.

Three ways to lock: all nodes (wait for every one of them); opportunistic, one try (take what is free now, as Ganeti
before it had a minimum); opportunistic, at least as many as the instance needs (requested until they are free).
Our daemons, job processes and hail. Prints a table; a failure is counted by its error code.
"""

import tempfile
import time
from collections import Counter
from typing import Any

from impl.paths import Root
from impl.setup.daemons import start_all, stop_all
from impl.setup.root import create_root
from impl.wire.client import Client
from tests.impl.clusters import GIB, make_config

NODES = 20
CREATES = 32
FINAL = ("success", "error", "canceled")
SYNC_SECONDS_PER_GIB = 0.5
"""So that creating takes as long as synchronising a mirror may: 5 GiB, 2.6 s."""

WAYS: dict[str, tuple[bool, dict[str, Any]]] = {
    "all node locks": (False, {}),
    "opportunistic, one try": (True, {"opportunistic_at_least": 1, "opportunistic_seconds": 0}),
    "opportunistic, at least n": (True, {}),
}


def create(number: int, opportunistic: bool) -> dict[str, Any]:
    return {
        "OP_ID": "OP_INSTANCE_CREATE", "reason": [], "instance_name": f"new{number}", "mode": "create",
        "os_type": "noop", "disk_template": "drbd", "disks": [{"size": 5 * GIB}], "nics": [{}], "iallocator": "hail",
        "beparams": {"maxmem": GIB, "minmem": GIB, "vcpus": 1}, "opportunistic_locking": opportunistic,
    }  # fmt: skip


def measure(opportunistic: bool, settings: dict[str, Any]) -> tuple[Counter[str], float, float]:
    """Return the outcomes, the seconds until the last job ended, and the median job's seconds."""
    config = make_config(nodes=NODES, seconds_per_gib=SYNC_SECONDS_PER_GIB)
    config["cluster"]["gantry"] |= settings
    config["cluster"]["max_running_jobs"] = config["cluster"]["max_tracked_jobs"] = CREATES
    with tempfile.TemporaryDirectory(prefix="gb") as directory:
        root = Root.of(directory)
        create_root(root, config)
        start_all(root)
        try:
            with Client(root.luxi_socket, timeout=600) as luxid:
                started = time.monotonic()
                jobs = [[create(number, opportunistic)] for number in range(CREATES)]
                ids = [job_id for _, job_id in luxid.call("SubmitManyJobs", jobs)]
                for job_id in ids:
                    previous = None
                    while previous is None or previous[0] not in FINAL:
                        previous, _ = luxid.call("WaitForJobChange", job_id, ["status"], previous, None, 30)
                took = time.monotonic() - started
                fields = ["status", "opresult", "received_ts", "end_ts"]
                outcomes: Counter[str] = Counter()
                spans = []
                for status, (result,), received, end in luxid.call("QueryJobs", ids, fields):
                    code = result[1][-1] if status == "error" and len(result[1]) > 1 else str(result)
                    outcomes["created" if status == "success" else code] += 1
                    spans.append(end[0] - received[0] + (end[1] - received[1]) / 1e6)
        finally:
            stop_all(root)
    return outcomes, took, sorted(spans)[len(spans) // 2]


def main() -> None:
    """Print the table."""
    print(f"{CREATES} creates at once on {NODES} nodes, DRBD of 5 GiB at {SYNC_SECONDS_PER_GIB} s per GiB, hail:")
    print(f"  {'locks':<26} {'created':>7} {'TEMP_NORES':>10} {'other':>5} {'all done':>9} {'median job':>10}")
    for way, (opportunistic, settings) in WAYS.items():
        outcomes, took, median = measure(opportunistic, settings)
        created, temporary = outcomes.pop("created", 0), outcomes.pop("temp_insufficient_resources", 0)
        others = sum(outcomes.values())
        print(f"  {way:<26} {created:>7} {temporary:>10} {others:>5} {took:>7.1f} s {median:>8.1f} s", flush=True)
        for text, count in outcomes.items():
            print(f"    {count} x {text}")
