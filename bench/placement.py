"""Compare hail, hspace and hsqueeze with Ganeti's in the same run, whole processes: processor seconds and the ratio.

Clusters are made here, seeded, as in `bench.hbal`; for hsqueeze all instances are on external storage. Quick cases
are run several times, ours and Ganeti's in turn, and medians are shown. A program of Ganeti's that would take minutes
is stopped when the required ratio is certain, or after a few seconds where none is required; its ratio is then a lower
bound.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.hbal import ENVIRONMENT, cluster
from tests.conftest import GANETI_BIN

PATIENCE = 60
"""Processor seconds that a program may take."""
CURIOSITY = 15
"""Processor seconds for a program of Ganeti's where no ratio is required."""
HAIL = str(Path(GANETI_BIN).parent / "lib" / "ganeti" / "iallocators" / "hail")


@dataclass(frozen=True, slots=True)
class Case:
    """A tool, its input, and the requirement: a factor over Ganeti's, or seconds and MiB.

    `runs` says how often each program is run.
    """

    tool: str
    nodes: int
    instances: int
    words: tuple[str, ...]
    factor: float = 0.0
    seconds: float = 0.0
    megabytes: float = 0.0
    runs: int = 5


CASES = (
    Case("hspace", 80, 400, (), factor=10.0, runs=1),
    Case("hspace", 200, 1000, ("-l", "5"), factor=8.0, runs=3),
    Case("hail", 200, 1000, (), factor=2.0),
    Case("hail", 1000, 5000, (), seconds=1.5, megabytes=300.0, runs=3),
    Case("hail", 5, 20, (), seconds=0.15),
    Case("hsqueeze", 80, 400, (), seconds=3.0),
)


def request(text: str) -> str:
    """Return the cluster of a text file as a request to allocate one mirrored instance."""
    sections = text.split("\n\n")
    spec = {"memory-size": 1024, "cpu-count": 1, "disk-size": 1024, "disk-count": 1, "nic-count": 1, "spindle-use": 1}
    small = {"memory-size": 128, "cpu-count": 1, "disk-size": 0, "disk-count": 0, "nic-count": 0, "spindle-use": 1}
    large = {"memory-size": 32768, "cpu-count": 16, "disk-size": 1048576, "disk-count": 16, "nic-count": 8}
    policy = {
        "std": spec,
        "minmax": [{"min": small, "max": large | {"spindle-use": 12}}],
        "vcpu-ratio": 4.0,
        "spindle-ratio": 32.0,
        "disk-templates": ["drbd", "plain", "ext"],
    }
    nodes = {}
    for line in sections[1].splitlines():
        f = line.split("|")
        nodes[f[0]] = {
            "total_memory": int(f[1]), "reserved_memory": int(f[2]), "free_memory": int(f[3]),
            "total_disk": int(f[4]), "free_disk": int(f[5]), "total_cpus": int(f[6]), "reserved_cpus": 1,
            "total_spindles": 1, "free_spindles": 1, "group": "u", "offline": False, "drained": False,
            "vm_capable": True, "tags": [], "ndparams": {"spindle_count": 1, "exclusive_storage": False},
        }  # fmt: skip

    def instance(memory: int, disk: int, cpus: int) -> dict[str, object]:
        return {
            "disks": [{"mode": "rw", "size": disk - 128, "spindles": 1}], "disk_space_total": disk, "memory": memory,
            "vcpus": cpus, "tags": [], "disk_template": "drbd", "spindle_use": 1, "nics": [], "admin_state": "up",
        }  # fmt: skip

    instances = {}
    for line in sections[2].splitlines():
        f = line.split("|")
        instances[f[0]] = {**instance(int(f[1]), int(f[2]), int(f[3])), "nodes": [f[6], f[7]]}
    group = {"name": "g", "alloc_policy": "preferred", "networks": [], "tags": [], "ipolicy": policy}
    asked = {"type": "allocate", "name": "new", "required_nodes": 2, **instance(4096, 20608, 2)}
    return json.dumps(
        {
            "cluster_tags": [], "cluster_name": "bench", "version": 2, "enabled_hypervisors": ["xen-pvm"],
            "nodegroups": {"u": group}, "nodes": nodes, "instances": instances, "request": asked,
        }
    )  # fmt: skip


def on_shared_storage(text: str) -> str:
    """Return the same cluster with every instance on external storage."""
    groups, nodes, instances, *rest = text.split("\n\n")
    lines = []
    for line in instances.splitlines():
        f = line.split("|")
        f[7], f[8] = "", "ext"
        lines.append("|".join(f))
    return "\n\n".join([groups, nodes, "\n".join(lines), *rest])


@dataclass(frozen=True, slots=True)
class Measured:
    """Processor seconds, peak MiB, and whether a process ended before it was stopped."""

    seconds: float
    megabytes: float
    ended: bool


def measure(command: Sequence[str], patience: int) -> Measured:
    """Run a process to its end, or until it has used so many processor seconds."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (patience, patience + 5))

    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=limit,  # noqa: PLW1509 - no threads here
        env=ENVIRONMENT,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode > 0:
        sys.exit(f"{' '.join(command)} ended with code {process.returncode}")
    return Measured(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode == 0)


def typical(runs: Sequence[Measured]) -> Measured:
    """Return the medians; `ended` only if all processes ended."""
    return Measured(
        median(run.seconds for run in runs), median(run.megabytes for run in runs), all(run.ended for run in runs)
    )


def with_policy(text: str) -> str:
    """Return the same cluster with the standard instance of 4 GiB and 20 GiB that hspace counts in."""
    policy = "4096,2,20480,1,1,1|128,1,0,0,1,1;32768,16,1048576,16,8,12|drbd,plain,ext|4.0|32.0"
    return text.rstrip("\n") + f"\n\n\n|{policy}\ng|{policy}\n"


def run(case: Case, folder: Path) -> None:
    """Measure one case and print a line."""
    text = with_policy(cluster(case.nodes, case.instances))
    if case.tool == "hail":
        path = folder / "request.json"
        path.write_text(request(text))
        words, program = [str(path)], HAIL
    else:
        path = folder / "cluster.data"
        path.write_text(on_shared_storage(text) if case.tool == "hsqueeze" else text)
        words, program = ["-t", str(path), *case.words], f"{GANETI_BIN}/{case.tool}"
    ours_command = [sys.executable, "-m", f"htools.{case.tool}", *words]
    measure(ours_command, PATIENCE)  # compiles our modules, as installing them does
    patience = PATIENCE if case.factor else CURIOSITY
    ours: list[Measured] = []
    theirs: list[Measured] = []
    for _ in range(case.runs):
        ours.append(measure(ours_command, PATIENCE))
        if Path(program).exists() and all(run.ended for run in theirs):
            theirs.append(measure([program, *words], patience))
    own = typical(ours)
    what = f"{case.tool:8} {case.nodes:5}/{case.instances:<5} {' '.join(case.words):5}"
    line = f"{what} {own.seconds:8.2f} s {own.megabytes:6.0f} MiB"
    reached = own.ended
    if theirs:
        other = typical(theirs)
        sign = "" if other.ended else ">"
        line += f"   Ganeti {sign}{other.seconds:.2f} s {sign}{other.megabytes:.0f} MiB"
        line += f"   {sign}{other.seconds / own.seconds:.1f}x"
        reached &= not case.factor or other.seconds / own.seconds >= case.factor
    reached &= not case.seconds or own.seconds <= case.seconds
    reached &= not case.megabytes or own.megabytes <= case.megabytes
    wanted = f">= {case.factor:g}x" if case.factor else f"<= {case.seconds:g} s"
    wanted += f", <= {case.megabytes:g} MiB" if case.megabytes else ""
    print(f"{line}   wanted {wanted}: {'reached' if reached else 'missed'}", flush=True)


def main() -> None:
    """Measure all cases."""
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            run(case, Path(folder))


if __name__ == "__main__":
    main()
