"""Explains a placement: for every group, which limit excluded which node, in MiB, ratios and names.

Nothing is decided here; the conditions are those of placement, node by node. For redundancy, the best candidate that
meets all other conditions is examined: the nodes are listed whose failure the cluster would not survive.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from htools.formatting.tables import listed
from htools.limits import EXPLAINED_PAIRS
from htools.model.admission import circumstances, figures_of
from htools.model.cluster import Model, NodeModel
from htools.model.instance import NO_NODE, InstanceModel
from htools.placement.outcomes import (
    NoTargets,
    candidates,
    new_model,
    with_allocation,
)
from htools.placement.plain_placer import PlainPlacer
from htools.placement.redundancy import evacuable
from spec.allocator.admission import AS_PRIMARY, AS_SECONDARY, WITH_FORTHCOMING, Condition, Figure, Limit
from spec.allocator.cluster import AllocPolicy, Cluster, Group, Instance, Policy
from spec.allocator.policy import policy_failure
from spec.allocator.requests import Limits, NewInstance

_FEW = 3
"""Up to so many nodes with the same reason are listed one by one."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a node cannot be one of an instance's nodes.

    Attributes:
        role: primary or secondary.
        mode: the class of the refusal.
        kind: the limit in words.
        text: the node's figures, empty where they do not differ between nodes.
        short: by how much the node misses the limit, to find the nearest node.
    """

    node: str
    role: str
    mode: str
    kind: str
    text: str = ""
    short: float = 0.0


def _against_policy(instance: Instance, policy: Policy) -> str:
    """Return in words which limit of a policy an instance breaks; the first pair of bounds is used, as in answers."""
    disks = [disk.size for disk in instance.disks]
    sizes = (
        ("memory", [instance.memory], "memory", " MiB"),
        ("disk", disks, "disk_size", " MiB"),
        ("cores", [instance.vcpus], "cpus", ""),
        ("number of disks", [len(disks)], "disk_count", ""),
    )
    for bounds in policy.bounds[:1]:
        for name, values, field, unit in sizes:
            least, most = getattr(bounds.minimum, field), getattr(bounds.maximum, field)
            beyond = next((value for value in values if not least <= value <= most), None)
            if beyond is not None:
                return f"policy: {name} {beyond}{unit}, allowed {least} to {most}"
    if instance.disk_template not in policy.disk_templates:
        return f"policy: disk template {instance.disk_template.value} is not allowed"
    return "policy: spindles or a combination of sizes that no pair of bounds allows"


def _primary(node: NodeModel, vm: InstanceModel, group: Group, *, soft: bool) -> Reason | None:
    """Return why an instance cannot run on a node, None if it can."""
    refused = policy_failure(vm.instance, group.policy, exclusive=node.exclusive)
    if refused is not None:
        return Reason(node.name, "primary", refused.value, _against_policy(vm.instance, group.policy))
    return _unmet(node, vm, "primary", [each for each in AS_PRIMARY if not (soft and each.soft)])


def _secondary(node: NodeModel, vm: InstanceModel) -> Reason | None:
    """Return why an instance cannot be mirrored on a node with any primary, None if it can."""
    return _unmet(node, vm, "secondary", [each for each in AS_SECONDARY if each.need is not Figure.RESERVED_AFTER])


def _unmet(node: NodeModel, vm: InstanceModel, role: str, conditions: Sequence[Condition]) -> Reason | None:
    """Return the first condition that a node does not meet."""
    both = [figures_of(node, vm, NO_NODE, planned=planned) for planned in (False, True)]
    asked = circumstances(node, vm)
    for condition in conditions:
        if asked.issuperset(condition.only) and condition.refused(both[condition.planned]):
            return _reason(node, vm, role, condition, both[condition.planned])
    return None


def _reason(
    node: NodeModel, vm: InstanceModel, role: str, condition: Condition, figures: Mapping[Figure, Any]
) -> Reason:
    """Describe a condition that is not met, in words and figures."""
    limit, note = condition.limit, WITH_FORTHCOMING if condition.planned else ""
    have, need = condition.numbers(figures)

    def reason(text: str, short: float = 0.0) -> Reason:
        return Reason(node.name, role, condition.mode.value, limit.value + note, text, short)

    def lacking(kind: Limit, have: float, need: float) -> Reason:
        text = f"{need - have:.0f} MiB short (has {have:.0f}, needs {need:.0f})"
        return Reason(node.name, role, condition.mode.value, kind.value + note, text, need - have)

    match limit:
        case Limit.MEMORY:
            return lacking(limit, figures[condition.room], figures[condition.need] + need)
        case Limit.DISK | Limit.LEAST_DISK:
            return lacking(Limit.DISK, figures[condition.room], figures[condition.need] + max(1, node.low_disk))
        case Limit.N_PLUS_1 | Limit.FAILOVER:
            return lacking(limit, have, need)
        case Limit.SPINDLE_USE:
            return reason(f"would exceed {need:g}")
        case Limit.CORES:
            return reason(f"{have:.2f} would exceed {need:g}", have - need)
        case Limit.TAGS:
            return reason(", ".join(sorted(set(vm.exclusion_tags) & set(node.tag_counts))))
        case Limit.SPINDLES:
            return reason(f"has {figures[condition.room]}, needs {vm.spindles}")
        case Limit.SECOND_COPY:
            return reason(vm.instance.disk_template.value)


def _redundancy(model: Model, cluster: Cluster, new: NewInstance, group: int, limits: Limits) -> list[str]:
    """Describe the nodes whose failure the cluster would not survive with the instance in its best place."""
    from dataclasses import replace

    nodes = [node for node in model.nodes.values() if node.group == group]
    if not limits.capacity or len(nodes) * len(nodes) > EXPLAINED_PAIRS:
        return []
    free = replace(limits, capacity=False)
    try:
        targets = candidates(nodes, cluster.groups, new.nodes, free)
        placer = PlainPlacer(model, cluster.groups, soft=limits.ignore_soft)
        best = placer.try_all(new_model(new.instance, cluster), targets, new.nodes, free).best
    except (NoTargets, ValueError):
        return []
    if best is None:
        return []
    after = with_allocation(model, best)
    return [node.name for node in after.nodes.values() if not evacuable(after, cluster.groups, node)]


def _fields(reason: Reason) -> dict[str, Any]:
    text = f"{reason.kind}: {reason.text}" if reason.text else reason.kind
    fields = {"node": reason.node, "role": reason.role, "failure": reason.mode}
    return {**fields, "kind": reason.kind, "text": text, "short": reason.short}


def explain_group(model: Model, cluster: Cluster, new: NewInstance, group: int, limits: Limits) -> dict[str, Any]:
    """Explain a new instance's placement in one group."""
    known = cluster.groups[group]
    networks = sorted(known.missing_networks(new.instance))
    vm = new_model(new.instance, cluster)
    nodes = [node for node in model.nodes.values() if node.group == group]
    online = [node for node in nodes if not node.offline]
    reasons = [_primary(node, vm, known, soft=limits.ignore_soft) for node in online]
    reasons += [_secondary(node, vm) for node in online] if new.nodes == 2 else []
    return {
        "group": known.name,
        "takes_instances": known.alloc_policy is not AllocPolicy.UNALLOCABLE,
        "missing_networks": networks,
        "nodes": len(nodes),
        "offline_nodes": [node.name for node in nodes if node.offline],
        "reasons": [_fields(reason) for reason in reasons if reason is not None],
        "not_survived": _redundancy(model, cluster, new, group, limits),
    }


def explain(model: Model, cluster: Cluster, news: Sequence[NewInstance], limits: Limits) -> list[dict[str, Any]]:
    """Explain new instances' placement in all groups, each on the cluster as it is."""
    groups = sorted({node.group for node in model.nodes.values()})
    return [
        {"instance": new.instance.name, "groups": [explain_group(model, cluster, new, g, limits) for g in groups]}
        for new in news
    ]


def _format_reasons(reasons: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield a line for each reason; many nodes with the same one are counted, and the nearest to the limit is shown."""
    kinds: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for reason in reasons:
        kinds.setdefault((reason["role"], reason["failure"], reason["kind"]), []).append(reason)
    for (role, failure, kind), alike in kinds.items():
        nearest = min(alike, key=lambda reason: float(reason["short"]))
        if len(alike) <= _FEW:
            yield from (f"{r['node']} as {role}: {failure}, {r['text']}" for r in alike)
        elif len({reason["text"] for reason in alike}) == 1:
            yield f"{len(alike)} nodes as {role}: {failure}, {nearest['text']}"
        else:
            gap = nearest["text"].removeprefix(f"{kind}: ")
            yield f"{len(alike)} nodes as {role}: {failure}, {kind}: nearest {nearest['node']}, {gap}"


def _format_group(group: dict[str, Any]) -> Iterator[str]:
    if not group["takes_instances"]:
        yield "takes no new instances (allocation policy: unallocable)"
    if group["missing_networks"]:
        yield from (f"not connected to the network {network}" for network in group["missing_networks"])
        return
    yield from _format_reasons(group["reasons"])
    if group["not_survived"]:
        names = listed(group["not_survived"])
        yield f"N+1: even in the best place the cluster would not survive the failure of {names}"
    elif not group["reasons"]:
        yield "nothing stands in the way"


def format_explanation(explanation: Sequence[dict[str, Any]]) -> str:
    """Format an explanation as lines of at most 80 columns."""
    lines = []
    for one in explanation:
        lines.append(f"Instance {one['instance']}:")
        for group in one["groups"]:
            lines.append(f"  Group {group['group']}: {group['nodes']} nodes, {len(group['offline_nodes'])} offline")
            for text in _format_group(group):
                lines += wrap(text, 80, initial_indent="    ", subsequent_indent="      ", break_on_hyphens=False)
    return "".join(f"{line}\n" for line in lines)
