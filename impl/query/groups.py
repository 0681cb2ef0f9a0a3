"""Fields of node groups. Source: Ganeti 3.0.2's group query; names, titles and kinds are its."""

from collections.abc import Mapping
from typing import Any

from impl.cluster.view import ClusterView, names_of
from impl.query.common import NODE_PARAMETERS, attribute, object_fields, of_view, parameter_fields
from impl.query.model import Field, Kind, field_map

Group = Mapping[str, Any]


def _instances(view: ClusterView, group: Group) -> list[Mapping[str, Any]]:
    return [instance for uuid in view.nodes_of_group(group["uuid"]) for instance in view.primaries_on(uuid)]


def _nodes(view: ClusterView, group: Group) -> list[str]:
    return [str(view.nodes[uuid]["name"]) for uuid in view.nodes_of_group(group["uuid"])]


FIELDS = field_map(
    Field(
        "alloc_policy", "AllocPolicy", Kind.TEXT, "Allocation policy for group", attribute("alloc_policy", "preferred")
    ),
    Field(
        "custom_diskparams",
        "CustomDiskParameters",
        Kind.OTHER,
        "The group's own disk parameters",
        attribute("diskparams", {}),
    ),
    Field(
        "custom_ipolicy",
        "CustomInstancePolicy",
        Kind.OTHER,
        "The group's own instance policy",
        attribute("ipolicy", {}),
    ),
    Field(
        "custom_ndparams", "CustomNDParams", Kind.OTHER, "The group's own node parameters", attribute("ndparams", {})
    ),
    Field(
        "diskparams",
        "DiskParameters",
        Kind.OTHER,
        "Disk parameters (merged)",
        of_view(lambda v, g: v.disk_parameters(g)),
    ),
    Field("ipolicy", "InstancePolicy", Kind.OTHER, "Instance policy (merged)", of_view(lambda v, g: v.policy(g))),
    Field("name", "Group", Kind.TEXT, "Group name", attribute("name")),
    Field(
        "ndparams", "NDParams", Kind.OTHER, "Node parameters (merged)", of_view(lambda v, g: v.group_node_parameters(g))
    ),
    Field("node_cnt", "Nodes", Kind.NUMBER, "Number of nodes", of_view(lambda v, g: len(v.nodes_of_group(g["uuid"])))),
    Field("node_list", "NodeList", Kind.OTHER, "List of nodes", of_view(_nodes)),
    Field(
        "pinst_cnt",
        "Instances",
        Kind.NUMBER,
        "Number of primary instances",
        of_view(lambda v, g: len(_instances(v, g))),
    ),
    Field(
        "pinst_list",
        "InstanceList",
        Kind.OTHER,
        "List of primary instances",
        of_view(lambda v, g: names_of(_instances(v, g))),
    ),
    *parameter_fields("ndp", "node", NODE_PARAMETERS, lambda v, g: v.group_node_parameters(g)),
    *object_fields("Group"),
)
"""Every field of node groups."""
