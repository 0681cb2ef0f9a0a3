"""Random iallocator requests of every kind on random small clusters; each is a JSON object made from one seed."""

import random
from typing import Any

TEMPLATES = ["drbd", "plain", "ext", "rbd", "sharedfile", "diskless", "file", "blockdev", "gluster"]
KINDS = [
    "allocate",
    "allocate",
    "allocate",
    "multi-allocate",
    "relocate",
    "node-evacuate",
    "change-group",
    "allocate-secondary",
]
MOVING = ["relocate", "node-evacuate", "node-evacuate", "change-group", "change-group", "allocate-secondary"]


def ispec(rng: random.Random, low: bool) -> dict[str, int]:
    if low:
        sizes = {"memory-size": rng.choice([0, 0, 128, 512]), "disk-size": rng.choice([0, 0, 512])}
        return sizes | {"cpu-count": 1, "disk-count": 0, "nic-count": 0, "spindle-use": rng.choice([0, 1])}
    sizes = {"memory-size": rng.choice([32768] * 6 + [3000]), "disk-size": rng.choice([1048576] * 6 + [5000])}
    return sizes | {"cpu-count": rng.choice([16, 16, 3]), "disk-count": 16, "nic-count": 8, "spindle-use": 12}


def policy(rng: random.Random) -> dict[str, Any]:
    names = TEMPLATES[:]
    rng.shuffle(names)
    return {
        "std": {
            "memory-size": 1024,
            "cpu-count": 1,
            "disk-size": 1024,
            "disk-count": 1,
            "nic-count": 1,
            "spindle-use": 1,
        },
        "minmax": [{"min": ispec(rng, True), "max": ispec(rng, False)} for _ in range(rng.choice([1, 1, 2]))],
        "vcpu-ratio": rng.choice([4.0, 4.0, 4.0, 4.0, 1.5]),
        "spindle-ratio": rng.choice([32.0, 32.0, 4.0]),
        "disk-templates": names if rng.random() < 0.95 else names[:6],
    }


def nic(rng: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {"mac": None, "ip": None, "mode": rng.choice([None, "bridged", "routed"]), "link": None}
    if rng.random() < 0.08:
        found["network"] = rng.choice(["net-a", "net-b"])
    return found


def instance(rng: random.Random, dedicated: bool, template: str | None = None) -> dict[str, Any]:
    sizes = [rng.choice([512, 1024, 4096, 10240]) for _ in range(rng.choice([1, 1, 1, 1, 2]))]
    template = template or rng.choice(TEMPLATES[:6] if rng.random() < 0.9 else TEMPLATES)
    spindles = [rng.choice([1, 1, 2]) if dedicated else rng.choice([1, None]) for _ in sizes]
    return {
        "disks": [{"mode": "rw", "size": size, "spindles": held} for size, held in zip(sizes, spindles, strict=True)],
        "disk_space_total": sum(sizes) + (128 * len(sizes) if template == "drbd" else 0),
        "memory": rng.choice([128, 512, 1024, 2048, 4096]),
        "vcpus": rng.choice([1, 1, 2, 4]),
        "tags": rng.sample(["svc:a", "svc:b", "want:x", "other"], rng.choice([0, 0, 0, 1, 2])),
        "disk_template": template,
        "spindle_use": rng.choice([1, 1, 1, 1, 2]),
        "nics": [nic(rng) for _ in range(rng.choice([0, 1, 1]))],
        "admin_state": rng.choice(["up"] * 8 + ["down", "offline"]),
        "hypervisor": "xen-pvm",
        "os": "debian",
    } | ({"forthcoming": True} if rng.random() < 0.04 else {})


class _Cluster:
    def __init__(self, rng: random.Random, most: int) -> None:
        self.rng = rng
        self.dedicated = rng.random() < 0.2
        self.style = rng.choice(["drbd", "mixed", "mixed", "shared", "plain"])
        groups = rng.choice([1, 1, 2, 2, 3])
        self.groups = {
            f"uuid-{g}": {
                "name": f"group{g}",
                "alloc_policy": rng.choice(["preferred"] * 5 + ["last_resort", "unallocable"]),
                "networks": rng.sample(["net-a", "net-b"], rng.choice([0, 1, 2, 2])),
                "tags": [],
                "ipolicy": policy(rng) | ({"vcpu-ratio": 4.0, "spindle-ratio": 32.0} if rng.random() < 0.6 else {}),
            }
            for g in range(groups)
        }
        self.nodes: dict[str, Any] = {}
        self.instances: dict[str, Any] = {}
        self.tags = [
            tag
            for tag, odds in [
                ("htools:iextags:svc", 0.5),
                ("htools:nlocation:loc", 0.4),
                ("htools:desiredlocation:want", 0.3),
                ("htools:migration:hv", 0.3),
                ("htools:allowmigration:hv:1::hv:2", 0.3),
            ]
            if rng.random() < odds
        ]
        for at in range(rng.randint(3, most * groups if groups > 1 else most + 3)):
            self._node(f"node{at}" + (".dom" if self.dedicated else ""))
        self.exact = rng.random() < 0.3
        for at in range(rng.randint(0, rng.choice([1, 2, 3]) * len(self.nodes))):
            self._instance(f"inst{at}" + (".dom" if self.dedicated else ""))
        for node in self.nodes.values():
            self._account(node)

    def _node(self, name: str) -> None:
        rng = self.rng
        memory = rng.choice([4096, 16384, 32768, 32768])
        tags = rng.sample(["loc:1", "loc:2", "want:x", "hv:1", "hv:2"], rng.choice([0, 1, 2]))
        self.nodes[name] = {
            "total_memory": memory,
            "free_memory": memory - 512,
            "reserved_memory": 512,
            "total_disk": rng.choice([20480, 40960, 102400]),
            "free_disk": 0,
            "total_cpus": rng.choice([2, 4, 8]),
            "reserved_cpus": 1,
            "total_spindles": rng.choice([4, 8]),
            "free_spindles": 0,
            "group": rng.choice(list(self.groups)),
            "offline": rng.random() < 0.06,
            "drained": rng.random() < 0.06,
            "vm_capable": rng.random() < 0.97,
            "tags": tags,
            "ndparams": {"spindle_count": rng.choice([1, 2, 4]), "exclusive_storage": self.dedicated},
            "_disk": 0,
            "_spindles": 0,
        }

    def _instance(self, name: str) -> None:
        rng = self.rng
        template = {"drbd": "drbd", "shared": rng.choice(["ext", "rbd"]), "plain": "plain"}.get(self.style)
        new = instance(rng, self.dedicated, template)
        primary = rng.choice(list(self.nodes))
        peers = [n for n in self.nodes if n != primary and self.nodes[n]["group"] == self.nodes[primary]["group"]]
        nodes = [primary]
        if new["disk_template"] == "drbd":
            if not peers:
                new["disk_template"] = "plain"
            else:
                nodes.append(rng.choice(peers))
        home = self.nodes[primary]
        used = 0 if new["admin_state"] != "up" or new.get("forthcoming") else new["memory"]
        size = new["disk_space_total"] if new["disk_template"] in {"drbd", "plain"} else 0
        held = sum(disk["spindles"] or 0 for disk in new["disks"]) if size else 0
        if home["free_memory"] < used or any(
            self.nodes[n]["_disk"] + size > self.nodes[n]["total_disk"] for n in nodes
        ):
            return
        home["free_memory"] -= used
        for node in nodes:
            self.nodes[node]["_disk"] += size
            self.nodes[node]["_spindles"] += held
        new["nodes"] = nodes
        self.instances[name] = new

    def _account(self, node: dict[str, Any]) -> None:
        rng = self.rng
        node["free_disk"] = node["total_disk"] - node.pop("_disk")
        node["free_spindles"] = max(0, node["total_spindles"] - node.pop("_spindles"))
        if rng.random() < 0.15:
            node["free_memory"] -= rng.choice([100, 700, -200])

    def request(self, kinds: list[str]) -> dict[str, Any]:
        rng = self.rng
        kind = rng.choice(kinds)
        template = {"drbd": "drbd", "shared": "ext", "plain": "plain"}.get(self.style)
        names = list(self.instances)
        if kind == "allocate" or not names:
            asked = self._new("new", template)
            if rng.random() < 0.2:
                asked["group_name"] = rng.choice([*(group["name"] for group in self.groups.values()), "uuid-0", "none"])
            if rng.random() < 0.15:
                asked["restrict-to-nodes"] = rng.sample(list(self.nodes), rng.randint(1, len(self.nodes)))
            return asked | {"type": "allocate"}
        if kind == "multi-allocate":
            many = [self._new(f"new{at}", template) for at in range(rng.randint(1, 4))]
            asked = {"type": kind, "instances": many}
            if rng.random() < 0.15:
                asked["group_name"] = rng.choice([group["name"] for group in self.groups.values()])
            return asked
        some = rng.sample(names, rng.randint(1, min(4, len(names))))
        if kind == "relocate":
            nodes = self.instances[some[0]]["nodes"]
            leave = [nodes[-1]] if rng.random() < 0.9 else nodes
            return {"type": kind, "name": some[0], "required_nodes": 1, "relocate_from": leave}
        if kind == "node-evacuate":
            mode = rng.choice(["primary-only", "secondary-only", "all"])
            return {"type": kind, "instances": some, "evac_mode": mode}
        if kind == "change-group":
            targets = rng.choice([[], rng.sample(list(self.groups), 1)])
            return {"type": kind, "instances": some, "target_groups": targets}
        lonely = [name for name in some if self.instances[name]["disk_template"] == "plain"]
        return {"type": kind, "name": (lonely or some)[0]}

    def _new(self, name: str, template: str | None) -> dict[str, Any]:
        new = instance(self.rng, self.dedicated, template if self.rng.random() < 0.8 else None)
        nodes = 2 if new["disk_template"] == "drbd" else 1
        return {"name": name, "required_nodes": nodes, **new}


def random_request(seed: int, kinds: list[str] = KINDS, most: int = 4) -> dict[str, Any]:
    """Return the request of a seed, of one of these kinds, for groups with a mean of up to so many nodes."""
    rng = random.Random(seed)
    cluster = _Cluster(rng, most)
    asked = cluster.request(kinds)
    return {
        "cluster_tags": cluster.tags,
        "cluster_name": "fuzz",
        "version": 2,
        "enabled_hypervisors": [rng.choice(["xen-pvm", "xen-pvm", "kvm"])],
        "nodegroups": cluster.groups,
        "nodes": cluster.nodes,
        "instances": cluster.instances,
        "request": asked,
    }
