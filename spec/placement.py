"""Placing one new instance: which nodes can take it, which pair or node is best, and which group.

Every candidate is tried for itself. A candidate fails with one reason; of those that succeed the lowest score wins, and
among equals the last tried. With capacity checks a candidate must also leave the cluster globally N+1 redundant
(`spec.redundancy`); candidates are then looked at from the best score on, per primary node, until one is redundant.

A new instance has index −1 until it is added to a state; then nodes name it by its position, while it goes on naming
itself −1. So does the peer, and its answers show it.

Source: man hail(1), man hspace(1); Ganeti's design documents on allocation policy and on capacity; the peer's answers.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from spec.accounts import add_primary, add_secondary
from spec.cluster import AllocPolicy, Bounds, DiskTemplate, Group, Instance, ISpec, Policy
from spec.decisions import FailMode, Refusal
from spec.requests import Limits
from spec.score import score
from spec.state import NodeState, Placed, State
from spec.statistics import Statistic, replaced, score_of, statistics

NEW = -1
"""Index of an instance that no state holds yet."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """One way to place an instance.

    Attributes:
        placed: the instance on its nodes.
        nodes: the changed nodes, primary first.
        metric: the lower the better: the score, or what dedicated placement compares.
    """

    placed: Placed
    nodes: tuple[NodeState, ...]
    metric: Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """What trying all candidates came to: how many failed for which reason, how many did not, the best of these."""

    failures: Mapping[FailMode, int] = field(default_factory=dict)
    successes: int = 0
    best: Allocation | None = None


Targets = Sequence[int] | Sequence[tuple[int, Sequence[int]]]
"""Nodes for one-node placement, or primaries with their possible secondaries."""


class NoTargets(Exception):  # noqa: N818 - an answer, not an error
    """There is no node, or no pair of nodes, to try at all."""


def _outside(instance: Instance, spec: ISpec, sign: int, *, exclusive: bool) -> FailMode | None:
    """The first size that is below (−1) or above (+1) a specification."""

    def beyond(value: int, bound: int) -> bool:
        return sign * (value - bound) > 0

    spindles = instance.total_spindles if exclusive else instance.spindle_use
    if beyond(instance.memory, spec.memory):
        return FailMode.MEMORY
    if any(beyond(disk.size, spec.disk_size) for disk in instance.disks):
        return FailMode.DISK
    if beyond(instance.vcpus, spec.cpus):
        return FailMode.CPU
    if spindles is None or beyond(spindles, spec.spindle_use):
        return FailMode.SPINDLES
    if instance.disk_template is not DiskTemplate.DISKLESS and beyond(len(instance.disks), spec.disk_count):
        return FailMode.DISK_COUNT
    return None


def policy_failure(instance: Instance, policy: Policy, *, exclusive: bool) -> FailMode | None:
    """Why an instance is against a policy: it must fit one pair of bounds; else the first pair's reason is told."""

    def failure(bounds: Bounds) -> FailMode | None:
        below = _outside(instance, bounds.minimum, -1, exclusive=exclusive)
        return below or _outside(instance, bounds.maximum, +1, exclusive=exclusive)

    reasons = [failure(bounds) for bounds in policy.bounds]
    if reasons and None not in reasons:
        return reasons[0]
    return None if instance.disk_template in policy.disk_templates else FailMode.DISK


def on_one(state: State, new: Placed, target: int, limits: Limits) -> Allocation | FailMode:
    """Place an instance on one node; the whole score is the metric."""
    node = state.nodes[target]
    failure = policy_failure(new.instance, node.policy, exclusive=node.node.exclusive_storage)
    if failure is not None:
        return failure
    runs = add_primary(node, new, ignore_soft=limits.ignore_soft)
    if isinstance(runs, Refusal):
        return runs.mode
    placed = replace(new, instance=replace(new.instance, primary=target, secondary=None))
    return Allocation(placed, (runs,), score(State({**state.nodes, target: runs}, {})))


def on_pair(
    state: State, before: tuple[Statistic, ...], new: Placed, pair: tuple[int, int], limits: Limits
) -> Allocation | FailMode:
    """Place an instance on two nodes; the metric comes of replacing both in the statistics `before`.

    Soft limits of the secondary bind even where soft errors are ignored, as in the peer.
    """
    primary, secondary = state.nodes[pair[0]], state.nodes[pair[1]]
    failure = policy_failure(new.instance, primary.policy, exclusive=primary.node.exclusive_storage)
    if failure is not None:
        return failure
    placed = replace(
        new,
        instance=replace(new.instance, primary=pair[0], secondary=pair[1]),
        location_score=len(primary.location_tags & secondary.location_tags),
    )
    runs = add_primary(primary, placed, ignore_soft=limits.ignore_soft)
    if isinstance(runs, Refusal):
        return runs.mode
    mirrors = add_secondary(secondary, placed, pair[0])
    if isinstance(mirrors, Refusal):
        return mirrors.mode
    after = replaced(replaced(before, primary, runs), secondary, mirrors)
    return Allocation(placed, (runs, mirrors), score_of(after))


def with_allocation(state: State, allocation: Allocation) -> State:
    """The state with an allocation in it; the new instance is named by the number of instances before."""
    position = len(state.instances)

    def named(indices: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(position if index < 0 else index for index in indices)

    changed = {}
    for node in allocation.nodes:
        ledger = replace(node.real, primaries=named(node.real.primaries), secondaries=named(node.real.secondaries))
        changed[node.index] = replace(node, real=ledger)
    return State({**state.nodes, **changed}, {**state.instances, position: allocation.placed})


def chosen(tried: Iterable[Allocation | FailMode], good: Callable[[Allocation], bool]) -> Outcome:
    """The best good allocation; those better than it, or all, count as failing global N+1."""
    failures: Counter[FailMode] = Counter()
    found: list[Allocation] = []
    for result in tried:
        if isinstance(result, FailMode):
            failures[result] += 1
        else:
            found.insert(0, result)
    found.sort(key=lambda allocation: allocation.metric)
    refused = 0
    for allocation in found:
        if good(allocation):
            break
        refused += 1
    if refused:
        failures[FailMode.N1] += refused
    return Outcome(failures, len(found) - refused, found[refused] if refused < len(found) else None)


def better(one: Allocation | None, other: Allocation | None) -> Allocation | None:
    """The allocation with the lower metric, the other one among equals."""
    if one is None or other is None:
        return other if one is None else one
    return one if one.metric < other.metric else other


def joined(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcomes of several primaries taken together."""
    total = Outcome()
    for outcome in outcomes:
        failures = Counter(total.failures)
        failures.update(outcome.failures)
        total = Outcome(failures, total.successes + outcome.successes, better(total.best, outcome.best))
    return total


def candidates(
    nodes: Mapping[int, NodeState], groups: Sequence[Group], required: int, limits: Limits, *, allocable: bool = False
) -> Targets:
    """The nodes, or pairs of nodes in one group, to try: online, permitted, in index order.

    Args:
        nodes: those to choose from.
        groups: all groups of the cluster.
        required: how many nodes the instance needs.
        limits: may name the only nodes permitted.
        allocable: leave out groups that take no new instances.

    Raises:
        ValueError: neither one nor two nodes are required.
    """
    usable = [
        node
        for node in nodes.values()
        if not node.node.offline
        and (not allocable or groups[node.node.group].alloc_policy is not AllocPolicy.UNALLOCABLE)
        and (limits.only_nodes is None or node.node.name in limits.only_nodes)
    ]
    if required == 1:
        return [node.index for node in usable]
    if required != 2:
        raise ValueError("Unsupported number of nodes, only one or two  supported")
    pairs = [
        (p.index, [s.index for s in usable if s.index != p.index and s.node.group == p.node.group]) for p in usable
    ]
    return [pair for pair in pairs if pair[1]]


def try_all(state: State, new: Placed, targets: Targets, required: int, limits: Limits) -> Outcome:
    """Try every candidate on a state.

    Raises:
        NoTargets: there are none; its text is the peer's.
    """
    from spec.redundancy import redundant  # the two define each other: redundancy asks where to recreate instances

    def good(allocation: Allocation) -> bool:
        return not limits.capacity or redundant(with_allocation(state, allocation), limits)

    if not targets:
        raise NoTargets("No online nodes" if required == 1 else "Not enough online nodes")
    before = statistics(state.nodes.values())
    outcomes: list[Outcome] = []
    singles: list[Allocation | FailMode] = []
    for target in targets:
        if isinstance(target, int):
            singles.append(on_one(state, new, target, limits))
        else:
            primary, secondaries = target
            tried = [on_pair(state, before, new, (primary, secondary), limits) for secondary in secondaries]
            outcomes.append(chosen(tried, good))
    return chosen(singles, good) if singles else joined(outcomes)
