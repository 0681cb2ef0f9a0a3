"""One block of candidates: instances by target nodes, each kind of move scored from what it changes.

`htools.balance.move_scores` explains the method; here are the kinds of moves. Conditions and changes are those of
`htools.model.moves`; the definition is `spec.allocator.moves`.
"""

from typing import TYPE_CHECKING

import numpy as np

from htools.balance.admission import PRIMARY, SECONDARY
from htools.balance.move_scores import ALL_OFFLINE, PRIMARIES_OFFLINE, Block, Candidates
from htools.balance.score_deltas import Changes
from spec.allocator.admission import fails_n1
from spec.allocator.components import EVACUATED
from spec.allocator.decisions import MoveKind

if TYPE_CHECKING:
    from htools.model.arrays import Bools, Floats, Ints


class Evaluation(Changes):
    """One block: rows are instances, columns are target nodes."""

    def _prepare(self) -> None:
        """Compute what several kinds share."""
        nodes, primary, secondary = self.nodes, self.primary, self.secondary
        self.left_free = nodes.free_memory[primary] + self.used  # the primary's free memory without the instance
        self.left_failed = fails_n1(self.left_free, nodes.reserved[primary])
        self.off_primary, self.off_secondary = ~nodes.online[primary], ~nodes.online[secondary]
        self.gone = self._change(primary, self.on_primary, -self.as_primary)

    def mirrored(self) -> Block:
        """Score all candidates of instances with a secondary."""
        self._prepare()
        nodes, primary, secondary, rules = self.nodes, self.primary, self.secondary, self.rules
        rest = np.where(
            nodes.largest_peer[secondary] == primary, nodes.second_need[secondary], nodes.reserved[secondary]
        )
        kept = np.maximum(rest, nodes.needs[secondary, primary] - self.failover)
        self.kept_reserve = np.where(self.exists, kept, nodes.reserved[secondary])
        self.force_primary = self.off_primary | self.soft
        self.force_secondary = self.off_secondary | self.soft
        self.swapped_primary = self._change(primary, self.on_primary, self.as_secondary - self.as_primary)
        self.swapped_secondary = self._change(secondary, self.on_secondary, self.as_primary - self.as_secondary)
        self.unmirrored = self._change(secondary, self.on_secondary, -self.as_secondary)
        self.kept_change = self._reserve_change(secondary, self.on_secondary, self.kept_reserve)
        self.hosted = self._hosted_by_secondary(self.force_primary, self.kept_reserve)
        valid_secondary = nodes.online[secondary] & rules.instance_moves
        primary_moves = (self.off_primary | (not rules.restricted_migration)) & rules.instance_moves
        elsewhere = (self.targets != primary[:, None]) & (self.targets != secondary[:, None])
        planned = [(MoveKind.REPLACE_SECONDARY, np.ones(len(self.rows), dtype=bool), self._replace_secondary)]
        if rules.instance_moves:
            planned.append((MoveKind.REPLACE_AND_FAILOVER, primary_moves, self._replace_and_failover))
            if not rules.restricted_migration:
                planned.append((MoveKind.REPLACE_PRIMARY, primary_moves & valid_secondary, self._replace_primary))
            planned.append((MoveKind.FAILOVER_AND_REPLACE, primary_moves & valid_secondary, self._failover_and_replace))
        if not rules.disk_moves:
            planned = []
        scores = np.full((len(planned), len(self.rows), len(self.targets)), np.inf)
        for position, (_, allowed, method) in enumerate(planned):
            if allowed.any():
                found, valid = method()
                np.copyto(scores[position], found, where=valid & elsewhere & allowed[:, None])
        failover = np.where(valid_secondary, self._failover(), np.inf)
        return self._block(tuple(kind for kind, _, _ in planned), scores, failover)

    def _block(self, kinds: tuple[MoveKind, ...], scores: "Floats", failover: "Floats") -> Block:
        parent = self.parent
        # Bounds the error of Ganeti's own sums, of the node values in the factors, of the sum of the reserves, and of
        # the last additions. See docs/score-bound.md.
        change = self._largest_change() + 3.0 * self.failover * parent.per_memory.max(initial=0.0)
        own = parent.own_error + parent.error_of_values(1.0) * change
        empty = np.zeros((0, len(self.rows)))
        low = np.maximum(np.vstack((empty if self.low is None else self.low, self.reserve_low[None, :])), 0.0)
        high = np.vstack((empty if self.high is None else self.high, self.reserve_high[None, :]))
        return Block(kinds, scores, failover, self.linear_error + self.reserve_error + own, low, high)

    def _largest_change(self) -> "Floats":
        """Return the most by which any value of a row's nodes can change: float64[rows]."""
        units = np.abs(self.as_primary) + np.abs(self.as_secondary)
        most: Floats = (units * np.abs(self.parent.unit).max(axis=1, initial=0.0)[:, None]).max(axis=0, initial=0.0)
        return most

    def _replace_secondary(self) -> "tuple[Floats, Bools]":
        nodes, at = self.nodes, self.targets
        needs = nodes.needs_by_peer[self.primary][:, at]
        reserve = np.maximum(nodes.reserved[at], needs + self.real_failover[:, None])
        gain = self._reserve_change(at, self.parent.online[at], reserve)
        kept = self.kept_change
        score = self._deviations(*self.unmirrored, self.as_secondary)
        score += self._reserve_deviation(kept[0][:, None] + gain[0], kept[1][:, None] + gain[1])
        again = fails_n1(nodes.free_memory[self.primary], nodes.reserved[self.primary])
        rows = self._n1_of_rows(self.primary, self.on_primary, again, 0.0) + self._without_mirror()
        score += self._sum(
            rows - ALL_OFFLINE * self.off_secondary, self._n1_of_targets(nodes.free_memory[at] <= reserve)
        )
        score += self._place_change(MoveKind.REPLACE_SECONDARY)
        valid = self._stays()[:, None] & self._chosen(self.force_secondary, SECONDARY)
        return score, valid & self._targets_keep_n1(reserve, self.force_secondary)

    def _sum(self, rows: "Floats", targets: "Floats") -> "Floats":
        """Return the additive part after the changes by rows and by targets; forthcoming instances change nothing."""
        total: Floats = rows[:, None] + targets
        return self.parent.additive + total * self.real[:, None]

    def _without_mirror(self) -> "Floats":
        failed = self.nodes.free_memory[self.secondary] <= self.kept_reserve
        return self._n1_of_rows(self.secondary, self.on_secondary, failed, -1.0)

    def _without_primary(self) -> "Floats":
        return self._n1_of_rows(self.primary, self.on_primary, self.left_failed, -1.0)

    def _replace_and_failover(self) -> "tuple[Floats, Bools]":
        nodes, at, primary = self.nodes, self.targets, self.primary
        needs = nodes.needs[primary][:, at] + self.real_failover[:, None]
        reserve = np.maximum(nodes.reserved[primary][:, None], needs)
        gain, kept = self._reserve_change(primary, self.on_primary, reserve), self.kept_change
        delta = self.swapped_primary[0] + self.unmirrored[0]
        score = self._deviations(delta, self.swapped_primary[1] + self.unmirrored[1], self.as_primary)
        score += self._reserve_deviation(kept[0][:, None] + gain[0], kept[1][:, None] + gain[1])
        mirror = self._n1_of_rows(primary, self.on_primary, self.left_free[:, None] <= reserve, 0.0)
        rows = self._without_mirror() - PRIMARIES_OFFLINE * self.off_primary - ALL_OFFLINE * self.off_secondary
        score += self._sum(rows, mirror + self._n1_of_targets(self._running_fails()))
        score += self._tag_change(at) + self._place_change(MoveKind.REPLACE_AND_FAILOVER)
        forced = self.force_secondary
        planned_free = nodes.planned_free_memory[primary] + self.memory
        rows_valid = self._mirrored_by(primary, forced, self.left_free, planned_free)
        keeps = self._keeps_n1(reserve, self.left_free[:, None], (self.left_failed | forced)[:, None])
        valid = rows_valid[:, None] & keeps & self._fits(PRIMARY, force=self.soft) & self._accepted(primary, None)
        return score, valid

    def _replace_primary(self) -> "tuple[Floats, Bools]":
        nodes, at, secondary = self.nodes, self.targets, self.secondary
        needs = nodes.needs[secondary][:, at] + self.real_failover[:, None]
        reserve = np.maximum(self.kept_reserve[:, None], needs)
        score = self._deviations(*self.gone, self.as_primary)
        score += self._reserve_deviation(*self._reserve_change(secondary, self.on_secondary, reserve))
        free = nodes.free_memory[secondary]
        mirror = self._n1_of_rows(secondary, self.on_secondary, free[:, None] <= reserve, 0.0)
        rows = self._without_primary() - EVACUATED * self.off_primary
        score += self._sum(rows, mirror + self._n1_of_targets(self._running_fails()))
        score += self._tag_change(at) + self._place_change(MoveKind.REPLACE_PRIMARY)
        forced = self.force_primary
        rows_valid = self.hosted & self._mirrored_by(secondary, forced, free, nodes.planned_free_memory[secondary])
        rows_valid &= self._accepted(self.primary, secondary)
        keeps = self._keeps_n1(reserve, free[:, None], ((free <= self.kept_reserve) | forced)[:, None])
        valid = rows_valid[:, None] & keeps & self._chosen(forced, PRIMARY)
        return score, valid & self._accepted(secondary, None)

    def _failover_and_replace(self) -> "tuple[Floats, Bools]":
        nodes, at, secondary = self.nodes, self.targets, self.secondary
        needs = nodes.needs_by_peer[secondary][:, at]
        reserve = np.maximum(nodes.reserved[at], needs + self.real_failover[:, None])
        gain, kept = self._reserve_change(at, self.parent.online[at], reserve), self.kept_change
        delta, square = self.gone[0] + self.swapped_secondary[0], self.gone[1] + self.swapped_secondary[1]
        score = self._deviations(delta, square, self.as_secondary)
        score += self._reserve_deviation(kept[0][:, None] + gain[0], kept[1][:, None] + gain[1])
        rows = self._without_primary() + self._run_by_secondary() - EVACUATED * self.off_primary
        score += self._sum(rows, self._n1_of_targets(nodes.free_memory[at] <= reserve))
        tags = self._tag_change(None)
        score += tags[:, None] + self._place_change(MoveKind.FAILOVER_AND_REPLACE)
        rows_valid = self.hosted & self._accepted(self.primary, secondary)
        valid = rows_valid[:, None] & self._chosen(self.force_primary, SECONDARY)
        return score, valid & self._targets_keep_n1(reserve, self.force_primary)

    def _run_by_secondary(self) -> "Floats":
        failed = self.nodes.free_memory[self.secondary] - self.used <= self.kept_reserve
        return self._n1_of_rows(self.secondary, self.on_secondary, failed, 0.0)

    def _failover(self) -> "Floats":
        nodes, primary, secondary = self.nodes, self.primary, self.secondary
        needs = nodes.needs[primary, secondary] + self.real_failover
        reserve = np.maximum(nodes.reserved[primary], needs)
        gain, kept = self._reserve_change(primary, self.on_primary, reserve), self.kept_change
        delta = self.swapped_primary[0] + self.swapped_secondary[0]
        score = self._deviations_of_rows(delta, self.swapped_primary[1] + self.swapped_secondary[1])
        score = score + self._reserve_deviation(kept[0] + gain[0], kept[1] + gain[1])
        mirror = self._n1_of_rows(primary, self.on_primary, self.left_free <= reserve, 0.0)
        rows = mirror + self._run_by_secondary() - PRIMARIES_OFFLINE * self.off_primary
        score += self.parent.additive + rows * self.real
        score += self._tag_change(None) + self._place_change(MoveKind.FAILOVER)
        forced = self.force_primary
        planned_free = nodes.planned_free_memory[primary] + self.memory
        valid = self.hosted & self._mirrored_by(
            primary, forced, self.left_free, planned_free, disks_there=self.off_primary
        )
        valid &= self._keeps_n1(reserve, self.left_free, self.left_failed, forced)
        valid &= self._accepted(primary, secondary)
        return np.where(valid, score, np.inf)

    def external(self) -> Block:
        """Score all candidates of instances on storage that every node reaches."""
        self._prepare()
        at, primary = self.targets, self.primary
        elsewhere = (at != primary[:, None]) & (at != self.secondary[:, None])
        score = self._deviations(*self.gone, self.as_primary)
        nothing = np.zeros(len(self.rows))
        score += self._reserve_deviation(nothing, nothing)[:, None]
        rows = self._without_primary() - EVACUATED * self.off_primary
        score += self._sum(rows, self._n1_of_targets(self._running_fails()))
        score += self._tag_change(at) + self._place_change(MoveKind.FAILOVER_TO_ANY)
        valid = self._chosen(self.off_primary | self.soft, PRIMARY) & self._accepted(primary, None)
        valid &= elsewhere & self.rules.instance_moves
        scores = np.where(valid, score, np.inf)[None, :, :]
        return self._block((MoveKind.FAILOVER_TO_ANY,), scores, np.full(len(self.rows), np.inf))


def evaluate(candidates: Candidates, rows: "Ints", targets: "Ints", *, external: bool) -> Block:
    """Score all candidates of some instances on the given targets (online nodes), by position.

    Args:
        candidates: the model's arrays.
        rows: intp[rows], instances, all mirrored externally or all not.
        targets: intp[targets], nodes.
        external: whether the instances are mirrored externally.
    """
    evaluation = Evaluation(candidates, rows, targets)
    return evaluation.external() if external else evaluation.mirrored()
