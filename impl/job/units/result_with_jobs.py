"""Opcodes that plan and leave the work to jobs of their own: multi-alloc, node evacuate, node migrate.

Each answers `{"jobs": [[accepted, id or error]…], …}`; the jobs take locks of their own and check again.
Source: Ganeti 3.0.2's locks, preconditions and results.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from impl.cluster.names import natural_key
from impl.cluster.view import DRBD, ClusterView
from impl.job.allocation import allocation_request
from impl.job.errors import WRONG_INPUT, ExecutionError, PrerequisiteError
from impl.job.locking import ALL, Op, node_named, take
from impl.job.unit import Context, Plan, Some, Unit
from impl.job.units import instance_create
from impl.job.units.allocator import ask_allocator, default_allocator
from impl.job.units.common import expand, known, some_nodes
from impl.opcodes import OpcodeError, validate
from spec.locks.names import Level, Mode

Object = Mapping[str, Any]


def with_jobs(context: Context, jobs: Sequence[Sequence[Op]], **more: Any) -> dict[str, Any]:
    """Submit jobs; return the opcode's result that names them."""
    submitted = context.submit(jobs)
    for accepted, answer in submitted:
        if not accepted:
            context.log(f"Warning: a job was refused: {answer}")
    return {"jobs": submitted, **more}


# --- OP_INSTANCE_MULTI_ALLOC


def _resolve_multi(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    if not op["instances"]:
        raise PrerequisiteError("No instances given", WRONG_INPUT)
    creations = []
    for number, item in enumerate(op["instances"]):
        try:
            creation = validate({"reason": [], **item} if isinstance(item, dict) else item)
        except OpcodeError as error:
            raise PrerequisiteError(f"Instance {number}: {error}", WRONG_INPUT) from None
        if creation["OP_ID"] != "OP_INSTANCE_CREATE" or creation.get("iallocator"):
            raise PrerequisiteError(
                f"Instance {number}: expected OP_INSTANCE_CREATE without an iallocator", WRONG_INPUT
            )
        creations.append(creation)
    names = [creation["instance_name"] for creation in creations]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PrerequisiteError(f"There are duplicate instance names: {', '.join(twice)}", WRONG_INPUT)
    named = {bool(creation.get("pnode")) for creation in creations}
    if len(named) > 1:
        raise PrerequisiteError("Either all instances have nodes given, or none", WRONG_INPUT)
    if named == {True}:
        if op.get("iallocator"):
            raise PrerequisiteError("Give an iallocator, or nodes on the instances, not both", WRONG_INPUT)
        return {**op, "instances": creations}
    program = default_allocator(view, op.get("iallocator"))
    for creation in creations:  # every argument is checked before any work is begun
        instance_create.resolve({**creation, "iallocator": program}, view)
    return {**op, "instances": creations, "iallocator": program}


def _multi_nodes(op: Op, view: ClusterView) -> list[str]:
    if op.get("iallocator"):
        return [] if op["opportunistic_locking"] else [ALL]
    names = {creation[key] for creation in op["instances"] for key in ("pnode", "snode") if creation.get(key)}
    return [str(known(view, "node", name)["uuid"]) for name in sorted(names)]


def _multi_some(op: Op, view: ClusterView) -> Some | None:
    if not op.get("iallocator") or not op["opportunistic_locking"]:
        return None
    needed = 1 + any(creation.get("disk_template", DRBD) == DRBD for creation in op["instances"])
    return some_nodes(view, needed)


def _run_multi(context: Context, _: Plan) -> dict[str, Any]:
    op, view = context.op, context.view
    creations = {creation["instance_name"]: creation for creation in op["instances"]}
    if not op.get("iallocator"):
        return with_jobs(
            context, [[creation] for creation in creations.values()], allocatable=list(creations), failed=[]
        )
    program = str(op["iallocator"])
    allowed = None if context.nodes_taken is None else [str(view.nodes[uuid]["name"]) for uuid in context.nodes_taken]
    requests = []
    for creation in creations.values():
        complete = instance_create.resolve({**creation, "iallocator": program}, view)
        requests.append(allocation_request(complete, instance_create.merged(complete, view), allowed))
    request: dict[str, Any] = {"type": "multi-allocate", "instances": requests}
    if allowed is not None:
        request["restrict-to-nodes"] = allowed
    result = ask_allocator(context, program, request, "nodes")
    if not isinstance(result, list) or len(result) != 2:
        raise ExecutionError(f"iallocator {program} answered {result!r}, not the places and the failures")
    placed, failed = result
    jobs = []
    for name, nodes in placed:
        creation = {key: value for key, value in creations[name].items() if key != "iallocator"}
        jobs.append([{**creation, "pnode": nodes[0], **({"snode": nodes[1]} if len(nodes) > 1 else {})}])
    return with_jobs(context, jobs, allocatable=[name for name, _ in placed], failed=failed)


# --- OP_NODE_EVACUATE


def _resolve_evacuate(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    op = expand(op, view, "node", "node_name", "node_uuid")
    op = expand(op, view, "node", "remote_node", "remote_node_uuid")
    if op.get("remote_node") and op.get("iallocator"):
        raise PrerequisiteError("Give either an iallocator or a new secondary node, not both", WRONG_INPUT)
    if op["mode"] == "all":
        raise PrerequisiteError(
            "Due to an issue with the iallocator interface it is not possible to evacuate all instances at once;"
            " specify explicitly whether to evacuate primary or secondary instances",
            WRONG_INPUT,
        )
    if op.get("remote_node"):
        if op["remote_node_uuid"] == op["node_uuid"]:
            raise PrerequisiteError("Can not use evacuated node as a new secondary node", WRONG_INPUT)
        if op["mode"] != "secondary-only":
            raise PrerequisiteError(
                "Without the use of an iallocator only secondary instances can be evacuated", WRONG_INPUT
            )
        return op
    return {**op, "iallocator": default_allocator(view, op.get("iallocator"))}


def _evacuated(op: Op, view: ClusterView) -> list[str]:
    """Return the names of the instances to be moved, in natural order."""
    node = str(op["node_uuid"])
    found = view.primaries_on(node) if op["mode"] == "primary-only" else view.secondaries_on(node)
    return sorted((str(instance["name"]) for instance in found), key=natural_key)


def _evacuation_nodes(op: Op, view: ClusterView) -> list[str]:
    node = str(op["node_uuid"])
    if op.get("remote_node_uuid"):
        return [node, str(op["remote_node_uuid"])]
    return [node, *view.nodes_of_group(str(view.nodes[node]["group"]))]


def _evacuation_groups(op: Op, view: ClusterView) -> list[str]:
    return [str(view.nodes[uuid]["group"]) for uuid in _evacuation_nodes(op, view)]


def _prepare_evacuate(op: Op, view: ClusterView) -> list[str]:
    names = _evacuated(op, view)
    for name in names:
        if op.get("remote_node_uuid") == view.find("instance", name)["primary_node"]:
            raise PrerequisiteError(
                f"Node {op['remote_node']} is the primary node of instance {name}, cannot use it as secondary",
                WRONG_INPUT,
            )
    return names


def _run_evacuate(context: Context, names: list[str]) -> dict[str, Any]:
    op = context.op
    if not names:
        context.log(f"No instances to evacuate from node '{op['node_name']}'")
        return with_jobs(context, [])
    context.log(f"Evacuating instances from node '{op['node_name']}': {', '.join(names)}")
    if op.get("remote_node"):
        replace = {"OP_ID": "OP_INSTANCE_REPLACE_DISKS", "mode": "replace_new_secondary", "disks": []}
        more = {"remote_node": op["remote_node"], "early_release": op["early_release"]}
        return with_jobs(context, [[{**replace, **more, "instance_name": name}] for name in names])
    request = {"type": "node-evacuate", "instances": names, "evac_mode": op["mode"]}
    options = ["--ignore-soft-errors"] if op.get("ignore_soft_errors") else []
    return with_jobs(
        context,
        _evacuation_jobs(context, ask_allocator(context, op["iallocator"], request, "node evacuation", options)),
    )


def _evacuation_jobs(context: Context, result: Any) -> list[list[Op]]:
    """Return the jobs that an allocator worked out.

    Raises:
        ExecutionError: some instances cannot be moved; then nothing is begun.
    """
    if not isinstance(result, list) or len(result) != 3:
        raise ExecutionError(f"the iallocator answered {result!r}, not the moves, the failures and the jobs")
    moved, failed, jobs = result
    if failed:
        reasons = ", ".join(f"{name} ({reason})" for name, reason in failed)
        raise ExecutionError(f"Unable to evacuate instances {reasons}")
    if moved:
        places = ", ".join(f"{name} (to {', '.join(nodes)})" for name, _, nodes in moved)
        context.log(f"Instances to be moved: {places}")
    early = context.op["early_release"]
    return [[{**op, "early_release": early} if "early_release" in op else op for op in job] for job in jobs]


# --- OP_NODE_MIGRATE


def _resolve_migrate(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    op = expand(op, view, "node", "node_name", "node_uuid")
    return expand(op, view, "node", "target_node", "target_node_uuid")


def _run_migrate(context: Context, _: Plan) -> dict[str, Any]:
    op, view = context.op, context.view
    keys = ("mode", "live", "iallocator", "target_node", "allow_runtime_changes", "ignore_ipolicy")
    given = {key: op[key] for key in keys if op.get(key) is not None}
    names = sorted((str(item["name"]) for item in view.primaries_on(str(op["node_uuid"]))), key=natural_key)
    return with_jobs(context, [[{"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": name, **given}] for name in names])


UNITS = {
    "OP_INSTANCE_MULTI_ALLOC": Unit(
        run=_run_multi,
        takes=(take(Level.NODE, Mode.SHARED, _multi_nodes), take(Level.NODE_RES, Mode.SHARED, _multi_nodes)),
        resolve=_resolve_multi,
        some=_multi_some,
    ),
    "OP_NODE_EVACUATE": Unit(
        run=_run_evacuate,
        takes=(
            take(Level.INSTANCE, Mode.SHARED, _evacuated),
            take(Level.NODEGROUP, Mode.SHARED, _evacuation_groups),
            take(Level.NODE, Mode.SHARED, _evacuation_nodes),
        ),
        resolve=_resolve_evacuate,
        prepare=_prepare_evacuate,
    ),
    "OP_NODE_MIGRATE": Unit(
        run=_run_migrate, takes=(take(Level.NODE, Mode.SHARED, node_named("node_uuid")),), resolve=_resolve_migrate
    ),
}
