"""The plan as one JSON object: state, score by component, every move with its gain, and the job sets as opcodes.

`state` is improved, unchanged, empty (there are no nodes) or failed (then `error` says why, and nothing else is there).
The key `job_sets` is what `gantry audit` reads and what `-X` submits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from htools.model.cluster import NO_NODE, InstanceModel, Model, NodeModel
from htools.model.moves import Planned
from htools.plan.commands import commands, job_sets, opcodes, steps_of
from spec.allocator.components import COMPONENTS
from spec.version import VERSION


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a run of hbal.

    Attributes:
        group: the group's name.
        model: its nodes and instances after the plan.
        plan: the moves.
        before, after: the components' values; both empty where no node is online.
        scores: score before, after, and the optimum.
        first_only: report only the first job set.
        nodes_before: the nodes' accounts before, as `accounts` makes them.
    """

    group: str
    model: Model
    plan: Sequence[Planned]
    before: Sequence[float]
    after: Sequence[float]
    scores: tuple[float, float, float]
    first_only: bool = False
    nodes_before: Sequence[Mapping[str, Any]] = ()


def _finite(value: float) -> float | None:
    return value if value - value == 0 else None


def accounts(node: NodeModel) -> dict[str, Any]:
    """Return the accounts of a node that a plan changes: MiB, virtual cores, numbers of instances, the N+1 verdict."""
    return {
        "free_memory": node.free_memory,
        "reserved_memory": node.reserved,
        "n1_failed": node.n1_failed,
        "free_disk": node.free_disk,
        "used_cpus": node.used_cpus,
        "primaries": len(node.primaries),
        "secondaries": len(node.secondaries),
    }


def _node(node: NodeModel, before: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": node.name,
        "offline": node.offline,
        "total_memory": _finite(node.total_memory),
        "total_disk": _finite(node.total_disk),
        "total_cpus": _finite(node.total_cpus),
        "before": before,
        "after": accounts(node),
    }


def _nodes(vm: InstanceModel, nodes: Mapping[int, NodeModel]) -> dict[str, str | None]:
    return {
        "primary": nodes[vm.primary].name,
        "secondary": None if vm.secondary == NO_NODE else nodes[vm.secondary].name,
    }


def _move(planned: Planned, position: int, job_set: int, nodes: Mapping[int, NodeModel]) -> dict[str, Any]:
    after = _nodes(planned.after, nodes)
    command_lines = commands(planned, after["primary"] or "", after["secondary"] or "", planned.before.name)
    return {
        "position": position,
        "instance": planned.before.name,
        "move": planned.move.kind.value,
        "steps": steps_of(planned, nodes),
        "from": _nodes(planned.before, nodes),
        "to": after,
        "score": _finite(planned.score),
        "gain": _finite(planned.gain),
        "job_set": job_set,
        "commands": [f"gnt-instance {command}" for command in command_lines],
    }


def outcome(result: Outcome) -> dict[str, Any]:
    """Return the report as an object."""
    nodes = result.model.nodes
    sets = job_sets(result.plan)
    set_of = {id(planned): number for number, group in enumerate(sets, 1) for planned in group}
    initial, final, optimum = result.scores
    return {
        "program": f"hbal (gantry) {VERSION}",
        "group": result.group,
        "state": "improved" if result.plan else "unchanged",
        "nodes": len(nodes),
        "instances": len(result.model.instances),
        "cluster": [_node(node, before) for node, before in zip(nodes.values(), result.nodes_before, strict=True)],
        "score": {"initial": _finite(initial), "final": _finite(final), "optimum": _finite(optimum)},
        "components": [
            {"name": name, "weight": weight, "initial": _finite(before), "final": _finite(after)}
            for (name, weight, _), before, after in zip(COMPONENTS, result.before, result.after, strict=False)
        ],
        "plan": [_move(move, number, set_of[id(move)], nodes) for number, move in enumerate(result.plan, 1)],
        "job_sets": [
            [list(opcodes(planned, nodes)) for planned in group] for group in sets[: 1 if result.first_only else None]
        ],
    }


def _text(document: dict[str, Any]) -> str:
    import json

    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def text(result: Outcome) -> str:
    """Return the object as text, with a newline at its end."""
    return _text(outcome(result))


def nothing(state: str, **more: str) -> str:
    """Return the text of the object where there is no plan: the cluster is empty, or the program failed."""
    return _text({"program": f"hbal (gantry) {VERSION}", "state": state, **more})
