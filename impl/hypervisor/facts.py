"""What a hypervisor reports of nodes and instances, as values; and where the embedded default takes it from. Pure.

The embedded default has no machines: a node's hardware stands in the configuration, as the object `gantry` of the
node, and an instance runs when it is meant to run and its node is on line. Free amounts follow from the instances, or
are what the node reported when it was loaded, kept up to date by whoever moves an instance.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from impl.cluster.view import ClusterView

Object = Mapping[str, Any]
HARDWARE = "gantry"
"""The key of an object's facts that only Gantry knows."""

NODE_OS_CPUS = 1
"""Processors that a node's own operating system takes, if nothing else is known."""


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """A node as its hypervisor sees it; memory and disk in MiB.

    Attributes:
        memory_node: what the node's own system uses.
        cpus_node: processors that the node's own system uses.
        spindles_total: of the storage, where spindles are counted.
    """

    memory_total: int
    memory_node: int
    memory_free: int
    disk_total: int
    disk_free: int
    cpus: int
    cpus_node: int
    cpu_sockets: int | None = None
    numa_nodes: int | None = None
    boot_id: str | None = None
    spindles_total: int | None = None
    spindles_free: int | None = None


@dataclass(frozen=True, slots=True)
class InstanceInfo:
    """A running instance as its hypervisor sees it: where it is, MiB of memory, virtual processors."""

    node: str
    memory: int
    vcpus: int


class Observer(Protocol):
    """Knows what nodes and instances really do."""

    def node_info(self, view: ClusterView, node: Object) -> NodeInfo | None:
        """Return the node's state; None if it cannot be asked."""

    def instance_info(self, view: ClusterView, instance: Object) -> InstanceInfo | None:
        """Return the running instance; None if it does not run anywhere."""


def hardware(node: Object) -> Mapping[str, Any]:
    """Return the node's hardware facts, empty if it has none."""
    facts: Mapping[str, Any] = node.get(HARDWARE) or {}
    return facts


def is_running(instance: Object) -> bool:
    """Return whether the instance takes memory on its primary node."""
    return instance.get("admin_state") == "up" and not instance.get("forthcoming")


def memory_used(view: ClusterView, node_uuid: str) -> int:
    """Return the MiB of memory that running instances take on a node."""
    return sum(view.memory(instance) for instance in view.primaries_on(node_uuid) if is_running(instance))


def disk_used(view: ClusterView, node_uuid: str) -> int:
    """Return the MiB of disk that instances take on a node."""
    local = (*view.primaries_on(node_uuid), *view.secondaries_on(node_uuid))
    return sum(view.disk_usage(instance) for instance in local if has_local_disks(view, instance))


def has_local_disks(view: ClusterView, instance: Object) -> bool:
    """Return whether the instance's disks take space on its nodes."""
    return view.disk_template(instance) in {"plain", "drbd", "file"}


class ConfiguredObserver:
    """The embedded default's view: what the configuration says is what is."""

    def node_info(self, view: ClusterView, node: Object) -> NodeInfo | None:
        """Return the node's state; None for a node without hardware facts."""
        known: dict[str, NodeInfo | None] = view.derived.setdefault("node_info", {})
        uuid = str(node["uuid"])
        if uuid not in known:
            known[uuid] = self._node_info(view, uuid, hardware(node))
        return known[uuid]

    @staticmethod
    def _node_info(view: ClusterView, uuid: str, facts: Mapping[str, Any]) -> NodeInfo | None:
        if "memory_total" not in facts:
            return None
        total, own = int(facts["memory_total"]), int(facts.get("memory_node") or 0)
        disk = int(facts.get("disk_total") or 0)
        memory_free = facts.get("memory_free_reported")
        disk_free = facts.get("disk_free_reported")
        spindles = facts.get("spindles")
        return NodeInfo(
            memory_total=total,
            memory_node=own,
            memory_free=total - own - memory_used(view, uuid) if memory_free is None else int(memory_free),
            disk_total=disk,
            disk_free=disk - disk_used(view, uuid) if disk_free is None else int(disk_free),
            cpus=int(facts.get("cpus") or 0),
            cpus_node=int(facts.get("cpus_node", NODE_OS_CPUS)),
            cpu_sockets=facts.get("cpu_sockets"),
            numa_nodes=facts.get("numa_nodes"),
            boot_id=facts.get("boot_id"),
            spindles_total=spindles,
            spindles_free=facts.get("spindles_free", spindles),
        )

    def instance_info(self, view: ClusterView, instance: Object) -> InstanceInfo | None:
        """Return the instance on its primary node; None if it is not meant to run."""
        if not is_running(instance):
            return None
        parameters = view.backend_parameters(instance)
        return InstanceInfo(str(instance["primary_node"]), view.memory(instance), int(parameters.get("vcpus") or 0))
