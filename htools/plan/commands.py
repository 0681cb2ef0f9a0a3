"""The output of moves: the line of each, its commands, its opcodes, and sets of jobs.

`job_sets` cuts the plans of hbal and hsqueeze into sets of jobs; its definition is `spec.allocator.squeeze.job_sets`.

Source: man hbal(1); the moves that hbal 3.0.2 prints, its output of `-C` and of `-X`.
"""

from collections.abc import Iterable, Mapping, Sequence

from htools.formatting.numbers import fixed
from htools.model.cluster import NO_NODE, InstanceModel, NodeModel
from htools.model.moves import Planned
from spec.allocator.decisions import MoveKind


def _steps(planned: Planned, primary: str, secondary: str) -> tuple[tuple[str, ...], str]:
    """Return the letters of the steps, and the new secondary that a replacement names."""
    match planned.move.kind:
        case MoveKind.FAILOVER:
            return ("f",), ""
        case MoveKind.FAILOVER_TO_ANY:
            return (f"fa:{primary}",), ""
        case MoveKind.FAILOVER_AND_REPLACE:
            return ("f", f"r:{secondary}"), secondary
        case MoveKind.REPLACE_SECONDARY:
            return (f"r:{secondary}",), secondary
        case MoveKind.REPLACE_AND_FAILOVER:
            return (f"r:{primary}", "f"), primary
        case MoveKind.REPLACE_PRIMARY:
            return ("f", f"r:{primary}", "f"), primary


def steps_of(planned: Planned, nodes: Mapping[int, NodeModel]) -> str:
    """Return the letters of the steps with the nodes' short names."""
    after = planned.after
    secondary = "" if after.secondary == NO_NODE else nodes[after.secondary].alias
    return " ".join(_steps(planned, nodes[after.primary].alias, secondary)[0])


def commands(planned: Planned, primary: str, secondary: str, name: str) -> list[str]:
    """Return the gnt-instance commands of a move, without `gnt-instance`."""
    verb = "migrate" if planned.before.instance.running else "failover"
    if planned.move.kind is MoveKind.FAILOVER_TO_ANY:
        return [f"{verb} -f -n {primary} {name}"]
    steps, new = _steps(planned, primary, secondary)
    words = {"f": f"{verb} -f {name}", "r": f"replace-disks -n {new} {name}"}
    return [words[step[0]] for step in steps]


def opcodes(planned: Planned, nodes: Mapping[int, NodeModel]) -> tuple[dict[str, object], ...]:
    """Return the opcodes of a move: one job."""
    from htools.plan.opcodes import failover, migrate, replace_secondary

    name = planned.before.name
    moving = failover if planned.before.forthcoming else migrate
    primary = nodes[planned.after.primary].name
    secondary = nodes[planned.after.secondary].name if planned.after.secondary != NO_NODE else ""
    if planned.move.kind is MoveKind.FAILOVER_TO_ANY:
        return (moving(name, primary),)
    steps, new = _steps(planned, primary, secondary)
    return tuple(moving(name) if step == "f" else replace_secondary(name, new) for step in steps)


def places(planned: Planned, nodes: Mapping[int, NodeModel]) -> tuple[str, ...]:
    """Return the names of the instance's nodes before a move, the primary first."""
    found = (planned.before.primary, planned.before.secondary)
    return tuple(nodes[index].name for index in found if index != NO_NODE)


def line(planned: Planned, position: int, nodes: Mapping[int, NodeModel], node_width: int, name_width: int) -> str:
    """Return the line that shows a move."""

    def pair(vm: InstanceModel) -> str:
        primary = nodes[vm.primary].alias
        return primary if vm.secondary == NO_NODE else f"{primary}:{nodes[vm.secondary].alias}"

    steps = steps_of(planned, nodes)
    width = 2 * node_width + 1
    name = planned.before.alias.ljust(name_width)
    score = fixed(planned.score, 8).rjust(12)
    return (
        f"  {position:3d}. {name} {pair(planned.before):<{width}} => {pair(planned.after):<{width}} {score} a={steps}"
    )


def job_sets(plan: Iterable[Planned]) -> list[list[Planned]]:
    """Cut the plan into sets whose jobs have no node in common; sets are built from the end, as in Ganeti."""
    sets: list[list[Planned]] = []
    touched: frozenset[int] = frozenset()
    for planned in reversed(list(plan)):
        if sets and not touched & planned.involved:
            sets[0].insert(0, planned)
            touched |= planned.involved
        else:
            sets.insert(0, [planned])
            touched = planned.involved
    return sets


def script(sets: Sequence[Sequence[Planned]], nodes: Mapping[int, NodeModel], *, full_names: bool = False) -> str:
    """Return the commands of all job sets as shell lines; `full_names` writes instances with their domain."""
    lines = []
    for number, jobs in enumerate(sets, 1):
        lines += ["", f"echo jobset {number}, {len(jobs)} jobs"]
        for job, planned in enumerate(jobs, 1):
            after = planned.after
            secondary = "" if after.secondary == NO_NODE else nodes[after.secondary].alias
            lines += [f"  echo job {number}/{job}", "  check"]
            name = planned.before.name if full_names else planned.before.alias
            command_lines = commands(planned, nodes[after.primary].alias, secondary, name)
            lines += [f"  gnt-instance {command}" for command in command_lines]
    return "".join(line + "\n" for line in lines)


SCRIPT_HEAD = """#!/bin/sh

# Auto-generated script for executing cluster rebalancing

# To stop, touch the file /tmp/stop-htools

set -e

check() {
  if [ -f /tmp/stop-htools ]; then
    echo 'Stop requested, exiting'
    exit 0
  fi
}

"""
"""The head of a script of commands; the file that stops it is that of Ganeti's hbal."""
