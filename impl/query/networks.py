"""Fields of networks and of job filters. Source: Ganeti 3.0.2's queries; names, titles and kinds are its."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from impl.cluster.view import ClusterView, names_of
from impl.query.common import attribute, object_fields, of_view
from impl.query.model import Compare, Entry, Field, Kind, field_map, normal, or_unavailable
from impl.query.source import Source
from impl.queue.rules import read_rule

Network = Mapping[str, Any]


def _bits(network: Network) -> str:
    """Return one sign per address: `1` reserved by an instance or from outside, `0` free."""
    own, external = str(network.get("reservations") or ""), str(network.get("ext_reservations") or "")
    size = max(len(own), len(external))
    pairs = zip(own.ljust(size, "0"), external.ljust(size, "0"), strict=True)
    return "".join("1" if "1" in pair else "0" for pair in pairs)


def _external(_: ClusterView, network: Network) -> str:
    base = ipaddress.ip_network(str(network["network"]), strict=False).network_address
    bits = str(network.get("ext_reservations") or "")
    return ", ".join(str(base + index) for index, bit in enumerate(bits) if bit == "1")


def _groups(view: ClusterView, network: Network) -> list[list[str]]:
    found = []
    for _, group in sorted(view.groups.items()):
        link = (group.get("networks") or {}).get(network["uuid"])
        if link is not None:
            found.append([str(group["name"]), *(str(link.get(key) or "-") for key in ("mode", "link", "vlan"))])
    return found


def _instances(view: ClusterView, network: Network) -> list[Mapping[str, Any]]:
    return [
        instance
        for instance in view.instances.values()
        if any(nic.get("network") == network["uuid"] for nic in instance.get("nics") or ())
    ]


def _optional(name: str, title: str, doc: str) -> Field:
    def get(_: Source, item: Network) -> Entry:
        return or_unavailable(item.get(name))

    return Field(name, title, Kind.OTHER, doc, get)


FIELDS = field_map(
    Field("name", "Network", Kind.TEXT, "Name", attribute("name")),
    Field("network", "Subnet", Kind.TEXT, "IPv4 subnet", attribute("network")),
    _optional("gateway", "Gateway", "IPv4 gateway"),
    _optional("network6", "IPv6Subnet", "IPv6 subnet"),
    _optional("gateway6", "IPv6Gateway", "IPv6 gateway"),
    _optional("mac_prefix", "MacPrefix", "MAC address prefix"),
    Field(
        "free_count", "FreeCount", Kind.NUMBER, "Number of free addresses", of_view(lambda _, n: _bits(n).count("0"))
    ),
    Field(
        "map",
        "Map",
        Kind.TEXT,
        "Each address: X reserved, . free",
        of_view(lambda _, n: _bits(n).replace("1", "X").replace("0", ".")),
    ),
    Field(
        "reserved_count",
        "ReservedCount",
        Kind.NUMBER,
        "Number of reserved addresses",
        of_view(lambda _, n: _bits(n).count("1")),
    ),
    Field("group_list", "GroupList", Kind.OTHER, "Node groups: name, NIC mode, link, vlan", of_view(_groups)),
    Field("group_cnt", "NodeGroups", Kind.NUMBER, "Number of node groups", of_view(lambda v, n: len(_groups(v, n)))),
    Field(
        "inst_list", "InstanceList", Kind.OTHER, "List of instances", of_view(lambda v, n: names_of(_instances(v, n)))
    ),
    Field("inst_cnt", "Instances", Kind.NUMBER, "Number of instances", of_view(lambda v, n: len(_instances(v, n)))),
    Field(
        "external_reservations",
        "ExternalReservations",
        Kind.TEXT,
        "Addresses reserved from outside",
        of_view(_external),
    ),
    *object_fields("Network"),
)
"""Every field of networks."""


def _problem(_: Source, rule: Mapping[str, Any]) -> Entry:
    return normal("; ".join(read_rule("", rule).faults) or None)


FILTER_FIELDS = field_map(
    Field("watermark", "Watermark", Kind.OTHER, "Highest job id when the filter was added", attribute("watermark")),
    Field("priority", "Priority", Kind.OTHER, "Filter priority", attribute("priority")),
    Field("predicates", "Predicates", Kind.OTHER, "What the filter tests", attribute("predicates")),
    Field("action", "Action", Kind.OTHER, "What the filter does", attribute("action")),
    Field("reason_trail", "ReasonTrail", Kind.OTHER, "Why the filter was added", attribute("reason_trail")),
    Field("uuid", "UUID", Kind.OTHER, "Filter ID", attribute("uuid")),
    Field("problem", "Problem", Kind.OTHER, "What of the filter cannot be read", _problem, own=True),
)
"""Every field of job filters."""


def _no_export(_: Source, node: Mapping[str, Any]) -> Entry:
    return (4, None) if node.get("offline") else (2, None)


EXPORT_FIELDS = field_map(
    Field("node", "Node", Kind.TEXT, "Node name", attribute("name"), Compare.HOSTNAME),
    Field("export", "Export", Kind.TEXT, "Export name", _no_export),
)
"""Every field of exports; the embedded hypervisor has none."""
