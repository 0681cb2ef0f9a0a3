"""Compare hbal with Ganeti's in the same run, whole processes: processor seconds, their ratio, the required ratio.

Both run in turns, and the medians are shown.

Clusters are made here, seeded: imbalanced, all DRBD, five instances a node (ten at 2000 nodes). Ganeti's is
run where it needs minutes at most: at 80 nodes for one round, whose time is multiplied by twenty.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.conftest import ganeti_program

SIZES = ((5, 20, -1, 8.0, 9), (20, 100, -1, 1 / 15, 5), (80, 400, 20, 1 / 150, 3), (200, 1000, 1, 1 / 300, 1))
"""Nodes, instances, rounds (−1: all), the largest allowed part of Ganeti's time, and pairs of runs."""
LARGE = ((1000, 5000, 500, 120.0, 1.5), (2000, 20000, 20, 120.0, 4.0))
"""Nodes, instances, rounds, seconds of processor time allowed, GiB allowed."""
GROWTH = ((50, 250), (100, 500), (200, 1000), (400, 2000), (100, 1000), (100, 2000))
"""Sizes at which the cost of one more round is measured."""


ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Our modules are compiled once, as in any installation, and not again in every run."""


def cluster(nodes: int, instances: int, seed: int = 1) -> str:
    """Return the text of an imbalanced cluster: two thirds of the instances are on the first half of the nodes."""
    rng = random.Random(seed)
    memory, disk = [0] * nodes, [0] * nodes
    lines = []
    for number in range(instances):
        primary = rng.randrange(nodes) if rng.random() < 0.67 else rng.randrange(max(1, nodes // 2))
        secondary = (primary + rng.randrange(1, nodes)) % nodes
        size, room = rng.choice((1024, 2048, 4096)), rng.choice((10240, 20480, 40960))
        memory[primary] += size
        disk[primary] += room + 128
        disk[secondary] += room + 128
        cores = rng.choice((1, 2, 4))
        lines.append(f"i{number}|{size}|{room + 128}|{cores}|running|Y|n{primary}|n{secondary}|drbd||1|-|N")
    total, capacity = 65536 * max(1, instances // nodes // 4), 4194304
    rows = [
        f"n{n}|{total}|1024|{max(0, total - 1024 - memory[n])}|{capacity}|{capacity - disk[n]}|64|N|u|1||N|0|1|1.0"
        for n in range(nodes)
    ]
    return "\n".join("".join(f"{line}\n" for line in section) for section in (["g|u|preferred||"], rows, lines, [], []))


def run(command: Sequence[str]) -> tuple[float, float, float]:
    """Run a process; return wall seconds, processor seconds and peak GiB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with code {process.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20


def medians(ours: Sequence[str], theirs: Sequence[str] | None, pairs: int) -> tuple[float, float]:
    """Return the median processor seconds of both programs, run in turns; ours runs at least three times."""
    mine, others = [], []
    for _ in range(pairs):
        mine.append(run(ours)[1])
        if theirs is not None:
            others.append(run(theirs)[1])
    mine += [run(ours)[1] for _ in range(3 - pairs)]
    return median(mine), median(others) if others else float("nan")


def _fit(sizes: Sequence[tuple[int, int]], costs: Sequence[float]) -> tuple[float, float]:
    """Return the exponents a and b that fit cost = c · nodes^a · instances^b best."""
    import numpy as np

    rows = np.array([(1.0, np.log(nodes), np.log(instances)) for nodes, instances in sizes])
    _, by_nodes, by_instances = np.linalg.lstsq(rows, np.log(costs), rcond=None)[0]
    return float(by_nodes), float(by_instances)


def _growth(ours: Sequence[str], folder: Path) -> None:
    """Fit the cost of the first round, which scores every candidate, and of the 40 after the fifth."""
    first, later = [], []
    for nodes, instances in GROWTH:
        path = folder / f"g{nodes}-{instances}"
        path.write_text(cluster(nodes, instances))
        none, one, few, many = (
            median(run([*ours, "-t", str(path), f"-l{rounds}"])[1] for _ in range(3)) for rounds in (0, 1, 5, 45)
        )
        first.append(max(one - none, 1e-3))
        later.append(max((many - few) / 40, 1e-5))
        print(
            f"  {nodes:4d} nodes, {instances:5d} instances: first round {first[-1] * 1000:7.0f} ms, "
            f"later ones {later[-1] * 1000:6.2f} ms each"
        )
    for name, costs in (("the first round", first), ("a later round", later)):
        by_nodes, by_instances = _fit(GROWTH, costs)
        print(f"  {name} grows as nodes^{by_nodes:.2f} · instances^{by_instances:.2f} (Ganeti: 2 and 1)")


def main() -> None:
    """Print the table."""
    program = ganeti_program("hbal")
    ours = [sys.executable, "-m", "htools.hbal"]
    if program is None:
        print("Ganeti's hbal is not installed (Debian: ganeti-htools-3.0): our own times only")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ENVIRONMENT["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
        run([*ours, "--version"])
        print(f"{'nodes':>6} {'instances':>9} {'rounds':>6} {'Ganeti s':>9} {'ours s':>8} {'ratio':>9}  must reach")
        for nodes, instances, rounds, allowed, pairs in SIZES:
            path = folder / f"c{nodes}"
            path.write_text(cluster(nodes, instances))
            words = ["-t", str(path), f"-l{rounds}"]
            timed = ["-t", str(path), "-l1"] if nodes == 80 else words
            mine, theirs = medians([*ours, *words], None if program is None else [program, *timed], pairs)
            limit = f"{allowed:.0f}x slower" if allowed > 1 else f"{1 / allowed:.0f}x faster"
            theirs, note = (theirs * rounds, " (Ganeti: 1 round, times 20)") if nodes == 80 else (theirs, "")
            ratio = theirs / mine
            shown = f"{ratio:8.1f}x" if ratio >= 1 else f"1/{1 / ratio:.1f}x"
            verdict = "" if program is None else "ok" if mine <= theirs * allowed else "MISSED"
            print(
                f"{nodes:6d} {instances:9d} {rounds:6d} {theirs:9.2f} {mine:8.2f} {shown:>9}  {limit} {verdict}{note}"
            )
        for nodes, instances, rounds, seconds, memory in LARGE:
            path = folder / f"c{nodes}"
            path.write_text(cluster(nodes, instances))
            wall, processor, peak = run([*ours, "-t", str(path), f"-l{rounds}"])
            verdict = "ok" if processor <= seconds and peak <= memory else "MISSED"
            print(
                f"{nodes:6d} {instances:9d} {rounds:6d} {'-':>9} {processor:8.2f} {'-':>9}  under {seconds:.0f} s, "
                f"{memory} GiB {verdict} ({peak:.2f} GiB, {wall:.1f} s by the clock)"
            )
        _growth(ours, folder)


if __name__ == "__main__":
    main()
