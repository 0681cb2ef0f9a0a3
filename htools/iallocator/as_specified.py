"""Answers of hail that the specification computes, and their texts.

These are relocate, node-evacuate, change-group, a secondary for an instance without one, and allocation on dedicated
clusters. Other requests can be answered here too, but slowly; tests do that.
"""

from collections.abc import Sequence

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
from htools.model.cluster import InstanceModel, Model
from htools.plan.opcodes import Opcode, failover, migrate, replace_secondary
from spec.allocator.candidates import Outcome, with_allocation
from spec.allocator.cluster import Cluster, Group, Instance
from spec.allocator.decisions import Move, MoveKind
from spec.allocator.evacuation import Report
from spec.allocator.groups import GroupChoice, GroupReport
from spec.allocator.iallocator import (
    Allocated,
    Answer,
    Found,
    Given,
    Known,
    Means,
    NoGroupError,
    Relocated,
    RequestError,
    answer,
)
from spec.allocator.initial import initial_state
from spec.allocator.requests import Allocate, Limits, MultiAllocate, Request
from spec.allocator.state import State


class _Words:
    """The texts of the outcomes in groups."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self._groups = groups
        self.by_opportunities = False

    def outcome(self, outcome: Outcome) -> str:
        best = None
        if outcome.best is not None:
            metric = outcome.best.metric
            text = metric_text(metric) if isinstance(metric, tuple) else fixed(metric, 8)
            best = (text, [node.node.name for node in outcome.best.nodes])
        return description(outcome.failures, outcome.successes, best)

    def report(self, report: GroupReport) -> str:
        group = self._groups[report.group]
        if report.outcome is None:
            return group_message(group, report.error, error=True)
        return group_message(group, self.outcome(report.outcome))

    def choice(self, instance: Instance, choice: GroupChoice) -> list[str]:
        if self.by_opportunities:
            texts = {report.group: self.report(report) for report in choice.reports}
            for at in choice.disconnected:
                group = self._groups[at]
                texts[at] = group_message(group, unconnected_group_error(group, instance.name), error=True)
            return [texts[group] for group in sorted(texts)]
        messages = [disconnected_message(self._groups[group], instance.name) for group in choice.disconnected]
        return messages + [self.report(report) for report in choice.reports]

    def failure(self, instance: Instance, choice: GroupChoice, allowed: Sequence[int]) -> str:
        if not choice.allowed and not self.by_opportunities:
            listed = ",".join(map(str, allowed))
            names = ",".join(group.name for group in self._groups)
            return f"no groups for evacuation: allowed groups was Just [{listed}], all groups: [{names}]"
        return ", ".join(self.choice(instance, choice))

    def given(self, given: Given) -> str:
        if given.report is not None:
            return self.report(given.report)
        if given.choice is None or given.choice.group is None:
            return ""
        return selected(self._groups[given.choice.group], self.choice(given.new.instance, given.choice))


def _job(cluster: Cluster, moves: Sequence[Move]) -> list[Opcode]:
    opcodes = []
    for move in moves:
        instance = cluster.instances[move.instance]
        target = "" if move.target is None else cluster.nodes[move.target].name
        if move.kind is MoveKind.REPLACE_SECONDARY:
            opcodes.append(replace_secondary(instance.name, target))
        else:
            switch = failover if instance.forthcoming else migrate
            opcodes.append(switch(instance.name, target or None))
    return opcodes


def _allocated(words: _Words, result: Allocated, *, single: bool) -> str:
    if single:
        given = result.given[0]
        best = given.outcome.best if given.outcome else None
        names = [node.node.name for node in best.nodes] if best else []
        return response(success=best is not None, info=words.given(given), result=names)
    done, failed = [], []
    for given in result.given:
        best = given.outcome.best if given.outcome else None
        name = given.new.instance.name
        if best:
            done.append([name, [node.node.name for node in best.nodes]])
        else:
            plain = given.outcome if result.by_opportunities else None
            failed.append([name, words.outcome(plain) if plain else words.given(given)])
    info = f"{len(failed)} instances failed to allocate and {len(done)} were allocated successfully"
    return response(success=True, info=info, result=[done, failed])


def _encode_answer(cluster: Cluster, words: _Words, result: Answer, *, single: bool) -> str:
    nodes = [node.name for node in cluster.nodes]
    match result:
        case Allocated():
            return _allocated(words, result, single=single)
        case Found():
            best = result.outcome.best
            names = best.nodes[1].node.name if best else []
            return response(success=best is not None, info=words.outcome(result.outcome), result=names)
        case Relocated():
            return response(success=True, info="success", result=[nodes[node] for node in result.nodes])
        case Report():
            moved = [
                [cluster.instances[i].name, cluster.groups[group].name, [nodes[node] for node in on]]
                for i, group, on in result.moved
            ]
            failed = [[cluster.instances[i].name, text] for i, text in result.failed]
            info = f"{len(failed)} instances failed to move and {len(moved)} were moved successfully"
            return response(
                success=True, info=info, result=[moved, failed, [_job(cluster, job) for job in result.jobs]]
            )


def _state_after(before: State, result: Answer, *, single: bool) -> State:
    """Return the state after an answer. A single new instance has position −1 and stands first, as in Ganeti."""
    if isinstance(result, Found):
        best = result.outcome.best
        if best is None:
            return before
        instances = {**before.instances, best.placed.index: best.placed}
        return State(with_allocation(before, best).nodes, instances)
    if isinstance(result, Allocated) and single:
        best = result.given[0].outcome.best if result.given[0].outcome else None
        if best is not None:
            nodes = {**result.state.nodes, **{node.index: node for node in best.nodes}}
            return State(nodes, {best.placed.index: best.placed, **before.instances})
    return result.state


def model_after(model: Model, state: State) -> Model:
    """Return the working model with the accounts of a state."""
    nodes = {}
    for index, held in state.nodes.items():
        node = nodes[index] = model.nodes[index].copy()
        real = held.real
        node.primaries, node.secondaries = list(real.primaries), list(real.secondaries)
        node.free_disk, node.free_spindles, node.used_cpus = real.free_disk, real.free_spindles, real.used_cpus
        node.spindle_use = real.spindle_use
        node.load = [real.load.cpu, real.load.memory, real.load.disk, real.load.network]
        node.instance_memory, node.free_memory = held.instance_memory, held.unallocated_memory
        node.peers, node.reserved = list(held.peers), held.reserved_memory
        node.n1_failed = held.n1_failed
        node.tag_counts = dict(held.exclusion_tags)
    instances = {}
    for index, placed in sorted(state.instances.items()):
        vm = instances[index] = InstanceModel(placed.index, placed.instance)
        known = model.instances.get(index)
        vm.alias = vm.name if known is None else known.alias
    return Model(nodes, instances)


def answer_as_specified(
    cluster: Cluster,
    request: Request,
    limits: Limits,
    tags: Sequence[str] | None = None,
    means: Means = Means(),  # noqa: B008 - frozen
) -> tuple[str, State]:
    """Return the answer to a request as one line of JSON, and the state after it.

    `tags` replace the cluster's own tags for new instances; `means` may be faster functions than the specification's.
    """
    words = _Words(cluster.groups)
    before = initial_state(cluster)
    known = Known(cluster.groups, cluster.tags if tags is None else tags, before, words.failure, means)
    try:
        result = answer(known, request, limits)
        words.by_opportunities = isinstance(result, Allocated) and result.by_opportunities
        line = _encode_answer(cluster, words, result, single=isinstance(request, Allocate))
        return line, _state_after(before, result, single=isinstance(request, Allocate))
    except NoGroupError as error:
        words.by_opportunities = error.by_opportunities
        reason = error.reason
        if isinstance(request, Allocate | MultiAllocate):
            reason = words.failure(error.instance, error.choice, ())
        return response(success=False, info=reason, result=[]), before
    except RequestError as error:
        return response(success=False, info=error.reason, result=[]), before
