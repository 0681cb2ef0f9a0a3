"""Placement on dedicated clusters, where all nodes use exclusive storage: by lost opportunities, not by the score.

For each of the policy's smallest instances, largest disk first, the metric counts how many of them fit on the nodes
used before and no longer after; its last part is the free disk left there. Metrics are compared in that order, and the
lowest is best. Redundancy is not checked.

Source: Ganeti's design document on allocation with exclusive storage; the answers of hail 3.0.2.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from spec.allocator.accounts import add_primary, add_secondary
from spec.allocator.candidates import Allocation, Outcome
from spec.allocator.cluster import (
    AllocPolicy,
    Disk,
    DiskTemplate,
    Group,
    Instance,
    InstanceStatus,
    Policy,
    Utilisation,
)
from spec.allocator.decisions import FailMode, Refusal
from spec.allocator.placement import NEW, NoTargets, Targets, better, joined
from spec.allocator.policy import policy_failure
from spec.allocator.requests import Limits
from spec.allocator.state import NodeState, Placed, State

Metric = tuple[tuple[int, ...], int]
"""Lost opportunities for each test instance, and the free disk afterwards in MiB."""


def is_dedicated(nodes: Iterable[NodeState], groups: Sequence[Group], group: str | None) -> bool:
    """Return whether all nodes of a group (by name), or of all groups that take instances, use exclusive storage."""
    asked = {
        index
        for index, known in enumerate(groups)
        if (known.alloc_policy is not AllocPolicy.UNALLOCABLE if group is None else known.name == group)
    }
    return all(node.node.exclusive_storage or node.node.group not in asked for node in nodes)


def smallest_instances(policy: Policy) -> list[Placed]:
    """Return the smallest instance of each pair of bounds, largest disk first."""
    smallest = sorted((bounds.minimum for bounds in policy.bounds), key=lambda spec: -spec.disk_size)
    disks: tuple[Disk, ...] = ()
    return [
        Placed(
            NEW,
            Instance(
                name="minimalspecinstance",
                memory=spec.memory,
                disk=spec.disk_size,
                vcpus=spec.cpus,
                status=InstanceStatus.RUNNING,
                auto_balance=False,
                primary=0,
                secondary=None,
                disk_template=DiskTemplate.PLAIN,
                disks=disks,
                spindle_use=spec.spindle_use,
                utilisation=Utilisation(),
            ),
        )
        for spec in smallest
    ]


def opportunities(node: NodeState, tests: Iterable[Placed]) -> tuple[int, ...]:
    """Count how often each test instance can be added to a node.

    One that takes nothing fits any number of times, before and after; it counts as 0, so that nothing is lost.
    Ganeti does not terminate on it.
    """

    def times(test: Placed) -> int:
        if not (test.instance.memory or test.instance.disk or test.instance.vcpus):
            return 0
        count, now = 0, node
        while True:
            after = add_primary(now, test)
            if isinstance(after, Refusal):
                return count
            count, now = count + 1, after

    return tuple(times(test) for test in tests)


def _lost(before: NodeState, after: NodeState, tests: list[Placed]) -> tuple[int, ...]:
    pairs = zip(opportunities(before, tests), opportunities(after, tests), strict=True)
    return tuple(one - other for one, other in pairs)


def on_one(state: State, new: Placed, target: int, limits: Limits) -> Allocation | FailMode:
    """Place an instance on one node."""
    node = state.nodes[target]
    failure = policy_failure(new.instance, node.policy, exclusive=node.node.exclusive_storage)
    if failure is not None:
        return failure
    runs = add_primary(node, new, ignore_soft=limits.ignore_soft)
    if isinstance(runs, Refusal):
        return runs.mode
    metric = (_lost(node, runs, smallest_instances(node.policy)), runs.real.free_disk)
    placed = replace(new, instance=replace(new.instance, primary=target, secondary=None))
    return Allocation(placed, (runs,), metric)


def on_pair(state: State, new: Placed, pair: tuple[int, int], limits: Limits) -> Allocation | FailMode:
    """Place an instance on two nodes."""
    primary, secondary = state.nodes[pair[0]], state.nodes[pair[1]]
    failure = policy_failure(new.instance, primary.policy, exclusive=primary.node.exclusive_storage)
    if failure is not None:
        return failure
    placed = replace(new, instance=replace(new.instance, primary=pair[0], secondary=pair[1]))
    runs = add_primary(primary, placed, ignore_soft=limits.ignore_soft)
    if isinstance(runs, Refusal):
        return runs.mode
    mirrors = add_secondary(secondary, placed, pair[0])
    if isinstance(mirrors, Refusal):
        return mirrors.mode
    tests = smallest_instances(primary.policy)
    both = zip(_lost(primary, runs, tests), _lost(secondary, mirrors, tests), strict=True)
    metric = (tuple(one + other for one, other in both), runs.real.free_disk + mirrors.real.free_disk)
    return Allocation(placed, (runs, mirrors), metric)


def _best(tried: Iterable[Allocation | FailMode]) -> Outcome:
    return joined(
        Outcome({result: 1}) if isinstance(result, FailMode) else Outcome(successes=1, best=result) for result in tried
    )


def try_all(state: State, new: Placed, targets: Targets, required: int, limits: Limits) -> Outcome:
    """Try every candidate.

    Raises:
        NoTargets: there are no candidates; the text is Ganeti's.
    """
    if not targets:
        raise NoTargets("No online nodes" if required == 1 else "Not enough online nodes")
    total = Outcome()
    for target in targets:
        if isinstance(target, int):
            outcome = _best([on_one(state, new, target, limits)])
        else:
            outcome = _best(on_pair(state, new, (target[0], secondary), limits) for secondary in target[1])
        best = better(total.best, outcome.best)
        total = joined([total, outcome])
        total = replace(total, best=best)
    return total
