"""OP_INSTANCE_CREATE: nodes named or chosen by an allocator, disks made, the instance put into the configuration.

With named nodes the locks are those nodes'. With an allocator they are all nodes', or, with opportunistic locking,
those that are free now, but at least as many as the instance needs; once nodes are chosen all others are let go.
Until its disks are there the configuration knows nothing of the instance; then instance and disks come in one change.

Source: Ganeti 3.0.2's parameters, locks, preconditions and error codes; instances imported from elsewhere are refused.
"""

import re
import uuid as uuids
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from impl.cluster.change import NO_CHANGE, Change, put, together
from impl.cluster.view import DRBD, ClusterView
from impl.job.allocation import allocation_request, disk_space, required_nodes
from impl.job.errors import (
    ALREADY_EXISTS,
    WRONG_INPUT,
    WRONG_STATE,
    ExecutionError,
    PrerequisiteError,
)
from impl.job.locking import ALL, Op, node_named, take
from impl.job.unit import Context, Some, Unit
from impl.job.units.allocator import ask_allocator, default_allocator
from impl.job.units.common import (
    check_backend,
    check_disk,
    check_memory,
    check_target,
    expand,
    known,
    some_nodes,
    with_both_memories,
)
from impl.job.units.disks import create_disks, exchange_disks, new_disk
from impl.job.units.nics import check_nic, new_nic
from impl.job.units.policy import Spec, violations
from spec.locks.names import Level, Mode

Object = Mapping[str, Any]

_NAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9_-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9_-]*[a-zA-Z0-9])?)*\.?")
_MAX_NAME = 255


@dataclass(frozen=True, slots=True)
class Creation:
    """What is to be created, all defaults filled in; the nodes only where they were named."""

    op: Op
    parameters: Mapping[str, Any]
    nodes: tuple[str, ...] | None


# --- arguments


def resolve(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    """Check the arguments, expand names, fill in what the cluster decides."""
    _check_mode(op)
    check_name(op["instance_name"])
    if view.has("instance", op["instance_name"]) and not op["commit"]:
        raise PrerequisiteError(f"Instance '{op['instance_name']}' is already in the cluster", ALREADY_EXISTS)
    cluster = view.cluster
    template = op.get("disk_template") or (cluster.get("enabled_disk_templates") or ["plain"])[0]
    hypervisor = op.get("hypervisor") or (cluster.get("enabled_hypervisors") or ["fake"])[0]
    if template not in (cluster.get("enabled_disk_templates") or ()):
        raise PrerequisiteError(f"Disk template '{template}' is not enabled in cluster", WRONG_INPUT)
    if hypervisor not in (cluster.get("enabled_hypervisors") or ()):
        raise PrerequisiteError(f"Selected hypervisor ({hypervisor}) not enabled in the cluster", WRONG_STATE)
    op = {**op, "disk_template": template, "hypervisor": hypervisor}
    _check_disks(op)
    for nic in op["nics"]:
        check_nic(nic, view, new=True)
    for name in ("pnode", "snode"):
        op = expand(op, view, "node", name, f"{name}_uuid")
    if op.get("group_name"):
        op = {**op, "group_name": known(view, "group", op["group_name"])["name"]}
    return _with_allocator(op, view)


def check_name(name: str) -> None:
    """Check that an instance may have this name.

    Raises:
        PrerequisiteError: it may not.
    """
    if len(name) > _MAX_NAME or not _NAME.fullmatch(name):
        raise PrerequisiteError(f"'{name}' is no valid instance name", WRONG_INPUT)


def _check_mode(op: Op) -> None:
    if op["mode"] != "create":
        raise PrerequisiteError(f"Gantry cannot create instances by {op['mode']}, only by 'create'", WRONG_INPUT)
    if op["forthcoming"] and op["commit"]:
        raise PrerequisiteError("An instance cannot be forthcoming and committed at once", WRONG_INPUT)
    if op["commit"]:
        raise PrerequisiteError("Gantry cannot commit forthcoming instances yet", WRONG_INPUT)
    if not op.get("os_type") and not op.get("no_install"):
        raise PrerequisiteError("No guest OS specified", WRONG_INPUT)


def _check_disks(op: Op) -> None:
    if op["disk_template"] == "diskless":
        if op["disks"]:
            raise PrerequisiteError("A diskless instance has no disks", WRONG_INPUT)
        return
    if not op["disks"]:
        raise PrerequisiteError("Please give at least one disk, or the disk template 'diskless'", WRONG_INPUT)
    for index, disk in enumerate(op["disks"]):
        if int(disk.get("size") or 0) <= 0:
            raise PrerequisiteError(f"Missing size of disk {index}", WRONG_INPUT)
        if disk.get("adopt"):
            raise PrerequisiteError("Gantry cannot adopt volumes", WRONG_INPUT)


def _with_allocator(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    """Check that nodes or an allocator are given, not both; fill in the cluster's allocator if neither is.

    Raises:
        PrerequisiteError: both are given, or the nodes do not suit the disk template.
    """
    if op.get("pnode") and op.get("iallocator"):
        raise PrerequisiteError("Do not specify both, iallocator and node.", WRONG_INPUT)
    if not op.get("pnode"):
        return {**op, "iallocator": default_allocator(view, op.get("iallocator"))}
    if op["disk_template"] == DRBD:
        if not op.get("snode"):
            raise PrerequisiteError("The networked disk templates need a mirror node", WRONG_INPUT)
        if op["snode_uuid"] == op["pnode_uuid"]:
            raise PrerequisiteError("The secondary node cannot be the primary node", WRONG_INPUT)
    elif op.get("snode"):
        raise PrerequisiteError(f"Disk template {op['disk_template']} has no secondary node", WRONG_INPUT)
    return op


# --- preconditions


def merged(op: Op, view: ClusterView) -> dict[str, Any]:
    """Return the backend parameters of the new instance: the cluster's defaults, overridden by the opcode's.

    Raises:
        PrerequisiteError: they make no sense.
    """
    own = with_both_memories(op["beparams"])
    parameters = view.backend_parameters(
        {"beparams": {name: value for name, value in own.items() if value != "default"}}
    )
    check_backend(parameters)
    return parameters


def prepare(op: Op, view: ClusterView) -> Creation:
    """Check what can be checked before nodes are chosen."""
    if view.has("instance", op["instance_name"]):
        raise PrerequisiteError(f"Instance '{op['instance_name']}' is already in the cluster", ALREADY_EXISTS)
    parameters = merged(op, view)
    nodes = None
    if op.get("pnode_uuid"):
        nodes = tuple(str(op[key]) for key in ("pnode_uuid", "snode_uuid") if op.get(key))
        check_nodes(op, view, parameters, nodes)
    return Creation(op, parameters, nodes)


def check_nodes(op: Op, view: ClusterView, parameters: Mapping[str, Any], nodes: Sequence[str]) -> None:
    """Check that the instance may go to these nodes: service, memory, disk, policy.

    Raises:
        PrerequisiteError: it may not.
    """
    name = op["instance_name"]
    space = disk_space(op["disk_template"], op["disks"])
    for node in nodes:
        check_target(view, node)
        if space and op["disk_template"] in {"plain", DRBD, "file"}:
            check_disk(view, node, space, f"the disks of instance {name}")
    if op["start"] and not op["forthcoming"]:
        check_memory(view, nodes[0], int(parameters["maxmem"]), f"creating instance {name}")
    if not op["ignore_ipolicy"]:
        group = view.groups[str(view.nodes[nodes[0]]["group"])]
        sizes = [int(disk["size"]) for disk in op["disks"]]
        spec = Spec(
            memory=int(parameters["maxmem"]),
            cpus=int(parameters["vcpus"]),
            disks=sizes,
            nics=len(op["nics"]),
            spindle_use=int(parameters.get("spindle_use") or 1),
            template=str(op["disk_template"]),
        )
        found = violations(view.policy(group), spec)
        if found:
            text = f"Instance allocation to group {group['name']} violates policy: {', '.join(found)}"
            raise PrerequisiteError(text, WRONG_INPUT)


# --- the work


def choose_nodes(context: Context, creation: Creation) -> tuple[str, ...]:
    """Let the allocator choose, and let all other nodes go.

    Raises:
        PrerequisiteError: it finds no place; for now only, if it was not shown all nodes.
    """
    op, view = context.op, context.view
    program = str(op["iallocator"])
    allowed = None if context.nodes_taken is None else [str(view.nodes[uuid]["name"]) for uuid in context.nodes_taken]
    request = allocation_request(op, creation.parameters, allowed)
    names = ask_allocator(context, program, request, "nodes")
    if not isinstance(names, list) or len(names) != required_nodes(op["disk_template"]):
        raise ExecutionError(
            f"iallocator {program} answered {names!r}, not {required_nodes(op['disk_template'])} nodes"
        )
    nodes = tuple(str(known(view, "node", name)["uuid"]) for name in names)
    context.log(f"Selected nodes for instance {op['instance_name']} via iallocator {program}: {', '.join(names)}")
    context.narrow(nodes)
    check_nodes(op, view, creation.parameters, nodes)
    return nodes


def make_disks(context: Context, nodes: Sequence[str]) -> list[dict[str, Any]]:
    """Make the objects of the new disks."""
    op = context.op
    return [new_disk(context, op["disk_template"], wanted, index, nodes) for index, wanted in enumerate(op["disks"])]


def make_instance(
    creation: Creation, nodes: Sequence[str], disks: Sequence[Object], nics: Sequence[Object]
) -> dict[str, Any]:
    """Make the object of the new instance."""
    op = creation.op
    own = {name: value for name, value in op["beparams"].items() if value != "default" and name != "memory"}
    if "memory" in op["beparams"]:
        own["maxmem"] = own["minmem"] = op["beparams"]["memory"]
    up = op["start"] and not op["forthcoming"] and not op.get("no_install")
    instance = {
        "uuid": str(uuids.uuid4()),
        "name": op["instance_name"],
        "primary_node": nodes[0],
        "os": op.get("os_type") or "",
        "hypervisor": op["hypervisor"],
        "hvparams": dict(op["hvparams"]),
        "beparams": own,
        "osparams": dict(op["osparams"]),
        "osparams_private": dict(op.get("osparams_private") or {}),
        "admin_state": "up" if up else "down",
        "admin_state_source": "admin",
        "nics": list(nics),
        "disks": [disk["uuid"] for disk in disks],
        "disks_active": bool(up),
        "tags": sorted(set(op["tags"])),
    }
    return instance | {"forthcoming": True} if op["forthcoming"] else instance


def added(view: ClusterView, instance: Object, disks: Sequence[Object]) -> Change:
    """Return the change that adds instance and disks; none if they are there.

    Raises:
        ExecutionError: another instance has got the name meanwhile.
    """
    if instance["uuid"] in view.instances:
        return NO_CHANGE
    if view.has("instance", str(instance["name"])):
        raise ExecutionError(f"Instance '{instance['name']}' was created by somebody else meanwhile")
    return together([put("instances", instance), exchange_disks(view, disks)])


def run(context: Context, creation: Creation) -> list[str]:
    """Choose nodes if none were named, make the disks, add the instance, start it."""
    op = context.op
    nodes = creation.nodes or choose_nodes(context, creation)
    disks = make_disks(context, nodes)
    group = str(context.view.nodes[nodes[0]]["group"])
    nics = [new_nic(wanted, context.view, context.reservations, group) for wanted in op["nics"]]
    instance = make_instance(creation, nodes, disks, nics)
    if op["forthcoming"]:
        context.log(f"reserving resources for instance {instance['name']}")
    else:
        context.log(f"creating instance disks of {instance['name']}")
    with create_disks(context, instance, disks, nodes, really=not op["forthcoming"], wait=op["wait_for_sync"]):
        context.log(f"adding instance {instance['name']} to cluster config")
        context.change(lambda now: added(now, instance, disks))
    if instance["admin_state"] == "up":
        context.driver.start(context.view, instance, nodes[0], context.log)
    return [str(context.view.nodes[uuid]["name"]) for uuid in nodes]


# --- locks


def _new_instance(op: Op, _: ClusterView) -> list[str]:
    return [str(op["instance_name"])]


def _all_nodes(op: Op, _: ClusterView) -> list[str]:
    return [ALL] if op.get("iallocator") and not op["opportunistic_locking"] else []


def some(op: Op, view: ClusterView) -> Some | None:
    """Return, for opportunistic locking, the nodes in service, at least as many as the instance needs; else None."""
    if not op.get("iallocator") or not op["opportunistic_locking"]:
        return None
    return some_nodes(view, required_nodes(op["disk_template"]))


_NODES = (_all_nodes, node_named("pnode_uuid", "snode_uuid"))

UNITS = {
    "OP_INSTANCE_CREATE": Unit(
        run=run,
        takes=(
            take(Level.INSTANCE, Mode.EXCLUSIVE, _new_instance),
            take(Level.NODE, Mode.EXCLUSIVE, *_NODES),
            take(Level.NODE_RES, Mode.EXCLUSIVE, *_NODES),
        ),
        resolve=resolve,
        prepare=prepare,
        some=some,
    ),
}
