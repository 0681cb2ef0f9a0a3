"""The LUXI backend: reads the cluster from luxid, and connects to it for jobs. Only this module uses the control plane.

The queries are those of Ganeti's tools: Query for nodes, instances and groups, with the same fields in the same order,
and QueryClusterInfo. Each value has a status; a missing value is an error that names the object and the attribute,
except where Ganeti has a default (disk and spindles of nodes that report none).

Source: the requests that htools 3.0.2 sends, design-query2 for the statuses.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from htools.backends.jsonfields import Fields, describe, disks_of, policy_of
from htools.backends.phrases import encoded, reading, shown
from htools.errors import AccessError, Doing, LoadError, refusal
from impl.paths import Root
from impl.wire.client import Client, UnreachableError
from impl.wire.messages import MalformedMessageError
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
from spec.errors import PeerError

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
    1: ("the cluster does not know this field", "Unknown field"),
    2: ("the cluster has no data for this field", "No data for a field"),
    3: ("the cluster says that the value is unavailable", "Ganeti reports unavailable data"),
    4: ("the cluster says that the node is offline", "Ganeti reports resource as offline"),
}
"""Statuses of missing values, in our words and in Ganeti's."""

_CALLED = {
    "ndp/spindle_count": "spindles",
    "ndp/exclusive_storage": "exclusive_storage",
    "ndp/cpu_speed": "cpu_speed",
    "be/auto_balance": "auto_balance",
}
"""Fields with other names in Ganeti's messages."""

_NO_STATUS = "Invalid string value for type ResultStatus"

_LISTENS = "does a luxid listen there? (-L alone takes the socket below --root or $GANTRY_ROOT)"
_RUNS = (
    "is luxid running ('gantry cluster start' starts Gantry's), "
    "and is --root or $GANTRY_ROOT the cluster's directory? (Ganeti's is /)"
)
"""What to look at when nobody listens at a socket that `-L` names, and at the one below the root."""

_T = TypeVar("_T")


def _reason(status: object) -> tuple[str, str]:
    known = _STATUS.get(status) if type(status) is int else None
    if known:
        return known
    said = reading("Int", status)
    said = f"Can't parse value for 'ResultStatus': {said}" if said else f"{_NO_STATUS}: {encoded(status)}"
    phrase = f"Cannot convert value '{encoded(status)}', error: {said}"
    return f"the cluster answered the unknown status {describe(status)}", phrase


class _Attributes(Fields):
    """The values of one object of a query's answer; Ganeti's errors name the attribute."""

    __slots__ = ()

    def within(self, key: str) -> str:
        """Return Ganeti's text before a fault of a value."""
        if key == "name":
            return f"Parsing new {self.owner.partition(' ')[0]}: "
        owner = self.owner[:1].upper() + self.owner[1:]
        return f"{owner}, error while reading attribute '{_CALLED.get(key, key)}': "

    def phrase(self, key: str, reading: str) -> str:
        """Return Ganeti's text about an unreadable value."""
        return f"{self.within(key)}Cannot convert value '{encoded(self.values.get(key))}', error: {reading}"


class Caller(Protocol):
    """A connection, as reading and submitting need it."""

    def call(self, method: str, *args: Any) -> Any:
        """Call a method and return its result."""


def socket_path(options_luxi: str, root: str | None) -> str:
    """Return the socket that `-L` names, else the one below the root."""
    return options_luxi or Root.of(root).luxi_socket


def connect(path: str, timeout: float | None = 60.0) -> Client:
    """Return a client of luxid that waits `timeout` seconds for an answer (None: for ever).

    Raises:
        UnreachableError: nobody listens there.
    """
    return Client(path, timeout)


class _Row:
    """One object of a query's answer: the normal values, and the reasons for the missing ones."""

    def __init__(self, source: str, what: str, names: Sequence[str], row: Sequence[Any]) -> None:
        if len(row) != len(names):
            cells = ",".join(f"({shown(status)},{shown(value)})" for status, value in row)
            reason = f"expected {len(names)} values for a {what}, found {row!r:.60}"
            raise LoadError(source, reason, phrase=f"Invalid {what} query result: [{cells}]")
        self._missing: dict[str, tuple[str, str]] = {}
        values: dict[str, Any] = {}
        for name, (status, value) in zip(names, row, strict=True):
            if type(status) is int and status == 0:
                values[name] = value
            else:
                self._missing[name] = _reason(status)
        self._source = source
        self.fields = _Attributes(source, f"{what} '{values.get('name', '?')}'", values)

    def get(self, read: Callable[[str], _T], name: str) -> _T:
        """Return a required value."""
        if name in self._missing:
            reason, phrase = self._missing[name]
            before = "" if name == "disk.spindles" else self.fields.within(name)
            raise LoadError(self._source, f"{self.fields.owner}: {reason}", field=name, phrase=before + phrase)
        return read(name)

    def get_or(self, read: Callable[[str], _T], name: str, default: _T) -> _T:
        """Return a value, or the default if it is missing or wrong."""
        try:
            return self.get(read, name)
        except LoadError:
            return default


def _cells(source: str, what: str, names: Sequence[str], answer: object) -> list[list[Any]]:
    """Return the rows of a query's answer, each a list of pairs of a status and a value."""
    nothing = "" if isinstance(answer, dict) else f"Invalid input, expected dict entry but got {shown(answer)}"
    fields = Fields.of(source, f"the answer about {what}s", answer, phrase=nothing)
    data = fields.values.get("data")
    if not isinstance(data, list):
        data = fields.items("data", f"Invalid query result, expected array but got {shown(data)}")
    for row in data:
        if not isinstance(row, list):
            phrase = f"Invalid query row result, expected array but got {shown(row)}"
            raise LoadError(source, f"expected a list of values for each {what}", phrase=phrase)
        for at, cell in enumerate(row):
            if not isinstance(cell, list) or len(cell) != 2:
                phrase = f"Invalid query field, expected (status, value) but got {shown(cell)}"
                reason = f"expected a status and a value for each field of a {what}"
                raise LoadError(source, reason, field=names[at] if at < len(names) else None, phrase=phrase)
    return data


def _group(row: _Row) -> Group:
    fields = row.fields
    return Group(
        name=row.get(fields.text, "name"),
        uuid=row.get(fields.text, "uuid"),
        alloc_policy=row.get(lambda key: fields.choice(key, AllocPolicy), "alloc_policy"),
        policy=row.get(lambda key: policy_of(fields, key), "ipolicy"),
        tags=row.get(fields.texts, "tags"),
    )


def _node(row: _Row, groups: dict[str, int]) -> Node:
    fields = row.fields
    name = row.get(fields.text, "name")
    offline, drained = row.get(fields.flag, "offline"), row.get(fields.flag, "drained")
    vm_capable = row.get(fields.flag, "vm_capable")
    live = not offline and vm_capable
    group = row.get(
        lambda key: fields.place(key, groups, "group", lambda group: f"Unknown group '{group}' for node {name}"),
        "group.uuid",
    )
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
        tags=tags,
    )


def _instance(row: _Row, nodes: dict[str, int]) -> Instance:
    fields = row.fields
    name = row.get(fields.text, "name")

    def unknown(node: str) -> str:
        return f"Unknown node '{node}' for instance {name}"

    size, memory = row.get(fields.integer, "disk_usage"), row.get(fields.integer, "be/memory")
    instance = Instance(
        name=name,
        memory=memory,
        vcpus=row.get(fields.integer, "be/vcpus"),
        primary=row.get(lambda key: fields.place(key, nodes, "node", unknown), "pnode"),
        secondary=fields.place_at("snodes", 0, nodes, "node", unknown) if row.get(fields.texts, "snodes") else None,
        status=row.get(lambda key: fields.choice(key, InstanceStatus), "status"),
        tags=row.get(fields.texts, "tags"),
        auto_balance=row.get(fields.flag, "be/auto_balance"),
        disk_template=row.get(lambda key: fields.choice(key, DiskTemplate), "disk_template"),
        spindle_use=row.get(fields.integer, "be/spindle_use"),
        disk=size,
        disks=disks_of(row.get(fields.integers, "disk.sizes"), row.get(fields.integers_or_nulls, "disk.spindles")),
        forthcoming=row.get(fields.flag, "forthcoming"),
    )
    if instance.disk_template is DiskTemplate.DRBD and instance.secondary is None:
        raise fields.error("snodes", "the secondary node of a drbd instance")
    if instance.disk_template is DiskTemplate.DRBD and instance.secondary == instance.primary:
        raise fields.error("snodes", "another node than the primary")
    return instance


def parse(source: str, groups: object, nodes: object, instances: object, info: object) -> Cluster:
    """Return the cluster from the four answers, read in the order in which Ganeti reports their errors.

    Raises:
        LoadError: with the object, the attribute and what was expected.
    """
    node_rows = _cells(source, "node", NODE_FIELDS, nodes)
    instance_rows = _cells(source, "instance", INSTANCE_FIELDS, instances)
    group_rows = _cells(source, "group", GROUP_FIELDS, groups)
    all_groups = tuple(_group(_Row(source, "group", GROUP_FIELDS, row)) for row in group_rows)
    group_at = {group.uuid: position for position, group in enumerate(all_groups)}
    plain_nodes = tuple(_node(_Row(source, "node", NODE_FIELDS, row), group_at) for row in node_rows)
    node_at = {node.name: position for position, node in enumerate(plain_nodes)}
    all_instances = tuple(_instance(_Row(source, "instance", INSTANCE_FIELDS, row), node_at) for row in instance_rows)
    nothing = "Cannot parse cluster info, not a JSON record"
    cluster = Fields.of(source, "the answer about the cluster", info, "Parsing cluster info: ", nothing)
    tags, policy = cluster.texts("tags"), policy_of(cluster, "ipolicy")
    master, hypervisor = cluster.text("master"), cluster.choice("default_hypervisor", Hypervisor)
    if master not in node_at:
        raise cluster.error("master", "the name of a node of the cluster", phrase=f"Master node {master} unknown")
    all_nodes = tuple(replace(node, master=node.name == master, hypervisor=hypervisor) for node in plain_nodes)
    return Cluster(groups=all_groups, nodes=all_nodes, instances=all_instances, tags=tags, policy=policy)


def read(source: str, client: Caller) -> Cluster:
    """Read the cluster from a connected luxid."""
    nodes = client.call("Query", "node", NODE_FIELDS, None)
    instances = client.call("Query", "instance", INSTANCE_FIELDS, None)
    info = client.call("QueryClusterInfo")
    groups = client.call("Query", "group", GROUP_FIELDS, None)
    return parse(source, groups, nodes, instances, info)


def _ganeti_phrase(error: PeerError) -> str:
    """Return the first line of Ganeti's text about an error that a daemon answers."""
    first = str(error.arguments[0]) if error.arguments else ""
    match error.error_class:
        case "OpPrereqError":
            return "Failure: prerequisites not met for this operation:"
        case "JobQueueFull":
            return "Failure: the job queue is full and doesn't accept new job submissions until old jobs are archived"
        case "JobQueueDrainError":
            return "Failure: the job queue is marked for drain and doesn't accept new requests"
        case "OpExecError":
            return "Failure: command execution error:"
    return f"Unhandled Ganeti error: {first}"


def load(named: str, root: str | None = None) -> Cluster:
    """Read the cluster from the daemon behind the socket that `-L` names, else the one below the root.

    Raises:
        AccessError: nobody listens there.
        LoadError: the daemon refused a query, or its answer cannot be used.
    """
    path = socket_path(named, root)
    try:
        client = connect(path)
    except UnreachableError as error:
        refused = refusal(error.__cause__) if isinstance(error.__cause__, OSError) else error.reason
        raise AccessError(path, Doing.CONNECT, refused, _LISTENS if named else _RUNS) from None
    with client:
        try:
            return read(path, client)
        except UnreachableError as error:
            raise LoadError(path, error.reason, phrase="<socket: 3>: hWaitForInput: end of file") from None
        except MalformedMessageError as error:
            raise LoadError(path, str(error), phrase="Unhandled Ganeti error: Parsing LUXI response") from None
        except PeerError as error:
            raise LoadError(path, f"the daemon answered {error}", phrase=_ganeti_phrase(error)) from None
