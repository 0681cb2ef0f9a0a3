"""OP_CLUSTER_VERIFY: is the configuration sound, and could the others take over from every node that fails?

The opcode itself submits one job for the configuration and one per node group, which answer true or false and log
what they found, one line a finding: severity, code, kind of thing, name, text.

Source: Ganeti 3.0.2's verify opcodes: their jobs, results, error codes, and the form of their findings.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from impl.cluster.view import DRBD, ClusterView
from impl.hypervisor.facts import ConfiguredObserver, is_running
from impl.job.locking import Op, Selector, everything, group_named, take
from impl.job.unit import Context, Plan, Unit
from impl.job.units.common import expand, known
from impl.job.units.policy import spec_of, violations
from impl.job.units.result_with_jobs import with_jobs
from spec.locks.names import Level, Mode

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    code: str
    kind: str
    name: str
    text: str
    warning: bool = False


# --- the configuration


def configuration_findings(view: ClusterView) -> Iterator[Finding]:
    """Yield references that lead nowhere, names and minors used twice, instances without a place."""
    groups, nodes = view.groups, view.nodes
    for node in nodes.values():
        if node.get("group") not in groups:
            yield Finding("ECLUSTERDANGLINGNODES", "node", str(node["name"]), "belongs to no known group")
    if view.master not in nodes:
        yield Finding("ECLUSTERCFG", "cluster", "", f"the master node {view.master} is unknown")
    disks: Mapping[str, Object] = view.config.get("disks") or {}
    used: dict[str, str] = {}
    for instance in view.instances.values():
        name = str(instance.get("name"))
        if instance.get("primary_node") not in nodes:
            yield Finding("ECLUSTERDANGLINGINST", "instance", name, "its primary node is unknown")
        for uuid in instance.get("disks") or ():
            if uuid not in disks:
                yield Finding("EINSTANCEMISSINGDISK", "instance", name, f"its disk {uuid} is unknown")
            elif uuid in used:
                yield Finding("EINSTANCELAYOUT", "instance", name, f"its disk {uuid} is {used[uuid]}'s too")
            used[uuid] = name
        for uuid in view.nodes_of(instance):
            if uuid not in nodes:
                yield Finding("EINSTANCEBADNODE", "instance", name, f"one of its nodes, {uuid}, is unknown")
    for kind in ("nodes", "instances", "nodegroups", "networks"):
        names = [str(item.get("name")) for item in (view.config.get(kind) or {}).values()]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Finding("ECLUSTERCFG", "cluster", "", f"the name {name} is used twice among {kind}")
    yield from _minors(disks.values(), nodes)


def _minors(disks: Any, nodes: Mapping[str, Object]) -> Iterator[Finding]:
    seen: dict[tuple[str, int], str] = {}
    for disk in disks:
        if disk["dev_type"] == DRBD:
            logical = disk["logical_id"]
            for place in ((logical[0], logical[3]), (logical[1], logical[4])):
                if place in seen:
                    name = str(nodes[place[0]]["name"]) if place[0] in nodes else str(place[0])
                    yield Finding("ENODEDRBD", "node", name, f"DRBD minor {place[1]} is used twice")
                seen[place] = disk["uuid"]


# --- a group


def group_findings(view: ClusterView, group: Object, *, redundancy: bool = True) -> Iterator[Finding]:
    """Yield nodes that are overfull or could not take over, and instances that are not where or as they should be."""
    members = view.nodes_of_group(str(group["uuid"]))
    observer = ConfiguredObserver()
    policy = view.policy(group)
    for uuid in members:
        node = view.nodes[uuid]
        info = None if node.get("offline") else observer.node_info(view, node)
        if info is None:
            if not node.get("offline"):
                yield Finding("ENODERPC", "node", str(node["name"]), "reports nothing about itself", warning=True)
            continue
        if info.memory_free < 0:
            yield Finding("ENODEHV", "node", str(node["name"]), f"lacks {-info.memory_free} MiB of memory")
        if info.disk_free < 0:
            yield Finding("ENODELVM", "node", str(node["name"]), f"lacks {-info.disk_free} MiB of disk")
        if redundancy:
            yield from _redundancy(view, node, info.memory_free)
    for uuid in members:
        for instance in view.primaries_on(uuid):
            yield from _instance_findings(view, group, policy, instance)


def _redundancy(view: ClusterView, node: Object, free: int) -> Iterator[Finding]:
    """Yield what the node could not take over, of what any one other node would leave to it."""
    needed: dict[str, int] = {}
    for instance in view.secondaries_on(str(node["uuid"])):
        if is_running(instance) and view.backend_parameters(instance).get("auto_balance"):
            primary = str(instance["primary_node"])
            needed[primary] = needed.get(primary, 0) + int(view.backend_parameters(instance).get("minmem") or 0)
    for primary, mib in needed.items():
        if mib > free:
            name = view.nodes[primary]["name"] if primary in view.nodes else primary
            yield Finding(
                "ENODEN1", "node", str(node["name"]),
                f"not enough memory to accommodate instance failovers should node {name} fail"
                f" ({mib} MiB needed, {free} MiB available)",
            )  # fmt: skip


def _instance_findings(
    view: ClusterView, group: Object, policy: Mapping[str, Any], instance: Object
) -> Iterator[Finding]:
    name = str(instance["name"])
    primary = view.nodes[str(instance["primary_node"])]
    if primary.get("offline"):
        yield Finding("EINSTANCEBADNODE", "instance", name, f"its primary node {primary['name']} is offline")
    for uuid in view.secondaries_of(instance):
        node = view.nodes.get(uuid)
        if node is None:
            continue
        if node.get("offline"):
            yield Finding(
                "EINSTANCEBADNODE", "instance", name, f"its secondary node {node['name']} is offline", warning=True
            )
        if node["group"] != group["uuid"]:
            yield Finding(
                "EINSTANCESPLITGROUPS",
                "instance",
                name,
                f"its secondary node {node['name']} is in another group",
                warning=True,
            )
    for text in violations(policy, spec_of(view, instance)):
        yield Finding("EINSTANCEPOLICY", "instance", name, text, warning=True)


# --- the opcodes


def _log_findings(context: Context, findings: Iterator[Finding]) -> bool:
    """Log the findings; whether none of them is an error."""
    good = True
    lines = []
    ignored = set(context.op.get("ignore_errors") or ())
    for finding in findings:
        warning = finding.warning or finding.code in ignored
        good = good and warning
        severity = "WARNING" if warning else "ERROR"
        if context.op.get("error_codes"):
            lines.append(f"  - {severity}:{finding.code}:{finding.kind}:{finding.name}:{finding.text}")
        else:
            lines.append(f"  - {severity}: {finding.kind}{' ' if finding.name else ''}{finding.name}: {finding.text}")
    context.log_all(lines)
    return good


def _run_configuration(context: Context, _: Plan) -> bool:
    context.log("* Verifying cluster config")
    own = (Finding("ECLUSTERCFG", "cluster", "", text) for text in context.verify_configuration())
    good = _log_findings(context, own)
    return _log_findings(context, configuration_findings(context.view)) and good


def _run_group(context: Context, _: Plan) -> bool:
    group = known(context.view, "group", context.op["group_name"])
    context.log(f"* Verifying group '{group['name']}'")
    redundancy = "nplusone_mem" not in context.op["skip_checks"]
    return _log_findings(context, group_findings(context.view, group, redundancy=redundancy))


def _run_cluster(context: Context, _: Plan) -> dict[str, Any]:
    op, view = context.op, context.view
    shared = {name: op[name] for name in ("debug_simulate_errors", "error_codes", "ignore_errors", "verbose")}
    jobs: list[list[dict[str, Any]]] = []
    if op.get("group_name"):
        groups = [str(known(view, "group", op["group_name"])["name"])]
    else:
        groups = sorted(str(group["name"]) for group in view.groups.values())
        jobs.append([{"OP_ID": "OP_CLUSTER_VERIFY_CONFIG", **shared}])
    for place, name in enumerate(groups):
        verify = {"OP_ID": "OP_CLUSTER_VERIFY_GROUP", "group_name": name, "skip_checks": op["skip_checks"], **shared}
        if jobs and not op.get("group_name"):
            verify["depends"] = [[-1 - place, []]]
        jobs.append([verify])
    return with_jobs(context, jobs)


def _resolve_group(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    return expand(op, view, "group", "group_name")


def _members(op: Op, view: ClusterView) -> list[str]:
    return view.nodes_of_group(str(view.find("group", op["group_name"])["uuid"]))


def _instances(op: Op, view: ClusterView) -> list[str]:
    return [str(item["name"]) for uuid in _members(op, view) for item in view.primaries_on(uuid)]


_SELECTED: tuple[tuple[Level, Selector], ...] = (
    (Level.INSTANCE, _instances),
    (Level.NODEGROUP, group_named()),
    (Level.NODE, _members),
)

UNITS = {
    "OP_CLUSTER_VERIFY": Unit(run=_run_cluster, resolve=_resolve_group),
    "OP_CLUSTER_VERIFY_CONFIG": Unit(
        run=_run_configuration,
        takes=tuple(take(level, Mode.SHARED, everything) for level in (Level.INSTANCE, Level.NODEGROUP, Level.NODE)),
    ),
    "OP_CLUSTER_VERIFY_GROUP": Unit(
        run=_run_group,
        takes=tuple(take(level, Mode.SHARED, selector) for level, selector in _SELECTED),
        resolve=_resolve_group,
    ),
}
