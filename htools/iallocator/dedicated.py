"""Fast placement on dedicated clusters: the answers of `spec.allocator.dedicated.try_all`, with its signature.

In a pair, only one thing depends on both nodes: the memory that the secondary keeps for a failure of the primary. So
each node is tried once as primary, and as secondary once for each value of that memory; a pair adds the two results.
The specification then places the best candidate.
"""

from collections import Counter
from dataclasses import dataclass

from htools.model.cluster import InstanceModel, NodeModel
from htools.model.from_spec import instance_model, node_model
from spec.allocator import dedicated
from spec.allocator.candidates import Allocation, Outcome
from spec.allocator.decisions import FailMode
from spec.allocator.placement import NoTargets, Targets
from spec.allocator.policy import policy_failure
from spec.allocator.requests import Limits
from spec.allocator.state import Placed, State


@dataclass(frozen=True, slots=True)
class _Taken:
    """What a node loses by taking the instance: opportunities for each test instance; and the MiB of disk left."""

    lost: tuple[int, ...]
    free_disk: int


def _times(node: NodeModel, test: InstanceModel) -> int:
    """Return how often a test instance fits, one after the other; 0 for one that takes nothing."""
    if not (test.memory or test.disk or test.vcpus):
        return 0
    now, count = node.copy(), 0
    while now.add_primary(test) is None:
        count += 1
    return count


class _Nodes:
    """The nodes of a state, and what each loses by taking one instance."""

    def __init__(self, state: State, new: Placed, limits: Limits) -> None:
        self._state, self._new, self._soft = state, new, limits.ignore_soft
        self._vm = instance_model(new)
        self._models: dict[int, NodeModel] = {}
        self._tests: dict[int, list[InstanceModel]] = {}
        self._before: dict[tuple[int, int], tuple[int, ...]] = {}
        self._mirrors: dict[tuple[int, int, int], _Taken | FailMode] = {}

    def _model(self, index: int) -> NodeModel:
        if index not in self._models:
            self._models[index] = node_model(self._state.nodes[index])
        return self._models[index]

    def _taken(self, index: int, after: NodeModel, group: int) -> _Taken:
        """Return what a node loses, by the test instances of a group's policy."""
        if group not in self._tests:
            policy = next(node.policy for node in self._state.nodes.values() if node.node.group == group)
            self._tests[group] = [instance_model(test) for test in dedicated.smallest_instances(policy)]
        tests, key = self._tests[group], (index, group)
        if key not in self._before:
            self._before[key] = tuple(_times(self._model(index), test) for test in tests)
        pairs = zip(self._before[key], tests, strict=True)
        return _Taken(tuple(before - _times(after, test) for before, test in pairs), after.free_disk)

    def primary(self, index: int) -> _Taken | FailMode:
        """Return what a node loses as primary."""
        node = self._state.nodes[index]
        failure = policy_failure(self._new.instance, node.policy, exclusive=node.node.exclusive_storage)
        if failure is not None:
            return failure
        runs = self._model(index).copy()
        refusal = runs.add_primary(self._vm, force=self._soft)
        return refusal or self._taken(index, runs, node.node.group)

    def secondary(self, index: int, primary: int) -> _Taken | FailMode:
        """Return what a node loses as secondary of an instance that another node runs."""
        group, node = self._state.nodes[primary].node.group, self._model(index)
        key = (index, node.need_of(primary), group)
        found = self._mirrors.get(key)
        if found is None:
            mirrors = node.copy()
            found = mirrors.add_secondary(self._vm, primary) or self._taken(index, mirrors, group)
            self._mirrors[key] = found
        return found


def try_all(state: State, new: Placed, targets: Targets, required: int, limits: Limits) -> Outcome:
    """Try every candidate.

    Raises:
        NoTargets: there are none; its text is Ganeti's.
    """
    if not targets:
        raise NoTargets("No online nodes" if required == 1 else "Not enough online nodes")
    nodes, failures, successes = _Nodes(state, new, limits), Counter[FailMode](), 0
    best: tuple[dedicated.Metric, int, int | None] | None = None
    for target in targets:
        primary, secondaries = (target, None) if isinstance(target, int) else target
        runs = nodes.primary(primary)
        if isinstance(runs, FailMode):
            failures[runs] += 1 if secondaries is None else len(secondaries)
            continue
        if secondaries is None:
            successes += 1
            single: dedicated.Metric = (runs.lost, runs.free_disk)
            if best is None or not best[0] < single:
                best = (single, primary, None)
            continue
        for secondary in secondaries:
            mirrors = nodes.secondary(secondary, primary)
            if isinstance(mirrors, FailMode):
                failures[mirrors] += 1
                continue
            successes += 1
            lost = tuple(map(int.__add__, runs.lost, mirrors.lost))
            metric: dedicated.Metric = (lost, runs.free_disk + mirrors.free_disk)
            if best is None or not best[0] < metric:
                best = (metric, primary, secondary)
    return Outcome(failures, successes, None if best is None else _placed(state, new, best[1], best[2], limits))


def _placed(state: State, new: Placed, primary: int, secondary: int | None, limits: Limits) -> Allocation:
    """Place the best candidate by the specification."""
    if secondary is None:
        found = dedicated.on_one(state, new, primary, limits)
    else:
        found = dedicated.on_pair(state, new, (primary, secondary), limits)
    if isinstance(found, FailMode):
        wrong = f"{new.instance.name} does not fit nodes {primary} and {secondary}: {found.value}"
        raise AssertionError(wrong)  # noqa: TRY004 - our mistake
    return found
