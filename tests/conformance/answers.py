"""A cluster as answers of a luxid and of a remote API, and a luxid that gives nothing but these."""

import json
import random
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from htools.backends.luxi import GROUP_FIELDS, INSTANCE_FIELDS, NODE_FIELDS
from spec.allocator.cluster import Cluster, Instance, ISpec, Node, Policy

_LIVE = ("mtotal", "mnode", "mfree", "dtotal", "dfree", "ctotal", "cnos", "sptotal", "spfree")
"""The fields without a value on an offline node."""


def _spec(spec: ISpec) -> dict[str, int]:
    return {
        "memory-size": spec.memory, "cpu-count": spec.cpus, "disk-size": spec.disk_size, "disk-count": spec.disk_count,
        "nic-count": spec.nic_count, "spindle-use": spec.spindle_use,
    }  # fmt: skip


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "std": _spec(policy.standard),
        "minmax": [{"min": _spec(pair.minimum), "max": _spec(pair.maximum)} for pair in policy.bounds],
        "disk-templates": list(policy.disk_templates),
        "vcpu-ratio": policy.vcpu_ratio,
        "spindle-ratio": policy.spindle_ratio,
    }


def _node(node: Node, cluster: Cluster, *, drained: bool) -> dict[str, Any]:
    """Its fields by LUXI's names; of offline ones some are drained instead."""
    fields = {
        "name": node.name, "mtotal": int(node.total_memory), "mnode": node.node_memory, "mfree": node.free_memory,
        "dtotal": int(node.total_disk), "dfree": node.free_disk, "ctotal": int(node.total_cpus),
        "cnos": node.node_cpus, "offline": node.offline and not drained, "drained": node.offline and drained,
        "vm_capable": True, "ndp/spindle_count": node.spindles, "group.uuid": cluster.groups[node.group].uuid,
        "tags": list(node.tags), "ndp/exclusive_storage": node.exclusive_storage, "sptotal": node.spindles,
        "spfree": node.free_spindles, "ndp/cpu_speed": node.cpu_speed,
    }  # fmt: skip
    return fields | (dict.fromkeys(_LIVE) if fields["offline"] else {})


def _instance(vm: Instance, cluster: Cluster) -> dict[str, Any]:
    return {
        "name": vm.name, "disk_usage": vm.disk, "be/memory": vm.memory, "be/vcpus": vm.vcpus, "status": vm.status,
        "pnode": cluster.nodes[vm.primary].name,
        "snodes": [] if vm.secondary is None else [cluster.nodes[vm.secondary].name],
        "tags": list(vm.tags), "be/auto_balance": vm.auto_balance, "disk_template": vm.disk_template,
        "be/spindle_use": vm.spindle_use, "disk.sizes": [disk.size for disk in vm.disks],
        "disk.spindles": [disk.spindles for disk in vm.disks], "forthcoming": vm.forthcoming,
    }  # fmt: skip


def _objects(cluster: Cluster, rng: random.Random) -> dict[str, list[dict[str, Any]]]:
    return {
        "node": [_node(node, cluster, drained=rng.random() < 0.4) for node in cluster.nodes],
        "instance": [_instance(vm, cluster) for vm in cluster.instances],
        "group": [
            {"uuid": group.uuid, "name": group.name, "alloc_policy": group.alloc_policy,
             "ipolicy": _policy(group.policy), "tags": list(group.tags)}
            for group in cluster.groups
        ],
    }  # fmt: skip


def _info(cluster: Cluster, rng: random.Random) -> dict[str, Any]:
    hypervisor, master = rng.choice(("kvm", "xen-pvm")), rng.choice(cluster.nodes).name
    return {
        "tags": cluster.tags, "ipolicy": _policy(cluster.policy), "default_hypervisor": hypervisor, "master": master
    }  # fmt: skip


def over_luxi(cluster: Cluster, rng: random.Random) -> dict[str, Any]:
    """Return the answers by queried kind of object."""
    fields = {"node": NODE_FIELDS, "instance": INSTANCE_FIELDS, "group": GROUP_FIELDS}
    answers: dict[str, Any] = {"QueryClusterInfo": _info(cluster, rng)}
    for what, rows in _objects(cluster, rng).items():
        offline = [what == "node" and bool(one["offline"]) for one in rows]
        answers[what] = {
            "fields": [{"name": name, "title": name, "kind": "other", "doc": name} for name in fields[what]],
            "data": [
                [[4 if silent and name in _LIVE else 0, one[name]] for name in fields[what]]
                for one, silent in zip(rows, offline, strict=True)
            ],
        }
    return answers


def over_rapi(cluster: Cluster, rng: random.Random) -> dict[str, bytes]:
    """Return the answers by path."""
    objects = _objects(cluster, rng)
    for node in objects["node"]:
        node["ndparams"] = {key: node.pop(f"ndp/{key}") for key in ("spindle_count", "exclusive_storage", "cpu_speed")}
    for vm in objects["instance"]:
        vm["beparams"] = {key: vm.pop(f"be/{key}") for key in ("memory", "vcpus", "auto_balance", "spindle_use")}
        vm["oper_ram"] = vm["beparams"]["memory"] if rng.random() < 0.6 else None
        if rng.random() < 0.5:
            vm["beparams"]["maxmem"] = vm["beparams"].pop("memory")
    answers = {f"/2/{what}s?bulk=1": content for what, content in objects.items()} | {"/2/info": _info(cluster, rng)}
    return {path: json.dumps(content).encode() for path, content in answers.items()}


def _answer(client: socket.socket, answers: Mapping[str, Any]) -> None:
    with client, client.makefile("rb") as words:
        text = b""
        while byte := words.read(1):
            if byte != b"\x03":
                text += byte
                continue
            asked, text = json.loads(text), b""
            what = asked["args"][0] if asked["method"] == "Query" else asked["method"]
            client.sendall(json.dumps({"success": True, "result": answers[what]}).encode() + b"\x03")


@contextmanager
def luxid(path: Path, answers: Mapping[str, Any]) -> Iterator[None]:
    """A socket that answers questions about the cluster."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            while True:
                try:
                    client = server.accept()[0]
                except OSError:
                    return
                threading.Thread(target=_answer, args=(client, answers), daemon=True).start()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
