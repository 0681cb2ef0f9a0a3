"""Answer iallocator requests: new instances are placed by the score here, other requests by the specification.

The twin of `spec.allocator.iallocator` and, for the choice of a group, of `spec.allocator.groups`. Candidates are tried
in vectors where that is faster, else one by one.

Source: man hail(1); the answers of hail 3.0.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from htools.formatting.numbers import fixed
from htools.iallocator.wording import (
    description,
    disconnected_message,
    group_message,
    metric_text,
    response,
    selected,
    unconnected_group_error,
)
from htools.limits import ALLOCATION_CANDIDATES
from htools.model.cluster import Model
from htools.model.instance import InstanceModel
from htools.placement.outcomes import (
    Allocation,
    NoTargets,
    Outcome,
    Targets,
    candidates,
    new_model,
    with_allocation,
)
from htools.placement.plain_placer import PlainPlacer
from spec.allocator.cluster import AllocPolicy, Cluster, Group
from spec.allocator.requests import (
    Allocate,
    Limits,
    MultiAllocate,
    NewInstance,
    Request,
)


class Failed(Exception):  # noqa: N818 - an answer, not an error
    """The request has no solution; the text is that of the answer."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The line of an answer, and the model after it."""

    line: str
    model: Model


def outcome_text(outcome: Outcome) -> str:
    """Describe the outcome of trying a group."""
    best = None
    if outcome.best is not None:
        metric = outcome.best.metric
        text = metric_text(metric) if isinstance(metric, tuple) else fixed(metric, 8)
        best = (text, [node.name for node in outcome.best.nodes])
    return description(outcome.failures, outcome.successes, best)


class _Tries(Protocol):
    """An object that tries candidates."""

    def try_all(self, vm: InstanceModel, targets: Targets, required: int, limits: Limits) -> Outcome:
        """Try every candidate."""


class _Allocator:
    """Places new instances in turn, by the score."""

    def __init__(self, cluster: Cluster, model: Model, limits: Limits) -> None:
        self._groups = cluster.groups
        self._cluster = cluster
        self._limits = limits
        self.model = model

    def _placer(self, model: Model) -> "_Tries":
        """Return the object that tries candidates on a model: with vectors where they are faster."""
        count = len(model.nodes) * (len(model.nodes) - 1)
        if count < ALLOCATION_CANDIDATES:
            return PlainPlacer(model, self._groups, soft=self._limits.ignore_soft)
        from htools.placement.vector_placer import Placer

        return Placer(model, self._groups, soft=self._limits.ignore_soft)

    def place(self, new: NewInstance, limits: Limits) -> tuple[str, Outcome]:
        """Place one instance; the text describes what was tried.

        Raises:
            Failed: no group could be chosen.
        """
        if new.group is not None:
            return self._in_group(new, limits)
        messages: list[str] = []
        outcomes: list[tuple[int, Outcome]] = []
        vm = new_model(new.instance, self._cluster)
        placer = self._placer(self.model)
        reports: list[str] = []
        for group in sorted({node.group for node in self.model.nodes.values()}):
            known = self._groups[group]
            if known.missing_networks(new.instance):
                messages.append(disconnected_message(known, new.instance.name))
                continue
            nodes = [node for node in self.model.nodes.values() if node.group == group]
            try:
                targets = candidates(nodes, self._groups, new.nodes, limits)
                outcome = placer.try_all(vm, targets, new.nodes, limits)
            except (NoTargets, ValueError) as error:
                reports.append(group_message(known, str(error), error=True))
                continue
            outcomes.append((group, outcome))
            reports.append(group_message(known, outcome_text(outcome)))
        messages += reports
        chosen = best_group(self._groups, outcomes)
        if chosen is None:
            raise Failed(", ".join(messages))
        group, outcome = chosen
        self._take(outcome)
        return selected(self._groups[group], messages), outcome

    def _take(self, outcome: Outcome) -> None:
        if outcome.best is not None:
            self.model = with_allocation(self.model, outcome.best)

    def _in_group(self, new: NewInstance, limits: Limits) -> tuple[str, Outcome]:
        named = [index for index, group in enumerate(self._groups) if new.group in {group.name, group.uuid}]
        if len(named) != 1:
            raise Failed(f"Wrong number of elems found with name {new.group}")
        group = named[0]
        if self._groups[group].missing_networks(new.instance):
            raise Failed(unconnected_group_error(self._groups[group], new.instance.name))
        part = self.model.group(group)
        try:
            targets = candidates(part.nodes.values(), self._groups, new.nodes, limits)
            outcome = self._placer(part).try_all(new_model(new.instance, self._cluster), targets, new.nodes, limits)
        except (NoTargets, ValueError) as error:
            raise Failed(str(error)) from None
        self._take(outcome)
        if outcome.best is not None:  # from here on Ganeti's model has only the nodes of this group
            self.model = Model(self.model.group(group).nodes, self.model.instances)
        return group_message(self._groups[group], outcome_text(outcome)), outcome


def best_group(groups: Sequence[Group], outcomes: Sequence[tuple[int, Outcome]]) -> tuple[int, Outcome] | None:
    """Return the best group with a solution: preferred ones first, then the lower metric, then the later group."""
    order = list(AllocPolicy)
    best: tuple[tuple[int, float], int, Outcome] | None = None
    for group, outcome in reversed(outcomes):
        policy = groups[group].alloc_policy
        if outcome.best is None or policy is AllocPolicy.UNALLOCABLE:
            continue
        rank = (order.index(policy), outcome.best.metric)
        if best is None or rank < best[0]:
            best = (rank, group, outcome)
    return None if best is None else (best[1], best[2])


def _names(allocation: Allocation) -> list[str]:
    return [node.name for node in allocation.nodes]


def _allocate(cluster: Cluster, model: Model, request: Allocate, limits: Limits) -> Answered:
    if limits.only_nodes is None:
        limits = replace(limits, only_nodes=request.restricted_to)
    allocator = _Allocator(cluster, model, limits)
    info, outcome = allocator.place(request.new, limits)
    if outcome.best is None:
        raise Failed(info)
    # The new instance is saved before the others, and has position -1 on its nodes, as in Ganeti.
    instances = {-1: outcome.best.vm, **model.instances}
    after = Model({**model.nodes, **{node.index: node for node in outcome.best.nodes}}, instances)
    if request.new.group is not None:
        group = outcome.best.nodes[0].group
        after = Model({index: node for index, node in after.nodes.items() if node.group == group}, after.instances)
    return Answered(response(success=True, info=info, result=_names(outcome.best)), after)


def _allocate_many(cluster: Cluster, model: Model, request: MultiAllocate, limits: Limits) -> Answered:
    allocator = _Allocator(cluster, model, limits)
    done, failed = [], []
    for new in request.new:
        info, outcome = allocator.place(new, limits)
        if outcome.best is None:
            failed.append([new.instance.name, info])
        else:
            done.append([new.instance.name, _names(outcome.best)])
    text = f"{len(failed)} instances failed to allocate and {len(done)} were allocated successfully"
    return Answered(response(success=True, info=text, result=[done, failed]), allocator.model)


def is_dedicated(model: Model, groups: Sequence[Group], request: Allocate | MultiAllocate) -> bool:
    """Return whether lost opportunities count instead of the score: all nodes concerned use exclusive storage."""
    news = (request.new,) if isinstance(request, Allocate) else request.new
    named = {new.group for new in news if new.group is not None}
    only = next(iter(named)) if len(named) == 1 else None
    asked = {
        index
        for index, group in enumerate(groups)
        if (group.alloc_policy is not AllocPolicy.UNALLOCABLE if only is None else group.name == only)
    }
    return all(node.exclusive or node.group not in asked for node in model.nodes.values())


def answer(
    cluster: Cluster, model: Model, request: Request, limits: Limits, tags: Sequence[str] | None = None
) -> Answered:
    """Answer a request; `tags` are the cluster's tags in the request, where another cluster is given."""
    tagged = cluster if tags is None else replace(cluster, tags=tuple(tags))
    try:
        if isinstance(request, Allocate | MultiAllocate) and not is_dedicated(model, cluster.groups, request):
            if isinstance(request, Allocate):
                return _allocate(tagged, model, request, limits)
            return _allocate_many(tagged, model, request, limits)
    except Failed as failure:
        return Answered(response(success=False, info=str(failure), result=[]), model)
    from htools.iallocator.as_specified import answer_as_specified, model_after
    from htools.iallocator.fast_paths import quick_means

    means = quick_means(cluster.groups, len(cluster.nodes))
    line, state = answer_as_specified(cluster, request, limits, tagged.tags, means)
    return Answered(line, model_after(model, state))
