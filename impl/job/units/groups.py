"""Opcodes on node groups: add, remove, rename, set parameters, assign nodes. Source: Ganeti 3.0.2's preconditions."""

import re
import uuid as uuids
from collections.abc import Mapping
from typing import Any

from impl.cluster.change import NO_CHANGE, Change, drop, put, together
from impl.cluster.view import DRBD, ClusterView, names_of
from impl.job.errors import ALREADY_EXISTS, WRONG_INPUT, WRONG_STATE, ExecutionError, PrerequisiteError
from impl.job.locking import Op, group_named, node_named, take
from impl.job.unit import Context, Unit
from impl.job.units.common import expand, known, rename
from impl.job.units.node_parameters import merged_parameters
from spec.locks.names import Level, Mode

Object = Mapping[str, Any]

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_PARAMETERS = ("alloc_policy", "ndparams", "ipolicy", "diskparams")
_NOT_CARRIED_OUT = ("hv_state", "disk_state")


def _check_new_name(view: ClusterView, name: str) -> None:
    if view.has("group", name):
        uuid = view.find("group", name)["uuid"]
        raise PrerequisiteError(
            f"Desired group name '{name}' already exists as a node group (UUID: {uuid})", ALREADY_EXISTS
        )
    if _UUID.fullmatch(name):
        raise PrerequisiteError(f"'{name}' looks like a UUID and cannot be a group's name", WRONG_INPUT)


def _check_carried_out(op: Op) -> None:
    for name in _NOT_CARRIED_OUT:
        if op.get(name):
            raise PrerequisiteError(f"Gantry cannot set {name} of a group yet", WRONG_INPUT)


def check_policy(policy: Mapping[str, Any], view: ClusterView) -> None:
    """Check that an instance policy makes sense.

    Raises:
        PrerequisiteError: an unknown part, bounds that exclude each other, or a disk template that is not enabled.
    """
    unknown = set(policy) - {"minmax", "std", "vcpu-ratio", "spindle-ratio", "disk-templates", "memory-ratio"}
    if unknown:
        raise PrerequisiteError(f"Invalid instance policy: unknown {', '.join(sorted(unknown))}", WRONG_INPUT)
    for bounds in policy.get("minmax") or ():
        for key, low in bounds["min"].items():
            if low > bounds["max"].get(key, low):
                raise PrerequisiteError(
                    f"Invalid instance policy: minimum {key} {low} exceeds maximum {bounds['max'][key]}", WRONG_INPUT
                )
    enabled = set(view.cluster.get("enabled_disk_templates") or ())
    if "disk-templates" in policy and not enabled & set(policy["disk-templates"]):
        raise PrerequisiteError("The instance policy allows none of the enabled disk templates", WRONG_INPUT)


# --- add, remove, rename


def _prepare_add(op: Op, view: ClusterView) -> dict[str, Any]:
    _check_carried_out(op)
    _check_new_name(view, op["group_name"])
    check_policy(op.get("ipolicy") or {}, view)
    return {
        "uuid": str(uuids.uuid4()),
        "name": op["group_name"],
        "alloc_policy": op.get("alloc_policy") or "preferred",
        "ndparams": op.get("ndparams") or {},
        "ipolicy": op.get("ipolicy") or {},
        "diskparams": op.get("diskparams") or {},
        "networks": {},
        "tags": [],
    }


def _run_add(context: Context, group: dict[str, Any]) -> None:
    def change(view: ClusterView) -> Change:
        if group["uuid"] in view.groups:
            return NO_CHANGE
        _check_new_name(view, group["name"])
        return put("nodegroups", group)

    context.change(change)


def _resolve(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    return expand(op, view, "group", "group_name")


def _prepare_remove(op: Op, view: ClusterView) -> str:
    group = known(view, "group", op["group_name"])
    members = view.nodes_of_group(group["uuid"])
    if members:
        names = ", ".join(names_of(view.nodes[uuid] for uuid in members))
        raise PrerequisiteError(f"Group '{group['name']}' not empty, has the following nodes: {names}", WRONG_STATE)
    if len(view.groups) == 1:
        raise PrerequisiteError(f"Group '{group['name']}' is the only group, cannot be removed", WRONG_STATE)
    return str(group["uuid"])


def _run_remove(context: Context, uuid: str) -> None:
    context.change(lambda view: drop("nodegroups", uuid) if uuid in view.groups else NO_CHANGE)


def _prepare_rename(op: Op, view: ClusterView) -> str:
    _check_new_name(view, op["new_name"])
    return str(known(view, "group", op["group_name"])["uuid"])


def _run_rename(context: Context, uuid: str) -> str:
    return rename(context, "group", uuid)


# --- parameters


def _prepare_parameters(op: Op, view: ClusterView) -> dict[str, Any]:
    _check_carried_out(op)
    if all(op.get(name) is None for name in _PARAMETERS):
        raise PrerequisiteError("Please pass at least one modification", WRONG_INPUT)
    group = known(view, "group", op["group_name"])
    changed: dict[str, Any] = {}
    if op.get("alloc_policy") is not None:
        changed["alloc_policy"] = op["alloc_policy"]
    if op.get("ndparams") is not None:
        changed["ndparams"] = merged_parameters(group.get("ndparams") or {}, op["ndparams"])
    if op.get("ipolicy") is not None:
        changed["ipolicy"] = merged_parameters(group.get("ipolicy") or {}, op["ipolicy"])
        check_policy(changed["ipolicy"], view)
    if op.get("diskparams") is not None:
        old = group.get("diskparams") or {}
        new = {name: merged_parameters(old.get(name) or {}, values) for name, values in op["diskparams"].items()}
        changed["diskparams"] = {**old, **new}
    return changed


def _run_parameters(context: Context, changed: dict[str, Any]) -> list[list[Any]]:
    uuid = str(known(context.view, "group", context.op["group_name"])["uuid"])

    def change(view: ClusterView) -> Change:
        group = view.groups[uuid]
        done = all(group.get(name) == value for name, value in changed.items())
        return NO_CHANGE if done else put("nodegroups", {**group, **changed})

    context.change(change)
    return [[name, value if name == "diskparams" else str(value)] for name, value in changed.items()]


# --- assigning nodes


def _resolve_assign(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    op = _resolve(op, view)
    nodes = [known(view, "node", name) for name in op["nodes"]]
    return {**op, "nodes": [node["name"] for node in nodes], "node_uuids": [node["uuid"] for node in nodes]}


def split_instances(view: ClusterView, moves: Mapping[str, str]) -> list[str]:
    """Return the names of the mirrored instances that would newly have nodes in two groups."""
    found = []
    for instance in view.instances.values():
        if view.disk_template(instance) == DRBD:
            nodes = view.nodes_of(instance)
            before = {view.nodes[uuid]["group"] for uuid in nodes}
            after = {moves.get(uuid, view.nodes[uuid]["group"]) for uuid in nodes}
            if len(after) > 1 and len(before) == 1:
                found.append(instance)
    return names_of(found)


def _prepare_assign(op: Op, view: ClusterView) -> dict[str, str]:
    group = str(known(view, "group", op["group_name"])["uuid"])
    moves = dict.fromkeys(map(str, op["node_uuids"]), group)
    split = split_instances(view, moves)
    if split and not op["force"]:
        raise ExecutionError(
            f"The following instances get split by this change and --force was not given: {', '.join(split)}"
        )
    return moves


def _run_assign(context: Context, moves: dict[str, str]) -> None:
    split = split_instances(context.view, moves)
    if split:
        context.log(f"Warning: this operation will split the following instances: {', '.join(split)}")

    def change(view: ClusterView) -> Change:
        nodes = [view.nodes[uuid] for uuid in moves if uuid in view.nodes]
        return together(
            put("nodes", {**node, "group": moves[node["uuid"]]})
            for node in nodes
            if node["group"] != moves[node["uuid"]]
        )

    context.change(change)


def _groups_of_nodes(op: Op, view: ClusterView) -> list[str]:
    return [str(view.nodes[uuid]["group"]) for uuid in op["node_uuids"] if uuid in view.nodes]


def _new_group(op: Op, _: ClusterView) -> list[str]:
    # Ganeti locks the new UUID; the name keeps two jobs from adding the same group at once.
    return [str(op.get("new_name") or op["group_name"])]


_GROUP = take(Level.NODEGROUP, Mode.EXCLUSIVE, group_named())

UNITS = {
    "OP_GROUP_ADD": Unit(
        run=_run_add, takes=(take(Level.NODEGROUP, Mode.EXCLUSIVE, _new_group),), prepare=_prepare_add
    ),
    "OP_GROUP_REMOVE": Unit(run=_run_remove, takes=(_GROUP,), resolve=_resolve, prepare=_prepare_remove),
    "OP_GROUP_RENAME": Unit(
        run=_run_rename,
        takes=(take(Level.NODEGROUP, Mode.EXCLUSIVE, group_named(), _new_group),),
        resolve=_resolve,
        prepare=_prepare_rename,
    ),
    "OP_GROUP_SET_PARAMS": Unit(run=_run_parameters, takes=(_GROUP,), resolve=_resolve, prepare=_prepare_parameters),
    "OP_GROUP_ASSIGN_NODES": Unit(
        run=_run_assign,
        takes=(
            take(Level.NODEGROUP, Mode.EXCLUSIVE, group_named(), _groups_of_nodes),
            take(Level.NODE, Mode.EXCLUSIVE, node_named("node_uuids")),
        ),
        resolve=_resolve_assign,
        prepare=_prepare_assign,
    ),
}
