"""Why a placement came out as it did: for every group, which limit kept which node out, in MiB, ratios and names.

Nothing is decided here; the questions asked are those of placement, node by node. For redundancy the best candidate
that fits otherwise is looked at: which nodes' failure it would not survive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from htools.model import Model, NodeModel
from htools.outcomes import NoTargets, candidates, new_model, policy_failure, with_allocation
from htools.plain_placing import PlainPlacer
from htools.refuge import evacuable
from htools.vm import InstanceModel
from spec.cluster import AllocPolicy, Cluster, Group
from spec.decisions import FailMode
from spec.requests import Limits, NewInstance

_MOST_PAIRS = 2500
"""Candidates beyond which the question about redundancy is not asked again for the explanation."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a node cannot be one of an instance's nodes; `role` is primary or secondary."""

    node: str
    role: str
    mode: str
    text: str


def _short(have: float, need: float, unit: str) -> str:
    return f"{need - have:g} {unit} short (has {have:g}, needs {need:g})"


def _primary(node: NodeModel, vm: InstanceModel, group: Group, *, soft: bool) -> Reason | None:
    """Why an instance cannot run on a node."""

    def reason(mode: FailMode, text: str) -> Reason:
        return Reason(node.name, "primary", mode.value, text)

    refused = policy_failure(vm.instance, group.policy, exclusive=node.exclusive)
    if refused is not None:
        return reason(refused, "the instance policy does not allow this size or disk template")
    mode = node.primary_refusal(vm, force=soft)
    if mode is None:
        return None
    if mode is FailMode.MEMORY:
        free = node.free_memory - vm.used_memory
        if free <= 0:
            return reason(mode, f"memory: {_short(node.free_memory, vm.used_memory + 1, 'MiB')}")
        return reason(mode, f"memory kept for fail-over: {_short(free, node.reserved + 1, 'MiB')}")
    if mode is FailMode.DISK:
        need = max(1, node.low_disk)
        if node.free_disk - vm.disk < need:
            return reason(mode, f"disk: {_short(node.free_disk, vm.disk + need, 'MiB')}")
        return reason(mode, f"spindle use would exceed {node.high_spindles:g}")
    if mode is FailMode.CPU:
        ratio = (node.used_cpus + vm.vcpus) / node.total_cpus if node.total_cpus else float("inf")
        return reason(mode, f"virtual cores per core: {ratio:.2f} would exceed {node.vcpu_ratio:g}")
    if mode is FailMode.TAGS:
        clash = sorted(set(vm.exclusion_tags) & set(node.tag_counts))
        return reason(mode, f"exclusion tag in use there: {', '.join(clash)}")
    if mode is FailMode.SPINDLES:
        return reason(mode, f"spindles: has {node.free_spindles}, needs {vm.spindles}")
    return reason(mode, "not possible")


def _secondary(node: NodeModel, vm: InstanceModel) -> Reason | None:
    """Why an instance cannot be mirrored on a node, whichever its primary is."""

    def reason(mode: FailMode, text: str) -> Reason:
        return Reason(node.name, "secondary", mode.value, text)

    need = max(1, node.low_disk)
    if node.free_disk - vm.instance.disk < need:
        return reason(FailMode.DISK, f"disk: {_short(node.free_disk, vm.instance.disk + need, 'MiB')}")
    if node.exclusive and (vm.spindles is None or node.free_spindles < vm.spindles):
        return reason(FailMode.SPINDLES, f"spindles: has {node.free_spindles}, needs {vm.spindles}")
    if vm.failover_memory >= node.free_memory:
        return reason(
            FailMode.MEMORY, f"memory for fail-over: {_short(node.free_memory, vm.failover_memory + 1, 'MiB')}"
        )
    return None


def _redundancy(model: Model, cluster: Cluster, new: NewInstance, group: int, limits: Limits) -> list[str]:
    """Nodes whose failure the cluster would not survive with the instance in its best place."""
    from dataclasses import replace

    nodes = [node for node in model.nodes.values() if node.group == group]
    if not limits.capacity or len(nodes) * len(nodes) > _MOST_PAIRS:
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


def explain_group(model: Model, cluster: Cluster, new: NewInstance, group: int, limits: Limits) -> dict[str, Any]:
    """What one group's nodes say about a new instance."""
    known = cluster.groups[group]
    networks = sorted({nic.network for nic in new.instance.nics if nic.network is not None} - set(known.networks))
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
        "reasons": [
            {"node": r.node, "role": r.role, "failure": r.mode, "text": r.text} for r in reasons if r is not None
        ],
        "not_survived": _redundancy(model, cluster, new, group, limits),
    }


def explain(model: Model, cluster: Cluster, news: Sequence[NewInstance], limits: Limits) -> list[dict[str, Any]]:
    """What all groups say about new instances, each on the cluster as it is."""
    groups = sorted({node.group for node in model.nodes.values()})
    return [
        {"instance": new.instance.name, "groups": [explain_group(model, cluster, new, g, limits) for g in groups]}
        for new in news
    ]


def told(explanation: Sequence[dict[str, Any]]) -> str:
    """An explanation as lines for people."""
    lines = []
    for one in explanation:
        lines.append(f"Instance {one['instance']}:")
        for group in one["groups"]:
            lines.append(f"  Group {group['group']}: {group['nodes']} nodes, {len(group['offline_nodes'])} offline")
            if not group["takes_instances"]:
                lines.append("    takes no new instances (allocation policy: unallocable)")
            lines += [f"    lacks the network {network}" for network in group["missing_networks"]]
            lines += [f"    {r['node']} as {r['role']}: {r['failure']}, {r['text']}" for r in group["reasons"]]
            if group["not_survived"]:
                names = ", ".join(group["not_survived"])
                lines.append(f"    N+1: even in the best place the cluster would not survive the failure of: {names}")
            if not group["reasons"] and not group["not_survived"] and not group["missing_networks"]:
                lines.append("    nothing stands in the way")
    return "".join(f"{line}\n" for line in lines)
