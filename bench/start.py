"""Times of each program for `--version`, `--help` and usage errors, beside `python -c pass` and Ganeti's hbal.

All commands run in turns, and the medians are shown: seconds by the clock and of processor time, both beyond the bare
interpreter's. At most 0.04 s are promised; the verdict is about processor time, since the clock includes other
processes.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from gantry.cli import COMMANDS
from htools.commandline.tool import TOOLS
from tests.conftest import ganeti_program

ALLOWED = 0.04
"""Seconds beyond the bare interpreter."""
TURNS = 11

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Our modules are compiled once, as in any installation, and not again in every run."""


def commands() -> dict[str, list[str]]:
    """Return the command lines to be measured, by the names shown."""
    scripts = Path(sys.executable).parent
    programs = (*TOOLS, "luxid", "wconfd", "gantry")
    words = [[name, word] for name in programs for word in ("--version", "--help", "--no-such")]
    words += [["gantry", name, word] for name in COMMANDS for word in ("--help", "--no-such")]
    words += [[name, *more] for name in TOOLS if name != "hscan" for more in ([], ["one", "two"])]
    words += [["wconfd", "--metrics", "no-such"], ["gantry", "job", "submit", "no-such"], ["gantry", "job", "archive"]]
    return {" ".join(line): [str(scripts / line[0]), *line[1:]] for line in words}


def run(command: Sequence[str]) -> tuple[float, float]:
    """Run a process; return wall and processor seconds."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print the table."""
    bare, reference = "python -c pass", "Ganeti's hbal --version"
    lines = {bare: [sys.executable, "-c", "pass"]}
    program = ganeti_program("hbal")
    if program is not None:
        lines[reference] = [program, "--version"]
    ours = commands()
    lines |= ours
    for command in lines.values():
        run(command)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in lines}
    for _ in range(TURNS):
        for name, command in lines.items():
            times[name].append(run(command))
    found = {name: (median(wall for wall, _ in runs), median(cpu for _, cpu in runs)) for name, runs in times.items()}
    for name in (bare, reference):
        if name in found:
            print(f"{name:<26} {found[name][0]:.3f} s by the clock, {found[name][1]:.3f} s of processor time")
    print(f"{'':<26} {'beyond the bare interpreter':>29}\n{'':<26} {'clock s':>9} {'processor s':>12} {'ratio':>6}")
    for name in ours:
        wall, cpu = (mine - its for mine, its in zip(found[name], found[bare], strict=True))
        verdict = "ok" if cpu <= ALLOWED else "MISSED"
        print(f"{name:<26} {wall:9.3f} {cpu:12.3f} {found[name][1] / found[bare][1]:5.1f}x  {verdict}")


if __name__ == "__main__":
    main()
