"""The question to an instance allocator: the whole cluster as it sees it, and what is to be placed. Pure.

Source: Ganeti's iallocator protocol, version 2: names of fields, and what each counts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from impl.cluster.view import DRBD, DRBD_META_MIB, ClusterView
from impl.hypervisor.facts import Observer, is_running

Object = Mapping[str, Any]

PROTOCOL_VERSION = 2


def _node(view: ClusterView, observer: Observer, node: Object) -> dict[str, Any]:
    data: dict[str, Any] = {
        "tags": list(node.get("tags") or ()),
        "primary_ip": node.get("primary_ip"),
        "secondary_ip": node.get("secondary_ip"),
        "offline": bool(node.get("offline")),
        "drained": bool(node.get("drained")),
        "master_candidate": bool(node.get("master_candidate")),
        "group": node.get("group"),
        "master_capable": node.get("master_capable", True),
        "vm_capable": node.get("vm_capable", True),
        "ndparams": view.node_parameters(node),
    }
    info = None if data["offline"] else observer.node_info(view, node)
    if info is None:
        return data | {"offline": True}
    uuid = str(node["uuid"])
    primaries = view.primaries_on(uuid)
    return data | {
        "total_memory": info.memory_total,
        "reserved_memory": info.memory_node,
        "free_memory": info.memory_free,
        "total_disk": info.disk_total,
        "free_disk": info.disk_free,
        "total_spindles": info.spindles_total or 0,
        "free_spindles": info.spindles_free or 0,
        "total_cpus": info.cpus,
        "reserved_cpus": info.cpus_node,
        "i_pri_memory": sum(map(view.memory, primaries)),
        "i_pri_up_memory": sum(view.memory(instance) for instance in primaries if is_running(instance)),
    }


def _nic(view: ClusterView, nic: Object) -> dict[str, Any]:
    parameters = view.nic_parameters(nic)
    data = {"mac": nic.get("mac"), "ip": nic.get("ip"), "mode": parameters.get("mode"), "link": parameters.get("link")}
    return data | {"bridge": data["link"]} if data["mode"] == "bridged" else data


def _instance(view: ClusterView, instance: Object) -> dict[str, Any]:
    parameters = view.backend_parameters(instance)
    return {
        "tags": list(instance.get("tags") or ()),
        "admin_state": instance.get("admin_state", "down"),
        "vcpus": parameters.get("vcpus"),
        "memory": parameters.get("maxmem"),
        "spindle_use": parameters.get("spindle_use", 1),
        "auto_balance": parameters.get("auto_balance", True),
        "os": instance.get("os"),
        "nodes": [view.nodes[uuid]["name"] for uuid in view.nodes_of(instance) if uuid in view.nodes],
        "nics": [_nic(view, nic) for nic in instance.get("nics") or ()],
        "disks": [
            {
                "type": disk["dev_type"],
                "size": disk.get("size"),
                "mode": disk.get("mode", "rw"),
                "spindles": disk.get("spindles"),
            }
            for disk in view.disks(instance)
        ],
        "disk_template": view.disk_template(instance),
        "disks_active": bool(instance.get("disks_active")),
        "disk_space_total": view.disk_usage(instance),
        "hypervisor": instance.get("hypervisor"),
        "forthcoming": bool(instance.get("forthcoming")),
    }


def cluster_data(view: ClusterView, observer: Observer, request: Mapping[str, Any]) -> dict[str, Any]:
    """Build the whole question.

    Args:
        view: the configuration.
        observer: live facts about nodes.
        request: what is asked, with its `type`.
    """
    cluster = view.cluster
    return {
        "version": PROTOCOL_VERSION,
        "cluster_name": cluster.get("cluster_name"),
        "cluster_tags": list(cluster.get("tags") or ()),
        "enabled_hypervisors": list(cluster.get("enabled_hypervisors") or ()),
        "ipolicy": cluster.get("ipolicy"),
        "nodegroups": {
            uuid: {
                "name": group["name"],
                "alloc_policy": group.get("alloc_policy", "preferred"),
                "networks": list(group.get("networks") or {}),
                "ipolicy": view.policy(group),
                "tags": list(group.get("tags") or ()),
            }
            for uuid, group in view.groups.items()
        },
        "nodes": {str(node["name"]): _node(view, observer, node) for node in view.nodes.values()},
        "instances": {str(item["name"]): _instance(view, item) for item in view.instances.values() if item.get("name")},
        "request": dict(request),
    }


def disk_space(template: str, disks: Sequence[Object]) -> int:
    """Return the MiB that new disks take on each node."""
    extra = DRBD_META_MIB if template == DRBD else 0
    return 0 if template == "diskless" else sum(int(disk.get("size") or 0) + extra for disk in disks)


def allocation_request(
    op: Mapping[str, Any], parameters: Mapping[str, Any], restrict_to: Sequence[str] | None
) -> dict[str, Any]:
    """Build what is asked for one new instance.

    Args:
        op: the creating opcode, complete.
        parameters: the instance's backend parameters, merged.
        restrict_to: names of the only nodes that may be chosen, None for all.
    """
    template = str(op["disk_template"])
    request: dict[str, Any] = {
        "type": "allocate",
        "name": op["instance_name"],
        "disk_template": template,
        "group_name": op.get("group_name"),
        "tags": list(op["tags"]),
        "os": op.get("os_type") or "",
        "vcpus": parameters["vcpus"],
        "memory": parameters["maxmem"],
        "spindle_use": parameters.get("spindle_use", 1),
        "disks": [{"mode": "rw", "spindles": None, **disk, "type": template} for disk in op["disks"]],
        "disk_space_total": disk_space(template, op["disks"]),
        "nics": [dict(nic) for nic in op["nics"]],
        "required_nodes": required_nodes(template),
        "hypervisor": op["hypervisor"],
    }
    if restrict_to is not None:
        request["restrict-to-nodes"] = list(restrict_to)
    return request


def required_nodes(template: str) -> int:
    """Return how many nodes an instance of this disk template needs."""
    return 2 if template == DRBD else 1
