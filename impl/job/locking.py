"""Locks that an opcode declares, as a table of selectors; and the one request that asks for all of them. Pure.

A unit declares `Take(level, mode, selector…)`; a selector names what to lock, given the opcode and a view of the
configuration. Because a view may be out of date when the locks are granted, the process declares again on the
configuration that it reads *under* the locks, and starts over if more is needed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from impl.cluster.view import ClusterView
from spec.locks.names import BGL, MODE_NAMES, Level, Lock, Mode, lock_name, lockset

Op = Mapping[str, Any]
Selector = Callable[[Op, ClusterView], Iterable[str]]

ALL = "*"
"""What a selector answers for a level's lockset, that is: everything there."""


@dataclass(frozen=True, slots=True)
class Take:
    """Locks of one level to be taken in one mode."""

    level: Level
    mode: Mode
    selectors: tuple[Selector, ...]


Declared = dict[Lock, Mode]
"""Locks and the modes wanted."""


def take(level: Level, mode: Mode, *selectors: Selector) -> Take:
    """Declare locks."""
    return Take(level, mode, selectors)


def declare(takes: Iterable[Take], op: Op, view: ClusterView, *, bgl: Mode = Mode.SHARED) -> Declared:
    """Collect all locks that the declarations name; the stronger mode wins where two name the same lock.

    Args:
        takes: the declarations.
        op: the opcode, with names expanded.
        view: the configuration.
        bgl: how the big lock is wanted: shared by almost everybody.
    """
    wanted: Declared = {BGL: bgl}
    for entry in takes:
        names = [name for selector in entry.selectors for name in selector(op, view)]
        locks = [lockset(entry.level)] if ALL in names else [Lock(entry.level, 1, name) for name in names]
        for lock in locks:
            wanted[lock] = max(wanted.get(lock, entry.mode), entry.mode)
    return wanted


def covers(held: Declared, wanted: Declared) -> bool:
    """Return whether what is held is enough for what is wanted."""

    def covered(lock: Lock, mode: Mode) -> bool:
        whole = held.get(lockset(lock.level), Mode.RELEASE)
        return max(whole, held.get(lock, Mode.RELEASE)) >= mode

    return all(covered(lock, mode) for lock, mode in wanted.items())


def encode(wanted: Declared) -> list[list[str]]:
    """Encode the request as the wire has it, in lock order."""
    return [[lock_name(lock), MODE_NAMES[mode]] for lock, mode in sorted(wanted.items())]


# --- selectors


def instance_named(op: Op, view: ClusterView) -> Iterable[str]:
    """Select the instance that the opcode is about, by name, as locks of instances go."""
    if view.has("instance", op["instance_name"]):
        return [str(view.find("instance", op["instance_name"])["name"])]
    return [str(op["instance_name"])]


def instance_nodes(op: Op, view: ClusterView) -> Iterable[str]:
    """Select the nodes of the instance that the opcode is about."""
    return view.nodes_of(view.find("instance", op["instance_name"]))


def instance_groups(op: Op, view: ClusterView) -> Iterable[str]:
    """Select the groups of the nodes of the opcode's instance."""
    return [str(view.nodes[uuid]["group"]) for uuid in instance_nodes(op, view) if uuid in view.nodes]


def group_nodes(op: Op, view: ClusterView) -> Iterable[str]:
    """Select all nodes of the groups of the opcode's instance."""
    return [uuid for group in instance_groups(op, view) for uuid in view.nodes_of_group(group)]


def node_named(*parameters: str) -> Selector:
    """Make a selector of the nodes that some parameters name, each with one name or a list; missing ones name none."""

    def select(op: Op, view: ClusterView) -> Iterable[str]:
        found: list[str] = []
        for parameter in parameters:
            value = op.get(parameter)
            names = [value] if isinstance(value, str) else value or []
            found.extend(str(view.find("node", name)["uuid"]) for name in names)
        return found

    return select


def group_named(parameter: str = "group_name") -> Selector:
    """Make a selector of the group that a parameter names, if it is known."""

    def select(op: Op, view: ClusterView) -> Iterable[str]:
        name = op.get(parameter)
        return [str(view.find("group", name)["uuid"])] if name and view.has("group", name) else []

    return select


def master(_: Op, view: ClusterView) -> Iterable[str]:
    """Select the master node."""
    return [view.master]


def everything(_: Op, __: ClusterView) -> Iterable[str]:
    """Select the whole level."""
    return [ALL]


def where(
    condition: Callable[[Op, ClusterView], bool], selector: Selector, otherwise: Selector | None = None
) -> Selector:
    """Make a selector that uses one selector or another, depending on the opcode."""

    def select(op: Op, view: ClusterView) -> Iterable[str]:
        if condition(op, view):
            return selector(op, view)
        return [] if otherwise is None else otherwise(op, view)

    return select
