"""Opcodes that add and remove nodes and switch their power. Source: Ganeti 3.0.2's locks, preconditions, results."""

import ipaddress
import uuid as uuids
from collections.abc import Mapping
from typing import Any

from impl.cluster.change import NO_CHANGE, Change, drop, put
from impl.cluster.names import natural_key
from impl.cluster.view import ClusterView
from impl.hypervisor.facts import HARDWARE
from impl.hypervisor.port import DriverError
from impl.job.errors import ALREADY_EXISTS, WRONG_INPUT, WRONG_STATE, PrerequisiteError
from impl.job.locking import Op, everything, node_named, take, where
from impl.job.unit import Context, Plan, Unit
from impl.job.units.common import expand, known
from impl.job.units.node_parameters import candidate_pool
from spec.locks.names import Level, Mode

Object = Mapping[str, Any]

NORMAL, NO_DATA, UNAVAILABLE = 0, 2, 3
_SPARE_MASTER = frozenset({"power-off", "power-cycle"})


# --- OP_NODE_ADD


def _resolve_add(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    exists = view.has("node", op["node_name"])
    if exists and not op["readd"]:
        raise PrerequisiteError(f"Node {op['node_name']} is already in the configuration", ALREADY_EXISTS)
    if not exists and op["readd"]:
        raise PrerequisiteError(f"Node {op['node_name']} is not in the configuration", "unknown_entity")
    if op["readd"] and op.get("group"):
        raise PrerequisiteError("Cannot pass a node group when a node is being readded", WRONG_INPUT)
    return op


def _prepare_add(op: Op, view: ClusterView) -> dict[str, Any]:
    if op["readd"]:
        old = view.find("node", op["node_name"])
        for key, name in (("primary_ip", "primary_ip"), ("secondary_ip", "secondary_ip")):
            if op.get(key) and op[key] != old.get(name):
                raise PrerequisiteError(f"Readded node doesn't have the same {key} as before", WRONG_INPUT)
        return {**old, "offline": False, "drained": False, "powered": True, "master_candidate": _promote(op, view)}
    return {
        "uuid": str(uuids.uuid4()),
        "name": op["node_name"],
        "primary_ip": _address(op, view),
        "secondary_ip": op.get("secondary_ip") or _address(op, view),
        "group": _group(op, view),
        "offline": False,
        "drained": False,
        "master_candidate": _promote(op, view),
        "master_capable": op.get("master_capable") is not False,
        "vm_capable": op.get("vm_capable") is not False,
        "powered": True,
        "ndparams": op.get("ndparams") or {},
        "tags": [],
        **_hardware(op),
    }


def _promote(op: Op, view: ClusterView) -> bool:
    """Return whether the pool of candidates has room for one more."""
    if op.get("master_capable") is False:
        return False
    now, should = candidate_pool(view)
    return now < min(should + 1, int(view.cluster.get("candidate_pool_size") or 1))


def _address(op: Op, view: ClusterView) -> str:
    if not op.get("primary_ip"):
        raise PrerequisiteError("Gantry does not look names up: give the node's primary_ip", WRONG_INPUT)
    try:
        address = str(ipaddress.ip_address(op["primary_ip"]))
    except ValueError:
        raise PrerequisiteError(f"'{op['primary_ip']}' is no IP address", WRONG_INPUT) from None
    for node in view.nodes.values():
        if address in {node.get("primary_ip"), node.get("secondary_ip")}:
            raise PrerequisiteError(
                f"New node ip address(es) conflict with existing node {node['name']}", ALREADY_EXISTS
            )
    return address


def _group(op: Op, view: ClusterView) -> str:
    if op.get("group"):
        return str(known(view, "group", op["group"])["uuid"])
    if len(view.groups) > 1:
        raise PrerequisiteError(
            "More than one node group exists. Target group must be specified explicitly.", WRONG_INPUT
        )
    return next(iter(view.groups))


def _hardware(op: Op) -> dict[str, Any]:
    """Return hardware facts for the embedded hypervisor, from the opcode's states of hypervisor and disk."""
    facts: dict[str, Any] = {}
    for state in (op.get("hv_state") or {}).values():
        for key, name in (
            ("mem_total", "memory_total"),
            ("mem_node", "memory_node"),
            ("cpu_total", "cpus"),
            ("cpu_node", "cpus_node"),
        ):
            if isinstance(state, dict) and state.get(key) is not None:
                facts[name] = int(state[key])
    for kind in (op.get("disk_state") or {}).values():
        for state in kind.values() if isinstance(kind, dict) else ():
            if isinstance(state, dict) and state.get("disk_total") is not None:
                facts["disk_total"] = facts.get("disk_total", 0) + int(state["disk_total"])
    return {HARDWARE: facts} if facts else {}


_COUNTED = frozenset({"serial_no", "ctime", "mtime"})
"""What the configuration itself keeps about each object."""


def with_node(view: ClusterView, node: Object) -> Change:
    """Return the change that puts a node; none if it is there as it should be."""
    there = view.nodes.get(str(node["uuid"]), {})
    if all(there.get(key) == value for key, value in node.items() if key not in _COUNTED):
        return NO_CHANGE
    return put("nodes", {**there, **{key: value for key, value in node.items() if key not in _COUNTED}})


def _run_add(context: Context, node: dict[str, Any]) -> None:
    context.change(lambda view: with_node(view, node))
    if node["master_candidate"]:
        context.log("Node will be a master candidate")


# --- OP_NODE_REMOVE


def _resolve_node(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    return expand(op, view, "node", "node_name", "node_uuid")


def _prepare_remove(op: Op, view: ClusterView) -> None:
    uuid = str(op["node_uuid"])
    if uuid == view.master:
        raise PrerequisiteError("Node is the master node, failover to another node is required", WRONG_INPUT)
    there = [*view.primaries_on(uuid), *view.secondaries_on(uuid)]
    if there:
        raise PrerequisiteError(
            f"Instance {there[0]['name']} is still running on the node, please remove first", WRONG_INPUT
        )


def _run_remove(context: Context, _: Plan) -> None:
    uuid = str(context.op["node_uuid"])
    context.change(lambda view: drop("nodes", uuid) if uuid in view.nodes else NO_CHANGE)


# --- OP_OOB_COMMAND


def _resolve_power(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    nodes = [known(view, "node", name) for name in (op["node_names"] or op.get("node_uuids") or ())]
    if op["power_delay"] < 0:
        raise PrerequisiteError("The delay between nodes must not be negative", WRONG_INPUT)
    return {**op, "node_names": [node["name"] for node in nodes], "node_uuids": [node["uuid"] for node in nodes]}


def _prepare_power(op: Op, view: ClusterView) -> list[str]:
    """Return the UUIDs of the nodes in the order of their names."""
    uuids = list(op["node_uuids"])
    spare = op["command"] in _SPARE_MASTER
    if spare and view.master in uuids:
        name = view.nodes[view.master]["name"]
        raise PrerequisiteError(f"Operating on the master node {name} is not allowed for {op['command']}", WRONG_INPUT)
    if not uuids:
        uuids = [uuid for uuid in view.nodes if not (spare and uuid == view.master)]
    for uuid in uuids:
        node = view.nodes[uuid]
        if op["command"] == "power-off" and not op["ignore_status"] and not node.get("offline"):
            raise PrerequisiteError(
                f"Cannot power off node {node['name']} because it is not marked offline", WRONG_STATE
            )
    return sorted(uuids, key=lambda uuid: natural_key(str(view.nodes[uuid]["name"])))


def _powered(view: ClusterView, uuid: str, powered: bool) -> Change:
    node = view.nodes.get(uuid)
    return (
        NO_CHANGE
        if node is None or node.get("powered", True) == powered
        else put("nodes", {**node, "powered": powered})
    )


def _run_power(context: Context, nodes: list[str]) -> list[list[list[Any]]]:
    op = context.op
    rows = []
    for number, uuid in enumerate(nodes):
        node = context.view.nodes[uuid]
        rows.append([[NORMAL, node["name"]], _power_one(context, node)])
        if op["command"] == "power-on" and number < len(nodes) - 1:
            context.sleep(op["power_delay"])
    return rows


def _power_one(context: Context, node: Object) -> list[Any]:
    command = context.op["command"]
    if not context.view.node_parameters(node).get("oob_program"):
        return [UNAVAILABLE, None]
    try:
        answer = context.driver.power(context.view, node, command, context.log, timeout=context.op["timeout"])
    except DriverError as error:
        context.log(f"Warning: out-of-band command failed: {error}")
        return [NO_DATA, None]
    if command in {"power-on", "power-off"}:
        uuid, powered = str(node["uuid"]), command == "power-on"
        context.change(lambda view: _powered(view, uuid, powered))
    return [NORMAL, answer]


def _named(op: Op, _: ClusterView) -> bool:
    return bool(op["node_uuids"])


UNITS = {
    "OP_NODE_ADD": Unit(run=_run_add, bgl=Mode.EXCLUSIVE, resolve=_resolve_add, prepare=_prepare_add),
    "OP_NODE_REMOVE": Unit(run=_run_remove, bgl=Mode.EXCLUSIVE, resolve=_resolve_node, prepare=_prepare_remove),
    "OP_OOB_COMMAND": Unit(
        run=_run_power,
        takes=(take(Level.NODE, Mode.EXCLUSIVE, where(_named, node_named("node_uuids"), everything)),),
        resolve=_resolve_power,
        prepare=_prepare_power,
    ),
}
