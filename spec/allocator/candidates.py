"""One candidate for a new instance: what placing it on one node or on a pair comes to, and which candidate is best.

`spec.allocator.placement` lists the candidates, `spec.allocator.redundancy` asks here where an instance of a failed
node can be created again.

Source: Ganeti's answers.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from spec.allocator.accounts import add_primary, add_secondary
from spec.allocator.decisions import FailMode, Refusal
from spec.allocator.policy import policy_failure
from spec.allocator.requests import Limits
from spec.allocator.score import score
from spec.allocator.state import NodeState, Placed, State
from spec.allocator.statistics import Statistic, replaced, score_of


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

    Soft limits of the secondary bind even where soft errors are ignored, as in Ganeti.
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
