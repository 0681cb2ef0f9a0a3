"""Damaged inputs for hbal in every format that it reads from files: what is written where, and the words for it."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from htools.backends import text
from spec.allocator.cluster import Cluster, ISpec, Policy
from tests.conformance.cases import _names, _reports
from tests.conformance.clusters import Generator
from tests.conformance.damage import damaged_json, damaged_lines
from tests.conformance.random_requests import random_request

_GROUP = ["-G", "group0"]
_KEYS = ("memory-size", "cpu-count", "disk-size", "disk-count", "nic-count", "spindle-use")


def _ispec(spec: ISpec) -> dict[str, int]:
    sizes = (spec.memory, spec.cpus, spec.disk_size, spec.disk_count, spec.nic_count, spec.spindle_use)
    return dict(zip(_KEYS, sizes, strict=True))


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "std": _ispec(policy.standard),
        "minmax": [{"min": _ispec(pair.minimum), "max": _ispec(pair.maximum)} for pair in policy.bounds],
        "disk-templates": [template.value for template in policy.disk_templates],
        "vcpu-ratio": policy.vcpu_ratio,
        "spindle-ratio": policy.spindle_ratio,
    }


def rapi_answers(cluster: Cluster) -> dict[str, Any]:
    """Return the remote API's answers about a cluster, by resource."""
    groups = [
        {
            "name": group.name,
            "uuid": group.uuid,
            "alloc_policy": group.alloc_policy.value,
            "tags": list(group.tags),
            "ipolicy": _policy(group.policy),
        }
        for group in cluster.groups
    ]
    nodes = [
        {
            "name": node.name,
            "offline": node.offline,
            "drained": False,
            "vm_capable": True,
            "ndparams": {"spindle_count": node.spindles, "exclusive_storage": node.exclusive_storage},
            "group.uuid": cluster.groups[node.group].uuid,
            "mtotal": int(node.total_memory),
            "mnode": node.node_memory,
            "mfree": node.free_memory,
            "dtotal": int(node.total_disk),
            "dfree": node.free_disk,
            "ctotal": int(node.total_cpus),
            "cnos": node.node_cpus,
            "sptotal": node.spindles,
            "spfree": node.free_spindles,
            "tags": list(node.tags),
        }
        for node in cluster.nodes
    ]
    instances = [
        {
            "name": vm.name,
            "beparams": {
                "memory": vm.memory,
                "vcpus": vm.vcpus,
                "auto_balance": vm.auto_balance,
                "spindle_use": vm.spindle_use,
            },
            "disk_template": vm.disk_template.value,
            "pnode": cluster.nodes[vm.primary].name,
            "snodes": [] if vm.secondary is None else [cluster.nodes[vm.secondary].name],
            "disk.spindles": [disk.spindles for disk in vm.disks],
            "disk.sizes": [disk.size for disk in vm.disks],
            "disk_usage": vm.disk,
            "oper_ram": vm.memory,
            "status": vm.status.value,
            "tags": list(vm.tags),
            "forthcoming": vm.forthcoming,
        }
        for vm in cluster.instances
    ]
    master = next((node.name for node in cluster.nodes if node.master), cluster.nodes[0].name)
    info = {"master": master, "default_hypervisor": "kvm", "tags": list(cluster.tags)}
    return {
        "groups": groups,
        "nodes": nodes,
        "instances": instances,
        "info": info | {"ipolicy": _policy(cluster.policy)},
    }


def _older(rng: random.Random, content: str) -> str:
    """Return the lines as older versions wrote them: fewer fields."""
    sections = content.split("\n\n")
    fields = ((4, 5), (9, 10, 11, 12), (10, 11, 12))
    for at, counts in enumerate(fields):
        keep = rng.choice(counts)
        sections[at] = "\n".join("|".join(line.split("|")[:keep]) for line in sections[at].split("\n"))
    return "\n\n".join(sections)


def _text(seed: int, rng: random.Random, directory: Path) -> list[str]:
    content = Generator(seed, 3, 6).build().text
    damaged = damaged_lines(seed, _older(rng, content) if rng.random() < 0.4 else content, "|")
    (directory / "cluster").write_bytes(damaged)
    return [*_GROUP, "-t", str(directory / "cluster")]


def _loads(seed: int, _: random.Random, directory: Path) -> list[str]:
    case = Generator(seed, 3, 6).build()
    (directory / "cluster").write_text(case.text)
    (directory / "loads").write_bytes(damaged_lines(seed, case.utilisation or "inst0 1 2 3 4\n", " "))
    return [*_GROUP, "-t", str(directory / "cluster"), "-U", str(directory / "loads")]


def _monitoring(seed: int, rng: random.Random, directory: Path) -> list[str]:
    case = Generator(seed, 3, 6).build()
    (directory / "cluster").write_text(case.text)
    (directory / "reports").write_bytes(damaged_json(seed, json.loads(_reports(rng, *_names(case)))))
    words = [*_GROUP, "-t", str(directory / "cluster"), "--mond=yes", "--mond-data", str(directory / "reports")]
    return words + rng.choice(([], ["--mond-xen"], ["--exit-on-missing-mond-data"]))


def _request(seed: int, _: random.Random, directory: Path) -> list[str]:
    request = random_request(seed)
    group = next(iter(request["nodegroups"].values()))["name"]
    (directory / "request").write_bytes(damaged_json(seed, request))
    return ["-G", group, "-I", str(directory / "request")]


def _rapi(seed: int, rng: random.Random, directory: Path) -> list[str]:
    answers = rapi_answers(text.parse(Generator(seed, 3, 6).build().text))
    chosen = rng.choice(sorted(answers))
    for name, answer in answers.items():
        content = damaged_json(seed, answer) if name == chosen else json.dumps(answer).encode()
        (directory / f"{name}.json").write_bytes(content)
    return [*_GROUP, "-m", f"file://{directory}"]


FORMATS: dict[str, Callable[[int, random.Random, Path], list[str]]] = {
    "text": _text,
    "utilisation": _loads,
    "monitoring": _monitoring,
    "request": _request,
    "rapi": _rapi,
}
"""Writers of one damaged input each; they return the words that make hbal read it."""


def damaged_case(kind: str, seed: int, directory: Path) -> list[str]:
    """Write a seed's damaged input into a directory; the words for hbal."""
    rng = random.Random(f"{kind} {seed}")
    words = FORMATS[kind](seed, rng, directory)
    return [*words, "-C", "-p", "-l3", "-S", "state", *rng.choice(([], ["-vvvv"]))]


_HUGE = re.compile(rb"(?<![\d.])\d{17,}|[eE]\+?\d{2,}")
_STRICTER = (
    "expected JSON", "' twice", "two different nodes", "another node", "string", "name of", "not negative",
    "range of a double", "the secondary node of a drbd instance",
)  # fmt: skip
"""What our refusals say where Ganeti accepts; docs/conformance.md names them all."""

_OWN = re.compile(r"Error: (failed to load data, aborting: )?(file://)?/")
"""How a refusal begins of which Ganeti knows nothing: with the place."""


def _key_twice(data: bytes) -> bool:
    found = []

    def watch(items: list[tuple[str, object]]) -> dict[str, object]:
        found.append(len(dict(items)) < len(items))
        return dict(items)

    try:
        json.loads(data, object_pairs_hook=watch)
    except (ValueError, RecursionError):
        return False
    return any(found)


def comparable(directory: Path) -> bool:
    """Return whether no input has a key twice or figures whose sum exceeds 64 bits."""
    contents = [path.read_bytes() for path in directory.iterdir()]
    return not any(_HUGE.search(content) or _key_twice(content) for content in contents)


def stricter(errors: str) -> bool:
    """Return whether our refusal is one of the known differences."""
    first = errors.partition("\n")[0]
    return _OWN.match(first) is not None and any(words in first for words in _STRICTER)
