"""Random clusters for comparing programs: seeded, in the text format, with options and utilisation that suit them.

`Generator(seed)` always makes the same; whoever needs other traits adds a method, and calls the generator's `random`
in an order that does not depend on them, so that old seeds stay what they were.
"""

import random
from dataclasses import dataclass

TEMPLATES = (
    "drbd",
    "drbd",
    "drbd",
    "drbd",
    "plain",
    "ext",
    "rbd",
    "sharedfile",
    "diskless",
    "file",
    "blockdev",
    "gluster",
)
STATES = (
    "running", "running", "running", "running", "ADMIN_down", "ADMIN_offline", "ERROR_down", "ERROR_up",
    "ERROR_nodedown", "ERROR_nodeoffline", "USER_down", "ERROR_wrongnode",
)  # fmt: skip
CLUSTER_TAGS = (
    "htools:iextags:svc", "htools:iextags:db", "htools:nlocation:rack", "htools:nlocation:power",
    "htools:desiredlocation:rack", "htools:migration:kvm", "htools:allowmigration:kvm:1::kvm:2", "other",
)  # fmt: skip
NODE_TAGS = ("rack:a", "rack:b", "rack:c", "power:1", "power:2", "kvm:1", "kvm:2", "note")
INSTANCE_TAGS = ("svc:web", "svc:mail", "db:x", "db:y", "rack:a", "rack:b", "owner:me")


@dataclass(frozen=True, slots=True)
class Case:
    """One comparison: the cluster's text, the utilisation and monitoring files, and the words without the files."""

    seed: int
    text: str
    utilisation: str
    words: tuple[str, ...]
    monitoring: str = "[]"


class Generator:
    """Makes the cluster and the options of one seed."""

    def __init__(self, seed: int, least: int = 3, most: int = 12) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.size = self.random.randint(least, most)
        self.calm = self.random.random() < 0.35  # little but DRBD, nothing wrong: what most clusters are like
        self.exclusive = not self.calm and self.random.random() < 0.12
        self.groups = 1 if self.calm or self.random.random() < 0.75 else 2
        self.same_size = self.random.random() < 0.4

    def chance(self, share: float) -> bool:
        """True for this share of all calls, and never in a calm cluster."""
        drawn = self.random.random() < share
        return drawn and not self.calm

    def policy(self) -> str:
        """Return the fields of a policy after its owner."""
        ratio = self.random.choice(("4.0", "4.0", "2.5", "8.0", "1.0"))
        spindles = self.random.choice(("32.0", "32.0", "4.0", "12.5"))
        low, high = "128,1,128,1,1,1", "65536,32,4194304,16,8,12"
        return f"128,1,1024,1,1,1|{low};{high}|{','.join(sorted(set(TEMPLATES)))}|{ratio}|{spindles}"

    def build(self) -> Case:
        """Return the whole case."""
        rng = self.random
        tags = [tag for tag in CLUSTER_TAGS if self.chance(0.3)]
        groups = [f"group{g}|uuid-{g}|{rng.choice(('preferred', 'last_resort'))}||" for g in range(self.groups)]
        suffix = ".example.com" if rng.random() < 0.3 else ""
        memory = rng.choice((8192, 16384, 32768, 65536))
        nodes: list[dict[str, object]] = []
        for number in range(self.size):
            scale = 1 if self.same_size else rng.choice((1, 1, 2, 3))
            nodes.append(
                {
                    "name": f"node{number}{suffix}",
                    "group": number % self.groups,
                    "memory": memory * scale - (0 if self.same_size else rng.choice((0, 0, 17, 1001))),
                    "own": rng.choice((0, 512, 1024)),
                    "disk": rng.choice((102400, 409600, 1000000)) * scale,
                    "cpus": rng.choice((4, 8, 16)),
                    "cpu_own": rng.choice((0, 1, 1, 2)),
                    "speed": rng.choice(("1.0", "1.0", "1.3", "0.75")) if not self.calm else "1.0",
                    "spindles": rng.randint(4, 24) if self.exclusive else rng.choice((1, 1, 2, 8)),
                    "offline": self.chance(0.12),
                    "tags": ",".join(tag for tag in NODE_TAGS if self.chance(0.35)),
                    "used_memory": 0,
                    "used_disk": 0,
                    "used_spindles": 0,
                    "silent": self.chance(0.02),
                }
            )
        instances = [self.instance(number, suffix, nodes) for number in range(rng.randint(1, self.size * 5))]
        text = self.text(groups, nodes, [line for line in instances if line], tags)
        loads = "".join(
            f"{line.split('|')[0]} {' '.join(str(round(rng.uniform(0, 4), rng.randint(0, 3))) for _ in range(4))}\n"
            for line in instances
            if line and rng.random() < 0.9
        )
        names = [line.split("|")[0] for line in instances if line]
        return Case(self.seed, text, loads, tuple(self.words(names, nodes)))

    def instance(self, number: int, suffix: str, nodes: list[dict[str, object]]) -> str:
        """Return an instance's line, and take its sizes from its nodes; empty if it has no place."""
        rng = self.random
        template = "drbd" if self.calm else rng.choice(TEMPLATES)
        primary = rng.randrange(len(nodes)) if rng.random() < 0.6 else rng.randrange(max(1, len(nodes) // 2))
        mates = [n for n in range(len(nodes)) if n != primary and nodes[n]["group"] == nodes[primary]["group"]]
        secondary = rng.choice(mates) if mates else None
        if template == "drbd" and secondary is None:
            return ""
        memory = rng.choice((128, 256, 512, 1024, 2048, 4096)) + (0 if self.calm else rng.choice((0, 0, 1, 7)))
        disk = rng.choice((1024, 2048, 10240, 20480)) + rng.choice((0, 128))
        spindles = rng.randint(1, 3) if self.exclusive else rng.choice(("-", "-", 1))
        status = "running" if self.calm else rng.choice(STATES)
        forthcoming = self.chance(0.08)
        used = status in {"running", "ERROR_up", "ERROR_nodedown", "ERROR_nodeoffline", "ERROR_wrongnode"}
        for node in [nodes[primary]] + ([nodes[secondary]] if template == "drbd" and secondary is not None else []):
            if template in {"drbd", "plain"} and not forthcoming:
                node["used_disk"] = int(str(node["used_disk"])) + disk
                node["used_spindles"] = int(str(node["used_spindles"])) + (spindles if isinstance(spindles, int) else 0)
        if used and not forthcoming:
            nodes[primary]["used_memory"] = int(str(nodes[primary]["used_memory"])) + memory
        fields = (
            f"inst{number}{suffix}", memory, disk, rng.choice((1, 1, 2, 4)), status, "N" if self.chance(0.1) else "Y",
            nodes[primary]["name"], nodes[secondary]["name"] if template == "drbd" and secondary is not None else "",
            template, ",".join(tag for tag in INSTANCE_TAGS if self.chance(0.2)), rng.choice((1, 1, 2)), spindles,
            "Y" if forthcoming else "N",
        )  # fmt: skip
        return "|".join(map(str, fields))

    def text(self, groups: list[str], nodes: list[dict[str, object]], instances: list[str], tags: list[str]) -> str:
        """Return the whole file."""
        rng = self.random
        lines = []
        for number, node in enumerate(nodes):
            total, own = int(str(node["memory"])), int(str(node["own"]))
            free = max(
                0,
                total
                - own
                - int(str(node["used_memory"]))
                - (rng.choice((0, 0, 300, -200, 2000)) if not self.calm else 0),
            )
            disk = int(str(node["disk"])) if not self.chance(0.03) else 0
            free_disk = max(0, disk - int(str(node["used_disk"])) - (rng.choice((0, 0, 5000)) if not self.calm else 0))
            spindles = int(str(node["spindles"]))
            free_spindles = max(0, spindles - int(str(node["used_spindles"]))) if self.exclusive else 0
            status = "Y" if node["offline"] else "M" if number == 0 else "N"
            sizes = "?|?|?|?|?|?" if node["silent"] else f"{total}|{own}|{free}|{disk}|{free_disk}|{node['cpus']}"
            lines.append(
                f"{node['name']}|{sizes}|{status}|uuid-{node['group']}|{spindles}|{node['tags']}|"
                f"{'Y' if self.exclusive else 'N'}|{free_spindles}|{node['cpu_own']}|{node['speed']}"
            )
        policies = [f"|{self.policy()}"] + [f"{line.split('|')[0]}|{self.policy()}" for line in groups]
        sections = (groups, lines, instances, tags, policies)
        return "\n".join("".join(f"{line}\n" for line in section) for section in sections)

    def words(self, instances: list[str], nodes: list[dict[str, object]]) -> list[str]:
        """Options of hbal, files aside; `{dynu}` stands for the utilisation's path."""
        rng = self.random
        words = ["-C", "-p"] if rng.random() < 0.3 else ["-C"]
        optional: tuple[tuple[float, list[str]], ...] = (
            (0.15, ["--restricted-migration"]),
            (0.15, ["--evac-mode"]),
            (0.10, ["--no-disk-moves"]),
            (0.10, ["--no-instance-moves"]),
            (0.15, ["--ignore-soft-errors"]),
            (0.25, ["-U", "{dynu}"]),
            (0.05, ["--ignore-dynu"]),
            (0.10, ["-l", str(rng.randint(0, 6))]),
            (0.10, ["-g", rng.choice(("0", "0.1", "1e-3"))]),
            (0.10, ["--min-gain-limit", rng.choice(("0", "5", "100"))]),
            (0.10, ["-e", rng.choice(("0", "0.5", "1e-3"))]),
            (0.10, ["--max-cpu", rng.choice(("1", "2.5", "8"))]),
            (0.10, ["--min-disk", rng.choice(("0.05", "0.3", "0.9"))]),
            (0.10, ["-O", str(nodes[rng.randrange(len(nodes))]["name"])]),
            (0.10, ["--exclusion-tags", rng.choice(("owner", "owner,svc"))]),
            (0.20, ["-" + "v" * rng.randint(1, 4)]),
            (0.05, ["-q"]),
            (0.10, ["--print-instances"]),
            (0.05, ["--first-job-group"]),
            (0.10, ["-S", "state"]),
        )
        for share, option in optional:
            if rng.random() < share:
                words += option
        if instances and rng.random() < 0.08:
            words += [rng.choice(("--select-instances", "--exclude-instances")), ",".join(rng.sample(instances, 1))]
        if self.groups > 1:
            words += ["-G", f"group{rng.randrange(self.groups)}"]
        return words
