"""Random clusters in which few resources are tight, so that each limit decides now and then; made from one seed.

In the clusters of `clusters.py` most limits never bind, or several bind at once and hide each other. Here one or two
kinds of resources are drawn that are tight, and all others are plentiful. Sizes are small multiples of one unit, so
that candidates often have the very same score.
"""

import random
from dataclasses import dataclass

from tests.conformance.clusters import Case

KINDS = (
    "memory", "reserve", "disk", "least disk", "cores", "spindles", "owned spindles", "tags", "migration", "places",
    "wishes", "forthcoming", "offline", "mixed storage",
)  # fmt: skip
STATES = ("running", "running", "running", "ADMIN_down", "ADMIN_offline", "ERROR_up", "USER_down")


@dataclass(slots=True)
class _Node:
    """What a node has, and what of it the instances take."""

    group: int
    exclusive: bool
    offline: bool
    memory: int = 0
    disk: int = 0
    spindles: int = 0
    vcpus: int = 0
    use: int = 0
    reserve: int = 0


class TightGenerator:
    """Makes the cluster and hbal's options of one seed."""

    def __init__(self, seed: int, least: int = 2, most: int = 7) -> None:
        self.seed = seed
        self.random = random.Random(f"tight {seed}")
        self.size = self.random.randint(least, most)
        self.tight = set(self.random.sample(KINDS, self.random.choice((1, 1, 2, 3))))
        self.unit = self.random.choice((1, 64, 1000))
        self.groups = 2 if self.random.random() < 0.1 and self.size > 3 else 1

    def _exclusive(self) -> bool:
        if "mixed storage" in self.tight:
            return self.random.random() < 0.5
        return "owned spindles" in self.tight

    def build(self) -> Case:
        """Return the whole case."""
        rng = self.random
        nodes = [
            _Node(at % self.groups, self._exclusive(), "offline" in self.tight and rng.random() < 0.3)
            for at in range(self.size)
        ]
        instances = [self._instance(number, nodes) for number in range(rng.randint(1, self.size * 4))]
        ratio = rng.choice(("0.5", "1", "1.5", "2")) if "cores" in self.tight else "64"
        share = rng.choice(("0.25", "0.5", "1", "1.5", "3")) if self.tight & {"spindles", "owned spindles"} else "64"
        sizes = "128,1,128,1,1,1|1,1,1,1,1,1;999999,99,9999999,99,99,99"
        policy = f"{sizes}|drbd,plain,ext,rbd,diskless,file,sharedfile,blockdev,gluster|{ratio}|{share}"
        groups = [f"g{at}|u{at}|preferred||" for at in range(self.groups)]
        tags = ["htools:iextags:svc"] if self.tight & {"tags", "places"} else []
        tags += ["htools:nlocation:rack"] if self.tight & {"places", "wishes"} else []
        tags += ["htools:desiredlocation:rack"] if "wishes" in self.tight else []
        tags += ["htools:migration:kvm", "htools:allowmigration:kvm:1::kvm:2"] if "migration" in self.tight else []
        lines = [self._node(at, node, float(ratio)) for at, node in enumerate(nodes)]
        policies = [f"{owner}|{policy}" for owner in ("", *(f"g{at}" for at in range(self.groups)))]
        sections = (groups, lines, [line for line in instances if line], tags, policies)
        text = "\n".join("".join(f"{line}\n" for line in section) for section in sections)
        loads = "".join(
            f"{line.split('|')[0]} {' '.join(rng.choice(('0', '0.1', '0.3', '1', '2.7')) for _ in range(4))}\n"
            for line in instances
            if line
        )
        return Case(self.seed, text, loads, tuple(self._words()))

    def _instance(self, number: int, nodes: list[_Node]) -> str:
        rng, tight = self.random, self.tight
        template = rng.choice(("drbd", "drbd", "drbd", "drbd", "ext", "rbd", "plain", "diskless"))
        primary = rng.randrange(len(nodes)) if rng.random() < 0.5 else rng.randrange((len(nodes) + 1) // 2)
        mates = [at for at in range(len(nodes)) if at != primary and nodes[at].group == nodes[primary].group]
        if template == "drbd" and not mates:
            return ""
        secondary = rng.choice(mates) if template == "drbd" else None
        memory, disk = self.unit * rng.choice((1, 1, 2, 3)), self.unit * rng.choice((1, 1, 2, 4))
        vcpus, use = rng.choice((1, 1, 2, 3)), rng.choice((0, 1, 1, 2, 5))
        owned = rng.choice((1, 1, 2))
        state = rng.choice(STATES) if rng.random() < 0.3 else "running"
        forthcoming = "forthcoming" in tight and rng.random() < 0.4
        local = template in {"drbd", "plain"}
        spindles = owned if any(node.exclusive for node in nodes) or rng.random() < 0.3 else "-"
        if not forthcoming:
            nodes[primary].memory += memory if state in {"running", "ERROR_up"} else 0
            nodes[primary].vcpus += vcpus if state != "ADMIN_offline" else 0
            for at in [primary] + ([] if secondary is None else [secondary]):
                nodes[at].disk += disk * local
                nodes[at].spindles += owned * local
                nodes[at].use += use * local
            if secondary is not None:
                nodes[secondary].reserve = max(nodes[secondary].reserve, memory)
        choices = (("tags", "svc:a", 0.3), ("places", "svc:b", 0.4), ("wishes", "rack:a", 0.4), ("tags", "note", 0.2))
        tags = [tag for kind, tag, chance in choices if kind in tight and rng.random() < chance]
        where = "" if secondary is None else f"n{secondary}"
        if template != "drbd" and rng.random() < 0.03:  # a second node that nothing is mirrored on, or the first again
            where = f"n{rng.choice([primary, *mates])}"
        return (
            f"i{number}|{memory}|{disk}|{vcpus}|{state}|Y|n{primary}|{where}|{template}|{','.join(tags)}|{use}|"
            f"{spindles}|{'Y' if forthcoming else 'N'}"
        )

    def _free(self, kind: str, unit: int, plenty: int) -> int:
        """Return how much is left on a node: a few units or none, if it is tight."""
        return unit * self.random.choice((0, 1, 1, 2, 3, 5)) if kind in self.tight else unit * plenty

    def _node(self, at: int, node: _Node, ratio: float) -> str:
        rng, unit = self.random, self.unit
        memory = self._free("memory", unit, 40)
        if "reserve" in self.tight:
            memory = node.reserve + unit * rng.choice((-1, 0, 1, 1, 2, 3))
        memory = max(0, memory)
        total = node.memory + memory + rng.choice((0, 0, unit))
        disk = self._free("disk", unit, 40)
        whole = node.disk + disk if rng.random() < 0.95 or "disk" not in self.tight else 0
        cores = max(1, int(node.vcpus / ratio) + rng.choice((0, 0, 1, 2))) if "cores" in self.tight else 64
        spindles = rng.choice((1, 2, 4)) if self.tight & {"spindles", "owned spindles"} else 8
        owned = rng.choice((0, 1, 1, 2, 4)) if self.tight & {"owned spindles", "mixed storage"} else 40
        tags = [f"rack:{rng.choice('ab')}"] if self.tight & {"places", "wishes"} else []
        if "migration" in self.tight:
            tags += [tag for tag in ("kvm:1", "kvm:2") if rng.random() < 0.4]
        if node.exclusive:
            spindles = node.spindles + owned
        status = "Y" if node.offline else "M" if at == 0 else "N"
        return (
            f"n{at}|{total}|0|{memory}|{whole}|{disk}|{cores}|{status}|u{node.group}|{spindles}|{','.join(tags)}|"
            f"{'Y' if node.exclusive else 'N'}|{owned if node.exclusive else 0}|0|{rng.choice(('1.0', '1.0', '0.7'))}"
        )

    def _words(self) -> list[str]:
        rng = self.random
        words = ["-C", "-p"] if rng.random() < 0.3 else ["-C"]
        optional: tuple[tuple[float, list[str]], ...] = (
            (0.15, ["--restricted-migration"]),
            (0.3 if "offline" in self.tight else 0.05, ["--evac-mode"]),
            (0.08, ["--no-disk-moves"]),
            (0.08, ["--no-instance-moves"]),
            (0.15, ["--ignore-soft-errors"]),
            (0.20, ["-U", "{dynu}"]),
            (0.50, ["-g", "0", "--min-gain-limit", "0"]),
            (1.0 if "least disk" in self.tight else 0.05, ["--min-disk", rng.choice(("0.01", "0.1", "0.3", "0.6"))]),
            (0.3 if "cores" in self.tight else 0.02, ["--max-cpu", rng.choice(("0.5", "1", "1.7", "3"))]),
            (0.05, ["-O", f"n{rng.randrange(self.size)}"]),
            (0.10, ["-v"]),
        )
        for chance, option in optional:
            if rng.random() < chance:
                words += option
        return words + (["-G", f"g{rng.randrange(2)}"] if self.groups > 1 else [])
