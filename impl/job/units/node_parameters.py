"""OP_NODE_SET_PARAMS: a node's role (candidate, drained, offline), abilities, power state and parameters.

A node has one role: master, candidate, regular, drained or offline. The cluster keeps as many candidates as its pool
size says, as far as there are nodes fit for it.

Source: Ganeti 3.0.2's rules for roles and its candidate pool.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from impl.cluster.change import Change, put, together
from impl.cluster.names import natural_key
from impl.cluster.view import ClusterView, in_service
from impl.job.errors import WRONG_INPUT, WRONG_STATE, PrerequisiteError
from impl.job.locking import Op, everything, node_named, take, where
from impl.job.unit import Context, Unit
from impl.job.units.common import expand, known
from spec.locks.names import Level, Mode

Object = Mapping[str, Any]

ROLE_FLAGS = ("master_candidate", "drained", "offline")
_FLAGS_OF_ROLE = {
    "candidate": (True, False, False),
    "drained": (False, True, False),
    "offline": (False, False, True),
    "regular": (False, False, False),
}
_CHANGES = (
    "master_candidate", "drained", "offline", "master_capable", "vm_capable", "secondary_ip", "ndparams", "powered",
    "hv_state", "disk_state",
)  # fmt: skip
_NOT_CARRIED_OUT = ("secondary_ip", "hv_state", "disk_state")


@dataclass(frozen=True, slots=True)
class NodeChange:
    """Attributes that a node gets, and the candidates that others become."""

    node: str
    attributes: Mapping[str, Any]
    promoted: tuple[str, ...]
    result: tuple[tuple[str, Any], ...]
    notes: tuple[str, ...]


def _may_be_candidate(node: Mapping[str, Any]) -> bool:
    return bool(node.get("master_capable", True)) and in_service(node)


def candidate_pool(view: ClusterView, without: str | None = None) -> tuple[int, int]:
    """Return how many candidates there are and should be, one node perhaps not counted."""
    fit = [node for uuid, node in view.nodes.items() if uuid != without]
    now = sum(1 for node in fit if node.get("master_candidate"))
    able = sum(map(_may_be_candidate, fit))
    return now, min(able, int(view.cluster.get("candidate_pool_size") or 1))


def promotable(view: ClusterView, count: int, without: str) -> tuple[str, ...]:
    """Return the nodes to make candidates, at most `count`, in the order of their names."""
    able = [
        node
        for uuid, node in view.nodes.items()
        if uuid != without and _may_be_candidate(node) and not node.get("master_candidate")
    ]
    able.sort(key=lambda node: natural_key(str(node["name"])))
    return tuple(str(node["uuid"]) for node in able[: max(count, 0)])


def _resolve(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    op = expand(op, view, "node", "node_name", "node_uuid")
    if all(op.get(name) is None for name in _CHANGES):
        raise PrerequisiteError("Please pass at least one modification", WRONG_INPUT)
    if sum(op.get(name) is True for name in ROLE_FLAGS) > 1:
        raise PrerequisiteError("Can't set the node into more than one state at the same time", WRONG_INPUT)
    for name in _NOT_CARRIED_OUT:
        if op.get(name):  # Ganeti's own client sends empty states along
            raise PrerequisiteError(f"Gantry cannot change {name} of a node yet", WRONG_INPUT)
    return op


def _check_master(op: Op, view: ClusterView, node: Object) -> None:
    if node["uuid"] != view.master:
        return
    if any(op.get(name) is not None for name in ROLE_FLAGS):
        raise PrerequisiteError("The master role can be changed only via master-failover", WRONG_INPUT)
    if op.get("master_capable") is False:
        raise PrerequisiteError("The master node must stay master capable", WRONG_INPUT)


def _check_power(op: Op, view: ClusterView, node: Object) -> None:
    powered = op.get("powered")
    if powered is not None:
        if not view.node_parameters(node).get("oob_program"):
            raise PrerequisiteError(
                f"Please set up an out-of-band program for node {node['name']} before its power state", WRONG_STATE
            )
        if powered is False and not (node.get("offline") or op.get("offline")):
            raise PrerequisiteError(
                f"Node {node['name']} must be offline before it is marked as powered off", WRONG_STATE
            )
    if op.get("offline") is False and not (node.get("powered", True) or powered):
        raise PrerequisiteError(
            f"Node {node['name']} needs to be turned on before it can be on line again", WRONG_STATE
        )


def _check_vm_capable(op: Op, view: ClusterView, node: Object) -> None:
    if op.get("vm_capable") is False:
        there = [*view.primaries_on(node["uuid"]), *view.secondaries_on(node["uuid"])]
        if there:
            raise PrerequisiteError(
                f"Node {node['name']} hosts {len(there)} instances, cannot unset 'vm_capable': evacuate it first",
                WRONG_STATE,
            )


def _new_role(op: Op, view: ClusterView, node: Object, notes: list[str]) -> str | None:
    """Return the role that the node gets; None if none was asked for.

    Raises:
        PrerequisiteError: it is to become a candidate and is not capable of it.
    """
    capable = node.get("master_capable", True) if op.get("master_capable") is None else op["master_capable"]
    if op.get("drained"):
        return "drained"
    if op.get("offline"):
        return "offline"
    if op.get("master_candidate"):
        if not capable:
            raise PrerequisiteError(
                f"Node {node['name']} is not master capable, cannot make it a candidate", WRONG_STATE
            )
        return "candidate"
    released = op.get("drained") is False or op.get("offline") is False
    if released or (op.get("master_capable") and not node.get("master_capable", True)):
        if op.get("drained") is None and node.get("drained"):
            return None
        if op.get("offline") is None and node.get("offline"):
            return None
        now, should = candidate_pool(view, str(node["uuid"]))
        room = now < min(should + 1, int(view.cluster.get("candidate_pool_size") or 1))
        if capable and room and op.get("master_candidate") is None:
            if not node.get("master_candidate"):
                notes.append("Auto-promoting node to master candidate")
            return "candidate"
        return "regular"
    if op.get("master_candidate") is False:
        return "regular" if node.get("master_candidate") else None
    if op.get("master_capable") is False and node.get("master_candidate"):
        return "regular"
    return None


def _prepare(op: Op, view: ClusterView) -> NodeChange:
    node = known(view, "node", op["node_name"])
    uuid = str(node["uuid"])
    _check_master(op, view, node)
    _check_power(op, view, node)
    _check_vm_capable(op, view, node)
    notes: list[str] = []
    attributes: dict[str, Any] = {}
    result: list[tuple[str, Any]] = []
    if op.get("ndparams") is not None:
        attributes["ndparams"] = merged_parameters(node.get("ndparams") or {}, op["ndparams"])
        result.append(("ndparams", attributes["ndparams"]))
    if op.get("powered") is not None:
        attributes["powered"] = op["powered"]
        result.append(("powered", op["powered"]))
    for name in ("master_capable", "vm_capable"):
        if op.get(name) is not None and op[name] != node.get(name, True):
            attributes[name] = op[name]
            result.append((name, str(op[name])))
    role = _new_role(op, view, node, notes)
    promoted: tuple[str, ...] = ()
    if role is not None:
        for name, new in zip(ROLE_FLAGS, _FLAGS_OF_ROLE[role], strict=True):
            if bool(node.get(name)) != new:
                attributes[name] = new
                result.append((name, str(new)))
        if node.get("master_candidate") and attributes.get("master_candidate") is False:
            promoted = _replacements(op, view, uuid)
    return NodeChange(uuid, attributes, promoted, tuple(result), tuple(notes))


def _replacements(op: Op, view: ClusterView, demoted: str) -> tuple[str, ...]:
    """Return who becomes a candidate in place of one that no longer is.

    Raises:
        PrerequisiteError: candidates would be too few, and neither promotion nor force was asked for.
    """
    now, should = candidate_pool(view, demoted)
    if now >= should:
        return ()
    if op["auto_promote"]:
        return promotable(view, should - now, demoted)
    if op["force"]:
        return ()
    raise PrerequisiteError(
        "Not enough master candidates, please pass auto promote option to allow promotion"
        " (--auto-promote or RAPI auto_promote=True)",
        WRONG_STATE,
    )


def merged_parameters(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters after an update; the word `default` (or null) takes one back to the inherited value."""
    merged = {**old, **new}
    return {name: value for name, value in merged.items() if value is not None and value != "default"}


def changed(view: ClusterView, plan: NodeChange) -> Change:
    """Return the change of the configuration; none once it is done."""
    node = view.nodes[plan.node]
    changes = []
    if any(node.get(name) != value for name, value in plan.attributes.items()):
        changes.append(put("nodes", {**node, **plan.attributes}))
    for uuid in plan.promoted:
        other = view.nodes.get(uuid)
        if other is not None and not other.get("master_candidate"):
            changes.append(put("nodes", {**other, "master_candidate": True}))
    return together(changes)


def _run(context: Context, plan: NodeChange) -> list[list[Any]]:
    for note in plan.notes:
        context.log(note)
    for uuid in plan.promoted:
        context.log(f"Promoting node {context.view.nodes[uuid]['name']} to master candidate")
    context.change(lambda now: changed(now, plan))
    return [list(entry) for entry in plan.result]


def _promotes(op: Op, _: ClusterView) -> bool:
    demotes = op.get("master_candidate") is False or bool(op.get("offline") or op.get("drained"))
    return bool(op["auto_promote"]) and demotes


_NODES = where(_promotes, everything, node_named("node_uuid"))

UNITS = {
    "OP_NODE_SET_PARAMS": Unit(
        run=_run,
        takes=(take(Level.NODE, Mode.EXCLUSIVE, _NODES), take(Level.NODE_RES, Mode.SHARED, _NODES)),
        resolve=_resolve,
        prepare=_prepare,
    ),
}
