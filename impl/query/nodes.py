"""Fields of nodes. Source: Ganeti 3.0.2's node query; names, titles and kinds are its."""

from collections.abc import Callable, Mapping
from typing import Any

from impl.cluster.view import ClusterView, names_of
from impl.hypervisor.facts import NodeInfo, hardware
from impl.query.common import NODE_PARAMETERS, attribute, object_fields, of_view, parameter_fields
from impl.query.model import (
    NO_DATA_ENTRY,
    OFFLINE_ENTRY,
    UNAVAILABLE_ENTRY,
    Compare,
    Entry,
    Field,
    Kind,
    field_map,
    normal,
    or_no_data,
)
from impl.query.source import Source

Node = Mapping[str, Any]

ROLES = {"M": "master", "C": "master candidate", "R": "regular", "D": "drained", "O": "offline"}

_LIVE: tuple[tuple[str, str, Kind, str, Callable[[NodeInfo], Any]], ...] = (
    ("bootid", "BootID", Kind.TEXT, "Random id of the running system, new with each boot", lambda i: i.boot_id),
    ("cnodes", "CNodes", Kind.NUMBER, "NUMA domains of the node, if the hypervisor tells", lambda i: i.numa_nodes),
    ("cnos", "CNOs", Kind.NUMBER, "Logical processors used by the node's own system", lambda i: i.cpus_node),
    ("csockets", "CSockets", Kind.NUMBER, "Processor sockets, if the hypervisor tells", lambda i: i.cpu_sockets),
    ("ctotal", "CTotal", Kind.NUMBER, "Number of logical processors", lambda i: i.cpus),
    ("dfree", "DFree", Kind.UNIT, "Free space for instances' disks", lambda i: i.disk_free),
    ("dtotal", "DTotal", Kind.UNIT, "Total space for instances' disks", lambda i: i.disk_total),
    ("spfree", "SpFree", Kind.NUMBER, "Free spindles (exclusive storage only)", lambda i: i.spindles_free),
    ("sptotal", "SpTotal", Kind.NUMBER, "Total spindles (exclusive storage only)", lambda i: i.spindles_total),
    ("mfree", "MFree", Kind.UNIT, "Memory free for instances", lambda i: i.memory_free),
    ("mnode", "MNode", Kind.UNIT, "Memory used by the node's own system", lambda i: i.memory_node),
    ("mtotal", "MTotal", Kind.UNIT, "Memory of the physical machine", lambda i: i.memory_total),
)


def _live(pick: Callable[[NodeInfo], Any]) -> Callable[[Source, Any], Entry]:
    def get(source: Source, node: Node) -> Entry:
        if node.get("offline"):
            return OFFLINE_ENTRY
        info = source.observer.node_info(source.view, node)
        return NO_DATA_ENTRY if info is None else or_no_data(pick(info))

    return get


def _group_name(view: ClusterView, node: Node) -> str | None:
    group = view.groups.get(str(node.get("group")))
    return None if group is None else str(group["name"])


def _powered(source: Source, node: Node) -> Entry:
    if not source.view.node_parameters(node).get("oob_program"):
        return UNAVAILABLE_ENTRY
    return normal(bool(node.get("powered", True)))


def parameters(view: ClusterView, node: Node) -> dict[str, Any]:
    """Return the node's merged parameters; the speed of its processors may stand with its hardware."""
    found = view.node_parameters(node)
    speed = hardware(node).get("cpu_speed")
    return found if speed is None else {**found, "cpu_speed": speed}


def _spindles(view: ClusterView, node: Node) -> dict[str, Any]:
    found = parameters(view, node)
    count = hardware(node).get("spindles")
    return found if count is None else {**found, "spindle_count": count}


FIELDS = field_map(
    Field("drained", "Drained", Kind.BOOL, "Whether node is drained", attribute("drained", default=False)),
    Field(
        "master_candidate",
        "MasterC",
        Kind.BOOL,
        "Whether node is a master candidate",
        attribute("master_candidate", default=False),
    ),
    Field(
        "master_capable",
        "MasterCapable",
        Kind.BOOL,
        "Whether node may become a master candidate",
        attribute("master_capable", default=True),
    ),
    Field("name", "Node", Kind.TEXT, "Node name", attribute("name"), Compare.HOSTNAME),
    Field("offline", "Offline", Kind.BOOL, "Whether node is offline", attribute("offline", default=False)),
    Field(
        "vm_capable", "VMCapable", Kind.BOOL, "Whether node may host instances", attribute("vm_capable", default=True)
    ),
    Field("pip", "PrimaryIP", Kind.TEXT, "Primary IP address", attribute("primary_ip")),
    Field("sip", "SecondaryIP", Kind.TEXT, "Secondary IP address", attribute("secondary_ip")),
    Field("master", "IsMaster", Kind.BOOL, "Whether node is master", of_view(lambda v, n: n["uuid"] == v.master)),
    Field("group", "Group", Kind.TEXT, "Node group", of_view(_group_name)),
    Field("group.uuid", "GroupUUID", Kind.TEXT, "UUID of node group", attribute("group")),
    Field("ndparams", "NodeParameters", Kind.OTHER, "Merged node parameters", of_view(parameters)),
    Field(
        "custom_ndparams", "CustomNodeParameters", Kind.OTHER, "The node's own parameters", attribute("ndparams", {})
    ),
    Field(
        "pinst_cnt",
        "Pinst",
        Kind.NUMBER,
        "Number of instances with this node as primary",
        of_view(lambda v, n: len(v.primaries_on(n["uuid"]))),
    ),
    Field(
        "sinst_cnt",
        "Sinst",
        Kind.NUMBER,
        "Number of instances with this node as secondary",
        of_view(lambda v, n: len(v.secondaries_on(n["uuid"]))),
    ),
    Field(
        "pinst_list",
        "PriInstances",
        Kind.OTHER,
        "Instances with this node as primary",
        of_view(lambda v, n: names_of(v.primaries_on(n["uuid"]))),
    ),
    Field(
        "sinst_list",
        "SecInstances",
        Kind.OTHER,
        "Instances with this node as secondary",
        of_view(lambda v, n: names_of(v.secondaries_on(n["uuid"]))),
    ),
    Field(
        "role",
        "Role",
        Kind.TEXT,
        "Node role: " + ", ".join(f"{sign} {role}" for sign, role in ROLES.items()),
        of_view(lambda v, n: v.role(n)),
    ),
    Field("powered", "Powered", Kind.BOOL, "Whether node is believed to be powered on", _powered),
    Field("hv_state", "HypervisorState", Kind.OTHER, "Hypervisor state", lambda *_: UNAVAILABLE_ENTRY),
    Field("disk_state", "DiskState", Kind.OTHER, "Disk state", lambda *_: UNAVAILABLE_ENTRY),
    *(Field(name, title, kind, doc, _live(pick)) for name, title, kind, doc, pick in _LIVE),
    *parameter_fields("ndp", "node", NODE_PARAMETERS, _spindles),
    *object_fields("Node"),
)
"""Every field of nodes."""
