"""When a plan is safe: the plain definition, by walking through every state.

A state is only where every instance is; what a node has left is computed again in every state. `checkers.plans.audit`
decides the same question with z3 and is tested against this.

A plan is safe if in every state that it goes through
* each command is possible where it begins, and keeps the rules about its target (drain, group, migration tags), and
* no node breaks a rule about load that it kept before the plan began, or breaks one by more than before.
The rules about load leave out offline and drained nodes, and forthcoming instances, which take nothing yet.

Source: the checks that Ganeti's allocator makes before it takes a move (memory and disk must stay positive, unallocated
memory above the largest fail-over need, tags, drained nodes), read as conditions on states.

>>> from spec.allocator.example import cluster, instance
>>> from spec.plans.model import PlanJob
>>> office = cluster(instance(0, 1, memory=5000), instance(1, memory=2000))
>>> migrate = Command(Action.MIGRATE, instance=0)
>>> first_offence(office, Plan(((PlanJob((migrate,)),),))) is None
True
>>> fuller = cluster(instance(0, 1, memory=5000), instance(1, memory=4000))
>>> offence = first_offence(fuller, Plan(((PlanJob((migrate,)),),)))
>>> [(reason.rule.value, reason.node, reason.have) for reason in offence.reasons]
[('memory', 1, -1000)]
"""

from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from math import floor

from spec.allocator import tags
from spec.allocator.cluster import Cluster, DiskTemplate, Instance, MirrorType
from spec.plans.model import (
    STANDARD_RULES,
    Action,
    BadCommand,
    Command,
    Offence,
    Plan,
    Rule,
    Shortfall,
    Step,
)

Placement = tuple[tuple[int, int | None], ...]
"""Primary and secondary of every instance, in the cluster's order."""


def placement(cluster: Cluster) -> Placement:
    """Return where every instance is before the plan begins."""
    return tuple((instance.primary, instance.secondary) for instance in cluster.instances)


def missing_memory(cluster: Cluster, node: int) -> int:
    """Return the MiB that the node reports as used without a record of it, at least 0; fixed before the plan begins."""
    it = cluster.nodes[node]
    used = sum(i.memory for i in cluster.instances if i.primary == node and i.uses_memory)
    return max(0, int(it.total_memory) - it.node_memory - used - it.free_memory)


def unallocated_memory(cluster: Cluster, state: Placement, node: int) -> int:
    """Return MiB left on a node for more instances."""
    it = cluster.nodes[node]
    used = sum(
        i.memory for i, (primary, _) in zip(cluster.instances, state, strict=True) if primary == node and i.uses_memory
    )
    return int(it.total_memory) - it.node_memory - used - missing_memory(cluster, node)


def free_disk(cluster: Cluster, state: Placement, node: int) -> int:
    """Return the MiB of disk left on a node: what it reports, changed by the disks that the plan added and removed."""
    free = cluster.nodes[node].free_disk
    for instance, place in zip(cluster.instances, state, strict=True):
        if instance.uses_local_storage and not instance.forthcoming:
            free += instance.disk * (node in instance.nodes)
            free -= instance.disk * (node in disk_nodes(instance, place))
    return free


def disk_nodes(instance: Instance, place: tuple[int, int | None]) -> tuple[int, ...]:
    """Return the nodes that hold the instance's disks when it is at `place`."""
    primary, secondary = place
    if instance.disk_template is DiskTemplate.DRBD and secondary is not None:
        return (primary, secondary)
    return (primary,)


def cpu_limit(cluster: Cluster, node: int) -> int | None:
    """Return virtual cores that may be used on a node, None where the policy sets no limit."""
    it = cluster.nodes[node]
    ratio = cluster.groups[it.group].policy.vcpu_ratio
    return None if ratio < 0 else floor(ratio * it.total_cpus)


def used_cpus(cluster: Cluster, state: Placement, node: int) -> int:
    """Return the cores that the node itself and its instances use; instances marked offline use none."""
    here = (i for i, (primary, _) in zip(cluster.instances, state, strict=True) if primary == node)
    return cluster.nodes[node].node_cpus + sum(i.vcpus for i in here if i.online and not i.forthcoming)


def failover_need(cluster: Cluster, state: Placement, node: int, peer: int) -> int:
    """Return MiB that `node` needs when `peer` fails."""
    return sum(
        instance.memory
        for instance, place in zip(cluster.instances, state, strict=True)
        if place == (peer, node) and instance.uses_secondary_memory and not instance.forthcoming
    )


def exclusion_tags(cluster: Cluster, instance: Instance) -> frozenset[str]:
    """Return the tags that keep an instance apart from others with the same ones."""
    return frozenset(tags.with_prefixes(instance.tags, tags.exclusion_prefixes(cluster.tags)))


def refused_migration_tags(cluster: Cluster, source: int, target: int) -> frozenset[str]:
    """Return the migration tags of `source` that `target` does not allow."""
    return tags.migration_tags(cluster.tags, cluster.nodes[source].tags) - tags.accepted_migration_tags(
        cluster.tags, cluster.nodes[target].tags
    )


def shortfalls(cluster: Cluster, state: Placement) -> Iterator[Shortfall]:
    """Yield every rule about load that a state breaks, node by node."""
    for node, it in enumerate(cluster.nodes):
        if it.offline:
            continue
        memory = unallocated_memory(cluster, state, node)
        if memory <= 0:
            yield Shortfall(Rule.MEMORY, node, memory, 1)
        disk = free_disk(cluster, state, node)
        if disk <= 0:
            yield Shortfall(Rule.DISK, node, disk, 1)
        limit, used = cpu_limit(cluster, node), used_cpus(cluster, state, node)
        if limit is not None and used > limit:
            yield Shortfall(Rule.CPU, node, limit, used)
        for peer in range(len(cluster.nodes)):
            need = failover_need(cluster, state, node, peer)
            if need and memory <= need:
                yield Shortfall(Rule.N_PLUS_1, node, memory, need, peer=peer)
        counts = Counter(
            tag
            for instance, (primary, _) in zip(cluster.instances, state, strict=True)
            if primary == node and not instance.forthcoming
            for tag in exclusion_tags(cluster, instance)
        )
        for tag in sorted(counts):
            if counts[tag] > 1:
                yield Shortfall(Rule.EXCLUSION_TAGS, node, 1, counts[tag], tag=tag)


def bad_command(cluster: Cluster, state: Placement, command: Command) -> Iterator[BadCommand]:
    """Yield every rule that a command breaks when it begins in `state`."""
    primary, secondary = state[command.instance]
    target = _target(cluster, state, command)
    if target is None or target == primary or (command.action is Action.REPLACE_DISKS and target == secondary):
        yield BadCommand(Rule.POSSIBLE, target)
        return
    if command.action is Action.REPLACE_DISKS and secondary is None:
        yield BadCommand(Rule.POSSIBLE, target)
        return
    if cluster.nodes[target].offline:
        yield BadCommand(Rule.DRAIN, target)
    if cluster.nodes[target].group != cluster.nodes[primary].group:
        yield BadCommand(Rule.GROUP, target)
    if command.action is not Action.REPLACE_DISKS:
        if not cluster.nodes[primary].offline:
            yield BadCommand(Rule.RESTRICTED_MIGRATION, primary)
        for tag in sorted(refused_migration_tags(cluster, primary, target)):
            yield BadCommand(Rule.MIGRATION_TAGS, target, tag)


def _target(cluster: Cluster, state: Placement, command: Command) -> int | None:
    """Return the node that a command moves the instance or its second copy to, None where there is none."""
    instance = cluster.instances[command.instance]
    if command.action is Action.REPLACE_DISKS:
        return command.node
    if instance.mirror_type is MirrorType.INTERNAL:
        return state[command.instance][1]
    return command.node if instance.mirror_type is MirrorType.EXTERNAL else None


def after(cluster: Cluster, state: Placement, command: Command) -> Placement:
    """Return the state after a possible command."""
    primary, secondary = state[command.instance]
    target = _target(cluster, state, command)
    if target is None:
        return state
    if command.action is Action.REPLACE_DISKS:
        place: tuple[int, int | None] = (primary, target)
    elif cluster.instances[command.instance].mirror_type is MirrorType.INTERNAL:
        place = (target, primary)
    else:
        place = (target, secondary)
    return (*state[: command.instance], place, *state[command.instance + 1 :])


def worse(now: Shortfall, before: tuple[Shortfall, ...]) -> bool:
    """Return whether a node lacks more now than it did before the plan began."""
    for old in before:
        if (old.rule, old.node, old.peer, old.tag) == (now.rule, now.node, now.peer, now.tag):
            return now.need - now.have > old.need - old.have
    return True


def offence_of(
    cluster: Cluster,
    before: tuple[Shortfall, ...],
    state: Placement,
    step: Step,
    rules: AbstractSet[Rule] = STANDARD_RULES,
) -> tuple[Shortfall | BadCommand, ...]:
    """Return all that is wrong with a step taken in `state`; the load is not checked after a command bad in itself.

    The rule that a command must be possible always applies.
    """
    rules = rules | {Rule.POSSIBLE}
    bad = tuple(reason for reason in bad_command(cluster, state, step.command) if reason.rule in rules)
    if bad:
        return bad
    short = shortfalls(cluster, after(cluster, state, step.command))
    return tuple(reason for reason in short if reason.rule in rules and worse(reason, before))


def first_offence(cluster: Cluster, plan: Plan, rules: AbstractSet[Rule] = STANDARD_RULES) -> Offence | None:
    """Find the first bad step of a plan whose commands run in the order written; None if it is safe."""
    state = placement(cluster)
    before = tuple(shortfalls(cluster, state))
    steps = plan.steps
    for index, step in enumerate(steps):
        reasons = offence_of(cluster, before, state, step, rules)
        if reasons:
            return Offence(steps[: index + 1], reasons)
        state = after(cluster, state, step.command)
    return None
