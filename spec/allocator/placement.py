"""Placing one new instance: which nodes are candidates, which of them is best, and which group.

Every candidate is tried separately. A candidate fails with one reason; of those that succeed the lowest score wins, of
equal ones the last tried. With capacity checks a candidate must also leave the cluster globally N+1 redundant
(`spec.allocator.redundancy`); candidates are then checked in the order of their scores, per primary node, until one is
redundant.

A new instance has index −1 until it is added to a state. Then nodes refer to it by its position, while its own index
stays −1, as Ganeti's answers show.

Source: man hail(1), man hspace(1); Ganeti's design documents on allocation policy and on capacity; Ganeti's answers.

>>> from spec.allocator.example import GROUPS, instance, state
>>> here = state(instance(0), instance(1))
>>> targets = candidates(here.nodes, GROUPS, 1, Limits())
>>> targets
[0, 1, 2]
>>> outcome = try_all(here, Placed(NEW, instance()), targets, 1, Limits())
>>> outcome.successes, outcome.best.placed.instance.primary  # the empty node is best
(3, 2)
>>> huge = try_all(here, Placed(NEW, instance(memory=9000)), targets, 1, Limits())
>>> {mode.value: count for mode, count in huge.failures.items()}
{'FailMem': 3}
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from spec.allocator.candidates import Allocation, Outcome, chosen, on_one, on_pair, with_allocation
from spec.allocator.cluster import AllocPolicy, Group
from spec.allocator.decisions import FailMode
from spec.allocator.redundancy import redundant
from spec.allocator.requests import Limits
from spec.allocator.state import NodeState, Placed, State
from spec.allocator.statistics import statistics

NEW = -1
"""Index of an instance that no state holds yet."""


Targets = Sequence[int] | Sequence[tuple[int, Sequence[int]]]
"""Nodes for one-node placement, or primaries with their possible secondaries."""


class NoTargets(Exception):  # noqa: N818 - an answer, not an error
    """There is no node, or no pair of nodes, to try at all."""


def better(one: Allocation | None, other: Allocation | None) -> Allocation | None:
    """Return the allocation with the lower metric; of equal ones, `other`."""
    if one is None or other is None:
        return other if one is None else one
    return one if one.metric < other.metric else other


def joined(outcomes: Iterable[Outcome]) -> Outcome:
    """Join the outcomes of several primaries."""
    total = Outcome()
    for outcome in outcomes:
        failures = Counter(total.failures)
        failures.update(outcome.failures)
        total = Outcome(failures, total.successes + outcome.successes, better(total.best, outcome.best))
    return total


def candidates(
    nodes: Mapping[int, NodeState], groups: Sequence[Group], required: int, limits: Limits, *, allocable: bool = False
) -> Targets:
    """Return the nodes, or pairs of nodes in one group, to try: online, permitted, in index order.

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
        NoTargets: there are no candidates; the text is Ganeti's.
    """

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
