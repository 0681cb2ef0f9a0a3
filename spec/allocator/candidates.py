"""One candidate for a new instance: the result of placing it on one node or on a pair, and the best candidate.

`spec.allocator.placement` lists the candidates; `spec.allocator.redundancy` uses this to create an instance of a failed
node again.

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
    """The result of all candidates: how many failed for each reason, how many did not, and the best of these."""

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
    """Place an instance on two nodes; the metric is the score of the statistics `before` with both replaced.

    Soft limits of the secondary apply even where soft errors are ignored, as in Ganeti.
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
    """Return the state with an allocation added; the new instance's position is the number of instances before."""
    position = len(state.instances)

    def named(indices: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(position if index < 0 else index for index in indices)

    changed = {}
    for node in allocation.nodes:
        ledger = replace(node.real, primaries=named(node.real.primaries), secondaries=named(node.real.secondaries))
        changed[node.index] = replace(node, real=ledger)
    return State({**state.nodes, **changed}, {**state.instances, position: allocation.placed})


def chosen(tried: Iterable[Allocation | FailMode], good: Callable[[Allocation], bool]) -> Outcome:
    """Choose the best good allocation; better ones (all, if none is good) count as failing global N+1."""
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
