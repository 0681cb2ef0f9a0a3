"""What many units check: names, nodes fit for work, memory and disk. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from impl.cluster.change import NO_CHANGE, Change, put
from impl.cluster.view import KINDS, ClusterView, UnknownObjectError, in_service
from impl.hypervisor.facts import HARDWARE, ConfiguredObserver, NodeInfo, Observer
from impl.job.errors import NO_RESOURCES, UNKNOWN_ENTITY, WRONG_INPUT, WRONG_STATE, PrerequisiteError
from impl.job.unit import Context, Some

Object = Mapping[str, Any]

OBSERVER: Observer = ConfiguredObserver()


PATIENCE_SECONDS = 120.0
"""How long a job with opportunistic locking waits for enough free nodes, if the cluster does not say."""


def some_nodes(view: ClusterView, needed: int) -> Some:
    """Return the nodes in service, of which at least so many are to be locked.

    The cluster's object `gantry` may say otherwise: `opportunistic_seconds` for the patience, and
    `opportunistic_at_least` to be content with fewer nodes (and perhaps find no place on them).

    Raises:
        PrerequisiteError: there are fewer.
    """
    nodes = [uuid for uuid, node in view.nodes.items() if in_service(node)]
    if len(nodes) < needed:
        raise PrerequisiteError(f"Only {len(nodes)} nodes are in service, {needed} are needed", NO_RESOURCES)
    settings = view.cluster.get(HARDWARE) or {}
    at_least = min(int(settings.get("opportunistic_at_least") or needed), needed)
    return Some(tuple(sorted(nodes)), at_least, float(settings.get("opportunistic_seconds", PATIENCE_SECONDS)))


def known(view: ClusterView, kind: str, name: str) -> Object:
    """Return the object of that name.

    Raises:
        PrerequisiteError: there is none.
    """
    try:
        return view.find(kind, name)
    except UnknownObjectError:
        raise PrerequisiteError(f"{kind.capitalize()} '{name}' not known", UNKNOWN_ENTITY) from None


def expand(
    op: dict[str, Any], view: ClusterView, kind: str, name_key: str, uuid_key: str | None = None
) -> dict[str, Any]:
    """Return the opcode with a name in full and its UUID beside it; untouched if it names nothing.

    Raises:
        PrerequisiteError: there is no such thing, or name and UUID are of different things.
    """
    name = op.get(name_key) or (op.get(uuid_key) if uuid_key else None)
    if not name:
        return op
    found = known(view, kind, str(name))
    if uuid_key is None:
        return {**op, name_key: found["name"]}
    if op.get(uuid_key) not in {None, found["uuid"]}:
        raise PrerequisiteError(f"{kind} {name} does not have the UUID {op[uuid_key]}", WRONG_INPUT)
    return {**op, name_key: found["name"], uuid_key: found["uuid"]}


def expand_instance(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    """Return the opcode with its instance named in full."""
    return expand(op, view, "instance", "instance_name", "instance_uuid")


def check_online(view: ClusterView, uuid: str) -> Object:
    """Return a node that can be worked with.

    Raises:
        PrerequisiteError: it is marked offline.
    """
    node = known(view, "node", uuid)
    if node.get("offline"):
        raise PrerequisiteError(f"Can't use offline node {node['name']}", WRONG_STATE)
    return node


def check_target(view: ClusterView, uuid: str) -> Object:
    """Return a node that may get instances.

    Raises:
        PrerequisiteError: it is offline, drained, or not meant for instances.
    """
    node = check_online(view, uuid)
    if node.get("drained"):
        raise PrerequisiteError(f"Can't use drained node {node['name']}", WRONG_STATE)
    if not node.get("vm_capable", True):
        raise PrerequisiteError(f"Can't use node {node['name']}, it can't host instances", WRONG_STATE)
    return node


def _check_free(view: ClusterView, uuid: str, mib: int, why: str, what: str, free: Callable[[NodeInfo], int]) -> None:
    node = known(view, "node", uuid)
    info = OBSERVER.node_info(view, node)
    if info is None:
        raise PrerequisiteError(f"Can't compute free {what} on node {node['name']}", NO_RESOURCES)
    if free(info) < mib:
        raise PrerequisiteError(
            f"Not enough {what} on node {node['name']} for {why}: needed {mib} MiB, available {free(info)} MiB",
            NO_RESOURCES,
        )


def check_memory(view: ClusterView, uuid: str, mib: int, why: str) -> None:
    """Check that a node has enough free memory.

    Raises:
        PrerequisiteError: there is less, or nothing is known.
    """
    _check_free(view, uuid, mib, why, "memory", lambda info: info.memory_free)


def check_disk(view: ClusterView, uuid: str, mib: int, why: str) -> None:
    """Check that a node has enough free disk.

    Raises:
        PrerequisiteError: there is less, or nothing is known.
    """
    _check_free(view, uuid, mib, why, "disk space", lambda info: info.disk_free)


def with_both_memories(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return backend parameters in which the old name `memory` is replaced by both of its successors."""
    found = dict(wanted)
    if "memory" in found:
        found["maxmem"] = found["minmem"] = found.pop("memory")
    return found


def check_backend(parameters: Mapping[str, Any]) -> None:
    """Refuse merged backend parameters that make no sense.

    Raises:
        PrerequisiteError: memory or vcpus is no positive number, or the memories exclude each other.
    """
    for name in ("maxmem", "minmem", "vcpus"):
        value = parameters.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
            raise PrerequisiteError(f"Backend parameter {name} must be a positive number, not {value!r}", WRONG_INPUT)
    if parameters["minmem"] > parameters["maxmem"]:
        raise PrerequisiteError("Minimum memory must not exceed maximum memory", WRONG_INPUT)


def rename(context: Context, kind: str, uuid: str) -> str:
    """Give an object (`kind` is a key of `KINDS`) the opcode's `new_name`, and answer it."""
    name = str(context.op["new_name"])

    def change(view: ClusterView) -> Change:
        found = view.objects(kind)[uuid]
        return NO_CHANGE if found["name"] == name else put(KINDS[kind], {**found, "name": name})

    context.change(change)
    return name
