"""Changes of the score's parts by moves, for a block of instances and targets at a time.

Deviations come from changed sums (see `htools.balance.move_scores`), with a bound on the error of what is computed; the
other parts (N+1, offline nodes, tags, places) are whole numbers.
"""

from typing import TYPE_CHECKING

import numpy as np

from htools.balance.admission import Rooms
from htools.balance.arrays import RESERVED, WEIGHTS
from htools.balance.move_scores import RESERVED_TOTAL, ROUNDING, TAG_CONFLICTS, Candidates
from spec.allocator.decisions import MoveKind

if TYPE_CHECKING:
    from htools.model.arrays import Bools, Floats, Ints


VARIANCE_ROUNDINGS = 128.0
"""Upper limit of the roundings in the terms of a variance, counted in docs/score-bound.md."""


class Changes(Rooms):
    """The changes of the score's parts."""

    def __init__(self, parent: Candidates, rows: "Ints", targets: "Ints") -> None:
        super().__init__(parent, rows, targets)
        self.low: Floats | None = None
        self.high: Floats | None = None
        self.reserve_low: Floats = np.full(len(rows), np.inf)
        self.reserve_high: Floats = np.full(len(rows), -np.inf)
        self.linear_error: Floats = np.zeros(len(rows))
        self.reserve_error: Floats = np.zeros(len(rows))

    def _change(self, at: "Ints", online: "Floats", units: "Floats") -> "tuple[Floats, Floats]":
        """Return the changes of the sums of values and of squares when a node's needs change by `units`."""
        parent = self.parent
        delta = parent.unit[:, at] * units * online
        return delta, delta * (2.0 * parent.value[:, at] + delta)

    def _reserve_change(self, at: "Ints", online: "Floats", reserved: "Floats") -> "tuple[Floats, Floats]":
        """Return the same for the reserved memory, which becomes `reserved` MiB: [rows] or [rows, targets]."""
        parent = self.parent
        value, unit, shift = parent.reserved_value[at], parent.per_memory[at], parent.reference[RESERVED] * online
        if reserved.ndim == 2 and at is not self.targets:
            value, unit, shift = value[:, None], unit[:, None], shift[:, None]
        new = reserved * unit - shift
        delta = new - value
        return delta, delta * (new + value)

    def _deviations(self, delta: "Floats", square: "Floats", units: "Floats") -> "Floats":
        """Return the weighted sum of the linear columns' deviations, float64[rows, targets].

        Args:
            delta: float64[columns, rows], change of the sums by the rows' own nodes.
            square: float64[columns, rows], change of the sums of squares.
            units: float64[columns, rows], change of the targets' values in units.
        """
        parent, count = self.parent, self.parent.count
        s1, s2 = parent.s1[:, None] + delta, parent.s2[:, None] + square
        factors = np.stack((count * s2 - s1 * s1, units, -2.0 * s1 * units, units * units), axis=2)
        variance = np.matmul(factors, parent.factors[:, :, self.targets])
        self._account(variance, delta, square, factors)
        columns, rows, targets = variance.shape
        np.maximum(variance, 0.0, out=variance)
        np.sqrt(variance, out=variance)
        weighted: Floats = (parent.weights / count) @ variance.reshape(columns, rows * targets)
        return weighted.reshape(rows, targets)

    def _deviations_of_rows(self, delta: "Floats", square: "Floats") -> "Floats":
        """Return the same where no target is involved, float64[rows]."""
        parent, count = self.parent, self.parent.count
        s1, s2 = parent.s1[:, None] + delta, parent.s2[:, None] + square
        variance = (count * s2 - s1 * s1)[:, :, None]
        self._account(variance, delta, square, None)
        weighted: Floats = (parent.weights / count) @ np.sqrt(np.maximum(variance[:, :, 0], 0.0))
        return weighted

    def _account(self, variance: "Floats", delta: "Floats", square: "Floats", factors: "Floats | None") -> None:
        """Keep the bounds of the error and of the variances up to date."""
        parent, count = self.parent, self.parent.count
        low, high = variance.min(axis=2, initial=np.inf), variance.max(axis=2, initial=-np.inf)
        sums = np.abs(parent.s1)[:, None] + np.abs(delta)
        size = count * (parent.s2[:, None] + np.abs(square)) + sums * sums
        if factors is not None:
            size = size + (np.abs(factors) * parent.extreme[:, None, :])[:, :, 1:].sum(axis=2)
        error, off = self._error(parent.weights, low, size)
        self.linear_error = np.maximum(self.linear_error, error)
        low, high = low - off, high + off
        if self.low is None or self.high is None:
            self.low, self.high = low, high
        else:
            self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)

    def _error(self, weights: "Floats", low: "Floats", size: "Floats") -> "tuple[Floats, Floats]":
        """Return the rows' error from rounding of variances, and that of each variance (times n²).

        The error of a variance is at most `VARIANCE_ROUNDINGS` roundings of its terms, whose sizes add up to `size`;
        that of its root is at most the root of this, or less where the variance is well above zero.
        """
        off = VARIANCE_ROUNDINGS * ROUNDING * size
        with np.errstate(divide="ignore", invalid="ignore"):
            per_column = np.minimum(np.sqrt(off), off / np.sqrt(np.maximum(low, 0.0)))
        error: Floats = (weights / self.parent.count) @ np.where(off > 0, per_column, 0.0)
        return error, off

    def _reserve_deviation(self, delta: "Floats", square: "Floats") -> "Floats":
        """Return the weighted change of the sum of reserves plus their deviation: [rows] or [rows, targets]."""
        parent, count = self.parent, self.parent.count
        s1, s2 = parent.sums[RESERVED] + delta, parent.squares[RESERVED] + square
        variance = count * s2 - s1 * s1
        flat = variance.reshape(len(self.rows), -1)
        low, high = flat.min(axis=1, initial=np.inf), flat.max(axis=1, initial=-np.inf)
        most = np.abs(square.reshape(len(self.rows), -1)).max(axis=1, initial=0.0)
        sums = abs(parent.sums[RESERVED]) + np.abs(delta.reshape(len(self.rows), -1)).max(axis=1, initial=0.0)
        size = count * (parent.squares[RESERVED] + most) + sums * sums
        weight = np.array([WEIGHTS[RESERVED]])
        error, off = self._error(weight, low[None, :], size[None, :])
        self.reserve_error = np.maximum(self.reserve_error, error)
        self.reserve_low = np.minimum(self.reserve_low, low - off[0])
        self.reserve_high = np.maximum(self.reserve_high, high + off[0])
        deviation: Floats = RESERVED_TOTAL * delta + (WEIGHTS[RESERVED] / count) * np.sqrt(np.maximum(variance, 0.0))
        return deviation

    def _n1_of_rows(self, at: "Ints", online: "Floats", failed: "Bools", change: float) -> "Floats":
        """Return the change of instances on nodes that fail N+1, for the rows' own nodes: [rows] or as `failed`."""
        count, before = (self.nodes.count[at] + change) * online, self.parent.n1[at]
        if failed.ndim == 2:
            return np.where(failed, count[:, None], 0.0) - before[:, None]
        return np.where(failed, count, 0.0) - before

    def _n1_of_targets(self, failed: "Bools") -> "Floats":
        """Return the same for the targets, which get one more instance."""
        at = self.targets
        return np.where(failed, self.nodes.count[at] + 1.0, 0.0) - self.parent.n1[at]

    def _running_fails(self) -> "Bools":
        """Return whether the targets fail N+1 when they run the instance."""
        at = self.targets
        return self.used[:, None] >= (self.nodes.free_memory[at] - self.nodes.reserved[at])

    def _tag_change(self, target: "Ints | None") -> "Floats":
        """Return the weighted change of tag conflicts when instances run on each target, or on the secondary."""
        tags = self.parent.tags
        if tags.joining is None or tags.leaving is None or tags.exclusion is None:
            return np.zeros(1)
        classes = tags.exclusion[self.rows]
        leaving = TAG_CONFLICTS * tags.leaving[classes, self.primary] * self.on_primary
        if target is None:
            return TAG_CONFLICTS * tags.joining[classes, self.secondary] * self.on_secondary - leaving
        return TAG_CONFLICTS * tags.joining[classes[:, None], target] - leaving[:, None]

    def _shared(self, others: "Ints") -> "Floats":
        """Count the places that each of the given nodes (one a row) shares with each target."""
        places = self.parent.tags.places
        if places is None:
            return np.zeros((len(self.rows), 1))
        shared: Floats = places[others] @ places[self.targets].T
        return shared

    def _place_change(self, kind: MoveKind) -> "Floats":
        """Return the change of the location scores and of the collisions of place and exclusion tag."""
        tags = self.parent.tags
        if tags.places is None and tags.unmet is None:
            return np.zeros(1)
        rows, real = self.rows, self.real
        unmet = np.zeros((len(self.nodes.index),)) if tags.unmet is None else None
        score = self.vms.location_score[rows]

        def wishes(at: "Ints") -> "Floats":
            return unmet[at] if unmet is not None or tags.unmet is None else tags.unmet[rows, at]  # type: ignore[index]

        before = (score + wishes(self.primary)) * self.on_primary
        if kind is MoveKind.REPLACE_SECONDARY:
            shared = self._shared(self.primary)
            return (shared - score[:, None]) * (self.on_primary * real)[:, None]
        if kind is MoveKind.FAILOVER:
            change = (score + wishes(self.secondary)) * self.on_secondary - before
            return (change + self._collisions_at_secondary()) * real
        if kind is MoveKind.FAILOVER_AND_REPLACE:
            after = (self._shared(self.secondary) + wishes(self.secondary)[:, None]) * self.on_secondary[:, None]
            return (after - before[:, None] + self._collisions_at_secondary()[:, None]) * real[:, None]
        at_targets = np.zeros((1, 1)) if tags.unmet is None else tags.unmet[rows][:, self.targets]
        if kind is MoveKind.FAILOVER_TO_ANY:
            after = score[:, None] + at_targets
        else:
            after = self._shared(self.primary if kind is MoveKind.REPLACE_AND_FAILOVER else self.secondary) + at_targets
        collisions = tags.collision_change(rows, self.primary, self.on_primary, self.targets)
        return (after - before[:, None] + collisions) * real[:, None]

    def _collisions_at_secondary(self) -> "Floats":
        tags = self.parent.tags
        if not tags.global_counts:
            return np.zeros(len(self.rows))
        nodes, inverse = np.unique(self.secondary, return_inverse=True)
        changes = tags.collision_change(self.rows, self.primary, self.on_primary, nodes)
        # An offline secondary adds no collision, and no instance fails over to it.
        return changes[np.arange(len(self.rows)), inverse]

    def _accepted(self, source: "Ints", target: "Ints | None") -> "Bools":
        """Return whether instances may migrate from the rows' nodes to other nodes of the rows, or to the targets."""
        accepts = self.parent.tags.accepts
        if accepts is None:
            return np.ones(1, dtype=bool)
        return accepts[source[:, None], self.targets] if target is None else accepts[source, target]
