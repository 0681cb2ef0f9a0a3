"""OP_INSTANCE_QUERY_DATA: everything about some instances, as `gnt-instance info` shows it.

Source: Ganeti 3.0.2's locks (none, or shared ones on request) and the fields of its answer.
"""

from collections.abc import Mapping
from typing import Any

from impl.cluster.view import DRBD, ClusterView
from impl.hypervisor.facts import ConfiguredObserver
from impl.job.locking import ALL, Op, take
from impl.job.unit import Context, Plan, Unit
from impl.job.units.common import known
from spec.locks.names import Level, Mode

Object = Mapping[str, Any]


def _resolve(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    return {**op, "instances": [known(view, "instance", name)["name"] for name in op["instances"]]}


def _locked(op: Op, _: ClusterView) -> list[str]:
    if not op["use_locking"]:
        return []
    return list(op["instances"]) or [ALL]


def _wanted(op: Op, view: ClusterView) -> list[Object]:
    if not op["instances"]:
        return list(view.instances.values())
    return [view.find("instance", name) for name in op["instances"]]


def _nic(view: ClusterView, nic: Object) -> list[Any]:
    parameters = view.nic_parameters(nic)
    network = nic.get("network")
    name = view.objects("network").get(str(network), {}).get("name")
    return [
        nic.get("name"), nic.get("uuid"), nic.get("ip"), nic.get("mac"),
        parameters.get("mode"), parameters.get("link"), parameters.get("vlan"), network, name and {"name": name},
    ]  # fmt: skip


def disk_data(view: ClusterView, instance: Object, disk: Object) -> dict[str, Any]:
    """Describe a disk and its children (sizes in MiB); a DRBD disk's secret is left out."""
    logical = list(disk["logical_id"])
    drbd = None
    if disk["dev_type"] == DRBD:
        ends = [(logical[0], logical[3]), (logical[1], logical[4])]
        ends.sort(key=lambda end: end[0] != instance["primary_node"])
        (primary, primary_minor), (secondary, secondary_minor) = ends
        drbd = {
            "primary_node": view.nodes[primary]["name"],
            "primary_minor": primary_minor,
            "secondary_node": view.nodes[secondary]["name"],
            "secondary_minor": secondary_minor,
            "port": logical[2],
        }
        logical[-1] = None
    return {
        "iv_name": disk.get("iv_name"),
        "dev_type": disk["dev_type"],
        "logical_id": logical,
        "drbd_info": drbd,
        "pstatus": None,
        "sstatus": None,
        "children": [disk_data(view, instance, child) for child in disk.get("children") or ()],
        "mode": disk.get("mode"),
        "size": disk.get("size"),
        "spindles": disk.get("spindles"),
        "name": disk.get("name"),
        "uuid": disk.get("uuid"),
    }


def _run_state(view: ClusterView, instance: Object) -> str:
    if ConfiguredObserver().instance_info(view, instance) is not None:
        return "up"
    if instance.get("admin_state") == "offline":
        return "offline"
    return "user down" if instance.get("admin_state_source") == "user" else "down"


def instance_data(view: ClusterView, instance: Object, *, static: bool) -> dict[str, Any]:
    """Describe an instance completely; its real state only if that was asked for and its node answers."""
    primary = view.nodes[str(instance["primary_node"])]
    groups = view.groups
    secondaries = [view.nodes[uuid] for uuid in view.secondaries_of(instance)]
    return {
        "name": instance["name"],
        "config_state": instance.get("admin_state"),
        "run_state": None if static or primary.get("offline") else _run_state(view, instance),
        "pnode": primary["name"],
        "pnode_group_uuid": primary["group"],
        "pnode_group_name": groups[str(primary["group"])]["name"],
        "snodes": [node["name"] for node in secondaries],
        "snodes_group_uuids": [node["group"] for node in secondaries],
        "snodes_group_names": [groups[str(node["group"])]["name"] for node in secondaries],
        "os": instance.get("os"),
        "nics": [_nic(view, nic) for nic in instance.get("nics") or ()],
        "disk_template": view.disk_template(instance),
        "disks": [disk_data(view, instance, disk) for disk in view.disks(instance)],
        "hypervisor": instance.get("hypervisor"),
        "network_port": instance.get("network_port"),
        "hv_instance": instance.get("hvparams") or {},
        "hv_actual": view.hypervisor_parameters(instance),
        "be_instance": instance.get("beparams") or {},
        "be_actual": view.backend_parameters(instance),
        "os_instance": instance.get("osparams") or {},
        "os_actual": view.os_parameters(instance),
        "serial_no": instance.get("serial_no"),
        "mtime": instance.get("mtime"),
        "ctime": instance.get("ctime"),
        "uuid": instance["uuid"],
    }


def _run(context: Context, _: Plan) -> dict[str, Any]:
    view, static = context.view, bool(context.op["static"])
    result = {}
    for instance in _wanted(context.op, view):
        primary = view.nodes[str(instance["primary_node"])]
        if primary.get("offline") and not static:
            context.log(
                f"Primary node {primary['name']} is marked offline, only what is recorded of {instance['name']}"
            )
        result[str(instance["name"])] = instance_data(view, instance, static=static)
    return result


UNITS = {
    "OP_INSTANCE_QUERY_DATA": Unit(run=_run, takes=(take(Level.INSTANCE, Mode.SHARED, _locked),), resolve=_resolve),
}
