"""A node's refusals, compiled from the table of conditions: one function for each role, forced or not.

The definition is `spec.allocator.accounts` with the table of `spec.allocator.admission`. A plain search calls these
functions several times for each candidate, so each condition becomes one comparison of attributes, without look-ups.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import groupby
from math import inf
from typing import TYPE_CHECKING, TypeAlias

from spec.allocator.admission import AS_PRIMARY, AS_SECONDARY, Condition, Figure, Only
from spec.allocator.arithmetic import ratio
from spec.allocator.decisions import FailMode

if TYPE_CHECKING:
    from htools.model.instance import InstanceModel
    from htools.model.node import NodeModel

Question: TypeAlias = "Callable[[NodeModel, InstanceModel, int, bool], FailMode | None]"
"""Node, instance, position of its primary, whether its disks are on the node already → the reason of a refusal."""

_FIGURES = {
    Figure.MEMORY: "vm.used_memory",
    Figure.FAILOVER_MEMORY: "vm.failover_memory",
    Figure.FREE_MEMORY: "node.free_memory",
    Figure.RESERVED: "node.reserved",
    Figure.RESERVED_AFTER: "max(node.reserved, node.need_of(primary) + vm.failover_memory)",
    Figure.DISK: "vm.disk",
    Figure.FREE_DISK: "node.free_disk",
    Figure.LEAST_DISK: "node.low_disk",
    Figure.SPINDLES: "(inf if vm.spindles is None else vm.spindles)",
    Figure.FREE_SPINDLES: "node.free_spindles",
    Figure.SPINDLE_USE: "(0.0 if node.exclusive else node.spindle_use + vm.spindle_use)",
    Figure.MOST_SPINDLE_USE: "node.high_spindles",
    Figure.CORES: "ratio(node.used_cpus + vm.vcpus, node.total_cpus)",
    Figure.MOST_CORES: "node.vcpu_ratio",
    Figure.CLASHES: "(node.clashes(vm) if vm.exclusion_tags else 0)",
    Figure.COPIES_MISSING: "(0 if vm.mirrored else 1)",
    Figure.NOTHING: "0",
}
_PLANNED = _FIGURES | {
    Figure.MEMORY: "vm.memory",
    Figure.FREE_MEMORY: "node.planned_free_memory",
    Figure.FREE_DISK: "node.planned_free_disk",
    Figure.FREE_SPINDLES: "node.planned_free_spindles",
    Figure.SPINDLE_USE: "(0.0 if node.exclusive else node.planned_spindle_use + vm.spindle_use)",
    Figure.CORES: "ratio(node.planned_used_cpus + vm.vcpus, node.total_cpus)",
}
_ONLY = {
    Only.LOCAL_DISKS: "vm.local",
    Only.EXCLUSIVE: "node.exclusive",
    Only.LIMITED_CORES: "node.vcpu_ratio >= 0",
    Only.REDUNDANT: "not node.n1_failed",
    Only.NEW_DISKS: "not disks_there",
}


def _comparison(condition: Condition) -> str:
    figures = _PLANNED if condition.planned else _FIGURES
    kept = "" if condition.kept is None else f" - {figures[condition.kept]}"
    sign = ">=" if condition.strict else ">"
    return f"{figures[condition.need]} {sign} {figures[condition.room]}{kept}"


def _lines(conditions: Iterable[Condition]) -> Iterator[str]:
    """Yield the lines for conditions in order; neighbouring conditions on local disks share one test for them."""
    for local, alike in groupby(conditions, lambda condition: Only.LOCAL_DISKS in condition.only):
        if local:
            yield f"if {_ONLY[Only.LOCAL_DISKS]}:"
        for condition in alike:
            parts = [_ONLY[only] for only in condition.only if only is not Only.LOCAL_DISKS]
            parts.append(_comparison(condition))
            yield f"{'    ' * local}if {' and '.join(parts)}:"
            yield f"{'    ' * local}    return {condition.mode.name}"


def _source(conditions: tuple[Condition, ...], *, force: bool) -> str:
    asked = [condition for condition in conditions if not (force and condition.soft)]
    body = ["if not vm.forthcoming:"]
    body += [f"    {line}" for line in _lines(condition for condition in asked if not condition.planned)]
    body += _lines(condition for condition in asked if condition.planned)
    return "\n".join(["def refusal(node, vm, primary, disks_there):", *(f"    {line}" for line in body)])


def compiled(conditions: tuple[Condition, ...], *, force: bool) -> Question:
    """Return the function that finds the first condition that a node does not meet.

    Args:
        conditions: those of one role.
        force: whether soft conditions are left out.
    """
    names: dict[str, object] = {mode.name: mode for mode in FailMode} | {"inf": inf, "ratio": ratio}
    exec(compile(_source(conditions, force=force), f"<{__name__}>", "exec"), names)  # noqa: S102 - our own table
    question: Question = names["refusal"]  # type: ignore[assignment]
    return question


PRIMARY = {force: compiled(AS_PRIMARY, force=force) for force in (False, True)}
SECONDARY = {force: compiled(AS_SECONDARY, force=force) for force in (False, True)}


@cache
def _values(*, planned: bool) -> "Callable[[NodeModel, InstanceModel, int], dict[Figure, float]]":
    items = (_PLANNED if planned else _FIGURES).items()
    source = f"lambda node, vm, primary: {{{', '.join(f'Figure.{figure.name}: {text}' for figure, text in items)}}}"
    values: Callable[[NodeModel, InstanceModel, int], dict[Figure, float]]
    values = eval(source, {"Figure": Figure, "inf": inf, "ratio": ratio})  # noqa: S307 - our own table
    return values


def figures_of(node: "NodeModel", vm: "InstanceModel", primary: int, *, planned: bool) -> dict[Figure, float]:
    """Return the figures that conditions compare, to explain a refusal."""
    return _values(planned=planned)(node, vm, primary)


def circumstances(node: "NodeModel", vm: "InstanceModel", *, disks_there: bool = False) -> set[Only]:
    """Return the circumstances that hold here; a condition applies if all of its own do."""
    names = {"node": node, "vm": vm, "disks_there": disks_there}
    return {only for only, text in _ONLY.items() if eval(text, names)}  # noqa: S307 - our own table
