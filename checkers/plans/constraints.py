"""A plan over a cluster as z3 constraints: which commands are done, where the instances are then, what is broken.

The unknown is a cut: one boolean a command, true when it is done. The order of the plan is a set of implications
between them, so a cut is exactly a state that the plan can go through. Each command of an instance is a transition
between two pairs of integers (its primary and secondary before and after); the cut selects the pair that holds;
sums over the selected pairs say what every node has left; and each rule that can be broken is one named boolean.
Instances that no command touches are constants. Nothing here walks through states: that is `spec.plans.safety`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import Any

import z3

from spec.allocator.admission import AS_PRIMARY, AS_SECONDARY, Limit, condition_for
from spec.allocator.cluster import Cluster, DiskTemplate, Instance, MirrorType
from spec.plans.model import Action, Plan, Rule, Shortfall, Step
from spec.plans.safety import (
    cpu_limit,
    exclusion_tags,
    free_disk,
    placement,
    refused_migration_tags,
    shortfalls,
    unallocated_memory,
    used_cpus,
)

NOWHERE = -1
"""The secondary of an instance that has none."""


class Order(Enum):
    """Which states of a plan are examined."""

    WRITTEN = "as written"
    """One command after the other, as the plan is written."""
    ANY = "any order"
    """Every interleaving of the jobs of a set; sets one after the other."""


@dataclass(slots=True)
class Moved:
    """An instance that commands of the plan move.

    Attributes:
        instance: what it is.
        position: its position in the cluster.
        steps: positions of its commands in the plan's steps.
        places: the pairs (primary, secondary) before the first command, after the first, ….
        nodes: every node that it can ever be on.
        primary: the primary that holds in the cut.
        secondary: the secondary that holds in the cut.
    """

    instance: Instance
    position: int
    steps: list[int] = field(default_factory=list)
    places: list[tuple[Any, Any]] = field(default_factory=list)
    nodes: set[int] = field(default_factory=set)
    primary: Any = None
    secondary: Any = None

    def runs_on(self, node: int) -> Any:
        """Return whether `node` is its primary in the cut: a z3 boolean."""
        return self.primary == node

    def has_disk_on(self, node: int) -> Any:
        """Return whether it has disks on `node` in the cut: a z3 boolean."""
        if self.instance.disk_template is DiskTemplate.DRBD:
            return z3.Or(self.primary == node, self.secondary == node)
        return self.primary == node


CONDITIONS = {
    Rule.MEMORY: condition_for(AS_PRIMARY, Limit.MEMORY),
    Rule.DISK: condition_for(AS_PRIMARY, Limit.DISK),
    Rule.CPU: condition_for(AS_PRIMARY, Limit.CORES),
    Rule.N_PLUS_1: condition_for(AS_SECONDARY, Limit.N_PLUS_1),
    Rule.EXCLUSION_TAGS: condition_for(AS_PRIMARY, Limit.TAGS),
}
"""The admission condition of each rule about load, applied to the instances that a node has already."""

_SOMETHING_LEFT = frozenset({Rule.MEMORY, Rule.DISK})
"""Rules under which at least one MiB must be left."""

Fault = tuple[Rule, int, int | None, str | None]
"""A rule about load that can be broken: the rule, the node, the peer (n+1), the tag (exclusion tags)."""


class Constraints:
    """The constraints of one question about one plan.

    Attributes:
        steps: the plan's steps.
        done: one z3 boolean a step.
        assertions: what holds in every cut of the plan.
        faults: a named boolean for every rule about load that some node could break, with its meaning.
        bad_steps: for every step, z3 conditions under which the command itself is bad, by rule.
    """

    def __init__(self, cluster: Cluster, plan: Plan, rules: AbstractSet[Rule], order: Order) -> None:
        self.cluster = cluster
        self.rules = frozenset(rules) | {Rule.POSSIBLE}
        self.steps = plan.steps
        self.done = [z3.Bool(f"done {index}") for index in range(len(self.steps))]
        self.assertions: list[Any] = []
        self.faults: dict[Fault, Any] = {}
        self.bad_steps: dict[tuple[int, Rule], Any] = {}
        self._moved = self._make_moved()
        self._order(order)
        for moved in self._moved.values():
            self._transitions(moved)
        self._loads()

    def _make_moved(self) -> dict[int, Moved]:
        found: dict[int, Moved] = {}
        for index, step in enumerate(self.steps):
            position = step.command.instance
            instance = self.cluster.instances[position]
            moved = found.setdefault(position, Moved(instance, position))
            moved.steps.append(index)
            moved.nodes |= {instance.primary}
            moved.nodes |= {node for node in (instance.secondary, step.command.node) if node is not None}
        return found

    def _order(self, order: Order) -> None:
        """Define the cuts: a command is done only if all that must come before it is done."""
        for index, (earlier, later) in enumerate(pairwise(self.steps)):
            if order is Order.WRITTEN or _same_job(earlier, later):
                self.assertions.append(z3.Implies(self.done[index + 1], self.done[index]))
        if order is Order.WRITTEN:
            return
        by_set: dict[int, list[int]] = defaultdict(list)
        for index, step in enumerate(self.steps):
            by_set[step.job_set].append(index)
        sets = list(by_set.values())
        for before, after in pairwise(sets):
            everything = z3.And([self.done[index] for index in before])
            self.assertions.extend(z3.Implies(self.done[index], everything) for index in after)

    def _transitions(self, moved: Moved) -> None:
        """Tie each place of an instance to the one before, and select the place that the cut leaves it at."""
        names = [
            (z3.Int(f"p {moved.position} {m}"), z3.Int(f"s {moved.position} {m}")) for m in range(len(moved.steps) + 1)
        ]
        moved.places = list(names)
        secondary = NOWHERE if moved.instance.secondary is None else moved.instance.secondary
        self.assertions += [names[0][0] == moved.instance.primary, names[0][1] == secondary]
        for (old, new), index in zip(pairwise(names), moved.steps, strict=True):
            target = self._transition(moved, index, old, new)
            self._bad_command(moved, index, old, target)
        moved.primary, moved.secondary = names[0]
        for (primary, second), index in zip(names[1:], moved.steps, strict=True):
            moved.primary = z3.If(self.done[index], primary, moved.primary)
            moved.secondary = z3.If(self.done[index], second, moved.secondary)

    def _transition(self, moved: Moved, index: int, old: tuple[Any, Any], new: tuple[Any, Any]) -> Any:
        """Add what one command does to an instance's place; return the node that it moves something to."""
        command = self.steps[index].command
        node = z3.IntVal(NOWHERE if command.node is None else command.node)
        if command.action is Action.REPLACE_DISKS:
            self.assertions += [new[0] == old[0], new[1] == node]
            return node
        if moved.instance.mirror_type is MirrorType.INTERNAL:
            self.assertions += [new[0] == old[1], new[1] == old[0]]
            return old[1]
        target = node if moved.instance.mirror_type is MirrorType.EXTERNAL else z3.IntVal(NOWHERE)
        self.assertions += [new[0] == target, new[1] == old[1]]
        return target

    def _bad_command(self, moved: Moved, index: int, old: tuple[Any, Any], target: Any) -> None:
        """Name the conditions under which a command is bad in itself."""
        primary, secondary = old
        nodes = self.cluster.nodes
        migrates = self.steps[index].command.action is not Action.REPLACE_DISKS
        impossible = [target == NOWHERE, target == primary]
        if not migrates:
            impossible += [target == secondary, secondary == NOWHERE]
        bad = {Rule.POSSIBLE: z3.Or(impossible)}
        offline = [node for node in moved.nodes if nodes[node].offline]
        bad[Rule.DRAIN] = _one_of(target, offline)
        bad[Rule.GROUP] = z3.Or(
            [
                z3.And(primary == source, target == node)
                for source in moved.nodes
                for node in moved.nodes
                if nodes[source].group != nodes[node].group
            ]
        )
        if migrates:
            bad[Rule.RESTRICTED_MIGRATION] = z3.Not(_one_of(primary, offline))
            bad[Rule.MIGRATION_TAGS] = z3.Or(
                [
                    z3.And(primary == source, target == node)
                    for source in moved.nodes
                    for node in moved.nodes
                    if refused_migration_tags(self.cluster, source, node)
                ]
            )
        for rule, condition in bad.items():
            if rule in self.rules:
                self.bad_steps[index, rule] = condition

    def _loads(self) -> None:
        """Define what every node counted has left, and name the rules that it could break."""
        before = {
            _key(short): short.need - short.have - (short.rule in _SOMETHING_LEFT)
            for short in shortfalls(self.cluster, placement(self.cluster))
        }
        nothing = z3.IntVal(0)
        for node, it in enumerate(self.cluster.nodes):
            here = [moved for moved in self._moved.values() if node in moved.nodes and not moved.instance.forthcoming]
            if it.offline or not here:
                continue
            memory = self._memory_left(node, here)
            self._fault((Rule.MEMORY, node, None, None), before, nothing, memory)
            self._fault((Rule.DISK, node, None, None), before, nothing, self._disk_left(node, here))
            limit = cpu_limit(self.cluster, node)
            if limit is not None:
                self._fault((Rule.CPU, node, None, None), before, self._cpus_used(node, here), z3.IntVal(limit))
            for peer in range(len(self.cluster.nodes)):
                need = self._failover_need(node, peer, here)
                if need is not None:
                    self._fault((Rule.N_PLUS_1, node, peer, None), before, need, memory)
            for tag, count in self._tagged(node, here):
                self._fault((Rule.EXCLUSION_TAGS, node, None, tag), before, count - 1, nothing)

    def _memory_left(self, node: int, here: Iterable[Moved]) -> Any:
        using = [moved for moved in here if moved.instance.uses_memory]
        base = unallocated_memory(self.cluster, placement(self.cluster), node)
        base += sum(moved.instance.memory for moved in using if moved.instance.primary == node)
        return base - _total((moved.runs_on(node), moved.instance.memory) for moved in using)

    def _disk_left(self, node: int, here: Iterable[Moved]) -> Any:
        using = [moved for moved in here if moved.instance.uses_local_storage]
        base = free_disk(self.cluster, placement(self.cluster), node)
        base += sum(moved.instance.disk for moved in using if node in moved.instance.nodes)
        return base - _total((moved.has_disk_on(node), moved.instance.disk) for moved in using)

    def _cpus_used(self, node: int, here: Iterable[Moved]) -> Any:
        using = [moved for moved in here if moved.instance.online]
        base = used_cpus(self.cluster, placement(self.cluster), node)
        base -= sum(moved.instance.vcpus for moved in using if moved.instance.primary == node)
        return base + _total((moved.runs_on(node), moved.instance.vcpus) for moved in using)

    def _failover_need(self, node: int, peer: int, here: Iterable[Moved]) -> Any | None:
        """Return what `node` needs when `peer` fails, None if that is nothing in every cut."""
        if peer == node:
            return None
        fixed = sum(
            instance.memory
            for position, instance in enumerate(self.cluster.instances)
            if position not in self._moved
            and (instance.primary, instance.secondary) == (peer, node)
            and instance.uses_secondary_memory
            and not instance.forthcoming
        )
        using = [moved for moved in here if peer in moved.nodes and moved.instance.uses_secondary_memory]
        if not fixed and not using:
            return None
        terms = [(z3.And(moved.primary == peer, moved.secondary == node), moved.instance.memory) for moved in using]
        return fixed + _total(terms)

    def _tagged(self, node: int, here: Iterable[Moved]) -> Iterator[tuple[str, Any]]:
        """Yield every exclusion tag of an instance that may come here, and how many with that tag run here."""
        tagged = [(moved, exclusion_tags(self.cluster, moved.instance)) for moved in here]
        for tag in sorted({tag for _, tags in tagged for tag in tags}):
            fixed = sum(
                instance.primary == node and tag in exclusion_tags(self.cluster, instance)
                for position, instance in enumerate(self.cluster.instances)
                if position not in self._moved and not instance.forthcoming
            )
            yield tag, fixed + _total((moved.runs_on(node), 1) for moved, tags in tagged if tag in tags)

    def _fault(self, key: Fault, before: dict[Fault, int], need: Any, room: Any) -> None:
        """Name the boolean "this is broken, and worse than before the plan"."""
        if key[0] not in self.rules:
            return
        name = z3.Bool("fault " + " ".join(str(part) for part in key))
        asked = CONDITIONS[key[0]]
        short = asked.refused({asked.need: need, asked.room: room})
        if key[0] is Rule.N_PLUS_1:
            short = z3.And(need > 0, short)
        if key in before:
            short = z3.And(short, need - room > before[key])
        self.assertions.append(name == short)
        self.faults[key] = name

    def something_broken(self) -> Any:
        """Return whether the cut breaks a rule about load, or includes a command that is bad in itself."""
        bad = [z3.And(self.done[index], condition) for (index, _), condition in self.bad_steps.items()]
        return z3.And(z3.Or(self.done), z3.Or([*self.faults.values(), *bad])) if self.done else z3.BoolVal(False)


def _same_job(one: Step, other: Step) -> bool:
    return (one.job_set, one.job) == (other.job_set, other.job)


def _one_of(value: Any, numbers: Iterable[int]) -> Any:
    return z3.Or([value == number for number in numbers])


def _total(terms: Iterable[tuple[Any, int]]) -> Any:
    """Return the sum of the weights whose condition holds."""
    return z3.Sum([z3.IntVal(0), *(z3.If(condition, weight, 0) for condition, weight in terms)])


def _key(short: Shortfall) -> Fault:
    return (short.rule, short.node, short.peer, short.tag)
