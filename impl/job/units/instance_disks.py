"""OP_INSTANCE_GROW_DISK. Source: Ganeti 3.0.2's locks and preconditions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from impl.cluster.change import NO_CHANGE, Change, put
from impl.cluster.view import DRBD, ClusterView
from impl.job.errors import WRONG_INPUT, WRONG_STATE, PrerequisiteError
from impl.job.locking import Op, instance_named, instance_nodes, take
from impl.job.unit import Context, Unit
from impl.job.units.common import check_disk, check_online, expand_instance, known
from impl.job.units.policy import spec_of, violations
from spec.locks.names import Level, Mode

GROWABLE = frozenset({"plain", DRBD, "file", "sharedfile", "rbd", "ext"})


@dataclass(frozen=True, slots=True)
class Growth:
    """A disk and its new size in MiB."""

    instance: str
    disk: str
    size: int


def _prepare(op: Op, view: ClusterView) -> Growth:
    instance = known(view, "instance", op["instance_name"])
    nodes = view.nodes_of(instance)
    for node in nodes:
        check_online(view, node)
    disks = view.disks(instance)
    if op["disk"] >= len(disks):
        text = f"Invalid disk index {op['disk']}, the instance has {len(disks)}"
        raise PrerequisiteError(text, WRONG_INPUT)
    disk = disks[op["disk"]]
    if disk["dev_type"] not in GROWABLE:
        text = f"Instance's disk layout {disk['dev_type']} does not support growing"
        raise PrerequisiteError(text, WRONG_INPUT)
    old = int(disk["size"])
    new = op["amount"] if op["absolute"] else old + op["amount"]
    if new < old:
        text = f"Requested size ({new} MiB) is smaller than current disk size ({old} MiB)"
        raise PrerequisiteError(text, WRONG_STATE)
    for node in nodes if disk["dev_type"] in {"plain", DRBD} else ():
        check_disk(view, node, new - old, f"growing disk {op['disk']} of instance {instance['name']}")
    _check_policy(op, view, instance, new)
    return Growth(str(instance["uuid"]), str(disk["uuid"]), new)


def _check_policy(op: Op, view: ClusterView, instance: Mapping[str, Any], size: int) -> None:
    """Refuse a growth by which sizes newly violate the policy."""
    group = view.groups[str(view.nodes[str(instance["primary_node"])]["group"])]
    before = spec_of(view, instance)
    after = replace(before, disks=[*before.disks[: op["disk"]], size, *before.disks[op["disk"] + 1 :]])
    found = sorted(set(violations(view.policy(group), after)) - set(violations(view.policy(group), before)))
    if found and not op["ignore_ipolicy"]:
        raise PrerequisiteError(f"Growing disk {op['disk']} violates policy: {', '.join(found)}", WRONG_INPUT)


def grown(view: ClusterView, plan: Growth) -> Change:
    """Return the change that grows the disk, and the data volume under its mirror; none once it is so large."""
    disk = view.config["disks"][plan.disk]
    if disk["size"] == plan.size:
        return NO_CHANGE
    new = {**disk, "size": plan.size}
    if disk.get("children"):
        data, *rest = disk["children"]
        new["children"] = [{**data, "size": plan.size}, *rest]
    return put("disks", new)


def _run(context: Context, plan: Growth) -> None:
    op, view = context.op, context.view
    instance, disk = view.instances[plan.instance], view.config["disks"][plan.disk]
    by = plan.size - int(disk["size"])
    context.log(f"Growing disk {op['disk']} of instance '{instance['name']}' by {by} MiB to {plan.size} MiB")
    context.driver.grow_disk(view, instance, disk, plan.size, context.log, wait=op["wait_for_sync"])
    context.change(lambda now: grown(now, plan))


UNITS = {
    "OP_INSTANCE_GROW_DISK": Unit(
        run=_run,
        takes=(
            take(Level.INSTANCE, Mode.EXCLUSIVE, instance_named),
            take(Level.NODE, Mode.EXCLUSIVE, instance_nodes),
            take(Level.NODE_RES, Mode.EXCLUSIVE, instance_nodes),
        ),
        resolve=expand_instance,
        prepare=_prepare,
    ),
}
