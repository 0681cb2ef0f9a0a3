"""Fields of instances. Source: Ganeti 3.0.2's instance query; names, titles and kinds are its."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from impl.cluster.view import ClusterView
from impl.opcodes.types import MAX_DISKS, MAX_NICS
from impl.query.common import attribute, object_fields, of_view, parameter_fields
from impl.query.hv_parameters import GLOBAL_PARAMETERS, HV_PARAMETERS
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
    or_unavailable,
)
from impl.query.source import Source

Instance = Mapping[str, Any]

STATUSES = {
    "running": "it is up, as it should be",
    "ADMIN_down": "it is down, as it should be",
    "ADMIN_offline": "it is down for good and reserves no memory",
    "ERROR_up": "it runs and should not",
    "ERROR_down": "it should run and does not",
    "ERROR_wrongnode": "it runs on another node than its primary",
    "ERROR_nodedown": "its primary node does not answer",
    "ERROR_nodeoffline": "its primary node is marked offline",
}
"""An instance's statuses and what they mean."""

BACKEND_PARAMETERS: dict[str, tuple[str, Kind]] = {
    "always_failover": ("be/always_failover", Kind.BOOL),
    "auto_balance": ("Auto_balance", Kind.BOOL),
    "maxmem": ("ConfigMaxMem", Kind.UNIT),
    "minmem": ("ConfigMinMem", Kind.UNIT),
    "spindle_use": ("be/spindle_use", Kind.NUMBER),
    "vcpus": ("ConfigVCPUs", Kind.NUMBER),
}

ALIASES = {
    "vcpus": "be/vcpus",
    "be/memory": "be/maxmem",
    "sda_size": "disk.size/0",
    "sdb_size": "disk.size/1",
    "ip": "nic.ip/0",
    "mac": "nic.mac/0",
    "bridge": "nic.bridge/0",
    "nic_mode": "nic.mode/0",
    "nic_link": "nic.link/0",
    "nic_network": "nic.network/0",
}


def _primary(view: ClusterView, instance: Instance) -> Mapping[str, Any] | None:
    return view.nodes.get(str(instance.get("primary_node")))


def _group(view: ClusterView, node: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return None if node is None else view.groups.get(str(node.get("group")))


def _name(item: Mapping[str, Any] | None, key: str = "name") -> str | None:
    return None if item is None else str(item[key])


def _secondaries(view: ClusterView, instance: Instance) -> list[Mapping[str, Any]]:
    return [view.nodes[uuid] for uuid in view.secondaries_of(instance) if uuid in view.nodes]


def _secondary_groups(view: ClusterView, instance: Instance, key: str) -> list[str]:
    groups = (_group(view, node) for node in _secondaries(view, instance))
    return [str(group[key]) for group in groups if group is not None]


def status(source: Source, instance: Instance) -> str:
    """Return the instance's status, from what should be and what its hypervisor says."""
    view = source.view
    primary = _primary(view, instance)
    if primary is not None and primary.get("offline"):
        return "ERROR_nodeoffline"
    admin = instance.get("admin_state")
    running = source.observer.instance_info(view, instance)
    if running is None:
        return {"up": "ERROR_down", "offline": "ADMIN_offline"}.get(str(admin), "ADMIN_down")
    if running.node != instance.get("primary_node"):
        return "ERROR_wrongnode"
    return "running" if admin == "up" else "ERROR_up"


def _is_offline(source: Source, instance: Instance) -> bool:
    primary = _primary(source.view, instance)
    return primary is not None and bool(primary.get("offline"))


def _oper_state(source: Source, instance: Instance) -> Entry:
    if _is_offline(source, instance):
        return NO_DATA_ENTRY
    return normal(source.observer.instance_info(source.view, instance) is not None)


def _live(name: str) -> Callable[[Source, Any], Entry]:
    def get(source: Source, instance: Instance) -> Entry:
        if _is_offline(source, instance):
            return OFFLINE_ENTRY
        info = source.observer.instance_info(source.view, instance)
        return UNAVAILABLE_ENTRY if info is None else normal(getattr(info, name))

    return get


def _console(source: Source, instance: Instance) -> Entry:
    return OFFLINE_ENTRY if _is_offline(source, instance) else NO_DATA_ENTRY


def _hypervisor_parameters(view: ClusterView, instance: Instance) -> dict[str, Any]:
    found = view.hypervisor_parameters(instance)
    return {name: value for name, value in found.items() if name not in GLOBAL_PARAMETERS}


def _nics(instance: Instance) -> list[Mapping[str, Any]]:
    return list(instance.get("nics") or ())


def _nic_value(view: ClusterView, nic: Mapping[str, Any], what: str) -> Any:
    """Return one fact about a network interface; None if it does not apply."""
    parameters = view.nic_parameters(nic)
    mode = parameters.get("mode")
    if what == "bridge":
        return parameters.get("link") if mode == "bridged" else None
    if what == "vlan":
        return parameters.get("vlan") if mode == "openvswitch" else None
    if what in {"mode", "link"}:
        return parameters.get(what)
    if what == "network.name":
        network = view.objects("network").get(str(nic.get("network")))
        return None if network is None else network["name"]
    return nic.get(what)


def _disk_list(name: str) -> Callable[[Source, Any], Entry]:
    return of_view(lambda view, instance: [disk.get(name) for disk in view.disks(instance)])


def _nic_list(what: str) -> Callable[[Source, Any], Entry]:
    return of_view(lambda view, instance: [_nic_value(view, nic, what) for nic in _nics(instance)])


def _disk_at(index: int, name: str) -> Callable[[Source, Any], Entry]:
    def get(source: Source, instance: Instance) -> Entry:
        disks = source.view.disks(instance)
        return or_unavailable(disks[index].get(name) if index < len(disks) else None)

    return get


def _nic_at(index: int, what: str) -> Callable[[Source, Any], Entry]:
    def get(source: Source, instance: Instance) -> Entry:
        nics = _nics(instance)
        return or_unavailable(_nic_value(source.view, nics[index], what) if index < len(nics) else None)

    return get


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if not 10 < number % 100 < 14 else "th"
    return f"{number}{ending}"


_PER_DISK = (
    ("size", "Disk/{}", Kind.UNIT, "Size of the {} disk"),
    ("spindles", "DiskSpindles/{}", Kind.NUMBER, "Spindles of the {} disk"),
    ("name", "DiskName/{}", Kind.TEXT, "Name of the {} disk"),
    ("uuid", "DiskUUID/{}", Kind.TEXT, "UUID of the {} disk"),
)
_PER_NIC = (
    ("ip", "NicIP/{}", "IP address"),
    ("uuid", "NicUUID/{}", "UUID"),
    ("mac", "NicMAC/{}", "MAC address"),
    ("name", "NicName/{}", "Name"),
    ("network", "NicNetwork/{}", "Network"),
    ("mode", "NicMode/{}", "Mode"),
    ("link", "NicLink/{}", "Link"),
    ("vlan", "NicVLAN/{}", "VLAN"),
    ("network.name", "NicNetworkName/{}", "Name of the network"),
    ("bridge", "NicBridge/{}", "Bridge"),
)
_NIC_LISTS = (
    ("macs", "NIC_MACs", "mac"),
    ("ips", "NIC_IPs", "ip"),
    ("names", "NIC_Names", "name"),
    ("uuids", "NIC_UUIDs", "uuid"),
    ("modes", "NIC_modes", "mode"),
    ("vlans", "NIC_VLANs", "vlan"),
    ("bridges", "NIC_bridges", "bridge"),
    ("links", "NIC_links", "link"),
    ("networks", "NIC_networks", "network"),
    ("networks.names", "NIC_networks_names", "network.name"),
)


def _indexed_fields() -> Iterator[Field]:
    for index in range(MAX_DISKS):
        for name, title, kind, doc in _PER_DISK:
            get = _disk_at(index, name)
            yield Field(f"disk.{name}/{index}", title.format(index), kind, doc.format(_ordinal(index + 1)), get)
    for index in range(MAX_NICS):
        for what, title, doc in _PER_NIC:
            text = f"{doc} of the {_ordinal(index + 1)} network interface"
            yield Field(f"nic.{what}/{index}", title.format(index), Kind.TEXT, text, _nic_at(index, what))
    for name, title, what in _NIC_LISTS:
        yield Field(f"nic.{name}", title, Kind.OTHER, f"Each network interface's {what}", _nic_list(what))


_PLAIN = (
    Field("admin_state", "InstanceState", Kind.TEXT, "State that the instance should be in", attribute("admin_state")),
    Field(
        "admin_state_source",
        "InstanceStateSource",
        Kind.TEXT,
        "Who last said what state it should be in",
        attribute("admin_state_source"),
    ),
    Field(
        "admin_up",
        "Autostart",
        Kind.BOOL,
        "Whether the instance should run",
        of_view(lambda _, i: i["admin_state"] == "up" if "admin_state" in i else None),
    ),
    Field("disks_active", "DisksActive", Kind.BOOL, "Whether the disks should be active", attribute("disks_active")),
    Field("name", "Instance", Kind.TEXT, "Instance name", attribute("name"), Compare.HOSTNAME),
    Field("hypervisor", "Hypervisor", Kind.TEXT, "Hypervisor name", attribute("hypervisor")),
    Field(
        "network_port",
        "Network_port",
        Kind.OTHER,
        "Network port, such as the console's",
        lambda _, item: or_unavailable(item.get("network_port")),
    ),
    Field("os", "OS", Kind.TEXT, "Operating system", attribute("os")),
    Field(
        "pnode",
        "Primary_node",
        Kind.TEXT,
        "Primary node",
        of_view(lambda v, i: _name(_primary(v, i))),
        Compare.HOSTNAME,
    ),
    Field(
        "pnode.group",
        "PrimaryNodeGroup",
        Kind.TEXT,
        "Primary node's group",
        of_view(lambda v, i: _name(_group(v, _primary(v, i)))),
    ),
    Field(
        "pnode.group.uuid",
        "PrimaryNodeGroupUUID",
        Kind.TEXT,
        "UUID of the primary node's group",
        of_view(lambda v, i: _name(_group(v, _primary(v, i)), "uuid")),
    ),
    Field(
        "snodes",
        "Secondary_Nodes",
        Kind.OTHER,
        "Secondary nodes, one or none as a rule",
        of_view(lambda v, i: [node["name"] for node in _secondaries(v, i)]),
    ),
    Field(
        "snodes.group",
        "SecondaryNodesGroups",
        Kind.OTHER,
        "Groups of the secondary nodes",
        of_view(lambda v, i: _secondary_groups(v, i, "name")),
    ),
    Field(
        "snodes.group.uuid",
        "SecondaryNodesGroupsUUID",
        Kind.OTHER,
        "UUIDs of the secondary nodes' groups",
        of_view(lambda v, i: _secondary_groups(v, i, "uuid")),
    ),
    Field(
        "hvparams",
        "HypervisorParameters",
        Kind.OTHER,
        "Hypervisor parameters (merged)",
        of_view(_hypervisor_parameters),
    ),
    Field(
        "beparams",
        "BackendParameters",
        Kind.OTHER,
        "Backend parameters (merged)",
        of_view(lambda v, i: v.backend_parameters(i)),
    ),
    Field(
        "osparams",
        "OpSysParameters",
        Kind.OTHER,
        "Operating system's parameters (merged)",
        of_view(lambda v, i: v.os_parameters(i)),
    ),
    Field(
        "custom_hvparams",
        "CustomHypervisorParameters",
        Kind.OTHER,
        "Own hypervisor parameters",
        attribute("hvparams", {}),
    ),
    Field(
        "custom_beparams", "CustomBackendParameters", Kind.OTHER, "Own backend parameters", attribute("beparams", {})
    ),
    Field(
        "custom_osparams",
        "CustomOpSysParameters",
        Kind.OTHER,
        "Own parameters for the operating system",
        attribute("osparams", {}),
    ),
    Field(
        "custom_nicparams",
        "CustomNicParameters",
        Kind.OTHER,
        "Own parameters of the network interfaces",
        of_view(lambda _, i: [nic.get("nicparams") or {} for nic in _nics(i)]),
    ),
)
_DISKS = (
    Field(
        "disk_usage",
        "DiskUsage",
        Kind.UNIT,
        "Space that the disks take on each of the instance's nodes",
        of_view(lambda v, i: v.disk_usage(i)),
    ),
    Field("disk.count", "Disks", Kind.NUMBER, "Number of disks", of_view(lambda _, i: len(i.get("disks") or ()))),
    Field("disk.sizes", "Disk_sizes", Kind.OTHER, "List of disk sizes", _disk_list("size")),
    Field("disk.spindles", "Disk_spindles", Kind.OTHER, "List of disk spindles", _disk_list("spindles")),
    Field("disk.names", "Disk_names", Kind.OTHER, "List of disk names", _disk_list("name")),
    Field("disk.uuids", "Disk_UUIDs", Kind.OTHER, "List of disk UUIDs", _disk_list("uuid")),
    Field("disk_template", "Disk_template", Kind.TEXT, "Disk template", of_view(lambda v, i: v.disk_template(i))),
    Field("nic.count", "NICs", Kind.NUMBER, "Number of network interfaces", of_view(lambda _, i: len(_nics(i)))),
)
_STATES = (
    Field(
        "status",
        "Status",
        Kind.TEXT,
        "Instance status: " + "; ".join(f'"{name}": {meaning}' for name, meaning in STATUSES.items()),
        lambda source, instance: normal(status(source, instance)),
    ),
    Field("oper_state", "Running", Kind.BOOL, "Whether the instance runs", _oper_state),
    Field("console", "Console", Kind.OTHER, "How to reach the console", _console),
    Field("oper_ram", "Memory", Kind.UNIT, "Memory in use, as the hypervisor sees it", _live("memory")),
    Field("oper_vcpus", "VCPUs", Kind.NUMBER, "Virtual processors, as the hypervisor sees them", _live("vcpus")),
    Field(
        "forthcoming",
        "Forthcoming",
        Kind.BOOL,
        "Whether only the instance's resources are reserved",
        attribute("forthcoming", default=False),
    ),
)


def _all_fields() -> dict[str, Field]:
    fields = field_map(
        *_PLAIN,
        *parameter_fields("be", "backend", BACKEND_PARAMETERS, lambda v, i: v.backend_parameters(i)),
        *parameter_fields("hv", "hypervisor", HV_PARAMETERS, _hypervisor_parameters, or_unavailable),
        *_DISKS,
        *_indexed_fields(),
        *_STATES,
        *object_fields("Instance"),
    )
    return fields | {alias: replace(fields[name], name=alias) for alias, name in ALIASES.items()}


FIELDS = _all_fields()
"""Every field of instances."""
