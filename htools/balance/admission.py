"""Which instances fit on which nodes: the table of conditions for a block of instances and nodes at a time.

The definition is `spec.allocator.admission`. Instances are rows, target nodes are columns. All conditions on one need
become one comparison with the smallest of their rooms; a strict one is written as "at most the room less one", since
figures are whole numbers. Where a condition does not apply to an instance, its need is −∞. Memory kept for fail-over
and exclusion tags depend on row and column together.
"""

from collections.abc import Iterable
from functools import reduce
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from htools.balance.move_scores import Candidates
from htools.model.arrays import PLANNED_ROOMS, ROOMS
from spec.allocator.admission import AS_PRIMARY, AS_SECONDARY, Condition, Figure, Limit, Only, condition_for

if TYPE_CHECKING:
    from htools.model.arrays import Bools, Floats, Ints

_Figures: TypeAlias = "dict[Figure, Floats | float]"

_ROOMS = ROOMS | {Figure.MOST_SPINDLE_USE: "spindle_room", Figure.MOST_CORES: "cpu_room"}
"""The column of each room; for spindle use and cores it is what is left below the limit."""
_PLANNED_ROOMS = PLANNED_ROOMS | {
    Figure.MOST_SPINDLE_USE: "planned_spindle_room",
    Figure.MOST_CORES: "planned_cpu_room",
}
_BY_COUNT = (_ROOMS, _PLANNED_ROOMS)
"""Rooms for conditions that count existing instances, and for those that count forthcoming ones too."""

_STORAGE = {Figure.DISK, Figure.SPINDLES, Figure.SPINDLE_USE}
"""Needs that a node's figures include already when its own instance is accounted again."""
_PAIRWISE = {Figure.CLASHES, Figure.RESERVED_AFTER}
"""Needs that depend on instance and node together."""


class Role:
    """The conditions of one role, sorted for vectors. That an instance has a second copy is tested elsewhere.

    Attributes:
        storage: conditions on disks and spindles.
        others: the other conditions, without the one on redundancy.
        hard: those of them that hold for forced moves too.
        by_need: for unforced and for forced moves: need, whether it counts forthcoming instances, and its conditions.
        tags: the condition on exclusion tags, None where the role has none.
        redundancy: the condition that keeps N+1.
    """

    def __init__(self, conditions: tuple[Condition, ...]) -> None:
        asked = [each for each in conditions if each.need is not Figure.COPIES_MISSING]
        self.storage = [each for each in asked if each.need in _STORAGE]
        self.others = [each for each in asked if each.need not in {*_STORAGE, Figure.RESERVED_AFTER}]
        self.hard = [each for each in self.others if not each.soft]
        self.by_need = (_grouped(asked), _grouped(each for each in asked if not each.soft))
        self.tags = next((each for each in conditions if each.need is Figure.CLASHES), None)
        self.redundancy = condition_for(conditions, Limit.N_PLUS_1)


def _grouped(conditions: Iterable[Condition]) -> list[tuple[Figure, bool, list[Condition]]]:
    groups: dict[tuple[Figure, bool], list[Condition]] = {}
    for each in conditions:
        if each.need not in _PAIRWISE:
            groups.setdefault((each.need, each.planned), []).append(each)
    return [(need, planned, group) for (need, planned), group in groups.items()]


PRIMARY, SECONDARY = Role(AS_PRIMARY), Role(AS_SECONDARY)


class Rooms:
    """A block of instances (rows) and target nodes (columns), and which of them fit together."""

    def __init__(self, parent: Candidates, rows: "Ints", targets: "Ints") -> None:
        self.parent, self.rows, self.targets = parent, rows, targets
        self.rules, self.soft = parent.rules, parent.rules.ignore_soft
        nodes, vms = parent.nodes, parent.vms
        self.nodes, self.vms = nodes, vms
        self.primary, self.secondary = vms.primary[rows], vms.secondary[rows]
        self.on_primary, self.on_secondary = parent.online[self.primary], parent.online[self.secondary]
        self.real = vms.real[rows]
        exists = self.real > 0
        local = vms.local[rows]
        self.used, self.failover = vms.used_memory[rows], vms.failover_memory[rows]
        self.memory, self.vcpus = vms.memory[rows], vms.vcpus[rows]
        # Where a condition does not apply to an instance its need is −∞, which every node meets.
        none = -np.inf
        planned: dict[Figure, Floats] = {
            Figure.MEMORY: self.memory,
            Figure.FAILOVER_MEMORY: self.failover,
            Figure.DISK: np.where(local, vms.disk[rows], none),
            Figure.SPINDLES: np.where(local, vms.spindles[rows], none),
            Figure.SPINDLE_USE: np.where(local, vms.spindle_use[rows], none),
            Figure.CORES: self.vcpus,
        }
        existing = planned | {Figure.MEMORY: self.used}
        if parent.forthcoming:
            existing = {figure: np.where(exists, need, none) for figure, need in existing.items()}
        self.needs = (existing, planned)
        self.real_failover: Floats = existing[Figure.FAILOVER_MEMORY]
        self.exists = exists
        self._known: dict[tuple[Role, bool], Bools] = {}
        self.as_primary, self.as_secondary = parent.as_primary[:, rows], parent.as_secondary[:, rows]

    def _nodes(self, each: Condition) -> "dict[Figure, Floats]":
        """Return the figures that a condition reads, of all nodes of the model."""
        names = _BY_COUNT[each.planned]
        figures = {each.room: getattr(self.nodes, names[each.room])}
        if each.kept is not None:
            figures[each.kept] = getattr(self.nodes, names[each.kept])
        return figures

    def _least_rooms(self, role: Role, *, force: bool) -> "list[tuple[Figure, bool, Floats]]":
        """Return for each need the largest value that each node still takes; computed once a round."""
        found = self.parent.rooms.get((role, force))
        if found is None:
            found = self.parent.rooms[role, force] = [
                (need, planned, reduce(np.minimum, map(self._whole_room, conditions)))
                for need, planned, conditions in role.by_need[force]
                if need is not Figure.SPINDLES or self.parent.exclusive
            ]
        return found

    def _whole_room(self, each: Condition) -> "Floats":
        """Return the largest whole need that each node has room for."""
        nodes = self._nodes(each)
        room = nodes[each.room] - 1.0 if each.strict else nodes[each.room]
        if each.kept is not None:
            room = room - nodes[each.kept]
        return np.where(self.nodes.n1_failed, np.inf, room) if Only.REDUNDANT in each.only else room

    def _fits(self, role: Role, *, force: bool) -> "Bools":
        """Return whether each target takes each instance in this role, the N+1 reserve of a secondary left aside."""
        if (role, force) not in self._known:
            self._known[role, force] = self._find_fits(role, force=force)
        return self._known[role, force]

    def _find_fits(self, role: Role, *, force: bool) -> "Bools":
        fits: Bools = np.ones((len(self.rows), len(self.targets)), dtype=bool)
        for figure, planned, rooms in self._least_rooms(role, force=force):
            need, room = self.needs[planned][figure], rooms[self.targets]
            if need.max(initial=-np.inf) > room.min(initial=np.inf):
                fits &= need[:, None] <= room
        tags = self.parent.tags
        alone = role.tags
        if alone is not None and not (force and alone.soft) and tags.joining is not None and tags.exclusion is not None:
            clashes = tags.joining[tags.exclusion[self.rows][:, None], self.targets]
            fits &= ~(alone.refused({Figure.CLASHES: clashes, Figure.NOTHING: 0.0}) & self.exists[:, None])
        return fits

    def _chosen(self, forced: "Bools", role: Role) -> "Bools":
        """Return whether targets take instances in this role, the rows of `forced` as forced moves."""
        if self.soft or forced.all():
            return self._fits(role, force=True)
        if not forced.any():
            return self._fits(role, force=False)
        chosen: Bools = np.where(forced[:, None], self._fits(role, force=True), self._fits(role, force=False))
        return chosen

    def _keeps_n1(self, reserve: "Floats", free: "Floats", *excused: "Bools") -> "Bools":
        """Return whether mirroring keeps N+1 where it must. Arrays are bool or float64, [rows] or [rows, targets].

        Args:
            reserve: MiB that the node keeps for fail-over with the instance.
            free: its free memory, MiB.
            excused: where N+1 need not be kept.
        """
        keeps: Bools = SECONDARY.redundancy.met({Figure.RESERVED_AFTER: reserve, Figure.FREE_MEMORY: free})
        for where in excused:
            keeps |= where
        return keeps

    def _targets_keep_n1(self, reserve: "Floats", forced: "Bools") -> "Bools":
        """Return the same for the targets, which then keep `reserve` MiB: float64[rows, targets]."""
        nodes, at = self.nodes, self.targets
        return self._keeps_n1(reserve, nodes.free_memory[at], nodes.n1_failed[at], (forced | ~self.exists)[:, None])

    # -- one node for each instance, which has its disks and spindles already --------------------------------------

    def _storage_refused(self, role: Role) -> "Bools":
        """Find nodes of the model that refuse for lack of disk or spindles; computed once a round.

        Returns:
            bool[4, nodes]: hard where disks are not there already, hard, soft, soft with forthcoming instances.
        """
        found = self.parent.refused.get(role)
        if found is None:
            found = self.parent.refused[role] = np.zeros((4, len(self.nodes.index)), dtype=bool)
            for each in role.storage:
                if Only.EXCLUSIVE not in each.only or self.parent.exclusive:
                    row = 3 if each.planned else 2 if each.soft else 0 if Only.NEW_DISKS in each.only else 1
                    found[row] |= each.refused(self._nodes(each) | {each.need: 0.0})
        return found

    def _met(
        self,
        role: Role,
        at: "Ints",
        figures: tuple[_Figures, _Figures],
        forced: "Bools | None",
        *,
        redundant: "Bools | None" = None,
        disks_there: "Bools | None" = None,
    ) -> "Bools":
        """Return whether each node meets the conditions for its instance, the N+1 reserve of a secondary left aside.

        Args:
            role: the role.
            at: intp[rows], the nodes.
            figures: for conditions other than those on storage: without and with forthcoming instances.
            forced: where soft conditions are left out; None: everywhere.
            redundant: where N+1 must be kept.
            disks_there: where free disk is not needed.
        """
        new, hard, soft, later = self._storage_refused(role).take(at, axis=1)
        hard |= new if disks_there is None else new & ~disks_there
        for each in role.others if forced is not None else role.hard:
            refused = each.refused(figures[each.planned])
            if redundant is not None and Only.REDUNDANT in each.only:
                refused = refused & redundant
            found = later if each.planned else soft if each.soft else hard
            found |= refused
        strict = np.zeros(1, dtype=bool) if forced is None else ~forced
        met: Bools = ~(((hard | (soft & strict)) & self.exists) | (later & strict))
        return met

    def _hosted_by_secondary(self, forced: "Bools", reserved: "Floats") -> "Bools":
        """Return whether the secondary can run the instance; without it, it keeps `reserved` MiB for fail-over."""
        nodes, at, tags = self.nodes, self.secondary, self.parent.tags
        free = nodes.free_memory[at]
        real: _Figures = {
            Figure.MEMORY: self.used,
            Figure.FREE_MEMORY: free,
            Figure.RESERVED: reserved,
            Figure.CORES: self.vcpus,
            Figure.MOST_CORES: nodes.cpu_room[at],
            Figure.CLASHES: 0.0,
            Figure.NOTHING: 0.0,
        }
        if tags.joining is not None and tags.exclusion is not None:
            real[Figure.CLASHES] = tags.joining[tags.exclusion[self.rows], at]
        planned: _Figures = {
            Figure.MEMORY: self.memory,
            Figure.FREE_MEMORY: nodes.planned_free_memory[at],
            Figure.CORES: self.vcpus,
            Figure.MOST_CORES: nodes.planned_cpu_room[at],
        }
        return self._met(PRIMARY, at, (real, planned), forced, redundant=free > reserved)

    def _mirrored_by(
        self,
        at: "Ints",
        forced: "Bools",
        free: "Floats",
        planned_free: "Floats",
        *,
        disks_there: "Bools | None" = None,
    ) -> "Bools":
        """Return whether a node that the instance just left can mirror it, N+1 left aside; `free` is its memory."""
        real: _Figures = {Figure.FAILOVER_MEMORY: self.failover, Figure.FREE_MEMORY: free}
        planned: _Figures = {Figure.FAILOVER_MEMORY: self.failover, Figure.FREE_MEMORY: planned_free}
        return self._met(SECONDARY, at, (real, planned), forced, disks_there=disks_there)

    def _stays(self) -> "Bools":
        """Return whether the primary meets the hard conditions when its instance is removed and added again."""
        figures: tuple[_Figures, _Figures] = ({Figure.NOTHING: 0.0}, {Figure.NOTHING: 0.0})
        for each in PRIMARY.hard:
            nodes = {} if each.room is Figure.NOTHING else self._nodes(each)
            figures[each.planned].update({figure: values[self.primary] for figure, values in nodes.items()})
            figures[each.planned][each.need] = 0.0
        return self._met(PRIMARY, self.primary, figures, None)
