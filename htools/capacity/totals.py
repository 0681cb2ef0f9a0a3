"""Sums over the nodes of a cluster, and the figures that hspace prints from them.

Source: man hspace(1) on machine-readable output; the figures of hspace 3.0.2.
"""

from collections.abc import Callable
from dataclasses import dataclass

from htools.formatting.numbers import fixed
from htools.model.cluster import Model
from htools.model.score import score


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all nodes: MiB, cores, spindles; floats where Ganeti counts in floats."""

    free_memory: int
    free_disk: int
    free_spindles: int
    available_memory: int
    available_disk: int
    available_cpus: int
    largest_memory: int
    largest_disk: int
    instance_memory: int
    instance_disk: int
    instance_spindles: int
    instance_cpus: int
    total_memory: float
    total_disk: float
    total_spindles: float
    total_cpus: float
    virtual_cpus: int
    normal_cpus: float
    missing_memory: int
    node_memory: int
    score: float
    instances: int


def totals(model: Model) -> Totals:
    """Return the sums over a model's nodes."""
    nodes = list(model.nodes.values())
    memory = disk = cpus = spindles = normal = 0.0
    for node in nodes:
        memory += node.total_memory
        disk += node.total_disk
        cpus += node.total_cpus
        spindles += float(node.total_spindles)
        normal += ratio(node.used_cpus, node.vcpu_ratio)
    return Totals(
        free_memory=sum(node.free_memory for node in nodes),
        free_disk=sum(node.free_disk for node in nodes),
        free_spindles=sum(node.free_spindles for node in nodes),
        available_memory=sum(node.available_memory for node in nodes),
        available_disk=sum(node.available_disk for node in nodes),
        available_cpus=sum(node.available_cpus for node in nodes),
        largest_memory=max([0, *(node.available_memory for node in nodes)]),
        largest_disk=max([0, *(node.available_disk for node in nodes)]),
        instance_memory=sum(node.instance_memory for node in nodes),
        instance_disk=sum(int(node.total_disk) - node.free_disk for node in nodes),
        instance_spindles=sum(node.total_spindles - node.free_spindles for node in nodes),
        instance_cpus=sum(node.used_cpus for node in nodes),
        total_memory=memory,
        total_disk=disk,
        total_spindles=spindles,
        total_cpus=cpus,
        virtual_cpus=sum(node.high_cpus for node in nodes),
        normal_cpus=normal,
        missing_memory=sum(node.missing_memory for node in nodes),
        node_memory=sum(node.node.node_memory for node in nodes),
        score=score(nodes),
        instances=sum(len(node.primaries) for node in nodes),
    )


def ratio(part: float, whole: float) -> float:
    """Divide as IEEE 754 does: x / 0 is an infinity, 0 / 0 is NaN."""
    if whole:
        return part / whole
    return float("nan") if not part else float("inf") if part > 0 else float("-inf")


EFFICIENCY: dict[str, Callable[[Totals], float]] = {
    "memory": lambda t: ratio(t.instance_memory, t.total_memory),
    "disk": lambda t: ratio(t.instance_disk, t.total_disk),
    "vcpu": lambda t: ratio(t.instance_cpus, t.virtual_cpus),
    "spindles": lambda t: ratio(t.instance_spindles, t.total_spindles),
}

STATISTICS: tuple[tuple[str, Callable[[Totals], str]], ...] = (
    ("SCORE", lambda t: fixed(t.score, 8)),
    ("INST_CNT", lambda t: str(t.instances)),
    ("MEM_FREE", lambda t: str(t.free_memory)),
    ("MEM_AVAIL", lambda t: str(t.available_memory)),
    ("MEM_RESVD", lambda t: str(t.free_memory - t.available_memory)),
    ("MEM_INST", lambda t: str(t.instance_memory)),
    ("MEM_OVERHEAD", lambda t: str(t.missing_memory + t.node_memory)),
    ("MEM_EFF", lambda t: fixed(EFFICIENCY["memory"](t), 8)),
    ("DSK_FREE", lambda t: str(t.free_disk)),
    ("DSK_AVAIL", lambda t: str(t.available_disk)),
    ("DSK_RESVD", lambda t: str(t.free_disk - t.available_disk)),
    ("DSK_INST", lambda t: str(t.instance_disk)),
    ("DSK_EFF", lambda t: fixed(EFFICIENCY["disk"](t), 8)),
    ("SPN_FREE", lambda t: str(t.free_spindles)),
    ("SPN_INST", lambda t: str(t.instance_spindles)),
    ("SPN_EFF", lambda t: fixed(EFFICIENCY["spindles"](t), 8)),
    ("CPU_INST", lambda t: str(t.instance_cpus)),
    ("CPU_EFF", lambda t: fixed(EFFICIENCY["vcpu"](t), 8)),
    ("MNODE_MEM_AVAIL", lambda t: str(t.largest_memory)),
    ("MNODE_DSK_AVAIL", lambda t: str(t.largest_disk)),
)
