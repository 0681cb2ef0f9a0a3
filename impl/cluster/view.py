"""A read-only view of one configuration: who is where, under what name, with which parameters.

A view is made once per configuration and answers from indexes that it builds on first use. It never changes the
configuration it was given, and nobody may change that while a view of it lives.

Source: Ganeti 3.0.2's configuration format and its lookups; names may be cut at a dot, if that is unambiguous.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from impl.cluster.names import NameIndex, natural_key
from spec.errors import GantryError

Object = Mapping[str, Any]
"""A configuration object as decoded JSON."""

DRBD = "drbd"
DRBD_META_MIB = 128
"""MiB that a DRBD disk needs on each node beside its data."""

EXTERNALLY_MIRRORED = frozenset({"rbd", "ext", "sharedfile", "gluster", "blockdev"})
"""Disk templates whose data every node of the group reaches."""

KINDS = {"node": "nodes", "instance": "instances", "group": "nodegroups", "network": "networks"}
"""What an object is called, and where the configuration keeps it."""


class UnknownObjectError(GantryError):
    """No object of that name.

    Attributes:
        kind: `node`, `instance`, `group` or `network`.
        name: what was asked for.
    """

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        super().__init__(f"{kind.capitalize()} name {name} not found")


class ClusterView:
    """One configuration, indexed.

    Args:
        config: the configuration, or how to get it; then it is got when it is first looked at.
    """

    def __init__(self, config: Object | Callable[[], Object]) -> None:
        self._source = config
        self.derived: dict[str, Any] = {}
        """What others have worked out from this configuration and may look up again."""

    @cached_property
    def config(self) -> Object:
        """The configuration itself."""
        return self._source() if callable(self._source) else self._source

    @property
    def cluster(self) -> Object:
        """The cluster object."""
        cluster: Object = self.config["cluster"]
        return cluster

    @property
    def nodes(self) -> Mapping[str, Object]:
        """Nodes by UUID."""
        return self.objects("node")

    @property
    def instances(self) -> Mapping[str, Object]:
        """Instances by UUID."""
        return self.objects("instance")

    @property
    def groups(self) -> Mapping[str, Object]:
        """Node groups by UUID."""
        return self.objects("group")

    def objects(self, kind: str) -> Mapping[str, Object]:
        """Return all objects of a kind (a key of `KINDS`), by UUID."""
        found: Mapping[str, Object] = self.config.get(KINDS[kind]) or {}
        return found

    @cached_property
    def _names(self) -> dict[str, NameIndex]:
        return {
            kind: NameIndex({str(item["name"]): uuid for uuid, item in self.objects(kind).items() if item.get("name")})
            for kind in KINDS
        }

    def find(self, kind: str, name: str) -> Object:
        """Return the object with that UUID, name, or unambiguous first part of a name.

        Raises:
            UnknownObjectError: there is none, or more than one.
        """
        objects = self.objects(kind)
        if name in objects:
            return objects[name]
        uuid = self._names[kind].lookup(name, partial=kind in {"node", "instance"})
        if uuid is None:
            raise UnknownObjectError(kind, name)
        return objects[uuid]

    def has(self, kind: str, name: str) -> bool:
        """Return whether `find` would find it."""
        try:
            self.find(kind, name)
        except UnknownObjectError:
            return False
        return True

    @property
    def master(self) -> str:
        """UUID of the master node."""
        return str(self.cluster["master_node"])

    # --- disks and places of instances

    def disks(self, instance: Object) -> list[Object]:
        """Return the instance's disks in order; leave out those that the configuration lacks."""
        known: Mapping[str, Object] = self.config.get("disks") or {}
        return [known[uuid] for uuid in instance.get("disks") or () if uuid in known]

    def disk_template(self, instance: Object) -> str:
        """Return the one template of all disks; `diskless` without any, `mixed` with several."""
        found = {str(disk["dev_type"]) for disk in self.disks(instance)}
        if not found:
            return str(instance.get("disk_template") or "diskless")
        return found.pop() if len(found) == 1 else "mixed"

    @cached_property
    def _places(self) -> dict[str, tuple[str, ...]]:
        return {uuid: self._compute_places(instance) for uuid, instance in self.instances.items()}

    def _compute_places(self, instance: Object) -> tuple[str, ...]:
        found = [instance.get("primary_node")]
        pending = list(self.disks(instance))
        while pending:
            disk = pending.pop(0)
            if disk.get("dev_type") == DRBD:
                found.extend(disk["logical_id"][:2])
            pending.extend(disk.get("children") or ())
        return tuple(dict.fromkeys(str(uuid) for uuid in found if uuid))

    def nodes_of(self, instance: Object) -> tuple[str, ...]:
        """Return the UUIDs of the instance's nodes, the primary first."""
        uuid = instance.get("uuid")
        return self._places[uuid] if uuid in self._places else self._compute_places(instance)

    def secondaries_of(self, instance: Object) -> tuple[str, ...]:
        """Return the UUIDs of the nodes that mirror the instance's disks."""
        return tuple(uuid for uuid in self.nodes_of(instance) if uuid != instance.get("primary_node"))

    @cached_property
    def _members(self) -> tuple[dict[str, list[Object]], dict[str, list[Object]]]:
        primary: dict[str, list[Object]] = {uuid: [] for uuid in self.nodes}
        secondary: dict[str, list[Object]] = {uuid: [] for uuid in self.nodes}
        for instance in self.instances.values():
            primary.setdefault(str(instance.get("primary_node")), []).append(instance)
            for uuid in self.secondaries_of(instance):
                secondary.setdefault(uuid, []).append(instance)
        return primary, secondary

    def primaries_on(self, node_uuid: str) -> list[Object]:
        """Return the instances whose primary the node is."""
        return self._members[0].get(node_uuid, [])

    def secondaries_on(self, node_uuid: str) -> list[Object]:
        """Return the instances whose disks the node mirrors."""
        return self._members[1].get(node_uuid, [])

    @cached_property
    def _group_members(self) -> dict[str, list[str]]:
        members: dict[str, list[str]] = {uuid: [] for uuid in self.groups}
        for uuid, node in sorted(self.nodes.items()):
            members.setdefault(str(node.get("group")), []).append(uuid)
        return members

    def nodes_of_group(self, group_uuid: str) -> list[str]:
        """Return the UUIDs of the group's nodes."""
        return self._group_members.get(group_uuid, [])

    # --- parameters, merged from the cluster down

    def node_parameters(self, node: Object) -> dict[str, Any]:
        """Return the node's parameters: the cluster's, overridden by its group's, overridden by its own."""
        group = self.groups.get(str(node.get("group"))) or {}
        return {**self.group_node_parameters(group), **(node.get("ndparams") or {})}

    def group_node_parameters(self, group: Object) -> dict[str, Any]:
        """Return the node parameters that hold in a group."""
        return {**(self.cluster.get("ndparams") or {}), **(group.get("ndparams") or {})}

    def backend_parameters(self, instance: Object) -> dict[str, Any]:
        """Return the instance's memory, vcpus and so on: the cluster's defaults, overridden by its own."""
        defaults = (self.cluster.get("beparams") or {}).get("default") or {}
        return {**defaults, **(instance.get("beparams") or {})}

    def hypervisor_parameters(self, instance: Object) -> dict[str, Any]:
        """Return the hypervisor's parameters: the cluster's, the operating system's, the instance's."""
        hypervisor = str(instance.get("hypervisor"))
        by_os = (self.cluster.get("os_hvp") or {}).get(str(instance.get("os"))) or {}
        return {
            **((self.cluster.get("hvparams") or {}).get(hypervisor) or {}),
            **(by_os.get(hypervisor) or {}),
            **(instance.get("hvparams") or {}),
        }

    def os_parameters(self, instance: Object) -> dict[str, Any]:
        """Return the operating system's parameters: the cluster's, its variants' base's, the instance's."""
        known = self.cluster.get("osparams") or {}
        name = str(instance.get("os") or "")
        base = known.get(name.partition("+")[0]) or {}
        return {**base, **(known.get(name) or {}), **(instance.get("osparams") or {})}

    def policy(self, group: Object) -> dict[str, Any]:
        """Return the group's instance policy: the cluster's, overridden by its own."""
        return {**(self.cluster.get("ipolicy") or {}), **(group.get("ipolicy") or {})}

    def disk_parameters(self, group: Object) -> dict[str, dict[str, Any]]:
        """Return the disk parameters by template: the cluster's, overridden by the group's."""
        own = group.get("diskparams") or {}
        return {
            template: {**values, **(own.get(template) or {})}
            for template, values in (self.cluster.get("diskparams") or {}).items()
        }

    def nic_parameters(self, nic: Object) -> dict[str, Any]:
        """Return the network interface's parameters: the cluster's defaults, overridden by its own."""
        defaults = (self.cluster.get("nicparams") or {}).get("default") or {}
        return {**defaults, **(nic.get("nicparams") or {})}

    # --- sizes

    def disk_usage(self, instance: Object) -> int:
        """Return the MiB that the instance's disks take on each of its nodes."""
        return sum(disk_footprint(disk) for disk in self.disks(instance))

    def memory(self, instance: Object) -> int:
        """Return the MiB of memory that the instance takes when it runs."""
        return int(self.backend_parameters(instance).get("maxmem") or 0)

    def role(self, node: Object) -> str:
        """Return the node's role: M(aster), C(andidate), R(egular), D(rained), O(ffline)."""
        if node["uuid"] == self.master:
            return "M"
        if node.get("master_candidate"):
            return "C"
        if node.get("drained"):
            return "D"
        return "O" if node.get("offline") else "R"


def in_service(node: Object) -> bool:
    """Return whether the node is neither offline nor drained."""
    return not (node.get("offline") or node.get("drained"))


def disk_footprint(disk: Object) -> int:
    """Return the MiB that a disk takes on a node."""
    if disk["dev_type"] in {"diskless", "blockdev"}:
        return 0
    size = int(disk.get("size") or 0)
    return size + DRBD_META_MIB if disk["dev_type"] == DRBD else size


def names_of(objects: Iterable[Object]) -> list[str]:
    """Return the objects' names in the order people expect (`node2` before `node10`)."""
    return sorted((str(item["name"]) for item in objects if item.get("name")), key=natural_key)
