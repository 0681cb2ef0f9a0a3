"""The fast functions of hail, each with the signature of its twin in `spec.allocator.iallocator`."""

from collections.abc import Callable, Sequence

from htools.limits import CLUSTER_NODES
from htools.model.cluster import Model
from htools.model.from_spec import instance_model, model_of, node_model
from htools.placement import redundancy
from htools.placement.outcomes import Allocation, with_allocation
from spec.allocator import candidates
from spec.allocator import placement as plain
from spec.allocator.candidates import Outcome
from spec.allocator.cluster import Group
from spec.allocator.decisions import FailMode
from spec.allocator.evacuation import Searches
from spec.allocator.iallocator import Means
from spec.allocator.placement import Targets
from spec.allocator.requests import Limits
from spec.allocator.state import Placed, State
from spec.allocator.statistics import statistics


class Judge:
    """Checks redundancy after an allocation, only for the nodes whose result the allocation may change.

    Those are the nodes it changes, the nodes with instances mirrored on them, and the nodes with instances that are
    not mirrored, since these may go to any node. For all others the result stays the same.
    """

    def __init__(self, model: Model, groups: Sequence[Group], limits: Limits) -> None:
        self._model, self._groups = model, groups
        self._counted = [node for node in model.nodes.values() if redundancy.counted(node, limits)]
        self._always: set[int] = set()
        self._sources: dict[int, set[int]] = {}
        for node in self._counted:
            for index in node.primaries:
                vm = model.instances[index]
                if vm.mirrored and vm.primary == node.index:
                    self._sources.setdefault(vm.secondary, set()).add(node.index)
                else:
                    self._always.add(node.index)
        self._lacking: set[int] | None = None

    def __call__(self, allocation: Allocation) -> bool:
        """Return whether every node that counts is evacuable after the allocation."""
        concerned = set(self._always)
        for node in allocation.nodes:
            concerned |= self._sources.get(node.index, set()) | {node.index}
        if self._lacking is None:
            self._lacking = {
                node.index
                for node in self._counted
                if node.index not in self._always and not redundancy.evacuable(self._model, self._groups, node)
            }
        if self._lacking - concerned:
            return False
        after = with_allocation(self._model, allocation)
        return all(
            redundancy.evacuable(after, self._groups, after.nodes[node.index])
            for node in self._counted
            if node.index in concerned
        )


def _named(targets: Targets) -> set[int]:
    """Return all nodes that may be tried."""
    return {
        index for target in targets for index in ((target,) if isinstance(target, int) else (target[0], *target[1]))
    }


def _with_offline(state: State, new: Placed, targets: Targets, limits: Limits, judge: Judge | None) -> Outcome:
    """Try candidates as specified, but with `Judge`; the vectors have no offline candidates."""

    def good(allocation: candidates.Allocation) -> bool:
        nodes = tuple(node_model(node) for node in allocation.nodes)
        return judge is None or judge(Allocation(instance_model(allocation.placed), nodes, allocation.metric))

    before = statistics(state.nodes.values())
    singles: list[candidates.Allocation | FailMode] = []
    outcomes: list[Outcome] = []
    for target in targets:
        if isinstance(target, int):
            singles.append(candidates.on_one(state, new, target, limits))
        else:
            pairs = [candidates.on_pair(state, before, new, (target[0], other), limits) for other in target[1]]
            outcomes.append(candidates.chosen(pairs, good))
    return candidates.chosen(singles, good) if singles else plain.joined(outcomes)


def by_score(groups: Sequence[Group]) -> Callable[[State, Placed, Targets, int, Limits], Outcome]:
    """Return a function with the answers of `spec.allocator.placement.try_all` in a cluster of these groups."""

    def try_all(state: State, new: Placed, targets: Targets, required: int, limits: Limits) -> Outcome:
        if not targets or len(state.nodes) < CLUSTER_NODES:
            return plain.try_all(state, new, targets, required, limits)
        from htools.placement.vector_placer import Placer

        model = model_of(state)
        judge = Judge(model, groups, limits) if limits.capacity else None
        if any(model.nodes[index].offline for index in _named(targets)):
            return _with_offline(state, new, targets, limits, judge)
        placer = Placer(model, groups, soft=limits.ignore_soft, judge=judge)
        tried = placer.try_all(instance_model(new), targets, required, limits)
        if tried.best is None:
            return Outcome(tried.failures, tried.successes)
        on = [node.index for node in tried.best.nodes]
        if len(on) == 1:
            best = candidates.on_one(state, new, on[0], limits)
        else:
            best = candidates.on_pair(state, statistics(state.nodes.values()), new, (on[0], on[1]), limits)
        if isinstance(best, FailMode):
            raise AssertionError(f"{new.instance.name} does not fit nodes {on}: {best.value}")  # noqa: TRY004 - our mistake
        return Outcome(tried.failures, tried.successes, best)

    return try_all


def quick_means(groups: Sequence[Group], nodes: int) -> Means:
    """Return the fastest functions for a cluster; with few nodes these are the ones without vectors."""
    from htools.iallocator.dedicated import try_all

    if nodes < CLUSTER_NODES:
        return Means(by_opportunities=try_all)
    from htools.iallocator.evacuation import to_best_node, to_best_pair

    return Means(by_score(groups), try_all, Searches(to_best_node, to_best_pair))
