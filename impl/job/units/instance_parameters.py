"""OP_INSTANCE_SET_PARAMS and OP_INSTANCE_RENAME: an instance as it is to be, checked, and changed in one transaction.

Volumes of new disks are made before the transaction and those of removed ones taken away before it, as with whole
instances. Source: Ganeti 3.0.2's locks, preconditions and results.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from impl.cluster.change import NO_CHANGE, Change, put, together
from impl.cluster.view import DRBD, ClusterView
from impl.hypervisor.facts import is_running
from impl.job.errors import ALREADY_EXISTS, NO_RESOURCES, WRONG_INPUT, WRONG_STATE, PrerequisiteError
from impl.job.locking import Op, instance_groups, instance_named, instance_nodes, take
from impl.job.unit import Context, Unit
from impl.job.units.common import (
    OBSERVER,
    check_backend,
    check_disk,
    check_online,
    expand_instance,
    known,
    rename,
    with_both_memories,
)
from impl.job.units.disks import create_disks, exchange_disks, new_disk
from impl.job.units.instance_create import check_name
from impl.job.units.modifications import Modification, place_of, place_to_add, read_modifications
from impl.job.units.nics import changed_nic, check_count, check_nic, new_nic, nic_changes
from impl.job.units.node_parameters import merged_parameters
from impl.job.units.policy import Spec, spec_of, violations
from spec.locks.names import Level, Mode

Object = Mapping[str, Any]

NOT_CARRIED_OUT = ("disk_template", "runtime_mem", "pnode", "instance_communication", "hotplug", "ext_params")
_DISK_SETTINGS = {"mode", "name"}
_PARAMETERS = {"beparams": "be", "hvparams": "hv", "osparams": "os"}
"""Attributes that are merged, and what the result calls them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The instance as the opcode found it, what becomes of its attributes, and what of its disks and interfaces."""

    instance: Object
    attributes: Mapping[str, Any]
    nics: Sequence[Modification]
    disks: Sequence[Modification]


def _resolve(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    for name in NOT_CARRIED_OUT:
        if op.get(name):
            raise PrerequisiteError(f"Gantry does not change {name} of an instance yet", WRONG_INPUT)
    named = ("nics", "disks", *_PARAMETERS, "osparams_private", "os_name")
    if not any(op.get(name) for name in named) and op.get("offline") is None:
        raise PrerequisiteError("No changes submitted", WRONG_INPUT)
    for nic in read_modifications("NIC", op["nics"]):
        check_nic(nic.parameters, view, new=nic.action == "add")
    read_modifications("disk", op["disks"])
    return expand_instance(op, view)


def new_attributes(op: Op, instance: Object) -> dict[str, Any]:
    """Return what changes of the instance itself, its disks and interfaces left out."""
    found: dict[str, Any] = {}
    for name in _PARAMETERS:
        if op.get(name):
            wanted = with_both_memories(op[name]) if name == "beparams" else op[name]
            found[name] = merged_parameters(instance.get(name) or {}, wanted)
    if op.get("osparams_private"):
        found["osparams_private"] = merged_parameters(instance.get("osparams_private") or {}, op["osparams_private"])
    if op.get("os_name"):
        found["os"] = op["os_name"]
    if op.get("offline") is not None:
        found |= {"admin_state": "offline" if op["offline"] else "down", "disks_active": False}
        found["admin_state_source"] = "admin"
    return found


def _prepare(op: Op, view: ClusterView) -> Plan:
    instance = known(view, "instance", op["instance_name"])
    check_online(view, str(instance["primary_node"]))
    plan = Plan(
        instance,
        new_attributes(op, instance),
        read_modifications("NIC", op["nics"]),
        read_modifications("disk", op["disks"]),
    )
    if op.get("offline") is not None and is_running(instance):
        text = f"Instance '{instance['name']}' is marked to be up, required to be down or offline: shut it down first"
        raise PrerequisiteError(text, WRONG_STATE)
    after = {**instance, **plan.attributes}
    _check_backend(op, view, instance, after)
    _check_counts(op, view, plan, after)
    return plan


def _check_backend(op: Op, view: ClusterView, instance: Object, after: Object) -> None:
    if not op["beparams"]:
        return
    new = view.backend_parameters(after)
    check_backend(new)
    old = view.memory(instance)
    if op["force"] or new["maxmem"] <= old:
        return
    missing = new["maxmem"] - (old if is_running(instance) else 0) - _free_memory(view, instance["primary_node"])
    if missing > 0:
        text = f"This change will prevent the instance from starting, due to {missing} MB of memory missing on its"
        raise PrerequisiteError(f"{text} primary node", NO_RESOURCES)
    for uuid in view.secondaries_of(instance) if new.get("auto_balance") else ():
        if new["maxmem"] > _free_memory(view, uuid):
            text = "This change will prevent the instance from failover to its secondary node"
            raise PrerequisiteError(f"{text} {view.nodes[uuid]['name']}, due to not enough memory", WRONG_STATE)


def _free_memory(view: ClusterView, uuid: Any) -> int:
    node = view.nodes[str(uuid)]
    info = OBSERVER.node_info(view, node)
    if info is None:
        raise PrerequisiteError(f"Node {node['name']} didn't return free memory information", WRONG_STATE)
    return info.memory_free


def _check_counts(op: Op, view: ClusterView, plan: Plan, after: Object) -> None:
    """Check disks and interfaces, and the policy of the group on what comes of all changes together."""
    disks, nics = list(view.disks(plan.instance)), list(plan.instance.get("nics") or ())
    sizes: list[int] = [int(disk["size"]) for disk in disks]
    for item in plan.disks:
        _check_disk(op, view, plan.instance, item, sizes, disks)
    count = len(nics)
    for item in plan.nics:
        if item.action == "add":
            place_to_add("NIC", item.place, [None] * count)
            count += 1
        else:
            place_of("NIC", item.place, nics if isinstance(item.place, str) else [{}] * count)
            count -= item.action == "remove"
    check_count(count)
    if op["ignore_ipolicy"]:
        return
    before = spec_of(view, plan.instance)
    new = view.backend_parameters(after)
    wanted = Spec(
        memory=int(new.get("maxmem") or 0), cpus=int(new.get("vcpus") or 0), disks=sizes, nics=count,
        spindle_use=int(new.get("spindle_use") or 1), template=before.template,
    )  # fmt: skip
    group = view.groups[str(view.nodes[str(plan.instance["primary_node"])]["group"])]
    found = sorted(set(violations(view.policy(group), wanted)) - set(violations(view.policy(group), before)))
    if found:
        text = f"Instance allocation to group {group['name']} violates policy: {', '.join(found)}"
        raise PrerequisiteError(text, WRONG_INPUT)


def _check_disk(
    op: Op, view: ClusterView, instance: Object, item: Modification, sizes: list[int], disks: Sequence[Object]
) -> None:
    if item.action == "add":
        template = view.disk_template(instance)
        if template == "diskless":
            raise PrerequisiteError("Must specify disk type on diskless instance", WRONG_INPUT)
        size = item.parameters.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or size <= 0:
            raise PrerequisiteError("Required disk parameter 'size' missing, or no positive number", WRONG_INPUT)
        if item.parameters.get("mode") not in {None, "ro", "rw"}:
            raise PrerequisiteError(f"Invalid disk access mode '{item.parameters['mode']}'", WRONG_INPUT)
        if not op["wait_for_sync"] and not instance.get("disks_active"):
            text = "Can't add a disk to an instance with deactivated disks and --no-wait-for-sync given"
            raise PrerequisiteError(text, WRONG_INPUT)
        for node in view.nodes_of(instance):
            check_online(view, node)
            if template in {"plain", DRBD, "file"}:
                check_disk(view, node, size, f"a disk of instance {instance['name']}")
        sizes.insert(place_to_add("disk", item.place, sizes), size)
        return
    index = place_of("disk", item.place, disks if isinstance(item.place, str) else [{}] * len(sizes))
    if item.action == "remove":
        if is_running(instance):
            text = f"Instance '{instance['name']}' is marked to be up: can't remove volume from a running instance"
            raise PrerequisiteError(text, WRONG_STATE)
        del sizes[index]
        return
    if "size" in item.parameters:
        raise PrerequisiteError("Disk size change not possible, use grow-disk", WRONG_INPUT)
    unknown = sorted(set(item.parameters) - _DISK_SETTINGS)
    if unknown:
        raise PrerequisiteError(f"Disk parameter '{unknown[0]}' cannot be changed, only mode and name", WRONG_INPUT)


# --- the work


def _apply_nics(context: Context, plan: Plan, result: list[list[Any]]) -> list[dict[str, Any]]:
    view, aside = context.view, context.reservations
    group = str(view.nodes[str(plan.instance["primary_node"])]["group"])
    nics = [dict(nic) for nic in plan.instance.get("nics") or ()]
    for item in plan.nics:
        if item.action == "add":
            index = place_to_add("NIC", item.place, nics)
            nic = new_nic(item.parameters, view, aside, group)
            nics.insert(index, nic)
            shown = ",".join(f"{name}={nic.get(name) or nic['nicparams'].get(name)}" for name in _SHOWN_OF_NICS)
            result.append([f"nic.{index}", f"add:{shown}"])
            continue
        index = place_of("NIC", item.place, nics)
        if item.action == "remove":
            del nics[index]
            result.append([f"NIC/{index}", "remove"])
        else:
            nics[index] = changed_nic(nics[index], item.parameters, view, aside, group)
            result.extend(nic_changes(index, nics[index], list(item.parameters)))
    return nics


_SHOWN_OF_NICS = ("mac", "ip", "mode", "link", "network")


@dataclass
class _Disks:
    """The instance's disks after the changes, the new ones among them, and those that go."""

    all: list[dict[str, Any]]
    new: list[dict[str, Any]]
    gone: list[Object]


def _apply_disks(context: Context, plan: Plan, result: list[list[Any]]) -> _Disks:
    view, instance = context.view, plan.instance
    found = _Disks([dict(disk) for disk in view.disks(instance)], [], [])
    for item in plan.disks:
        if item.action == "add":
            index = place_to_add("disk", item.place, found.all)
            disk = new_disk(context, view.disk_template(instance), item.parameters, index, view.nodes_of(instance))
            found.all.insert(index, disk)
            found.new.append(disk)
            result.append([f"disk/{index}", f"add:size={disk['size']},mode={disk['mode']}"])
            continue
        index = place_of("disk", item.place, found.all)
        if item.action == "remove":
            gone = found.all.pop(index)
            found.new = [disk for disk in found.new if disk is not gone]
            found.gone += [disk for disk in view.disks(instance) if disk["uuid"] == gone["uuid"]]
            result.append([f"disk/{index}", "remove"])
            continue
        for name, value in item.parameters.items():
            found.all[index][name] = None if name == "name" and str(value).lower() == "none" else value
            result.append([f"disk.{name}/{index}", found.all[index][name]])
    for index, disk in enumerate(found.all):
        disk["iv_name"] = f"disk/{index}"
    return found


def modified(view: ClusterView, uuid: str, attributes: Mapping[str, Any], disks: _Disks) -> Change:
    """Return the change that gives the instance these attributes and disks; none once it has them."""
    instance = view.instances[uuid]
    known_disks: Mapping[str, Object] = view.config.get("disks") or {}
    changes = []
    if any(instance.get(name) != value for name, value in attributes.items()):
        changes.append(put("instances", {**instance, **attributes}))
    missing = [disk for disk in disks.new if disk["uuid"] not in known_disks]
    for disk in disks.all:
        before = known_disks.get(disk["uuid"])
        if before is not None and any(before.get(key) != disk.get(key) for key in ("mode", "name", "iv_name")):
            changes.append(put("disks", {**before, **{key: disk.get(key) for key in ("mode", "name", "iv_name")}}))
    gone = [disk for disk in disks.gone if disk["uuid"] in known_disks]
    if missing or gone:
        changes.append(exchange_disks(view, missing, gone))
    return together(changes) if changes else NO_CHANGE


def _run(context: Context, plan: Plan) -> list[list[Any]]:
    op, result = context.op, list[list[Any]]()
    uuid, nodes = str(plan.instance["uuid"]), context.view.nodes_of(plan.instance)
    if op.get("hotplug_if_possible"):
        context.log("Modification will take place without hotplugging")
    disks = _apply_disks(context, plan, result)
    attributes = dict(plan.attributes)
    if plan.nics:
        attributes["nics"] = _apply_nics(context, plan, result)
    if plan.disks:
        attributes["disks"] = [disk["uuid"] for disk in disks.all]
    for name, shown in _PARAMETERS.items():
        result.extend([f"{shown}/{key}", value] for key, value in (op.get(name) or {}).items())
    result.extend([f"os_private/{key}", "<redacted>"] for key in op.get("osparams_private") or {})
    if "admin_state" in attributes:
        result.append(["admin_state", attributes["admin_state"]])
    if disks.gone:
        context.driver.remove_disks(context.view, plan.instance, disks.gone, nodes, context.log)
    with create_disks(context, plan.instance, disks.new, nodes, really=bool(disks.new), wait=op["wait_for_sync"]):
        context.change(lambda now: modified(now, uuid, attributes, disks))
    return result


# --- renaming


def _resolve_rename(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    if op["ip_check"] and not op["name_check"]:
        raise PrerequisiteError("IP address check requires a name check", WRONG_INPUT)
    check_name(op["new_name"])
    return expand_instance(op, view)


def _prepare_rename(op: Op, view: ClusterView) -> str:
    instance = known(view, "instance", op["instance_name"])
    check_online(view, str(instance["primary_node"]))
    if is_running(instance):
        raise PrerequisiteError(f"Instance '{instance['name']}' is marked to be up, cannot rename", WRONG_STATE)
    if op["new_name"] != instance["name"] and _has_exactly(view, op["new_name"]):
        raise PrerequisiteError(f"Instance '{op['new_name']}' is already in the cluster", ALREADY_EXISTS)
    return str(instance["uuid"])


def _has_exactly(view: ClusterView, name: str) -> bool:
    return any(instance.get("name") == name for instance in view.instances.values())


def _run_rename(context: Context, uuid: str) -> str:
    return rename(context, "instance", uuid)


def _new_name(op: Op, _: ClusterView) -> list[str]:
    return [str(op["new_name"])]


UNITS = {
    "OP_INSTANCE_SET_PARAMS": Unit(
        run=_run,
        takes=(
            take(Level.INSTANCE, Mode.EXCLUSIVE, instance_named),
            take(Level.NODEGROUP, Mode.SHARED, instance_groups),
            take(Level.NODE, Mode.EXCLUSIVE, instance_nodes),
        ),
        resolve=_resolve,
        prepare=_prepare,
    ),
    "OP_INSTANCE_RENAME": Unit(
        run=_run_rename,
        takes=(take(Level.INSTANCE, Mode.EXCLUSIVE, instance_named, _new_name),),
        resolve=_resolve_rename,
        prepare=_prepare_rename,
    ),
}
