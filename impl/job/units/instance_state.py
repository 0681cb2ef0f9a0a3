"""Opcodes that start, stop, reboot and remove instances.

The wanted state (`admin_state`) is written before an instance is started, and after it was stopped or removed: whoever
reads the configuration in between sees the state that takes more resources.

Source: Ganeti 3.0.2's locks and preconditions.
"""

from collections.abc import Mapping
from typing import Any

from impl.cluster.change import NO_CHANGE, Change, drop, put, set_cluster, together
from impl.cluster.view import ClusterView
from impl.hypervisor.facts import is_running
from impl.hypervisor.port import DriverError
from impl.job.errors import WRONG_STATE, PrerequisiteError
from impl.job.locking import Op, Selector, instance_named, instance_nodes, take
from impl.job.unit import Context, Unit
from impl.job.units.common import check_memory, check_online, expand_instance, known
from impl.job.units.disks import ports_back
from spec.locks.names import Level, Mode

Object = Mapping[str, Any]


def with_state(view: ClusterView, uuid: str, state: str, source: str = "admin") -> Change:
    """Return the change that sets the state that an instance should be in; none if it is set already."""
    instance = view.instances.get(uuid)
    if instance is None or (instance.get("admin_state"), instance.get("admin_state_source", "admin")) == (
        state,
        source,
    ):
        return NO_CHANGE
    active = state == "up"
    return put("instances", {**instance, "admin_state": state, "admin_state_source": source, "disks_active": active})


def _check_not_offline(instance: Object) -> None:
    if instance.get("admin_state") == "offline":
        raise PrerequisiteError(
            f"Instance '{instance['name']}' is marked to be offline, required to be up or down: bring it on line first",
            WRONG_STATE,
        )


def _check_not_forthcoming(instance: Object) -> None:
    if instance.get("forthcoming"):
        raise PrerequisiteError(f"Instance '{instance['name']}' is forthcoming: create it first", WRONG_STATE)


def _primary_offline(view: ClusterView, instance: Object) -> bool:
    return bool(view.nodes[str(instance["primary_node"])].get("offline"))


# --- OP_INSTANCE_STARTUP


def _prepare_startup(op: Op, view: ClusterView) -> bool:
    """Return whether the instance can really be started, or only the wanted state be written.

    Raises:
        PrerequisiteError: it cannot or must not be started.
    """
    instance = known(view, "instance", op["instance_name"])
    _check_not_forthcoming(instance)
    _check_not_offline(instance)
    if _primary_offline(view, instance) and op["ignore_offline_nodes"]:
        return False
    primary = str(instance["primary_node"])
    check_online(view, primary)
    if not is_running(instance):
        memory = int(op["beparams"].get("maxmem") or view.memory(instance))
        check_memory(view, primary, memory, f"starting instance {instance['name']}")
    return True


def _run_startup(context: Context, really: bool) -> None:
    op = context.op
    uuid = str(op["instance_uuid"])
    if not op["no_remember"]:
        context.change(lambda view: with_state(view, uuid, "up"))
    if not really:
        context.log("The primary node is offline: the instance will start when it is back")
        return
    instance = context.view.instances[uuid]
    context.driver.start(
        context.view, instance, str(instance["primary_node"]), context.log, paused=op["startup_paused"]
    )


# --- OP_INSTANCE_SHUTDOWN


def _prepare_shutdown(op: Op, view: ClusterView) -> bool:
    instance = known(view, "instance", op["instance_name"])
    _check_not_forthcoming(instance)
    if not op["force"]:
        _check_not_offline(instance)
    if _primary_offline(view, instance) and op["ignore_offline_nodes"]:
        return False
    check_online(view, str(instance["primary_node"]))
    return True


def _run_shutdown(context: Context, really: bool) -> None:
    op = context.op
    uuid = str(op["instance_uuid"])
    instance = context.view.instances[uuid]
    if really:
        node = str(instance["primary_node"])
        context.driver.stop(context.view, instance, node, context.log, timeout=op["timeout"])
    else:
        context.log("The primary node is offline: the instance is only marked as stopped")
    if not op["no_remember"]:
        state = "offline" if instance.get("admin_state") == "offline" else "down"
        context.change(lambda view: with_state(view, uuid, state, op.get("admin_state_source") or "admin"))


# --- OP_INSTANCE_REBOOT


def _prepare_reboot(op: Op, view: ClusterView) -> None:
    instance = known(view, "instance", op["instance_name"])
    _check_not_forthcoming(instance)
    _check_not_offline(instance)
    check_online(view, str(instance["primary_node"]))


def _run_reboot(context: Context, _: None) -> None:
    op = context.op
    uuid = str(op["instance_uuid"])
    instance = context.view.instances[uuid]
    node = str(instance["primary_node"])
    if is_running(instance):
        timeout = op["shutdown_timeout"]
        context.driver.reboot(context.view, instance, node, context.log, kind=op["reboot_type"], timeout=timeout)
    else:
        context.driver.start(context.view, instance, node, context.log)
    context.change(lambda view: with_state(view, uuid, "up"))


# --- OP_INSTANCE_REMOVE


def _prepare_remove(op: Op, view: ClusterView) -> None:
    instance = known(view, "instance", op["instance_name"])
    if not op["ignore_failures"] and not instance.get("forthcoming"):
        check_online(view, str(instance["primary_node"]))


def removed(view: ClusterView, uuid: str) -> Change:
    """Return the change that drops an instance and its disks and gives its ports back; none if it is gone."""
    instance = view.instances.get(uuid)
    if instance is None:
        return NO_CHANGE
    disks = view.disks(instance)
    ports = ports_back(view.cluster, disks, instance.get("network_port"))
    return together(
        [drop("instances", uuid), drop("disks", *(str(disk["uuid"]) for disk in disks)), set_cluster(**ports)]
    )


def _run_remove(context: Context, _: None) -> None:
    op = context.op
    view = context.view
    uuid = str(op["instance_uuid"])
    instance = view.instances[uuid]
    try:
        if is_running(instance):
            node = str(instance["primary_node"])
            context.driver.stop(view, instance, node, context.log, timeout=op["shutdown_timeout"])
        if not instance.get("forthcoming"):
            context.driver.remove_disks(view, instance, view.disks(instance), view.nodes_of(instance), context.log)
    except DriverError as error:
        if not op["ignore_failures"]:
            raise
        context.log(f"Warning: {error}; going on, as was asked for")
    context.log(f"Removing instance {instance['name']} out of cluster config")
    context.change(lambda now: removed(now, uuid))


_INSTANCE = take(Level.INSTANCE, Mode.EXCLUSIVE, instance_named)


def _primary(op: Op, view: ClusterView) -> list[str]:
    return [str(view.find("instance", op["instance_name"])["primary_node"])]


_PRIMARY: Selector = _primary

UNITS = {
    "OP_INSTANCE_STARTUP": Unit(
        run=_run_startup,
        takes=(_INSTANCE, take(Level.NODE_RES, Mode.EXCLUSIVE, _PRIMARY)),
        resolve=expand_instance,
        prepare=_prepare_startup,
    ),
    "OP_INSTANCE_SHUTDOWN": Unit(
        run=_run_shutdown, takes=(_INSTANCE,), resolve=expand_instance, prepare=_prepare_shutdown
    ),
    "OP_INSTANCE_REBOOT": Unit(run=_run_reboot, takes=(_INSTANCE,), resolve=expand_instance, prepare=_prepare_reboot),
    "OP_INSTANCE_REMOVE": Unit(
        run=_run_remove,
        takes=(
            _INSTANCE,
            take(Level.NODE, Mode.EXCLUSIVE, instance_nodes),
            take(Level.NODE_RES, Mode.EXCLUSIVE, instance_nodes),
        ),
        resolve=expand_instance,
        prepare=_prepare_remove,
    ),
}
