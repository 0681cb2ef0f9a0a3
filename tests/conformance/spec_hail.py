"""hail by the specification alone, with the answers' words: slow, and the same text as the real one's."""

from collections.abc import Sequence
from dataclasses import replace

from htools.answers import (
    description,
    disconnected_message,
    group_message,
    metric_text,
    response,
    selected,
)
from htools.backends.iallocator import parse
from htools.numbers import fixed
from htools.opcodes import failover, migrate, replace_secondary
from spec.answer import Allocated, Answer, Found, Given, Known, NoGroupError, Relocated, RequestError, answer
from spec.cluster import Cluster, Group, Instance
from spec.decisions import Move, MoveKind
from spec.evacuation import Report
from spec.groups import GroupChoice, GroupReport
from spec.placement import Outcome
from spec.requests import Allocate, Limits, MultiAllocate
from spec.state import initial_state


class Words:
    def __init__(self, groups: Sequence[Group]) -> None:
        self.groups = groups
        self.by_opportunities = False

    def outcome(self, outcome: Outcome) -> str:
        best = None
        if outcome.best is not None:
            metric = outcome.best.metric
            text = metric_text(metric) if isinstance(metric, tuple) else fixed(metric, 8)
            best = (text, [node.node.name for node in outcome.best.nodes])
        return description(outcome.failures, outcome.successes, best)

    def report(self, report: GroupReport) -> str:
        group = self.groups[report.group]
        if report.outcome is None:
            return group_message(group, report.error, error=True)
        return group_message(group, self.outcome(report.outcome))

    def choice(self, instance: Instance, choice: GroupChoice) -> list[str]:
        if self.by_opportunities:
            told: dict[int, str] = {report.group: self.report(report) for report in choice.reports}
            for group in choice.disconnected:
                text = f"The group {self.groups[group].name} is not connected to a network required by instance "
                told[group] = group_message(self.groups[group], text + instance.name, error=True)
            return [told[group] for group in sorted(told)]
        messages = [disconnected_message(self.groups[group], instance.name) for group in choice.disconnected]
        return messages + [self.report(report) for report in choice.reports]

    def failure(self, instance: Instance, choice: GroupChoice, allowed: Sequence[int]) -> str:
        if not choice.allowed and not self.by_opportunities:
            listed = ",".join(map(str, allowed))
            names = ",".join(group.name for group in self.groups)
            return f"no groups for evacuation: allowed groups was Just [{listed}], all groups: [{names}]"
        return ", ".join(self.choice(instance, choice))

    def given(self, given: Given) -> str:
        if given.report is not None:
            return self.report(given.report)
        assert given.choice is not None
        assert given.choice.group is not None
        return selected(self.groups[given.choice.group], self.choice(given.new.instance, given.choice))


def jobs(cluster: Cluster, moves: Sequence[Move]) -> list[dict[str, object]]:
    result = []
    for move in moves:
        instance = cluster.instances[move.instance]
        target = None if move.target is None else cluster.nodes[move.target].name
        switch = failover if instance.forthcoming else migrate
        if move.kind is MoveKind.REPLACE_SECONDARY:
            assert target is not None
            result.append(replace_secondary(instance.name, target))
        else:
            result.append(switch(instance.name, target))
    return result


def told(cluster: Cluster, words: Words, result: Answer, *, single: bool) -> str:
    nodes = [node.name for node in cluster.nodes]
    match result:
        case Allocated() if single:
            given = result.given[0]
            best = given.outcome.best if given.outcome else None
            names = [node.node.name for node in best.nodes] if best else []
            return response(success=best is not None, info=words.given(given), result=names)
        case Allocated():
            done, failed = [], []
            for given in result.given:
                best = given.outcome.best if given.outcome else None
                name = given.new.instance.name
                if best:
                    done.append([name, [node.node.name for node in best.nodes]])
                else:
                    plain = result.by_opportunities and given.outcome
                    failed.append([name, words.outcome(plain) if plain else words.given(given)])
            info = f"{len(failed)} instances failed to allocate and {len(done)} were allocated successfully"
            return response(success=True, info=info, result=[done, failed])
        case Found():
            text = words.outcome(result.outcome)
            best = result.outcome.best
            return response(success=best is not None, info=text, result=best.nodes[1].node.name if best else [])
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
                success=True, info=info, result=[moved, failed, [jobs(cluster, job) for job in result.jobs]]
            )


def spec_hail(data: bytes, limits: Limits = Limits(), static_memory: int = 4096) -> str:  # noqa: B008 - frozen
    """The answer to a request."""
    cluster, request = parse(data)
    kvm = [
        replace(n, node_memory=static_memory) if n.hypervisor == "kvm" and static_memory else n for n in cluster.nodes
    ]
    cluster = replace(cluster, nodes=tuple(kvm))
    words = Words(cluster.groups)
    known = Known(cluster.groups, cluster.tags, initial_state(cluster), words.failure)
    try:
        result = answer(known, request, limits)
        words.by_opportunities = isinstance(result, Allocated) and result.by_opportunities
        return told(cluster, words, result, single=isinstance(request, Allocate))
    except NoGroupError as error:
        words.by_opportunities = error.by_opportunities
        assert isinstance(request, Allocate | MultiAllocate)
        instance = (request.new if isinstance(request, Allocate) else request.new[0]).instance
        return response(success=False, info=words.failure(instance, error.choice, ()), result=[])
    except RequestError as error:
        return response(success=False, info=error.reason, result=[])
