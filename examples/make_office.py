"""Makes the example clusters: `python examples/make_office.py [FOLDER]` writes them again, byte for byte.

`office-20.txt`: twenty machines and a hundred virtual ones, every disk mirrored over two machines by DRBD. Seventeen
machines have carried everything for years; three were bought last week and are still empty, so `hbal` has something
to do.

`branch-4.txt`: a small branch office whose machines are nearly full. `branch-4.plan`, written by hand, ends in a good
state and is unsafe all the same, because its two moves stand in the wrong order; `gantry audit` says why.
"""

import os
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass

SEED = 21
GIB = 1024
"""MiB; the text format's unit."""

MACHINES = 20
NEW_MACHINES = 3
NODE_SIZE = (64 * GIB, 2 * GIB, 2048 * GIB, 16)
"""Memory, the node's own part of it, disk, cores."""
DRBD_META = 128
"""MiB that DRBD's metadata takes of each disk on each node."""

DEPARTMENTS = ("sales", "hr", "finance", "legal", "design", "press", "support", "lab", "works", "board")
# (service, memory in GiB, disk in GiB, cores)
SERVICES = (
    ("files", 4, 60, 2),
    ("mail", 8, 40, 2),
    ("wiki", 4, 20, 2),
    ("web", 2, 10, 2),
    ("db", 12, 30, 4),
    ("print", 1, 5, 1),
    ("chat", 4, 10, 2),
    ("backup", 2, 50, 1),
    ("build", 8, 20, 4),
    ("desk", 6, 30, 2),
)
GROUP_UUID = "0ff1ce00-0000-4000-8000-000000000001"
POLICY = "4096,2,20480,1,1,1|128,1,0,0,1,1;32768,16,1048576,16,8,12|drbd,plain,diskless,file,sharedfile|4.0|32.0"


@dataclass
class Machine:
    """One node while the cluster is being filled: MiB used so far, and how many disks' copies it holds."""

    name: str
    memory: int = 0
    disk: int = 0
    copies: int = 0


def instances() -> Iterator[tuple[str, int, int, int]]:
    """Name, memory, disk (MiB) and cores of each virtual machine."""
    for department in DEPARTMENTS:
        for service, memory, disk, cores in SERVICES:
            yield f"{department}-{service}", memory * GIB, disk * GIB + DRBD_META, cores


def office() -> str:
    """Write the text of `office-20.txt`."""
    rng = random.Random(SEED)
    machines = [Machine(f"hv{number:02}") for number in range(1, MACHINES + 1)]
    old = machines[:-NEW_MACHINES]
    lines = []
    for name, memory, disk, cores in instances():
        primary = min(rng.sample(old, 3), key=lambda m: m.copies)
        secondary = min(rng.sample([m for m in old if m is not primary], 3), key=lambda m: m.copies)
        primary.memory += memory
        for machine in (primary, secondary):
            machine.disk += disk
            machine.copies += 1
        lines.append(_instance((name, memory, disk, cores), primary, secondary))
    nodes = [_node(m, NODE_SIZE, machines[0]) for m in machines]
    return _text("office", nodes, lines)


def branch() -> str:
    """Write the text of `branch-4.txt`."""
    machines = {name: Machine(name) for name in ("north", "east", "south", "west")}
    lines = []
    for name, memory, primary, secondary in (
        ("till", 4, "north", "east"),
        ("stock", 6, "east", "west"),
        ("orders", 4, "east", "south"),
        ("camera", 2, "south", "east"),
        ("phone", 1, "west", "north"),
    ):
        disk = 20 * GIB + DRBD_META
        machines[primary].memory += memory * GIB
        machines[primary].disk += disk
        machines[secondary].disk += disk
        lines.append(_instance((name, memory * GIB, disk, 2), machines[primary], machines[secondary]))
    nodes = [_node(m, (16 * GIB, GIB, 512 * GIB, 8), machines["north"]) for m in machines.values()]
    return _text("branch", nodes, lines)


BRANCH_PLAN = """\
echo jobset 1, 1 jobs
  echo job 1/1
  check
  gnt-instance migrate -f till

echo jobset 2, 1 jobs
  echo job 2/1
  check
  gnt-instance migrate -f stock
"""


def _instance(size: tuple[str, int, int, int], primary: Machine, secondary: Machine) -> str:
    """Write one line of the instances' section from a name, MiB of memory and of disk, and cores."""
    name, memory, disk, cores = size
    return f"{name}|{memory}|{disk}|{cores}|running|Y|{primary.name}|{secondary.name}|drbd||1|-|N"


def _node(it: Machine, size: tuple[int, int, int, int], master: Machine) -> str:
    """Write one line of the nodes' section; `size` is memory, its own part of it, disk (MiB) and cores.

    The node reports as free what its instances leave.
    """
    memory, own, disk, cores = size
    role = "M" if it is master else "N"
    free = f"{memory - own - it.memory}|{disk}|{disk - it.disk}"
    return f"{it.name}|{memory}|{own}|{free}|{cores}|{role}|{GROUP_UUID}|1||N|0|1|1.0"


def _text(group: str, nodes: list[str], lines: list[str]) -> str:
    """Write the five sections of the text format: groups, nodes, instances, cluster tags, policies."""
    sections = ([f"{group}|{GROUP_UUID}|preferred||"], nodes, lines, [], [f"|{POLICY}", f"{group}|{POLICY}"])
    return "\n".join("".join(f"{line}\n" for line in section) for section in sections)


def main() -> None:
    """Write the example files into the folder of this program, or the one named."""
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    for name, text in (("office-20.txt", office()), ("branch-4.txt", branch()), ("branch-4.plan", BRANCH_PLAN)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main()
