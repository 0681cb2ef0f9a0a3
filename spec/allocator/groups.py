"""Choosing the group of a new instance, and placing several: what the requests allocate and multi-allocate decide.

Every group is tried separately, with the whole cluster's state and score. Groups that lack a network of the instance
are left out. Of the groups with a solution that take new instances, preferred ones come before last-resort ones, then
lower scores, then later groups.

Source: Ganeti's design documents on node groups and networks; the answers of hail 3.0.2.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from spec.allocator.candidates import Outcome
from spec.allocator.cluster import AllocPolicy, Group
from spec.allocator.placement import NoTargets, Targets, candidates, try_all
from spec.allocator.requests import Limits, NewInstance
from spec.allocator.state import Placed, State

_PREFERENCE = {AllocPolicy.PREFERRED: 0, AllocPolicy.LAST_RESORT: 1, AllocPolicy.UNALLOCABLE: 2}

Try = Callable[[State, Placed, Targets, int, Limits], Outcome]
"""How candidates are tried on a state: by the score, or with another metric."""


@dataclass(frozen=True, slots=True)
class GroupReport:
    """The result of trying one group: an outcome, or the reason why nothing could be tried."""

    group: int
    outcome: Outcome | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class GroupChoice:
    """The choice among groups.

    Attributes:
        group: the chosen one, None where there is no solution.
        outcome: its outcome.
        reports: the result of every group tried, in order.
        disconnected: groups left out since they lack a network.
        allowed: how many groups could have been tried.
    """

    group: int | None
    outcome: Outcome | None
    reports: tuple[GroupReport, ...] = ()
    disconnected: tuple[int, ...] = ()
    allowed: int = 0


def groups_in_use(state: State) -> list[int]:
    """Return the groups that have nodes, in order."""
    return sorted({node.node.group for node in state.nodes.values()})


def best_group(
    state: State,
    groups: Sequence[Group],
    new: Placed,
    required: int,
    limits: Limits,
    *,
    allowed: Sequence[int] | None = None,
    attempt: Try = try_all,
    within_group: bool = False,
) -> GroupChoice:
    """Try an instance in every allowed group.

    Args:
        state: the whole cluster.
        groups: all groups.
        new: the instance.
        required: how many nodes it needs.
        limits: as for one group.
        allowed: the groups to consider, None for all.
        attempt: how candidates are tried.
        within_group: judge each group on its own state instead of the whole cluster's.
    """
    considered = [group for group in groups_in_use(state) if allowed is None or group in allowed]
    reports: list[GroupReport] = []
    disconnected: list[int] = []
    for group in considered:
        if groups[group].missing_networks(new.instance):
            disconnected.append(group)
            continue
        nodes = {index: node for index, node in state.nodes.items() if node.node.group == group}
        here = replace(state, nodes=nodes) if within_group else state
        try:
            targets = candidates(nodes, groups, required, limits)
            reports.append(GroupReport(group, attempt(here, new, targets, required, limits)))
        except (NoTargets, ValueError) as error:
            reports.append(GroupReport(group, None, str(error)))

    def rank(report: GroupReport) -> tuple[int, Any]:
        best = report.outcome.best if report.outcome else None
        return _PREFERENCE[groups[report.group].alloc_policy], best.metric if best else None

    solved = [
        report
        for report in reversed(reports)
        if report.outcome is not None
        and report.outcome.best is not None
        and groups[report.group].alloc_policy is not AllocPolicy.UNALLOCABLE
    ]
    found = min(solved, key=rank, default=None)
    return GroupChoice(
        found.group if found else None,
        found.outcome if found else None,
        tuple(reports),
        tuple(disconnected),
        len(considered),
    )


def one_group(
    state: State,
    groups: Sequence[Group],
    group: int,
    new: Placed,
    required: int,
    *,
    limits: Limits,
    attempt: Try = try_all,
) -> GroupReport:
    """Try an instance in one group, on the group's own state and score.

    Raises:
        NoTargets: there are no candidates; the text is Ganeti's.
        ValueError: neither one nor two nodes are required.
    """
    nodes = {index: node for index, node in state.nodes.items() if node.node.group == group}
    instances = {index: held for index, held in state.instances.items() if held.instance.primary in nodes}
    targets = candidates(nodes, groups, required, limits)
    return GroupReport(group, attempt(State(nodes, instances), new, targets, required, limits))


def is_for_one_group(new: Sequence[NewInstance]) -> str | None:
    """Return the group that all new instances are bound to, None where there is no single one."""
    named = {item.group for item in new if item.group is not None}
    return named.pop() if len(named) == 1 else None
