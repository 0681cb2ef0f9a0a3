"""Opcodes that move instances: migrate, fail over, replace disks. The instance must be where the job found it.

Each works on the nodes first and then changes the configuration in one transaction; a job killed in between leaves
the configuration as it was, and the work can be done again.

Source: Ganeti 3.0.2's locks and preconditions for these opcodes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from impl.cluster.change import NO_CHANGE, Change, put, together
from impl.cluster.view import DRBD, EXTERNALLY_MIRRORED, ClusterView
from impl.hypervisor.facts import is_running
from impl.job.errors import WRONG_INPUT, WRONG_STATE, ExecutionError, PrerequisiteError
from impl.job.locking import Op, group_nodes, instance_groups, instance_named, instance_nodes, node_named, take, where
from impl.job.unit import Context, Unit
from impl.job.units.allocator import ask_allocator, default_allocator
from impl.job.units.common import check_disk, check_memory, check_online, check_target, expand, expand_instance, known
from impl.job.units.policy import spec_of, violations
from spec.locks.names import Level, Mode

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Move:
    """A change of an instance's primary node: by migration while it runs, or by fail-over.

    `target` is None when the allocator is to choose it.
    """

    instance: str
    source: str
    target: str | None
    fail_over: bool
    running: bool


def _goes_anywhere(view: ClusterView, instance: Object) -> bool:
    """Return whether every node reaches the instance's storage, if it has any."""
    template = view.disk_template(instance)
    return template in EXTERNALLY_MIRRORED or template == "diskless"


def _resolve(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    op = expand_instance(op, view)
    op = expand(op, view, "node", "target_node", "target_node_uuid")
    if op.get("target_node") and op.get("iallocator"):
        raise PrerequisiteError("Do not specify both, iallocator and node", WRONG_INPUT)
    if not op.get("target_node") and _goes_anywhere(view, known(view, "instance", op["instance_name"])):
        return {**op, "iallocator": default_allocator(view, op.get("iallocator"))}
    return op


def _target(op: Op, view: ClusterView, instance: Object) -> str | None:
    """Return the node to move to: the mirror; or for storage that every node reaches the one named, else None.

    Raises:
        PrerequisiteError: the instance cannot be moved, or not to the node named.
    """
    template = view.disk_template(instance)
    wanted = op.get("target_node_uuid")
    if template == DRBD:
        secondaries = view.secondaries_of(instance)
        if not secondaries:
            raise PrerequisiteError(f"No secondary node but using disk template {template}", WRONG_STATE)
        if wanted not in {None, secondaries[0]} or op.get("iallocator"):
            place = f"not to {op['target_node']}" if wanted else "and no allocator is asked"
            raise PrerequisiteError(
                f"Instances with disk template {template} can only be moved to their secondary node"
                f" {view.nodes[secondaries[0]]['name']}, {place}: replace the secondary first",
                WRONG_INPUT,
            )
        return secondaries[0]
    if not _goes_anywhere(view, instance):
        raise PrerequisiteError(f"Instance's disk layout '{template}' does not allow migrations", WRONG_STATE)
    if wanted is None:
        return None
    if wanted == instance["primary_node"]:
        raise PrerequisiteError(f"Cannot migrate instance to its primary ({op['target_node']})", WRONG_STATE)
    return str(wanted)


def check_group_policy(op: Op, view: ClusterView, instance: Object, target: str) -> None:
    """Refuse an instance that breaks the policy of the group it comes to, unless that is to be ignored.

    Raises:
        PrerequisiteError: it does not.
    """
    here = view.nodes[str(instance["primary_node"])]["group"]
    there = view.groups[str(view.nodes[target]["group"])]
    if op["ignore_ipolicy"] or there["uuid"] == here:
        return
    found = violations(view.policy(there), spec_of(view, instance))
    if found:
        text = f"Instance does not meet target node group's ({there['name']}) instance policy: {', '.join(found)}"
        raise PrerequisiteError(text, WRONG_INPUT)


def _check_move(op: Op, view: ClusterView, move: Move) -> Move:
    """Return the move, if its target is chosen already and fit for it, or still to be chosen.

    Raises:
        PrerequisiteError: the target will not do.
    """
    if move.target is not None:
        instance = view.instances[move.instance]
        check_target(view, move.target)
        check_group_policy(op, view, instance, move.target)
        if move.running:
            what = "failing over" if move.fail_over else "migrating"
            check_memory(view, move.target, view.memory(instance), f"{what} instance {instance['name']}")
    return move


def _prepare_migrate(op: Op, view: ClusterView) -> Move:
    instance = known(view, "instance", op["instance_name"])
    source, target = str(instance["primary_node"]), _target(op, view, instance)
    running = is_running(instance)
    fail_over = bool(view.backend_parameters(instance).get("always_failover"))
    if not running or (op["allow_failover"] and view.nodes[source].get("offline")):
        if not op["allow_failover"]:
            raise PrerequisiteError("Can't migrate, please use failover: the instance is not running", WRONG_STATE)
        fail_over = True
    if not fail_over:
        check_online(view, source)
    return _check_move(op, view, Move(str(instance["uuid"]), source, target, fail_over, running))


def _prepare_fail_over(op: Op, view: ClusterView) -> Move:
    instance = known(view, "instance", op["instance_name"])
    source, target = str(instance["primary_node"]), _target(op, view, instance)
    return _check_move(op, view, Move(str(instance["uuid"]), source, target, True, is_running(instance)))


def _ask_relocation(context: Context, instance: Object, leave: str) -> str:
    """Let the allocator choose the node that is to be instead of `leave`.

    Raises:
        PrerequisiteError: it finds none.
        ExecutionError: it answered something else than one node among those that are locked.
    """
    view, program = context.view, str(context.op["iallocator"])
    request = {
        "type": "relocate",
        "name": instance["name"],
        "disk_space_total": view.disk_usage(instance),
        "required_nodes": 1,
        "relocate_from": [view.nodes[leave]["name"]],
    }
    names = ask_allocator(context, program, request, "nodes")
    if not isinstance(names, list) or len(names) != 1:
        raise ExecutionError(f"iallocator {program} answered {names!r}, not one node")
    new = str(known(view, "node", names[0])["uuid"])
    if new not in group_nodes(context.op, view):
        raise ExecutionError(f"iallocator {program} answered {names[0]}, which is in another group")
    return new


def _choose_target(context: Context, move: Move) -> Move:
    """Let the allocator choose the target, and let the nodes that are not needed go."""
    view, program = context.view, context.op["iallocator"]
    instance = view.instances[move.instance]
    target = _ask_relocation(context, instance, move.source)
    name = view.nodes[target]["name"]
    if target == move.source:
        raise ExecutionError(f"iallocator {program} answered {name}, where the instance is already")
    context.log(f"Selected nodes for instance {instance['name']} via iallocator {program}: {name}")
    context.narrow([move.source, target])
    return _check_move(context.op, view, replace(move, target=target))


def moved(view: ClusterView, move: Move) -> Change:
    """Return the change that makes the target the primary; none if it is already.

    Raises:
        ExecutionError: the instance went away, or its primary was changed meanwhile.
    """
    instance = view.instances.get(move.instance)
    if instance is None:
        raise ExecutionError("the instance went away while it was moved")
    if instance["primary_node"] == move.target:
        return NO_CHANGE
    if instance["primary_node"] != move.source:
        raise ExecutionError(f"the instance is no longer on {view.nodes[move.source]['name']}, its primary was changed")
    changes = [put("instances", {**instance, "primary_node": move.target})]
    for disk in view.disks(instance):
        if disk["dev_type"] in EXTERNALLY_MIRRORED and disk.get("nodes"):
            changes.append(put("disks", {**disk, "nodes": [move.target]}))
    return together(changes)


def _run_move(context: Context, plan: Move) -> None:
    move = plan if plan.target is not None else _choose_target(context, plan)
    view, there = context.view, str(move.target)
    instance = view.instances[move.instance]
    source, target = view.nodes[move.source], view.nodes[there]
    way = "Failing over" if move.fail_over else "Migrating"
    context.log(f"{way} instance {instance['name']} from {source['name']} to {target['name']}")
    if move.fail_over:
        if move.running and not source.get("offline"):
            timeout = int(context.op.get("shutdown_timeout") or 0)
            context.driver.stop(view, instance, move.source, context.log, timeout=timeout)
    else:
        context.driver.migrate(view, instance, there, context.log, live=context.op.get("mode") != "non-live")
    context.change(lambda now: moved(now, move))
    if move.fail_over and move.running:
        context.driver.start(context.view, context.view.instances[move.instance], there, context.log)
    context.log(f"instance {instance['name']} is on {target['name']}")


# --- replacing disks

NEW_SECONDARY = "replace_new_secondary"


@dataclass(frozen=True, slots=True)
class Replacement:
    """Disks to be recreated: on a new secondary (None: the allocator's choice), or where they are."""

    instance: str
    disks: tuple[str, ...]
    old: str
    new: str | None


def _resolve_replace(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    op = expand_instance(op, view)
    op = expand(op, view, "node", "remote_node", "remote_node_uuid")
    if op["mode"] == NEW_SECONDARY:
        if bool(op.get("remote_node")) == bool(op.get("iallocator")):
            raise PrerequisiteError(
                "When changing the secondary either an iallocator script must be used or the new node given",
                WRONG_INPUT,
            )
        if op.get("iallocator"):
            op = {**op, "iallocator": default_allocator(view, op["iallocator"])}
        if op["disks"]:
            raise PrerequisiteError("A new secondary gets all disks: leave the list of disks empty", WRONG_INPUT)
    elif op.get("remote_node") or op.get("iallocator"):
        raise PrerequisiteError("A new node can only be given when changing the secondary", WRONG_INPUT)
    return op


def _prepare_replace(op: Op, view: ClusterView) -> Replacement:
    instance = known(view, "instance", op["instance_name"])
    template = view.disk_template(instance)
    secondaries = view.secondaries_of(instance)
    if template != DRBD or len(secondaries) != 1:
        raise PrerequisiteError("Can only run replace disks for DRBD8-based instances with one secondary", WRONG_INPUT)
    primary, secondary = str(instance["primary_node"]), secondaries[0]
    disks = view.disks(instance)
    indices = op["disks"] or range(len(disks))
    for index in indices:
        if index >= len(disks):
            raise PrerequisiteError(f"Invalid disk index {index}, the instance has {len(disks)}", WRONG_INPUT)
    check_online(view, primary)
    chosen = tuple(str(disks[index]["uuid"]) for index in indices)
    if op["mode"] == NEW_SECONDARY:
        new = op.get("remote_node_uuid")
        if new is not None:
            _check_new_secondary(op, view, instance, str(new))
        return Replacement(str(instance["uuid"]), chosen, secondary, new)
    place = primary if op["mode"] == "replace_on_primary" else secondary
    check_online(view, place)
    return Replacement(str(instance["uuid"]), chosen, place, place)


def _check_new_secondary(op: Op, view: ClusterView, instance: Object, new: str) -> None:
    if new == instance["primary_node"]:
        raise PrerequisiteError("The specified node is the primary node of the instance", WRONG_INPUT)
    if new in view.secondaries_of(instance):
        raise PrerequisiteError("The specified node is already the secondary node of the instance", WRONG_INPUT)
    check_target(view, new)
    check_group_policy(op, view, instance, new)
    check_disk(view, new, view.disk_usage(instance), f"the disks of instance {instance['name']}")


def _choose_secondary(context: Context, plan: Replacement) -> str:
    """Let the allocator choose the new secondary, and let the nodes that are not needed go."""
    view = context.view
    instance = view.instances[plan.instance]
    new = _ask_relocation(context, instance, plan.old)
    _check_new_secondary(context.op, view, instance, new)
    context.log(f"Selected new secondary for instance '{instance['name']}': {view.nodes[new]['name']}")
    context.narrow([*view.nodes_of(instance), new])
    return new


def replaced(view: ClusterView, plan: Replacement, minors: Mapping[str, int]) -> Change:
    """Return the change that puts the new node in the old one's place, with minors of its own; none if that is done."""
    disks = [view.config["disks"][uuid] for uuid in plan.disks]
    return together(
        put("disks", _with_new_mirror(disk, plan, minors[disk["uuid"]]))
        for disk in disks
        if plan.old in disk["logical_id"][:2]
    )


def _with_new_mirror(disk: Object, plan: Replacement, minor: int) -> dict[str, Any]:
    logical = list(disk["logical_id"])
    place = logical.index(plan.old)
    logical[place], logical[3 + place] = plan.new, minor
    return {**_with_node(disk, plan), "logical_id": logical}


def _with_node(disk: Object, plan: Replacement) -> dict[str, Any]:
    """Return the disk, and its children, with the new node among its nodes."""
    result = dict(disk)
    if "nodes" in disk:
        result["nodes"] = [plan.new if node == plan.old else node for node in disk["nodes"]]
    if disk.get("children"):
        result["children"] = [_with_node(child, plan) for child in disk["children"]]
    return result


def _run_replace(context: Context, plan: Replacement) -> None:
    new_node = plan.new or _choose_secondary(context, plan)
    plan = replace(plan, new=new_node)
    view = context.view
    instance = view.instances[plan.instance]
    disks = [view.config["disks"][uuid] for uuid in plan.disks]
    old, new = view.nodes[plan.old], view.nodes[new_node]
    if plan.old == new_node:
        context.log(f"Replacing {len(disks)} disk(s) of {instance['name']} on {new['name']}")
    else:
        context.log(f"Replacing the secondary node of {instance['name']}: {old['name']} becomes {new['name']}")
    if plan.old == new_node:
        context.driver.copy_disks(view, instance, disks, new_node, context.log)
        return
    _mirror_elsewhere(context, plan, disks)
    if context.op["early_release"]:
        context.narrow([str(instance["primary_node"]), new_node])
    context.driver.remove_disks(context.view, instance, disks, [plan.old], context.log)
    context.log(f"the secondary node of {instance['name']} is {new['name']}")


def _mirror_elsewhere(context: Context, plan: Replacement, disks: Sequence[Object]) -> None:
    """Make the mirrors on the new node and enter them into the configuration."""
    new = str(plan.new)
    instance = context.view.instances[plan.instance]
    minors = {uuid: context.reservations.reserve_minors(uuid, [new])[0] for uuid in plan.disks}
    try:
        context.driver.copy_disks(context.view, instance, disks, new, context.log)
    finally:
        context.reservations.release_minors(*plan.disks)
    context.change(lambda now: replaced(now, plan, minors))


def _uses_allocator(op: Op, _: ClusterView) -> bool:
    return bool(op.get("iallocator"))


_MOVE_NODES = (instance_nodes, node_named("target_node_uuid"), where(_uses_allocator, group_nodes))
_REPLACE_NODES = (instance_nodes, node_named("remote_node_uuid"), where(_uses_allocator, group_nodes))
_INSTANCE = take(Level.INSTANCE, Mode.EXCLUSIVE, instance_named)
_MOVE_TAKES = (
    _INSTANCE,
    take(Level.NODE, Mode.EXCLUSIVE, *_MOVE_NODES),
    take(Level.NODE_RES, Mode.EXCLUSIVE, *_MOVE_NODES),
    take(Level.NODEGROUP, Mode.SHARED, where(_uses_allocator, instance_groups)),
)

UNITS = {
    "OP_INSTANCE_MIGRATE": Unit(run=_run_move, takes=_MOVE_TAKES, resolve=_resolve, prepare=_prepare_migrate),
    "OP_INSTANCE_FAILOVER": Unit(run=_run_move, takes=_MOVE_TAKES, resolve=_resolve, prepare=_prepare_fail_over),
    "OP_INSTANCE_REPLACE_DISKS": Unit(
        run=_run_replace,
        takes=(
            _INSTANCE,
            take(Level.NODE, Mode.EXCLUSIVE, *_REPLACE_NODES),
            take(Level.NODE_RES, Mode.EXCLUSIVE, *_REPLACE_NODES),
            take(Level.NODEGROUP, Mode.SHARED, where(_uses_allocator, instance_groups)),
        ),
        resolve=_resolve_replace,
        prepare=_prepare_replace,
    ),
}
