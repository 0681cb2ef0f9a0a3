"""The LUXI backend: reads the cluster from luxid, and connects to it for jobs. Only this module uses the control plane.

Reading asks what Ganeti's own tools ask: Query for nodes, instances and groups, with their fields in their order, and
QueryClusterInfo. Each value comes with a status; a value that is not there is an error that names the object and the
attribute, except where Ganeti has a default (disk and spindles of nodes that report none).

Source: the requests that htools 3.0.2 sends, design-query2 for the statuses.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from htools.backends.jsonfields import Fields, describe, disks_of, policy_of
from htools.errors import LoadError
from impl.paths import Root
from impl.wire.client import Client, UnreachableError
from spec.allocator.cluster import (
    AllocPolicy,
    Cluster,
    DiskTemplate,
    Group,
    Hypervisor,
    Instance,
    InstanceStatus,
    Node,
)

__all__ = ["Caller", "Client", "UnreachableError", "connect", "load", "parse", "read", "socket_path"]

NODE_FIELDS = (
    "name", "mtotal", "mnode", "mfree", "dtotal", "dfree", "ctotal", "cnos", "offline", "drained", "vm_capable",
    "ndp/spindle_count", "group.uuid", "tags", "ndp/exclusive_storage", "sptotal", "spfree", "ndp/cpu_speed",
)  # fmt: skip
INSTANCE_FIELDS = (
    "name", "disk_usage", "be/memory", "be/vcpus", "status", "pnode", "snodes", "tags", "be/auto_balance",
    "disk_template", "be/spindle_use", "disk.sizes", "disk.spindles", "forthcoming",
)  # fmt: skip
GROUP_FIELDS = ("uuid", "name", "alloc_policy", "ipolicy", "tags")

_STATUS = {
    1: "the cluster does not know this field",
    2: "the cluster has no data for this field",
    3: "the cluster says that the value is unavailable",
    4: "the cluster says that the node is offline",
}

_T = TypeVar("_T")


def _reason(status: object) -> str:
    known = _STATUS.get(status) if type(status) is int else None
    return known or f"the cluster answered the unknown status {describe(status)}"


class Caller(Protocol):
    """What reading and submitting need of a connection."""

    def call(self, method: str, *args: Any) -> Any:
        """Call a method and return its result."""


def socket_path(options_luxi: str, root: str | None) -> str:
    """The socket that `-L` names, else the one below the root."""
    return options_luxi or Root.of(root).luxi_socket


def connect(path: str, timeout: float | None = 60.0) -> Client:
    """A client of luxid that waits `timeout` seconds for an answer (None: for ever).

    Raises:
        UnreachableError: nobody listens there.
    """
    return Client(path, timeout)


class _Row:
    """One object of a query's answer: values that are normal, and the reasons for those that are not."""

    def __init__(self, source: str, what: str, names: Sequence[str], row: object) -> None:
        if not isinstance(row, list) or len(row) != len(names):
            raise LoadError(source, f"expected {len(names)} values for a {what}, found {row!r:.60}")
        self._missing: dict[str, str] = {}
        values: dict[str, Any] = {}
        for name, cell in zip(names, row, strict=True):
            if not isinstance(cell, list) or len(cell) != 2:
                raise LoadError(source, f"expected a status and a value for each field of a {what}", field=name)
            status, value = cell
            if type(status) is int and status == 0:
                values[name] = value
            else:
                self._missing[name] = _reason(status)
        self._source = source
        self._owner = f"{what} '{values.get('name', '?')}'"
        self.fields = Fields(source, self._owner, values)

    def get(self, read: Callable[[str], _T], name: str) -> _T:
        """A value that must be there."""
        if name in self._missing:
            raise LoadError(self._source, f"{self._owner}: {self._missing[name]}", field=name)
        return read(name)

    def get_or(self, read: Callable[[str], _T], name: str, default: _T) -> _T:
        """A value with a default for whatever is wrong with it."""
        try:
            return self.get(read, name)
        except LoadError:
            return default


def _rows(source: str, what: str, names: Sequence[str], answer: object) -> list[_Row]:
    data = Fields.of(source, f"the answer about {what}s", answer).items("data")
    return [_Row(source, what, names, row) for row in data]


def _group(row: _Row) -> Group:
    fields = row.fields
    return Group(
        name=row.get(fields.text, "name"),
        uuid=row.get(fields.text, "uuid"),
        alloc_policy=row.get(lambda key: fields.choice(key, AllocPolicy), "alloc_policy"),
        policy=row.get(lambda key: policy_of(fields, key), "ipolicy"),
        tags=row.get(fields.texts, "tags"),
    )


def _node(row: _Row, groups: dict[str, int], master: str, hypervisor: str) -> Node:
    fields = row.fields
    name = row.get(fields.text, "name")
    offline, drained = row.get(fields.flag, "offline"), row.get(fields.flag, "drained")
    vm_capable = row.get(fields.flag, "vm_capable")
    live = not offline and vm_capable
    group = row.get(lambda key: fields.place(key, groups, "group"), "group.uuid")
    tags = row.get(fields.texts, "tags")
    exclusive = row.get(fields.flag, "ndp/exclusive_storage")
    speed = row.get(fields.number, "ndp/cpu_speed")
    spindles = row.get(fields.integer, "ndp/spindle_count") if not exclusive else 0
    if exclusive and live:
        spindles = row.get(fields.integer, "sptotal")
    return Node(
        name=name,
        group=group,
        total_memory=row.get(fields.number, "mtotal") if live else 0.0,
        node_memory=row.get(fields.integer, "mnode") if live else 0,
        free_memory=row.get(fields.integer, "mfree") if live else 0,
        total_disk=row.get_or(fields.number, "dtotal", 0.0) if live else 0.0,
        free_disk=row.get_or(fields.integer, "dfree", 0) if live else 0,
        total_cpus=row.get(fields.number, "ctotal") if live else 0.0,
        node_cpus=row.get(fields.integer, "cnos") if live else 0,
        cpu_speed=speed,
        spindles=spindles,
        free_spindles=row.get_or(fields.integer, "spfree", 0) if live else 0,
        exclusive_storage=exclusive,
        offline=not live or drained,
        drained=drained,
        vm_capable=vm_capable,
        master=name == master,
        tags=tags,
        hypervisor=hypervisor,
    )


def _instance(row: _Row, nodes: dict[str, int]) -> Instance:
    fields = row.fields
    template = row.get(lambda key: fields.choice(key, DiskTemplate), "disk_template")
    primary = row.get(lambda key: fields.place(key, nodes, "node"), "pnode")
    secondary = None
    if row.get(fields.texts, "snodes"):
        secondary = fields.place_at("snodes", 0, nodes, "node")
    elif template is DiskTemplate.DRBD:
        raise fields.error("snodes", "the secondary node of a drbd instance")
    if template is DiskTemplate.DRBD and secondary == primary:
        raise fields.error("snodes", "another node than the primary")
    spindles = row.get(fields.integers_or_nulls, "disk.spindles")
    return Instance(
        name=row.get(fields.text, "name"),
        memory=row.get(fields.integer, "be/memory"),
        disk=row.get(fields.integer, "disk_usage"),
        vcpus=row.get(fields.integer, "be/vcpus"),
        status=row.get(lambda key: fields.choice(key, InstanceStatus), "status"),
        auto_balance=row.get(fields.flag, "be/auto_balance"),
        primary=primary,
        secondary=secondary,
        disk_template=template,
        disks=disks_of(row.get(fields.integers, "disk.sizes"), spindles),
        tags=row.get(fields.texts, "tags"),
        spindle_use=row.get(fields.integer, "be/spindle_use"),
        forthcoming=row.get(fields.flag, "forthcoming"),
    )


def parse(source: str, groups: object, nodes: object, instances: object, info: object) -> Cluster:
    """The cluster from the four answers.

    Raises:
        LoadError: with the object, the attribute and what was expected.
    """
    cluster = Fields.of(source, "the answer about the cluster", info)
    master, hypervisor = cluster.text("master"), cluster.choice("default_hypervisor", Hypervisor)
    all_groups = tuple(_group(row) for row in _rows(source, "group", GROUP_FIELDS, groups))
    group_at = {group.uuid: position for position, group in enumerate(all_groups)}
    node_rows = _rows(source, "node", NODE_FIELDS, nodes)
    all_nodes = tuple(_node(row, group_at, master, hypervisor) for row in node_rows)
    node_at = {node.name: position for position, node in enumerate(all_nodes)}
    if master not in node_at:
        raise cluster.error("master", "the name of a node of the cluster")
    return Cluster(
        groups=all_groups,
        nodes=all_nodes,
        instances=tuple(_instance(row, node_at) for row in _rows(source, "instance", INSTANCE_FIELDS, instances)),
        tags=cluster.texts("tags"),
        policy=policy_of(cluster, "ipolicy"),
    )


def read(source: str, client: Caller) -> Cluster:
    """Ask a connected luxid for the cluster."""
    nodes = client.call("Query", "node", NODE_FIELDS, None)
    instances = client.call("Query", "instance", INSTANCE_FIELDS, None)
    info = client.call("QueryClusterInfo")
    groups = client.call("Query", "group", GROUP_FIELDS, None)
    return parse(source, groups, nodes, instances, info)


def load(path: str) -> Cluster:
    """Read the cluster from the daemon behind a socket.

    Raises:
        UnreachableError: nobody listens there.
        PeerError: the daemon refused a query.
        LoadError: its answer cannot be used.
    """
    with connect(path) as client:
        return read(path, client)
