"""Which instances fit on which nodes: needs of rows against rooms of columns, for a block at a time.

The conditions are those of `htools.model.node`, each turned into a need that must be below a room; what is not asked of
an instance is an infinitely small need. Memory kept for fail-over depends on row and column together.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from htools.balance.candidates import Candidates

if TYPE_CHECKING:
    from htools.balance.arrays import Bools, Floats, Ints


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
        # What is not asked of an instance is an infinitely small need, which every node meets.
        none = -np.inf
        self.real_failover: Floats = np.where(exists, self.failover, none)
        self.real_used: Floats = np.where(exists, self.used, none)
        self.real_disk: Floats = np.where(exists & local, vms.disk[rows], none)
        self.real_use: Floats = np.where(exists & local, vms.spindle_use[rows], none)
        self.real_vcpus: Floats = np.where(exists, self.vcpus, none)
        self.real_spindles: Floats = np.where(exists & local, vms.spindles[rows], none)
        self.disk: Floats = np.where(local, vms.disk[rows], none)
        self.use: Floats = np.where(local, vms.spindle_use[rows], none)
        self.spindles: Floats = np.where(local, vms.spindles[rows], none)
        self.exists = exists
        self.as_primary, self.as_secondary = parent.as_primary[:, rows], parent.as_secondary[:, rows]

    def _fits(self, pairs: "list[tuple[Floats, Floats, bool]]") -> "Bools":
        """Whether each row's need is below each target's room: `(need, room, equality allowed)` for each resource."""
        fits: Bools = np.ones((len(self.rows), len(self.targets)), dtype=bool)
        for need, room, equal in pairs:
            largest, least = need.max(initial=-np.inf), room.min(initial=np.inf)
            if largest < least or (equal and largest <= least):
                continue
            fits &= need[:, None] <= room if equal else need[:, None] < room
        return fits

    def _primary_fits(self, *, force: bool) -> "Bools":
        """Whether the targets can run the instances."""
        nodes, at = self.nodes, self.targets
        free, disk = nodes.free[at], nodes.free_disk[at]
        if force:
            pairs = [(self.real_used, free, False), (self.real_disk, disk, False)]
        else:
            memory = np.where(nodes.failed[at], free, free - nodes.reserved[at])
            low = np.maximum(nodes.low_disk[at], 1.0)
            pairs = [
                (self.real_used, memory, False),
                (self.real_disk, disk - low, True),
                (self.real_use, nodes.spindle_room[at], True),
                (self.real_vcpus, nodes.cpu_room[at], True),
                (self.memory, nodes.planned_free[at], False),
                (self.disk, nodes.planned_free_disk[at] - low, True),
                (self.use, nodes.planned_spindle_room[at], True),
                (self.vcpus, nodes.planned_cpu_room[at], True),
            ]
        self._spindle_pairs(pairs, force=force)
        fits = self._fits(pairs)
        tags = self.parent.tags
        if not force and tags.joining is not None and tags.exclusion is not None:
            fits &= (tags.joining[tags.exclusion[self.rows][:, None], at] == 0) | ~self.exists[:, None]
        return fits

    def _spindle_pairs(self, pairs: "list[tuple[Floats, Floats, bool]]", *, force: bool) -> None:
        if self.parent.exclusive:
            pairs.append((self.real_spindles, self.nodes.free_spindles[self.targets], True))
            if not force:
                pairs.append((self.spindles, self.nodes.planned_free_spindles[self.targets], True))

    def _secondary_fits(self, *, force: bool) -> "Bools":
        """Whether the targets can mirror the instances, apart from what N+1 asks."""
        nodes, at = self.nodes, self.targets
        if force:
            pairs = [(self.real_disk, nodes.free_disk[at], False)]
        else:
            low = np.maximum(nodes.low_disk[at], 1.0)
            pairs = [
                (self.real_disk, nodes.free_disk[at] - low, True),
                (self.real_use, nodes.spindle_room[at], True),
                (self.real_failover, nodes.free[at], False),
                (self.disk, nodes.planned_free_disk[at] - low, True),
                (self.use, nodes.planned_spindle_room[at], True),
                (self.failover, nodes.planned_free[at], False),
            ]
        self._spindle_pairs(pairs, force=force)
        return self._fits(pairs)

    def _chosen(self, forced: "Bools", fits: "Callable[..., Bools]") -> "Bools":
        """The verdict with force for the rows that have it."""
        if self.soft or forced.all():
            return fits(force=True)
        if not forced.any():
            return fits(force=False)
        chosen: Bools = np.where(forced[:, None], fits(force=True), fits(force=False))
        return chosen

    def _n1_room(self, needs: "Floats", forced: "Bools") -> "Bools":
        """Whether mirroring keeps N+1 on the targets, where that is asked: `needs` are theirs for the new primary."""
        nodes, at = self.nodes, self.targets
        free = nodes.free[at]
        keeps: Bools = nodes.failed[at] | ((free > nodes.reserved[at]) & (needs + self.real_failover[:, None] < free))
        return keeps | (forced | ~self.exists)[:, None]

    def _hosted_by_secondary(self, forced: "Bools", reserved: "Floats") -> "Bools":
        """Whether the secondary can run the instance (its reserve without it being `reserved`)."""
        nodes, at = self.nodes, self.secondary
        free = nodes.free[at] - self.used
        hard = ((free > 0) & (nodes.free_disk[at] > 0)) | ~self.exists
        low = np.maximum(nodes.low_disk[at], 1.0)
        strict = (
            (nodes.free_disk[at] >= low)
            & (nodes.spindle_room[at] >= 0)
            & ((free > reserved) | (nodes.free[at] <= reserved))
            & (self.vcpus <= nodes.cpu_room[at])
        )
        tags = self.parent.tags
        if tags.joining is not None and tags.exclusion is not None:
            strict &= tags.joining[tags.exclusion[self.rows], at] == 0
        planned = (
            (self.memory < nodes.planned_free[at])
            & (nodes.planned_free_disk[at] >= low)
            & (nodes.planned_spindle_room[at] >= 0)
            & (self.vcpus <= nodes.planned_cpu_room[at])
        )
        if self.parent.exclusive:
            hard &= (nodes.free_spindles[at] >= 0) | ~self.exists
            planned &= nodes.planned_free_spindles[at] >= 0
        fits: Bools = hard & (forced | ((strict | ~self.exists) & planned))
        return fits

    def _mirrored_by(self, at: "Ints", forced: "Bools", free: "Floats", planned_free: "Floats") -> "Bools":
        """Whether a node that the instance just left can mirror it, apart from N+1 and from free disk at all."""
        nodes = self.nodes
        low = np.maximum(nodes.low_disk[at], 1.0)
        strict = (nodes.free_disk[at] >= nodes.low_disk[at]) & (nodes.spindle_room[at] >= 0) & (self.failover < free)
        planned = (
            (nodes.planned_free_disk[at] >= low)
            & (nodes.planned_spindle_room[at] >= 0)
            & (self.failover < planned_free)
        )
        hard = np.ones(len(at), dtype=bool)
        if self.parent.exclusive:
            hard &= (nodes.free_spindles[at] >= 0) | ~self.exists
            planned &= nodes.planned_free_spindles[at] >= 0
        fits: Bools = hard & (forced | ((strict | ~self.exists) & planned))
        return fits
