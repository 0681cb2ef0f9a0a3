"""Checks that a cluster became exactly what a plan promised, from the configurations before and after. Pure.

Expected is the configuration before, changed by what the plan's commands say and by nothing else: the primary of an
instance, the two nodes of its DRBD disks, and for disks that got a new secondary the port, minors and secret that
come with it. Serial numbers and times of change may grow. Everything else must be equal, and no two DRBD disks may
have the same minor of a node.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from spec.allocator.cluster import Cluster, DiskTemplate
from spec.plans.model import Action, Plan
from spec.plans.safety import after, placement

Config = Mapping[str, Any]

_VOLATILE = frozenset({"serial_no", "mtime"})
"""Fields of every object that may grow with each change."""
_SHOWN = 300
"""Characters of a value that a difference shows at most."""


def expected_placement(cluster: Cluster, plan: Plan) -> dict[str, tuple[str, str | None]]:
    """Return names of primary and secondary of every instance after the plan."""
    state = placement(cluster)
    for step in plan.steps:
        state = after(cluster, state, step.command)
    names = [node.name for node in cluster.nodes]
    return {
        instance.name: (names[primary], None if secondary is None else names[secondary])
        for instance, (primary, secondary) in zip(cluster.instances, state, strict=True)
    }


def broken_promises(before: Config, now: Config, cluster: Cluster, plan: Plan) -> list[str]:
    """List every difference between the configuration and what the plan promised; empty if there is none.

    Args:
        before: the configuration in which the plan began.
        now: the configuration after it.
        cluster: the facts from which the plan was made.
        plan: the plan.
    """
    nodes = {str(node["name"]): str(uuid) for uuid, node in before["nodes"].items()}
    expected = expected_placement(cluster, plan)
    replaced = {
        cluster.instances[s.command.instance].name for s in plan.steps if s.command.action is Action.REPLACE_DISKS
    }
    wanted: dict[str, Any] = {**before, "instances": {}, "disks": dict(before["disks"])}
    freed: set[str] = set()
    for uuid, instance in before["instances"].items():
        primary, secondary = expected[instance["name"]]
        wanted["instances"][uuid] = {**instance, "primary_node": nodes[primary]}
        for disk_uuid in instance["disks"]:
            disk = before["disks"][disk_uuid]
            if disk["dev_type"] == DiskTemplate.DRBD.value and secondary is not None:
                pair = {nodes[primary], nodes[secondary]}
                wanted["disks"][disk_uuid] = _moved_disk(disk, pair)
                if instance["name"] in replaced:
                    freed.add(disk_uuid)
    differences = list(_differences("", _settled(wanted, freed), _settled(now, freed)))
    return differences + list(_shared_minors(now))


def _moved_disk(disk: Mapping[str, Any], pair: set[str]) -> dict[str, Any]:
    """Return the disk on its new nodes, in any order."""
    moved = {**disk, "logical_id": [*sorted(pair), *disk["logical_id"][2:]], "nodes": sorted(pair)}
    if "children" in disk:
        moved["children"] = [{**child, "nodes": sorted(pair)} for child in disk["children"]]
    return moved


def _settled(config: Config, freed: set[str]) -> Any:
    """Return the configuration without what may change, and with the nodes of DRBD disks in one order."""
    plain = _without_volatile(config)
    for uuid, disk in plain["disks"].items():
        if disk["dev_type"] != DiskTemplate.DRBD.value:
            continue
        one, other, port, minor_one, minor_other, secret = disk["logical_id"]
        ends = sorted([(one, minor_one), (other, minor_other)])
        known = [ends[0][0], ends[1][0]]
        plain["disks"][uuid] = {
            **disk,
            "logical_id": known if uuid in freed else [*known, port, *sorted([minor_one, minor_other]), secret],
            "nodes": sorted(disk.get("nodes") or ()),
            "children": [
                {**child, "nodes": sorted(child.get("nodes") or ()), "logical_id": None}
                if uuid in freed
                else {**child, "nodes": sorted(child.get("nodes") or ())}
                for child in disk.get("children") or ()
            ],
        }
    if freed:
        plain["cluster"] = {**plain["cluster"], "highest_used_port": None, "tcpudp_port_pool": None}
    return plain


def _without_volatile(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_volatile(inner) for key, inner in value.items() if key not in _VOLATILE}
    if isinstance(value, list | tuple):
        return [_without_volatile(inner) for inner in value]
    return value


def _differences(where: str, wanted: Any, found: Any) -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted(wanted.keys() | found.keys()):
            place = f"{where}/{key}"
            if key not in found:
                yield f"{place} is gone"
            elif key not in wanted:
                yield f"{place} is new: {_short(found[key])}"
            else:
                yield from _differences(place, wanted[key], found[key])
    elif wanted != found:
        yield f"{where} is {_short(found)} and should be {_short(wanted)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _shared_minors(config: Config) -> Iterator[str]:
    users: dict[tuple[str, int], list[str]] = defaultdict(list)
    for uuid, disk in config["disks"].items():
        if disk["dev_type"] == DiskTemplate.DRBD.value:
            one, other, _, minor_one, minor_other, _ = disk["logical_id"]
            users[one, minor_one].append(uuid)
            users[other, minor_other].append(uuid)
    for (node, minor), disks in users.items():
        if len(disks) > 1:
            yield f"DRBD minor {minor} of node {node} belongs to {len(disks)} disks: {', '.join(disks)}"
