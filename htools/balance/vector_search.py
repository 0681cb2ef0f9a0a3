"""The score engine: finds a round's best move in vectors, and compares the closest candidates exactly.

Every instance that may move has a *row* with a lower bound of the scores of its candidates. A move changes the values
of two or three nodes. The rows of instances on those nodes become stale, and those of instances with an exclusion tag
that is now in other places. For every other row, the candidates with those nodes as targets are scored again, and the
bound of its other candidates is lowered by the most that the change of the cluster's sums can lower them (`_drift`).
A round refreshes stale rows and then, lowest bound first, rows that could still win. Candidates within the error bound
of the best are compared by the exact score in Ganeti's order of operations, in the order in which Ganeti tries them.

Invariants: `_bound[row]` never exceeds the true score of any candidate of the row; the move found is Ganeti's.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from htools.balance.arrays import RESERVED, WEIGHTS
from htools.balance.evaluation import evaluate
from htools.balance.exact_score import ExactScore
from htools.balance.move_scores import ROUNDING, Block, Candidates
from htools.balance.score_deltas import VARIANCE_ROUNDINGS
from htools.limits import CANDIDATES_AT_A_TIME, PAIRS_WITHOUT_BOUNDS, ROWS_REFRESHED
from htools.model.arrays import DEVIATIONS
from htools.model.cluster import Model
from htools.model.instance import InstanceModel
from htools.model.moves import Moved, attempt, movable
from spec.allocator.cluster import MirrorType
from spec.allocator.decisions import FailMode, Move, MoveKind, Rules

import numpy as np  # isort: skip

if TYPE_CHECKING:
    from htools.model.arrays import Bools, Floats, Ints


def _needs(vm: InstanceModel) -> tuple[object, ...]:
    """Return all that matters for an instance's moves, except its primary node."""
    sizes = (vm.memory, vm.used_memory, vm.failover_memory, vm.disk, vm.vcpus, vm.spindle_use, vm.spindles)
    places = (vm.secondary, vm.mirrored, vm.exclusion_tags, vm.desired_locations, vm.location_score)
    return (*sizes, vm.load, vm.local, vm.forthcoming, *places)


class Engine:
    """Balances one model under one set of rules; `best` finds a round's move, `commit` makes it."""

    def __init__(self, model: Model, rules: Rules) -> None:
        self.model = model
        self.rules = rules
        self._candidates = Candidates(model, rules)
        self._exact = ExactScore(model, self._candidates.nodes)
        self._targets: Ints = np.flatnonzero(self._candidates.nodes.online)
        size, columns = len(self._candidates.vms.index), len(self._candidates.kept) + 1
        self._external = np.array(
            [vm.instance.mirror_type is MirrorType.EXTERNAL for vm in model.instances.values()], dtype=bool
        )
        self._bound: Floats = np.full(size, np.inf)
        self._fresh = np.zeros(size, dtype=bool)
        self._upper: Floats = np.full(size, np.inf)
        self._low: Floats = np.zeros((columns, size))
        self._high: Floats = np.zeros((columns, size))
        self._eligible = np.zeros(size, dtype=bool)
        self._small = size * len(self._targets) <= PAIRS_WITHOUT_BOUNDS
        self._alike = self._classes()
        self._find_eligible()
        self._bound[self._eligible] = -np.inf

    @property
    def vectors(self) -> Candidates:
        """The arrays that it scores with, for callers that score candidates of their own."""
        return self._candidates

    def _find_eligible(self) -> None:
        """Mark the rows of instances that may move now (none without an online node); other rows never win."""
        at = self._candidates.vms.position
        eligible = np.zeros(len(self._eligible), dtype=bool)
        if len(self._targets):
            eligible[[at[vm.index] for vm in movable(self.model, self.rules)]] = True
        self._bound[~eligible] = np.inf
        self._bound[eligible & ~self._eligible] = -np.inf
        self._eligible = eligible

    def _classes(self) -> "Ints | None":
        """Give each row a number, equal for instances that differ only in where they run; None if that is useless."""
        tags = self._candidates.tags
        if not self._external.any() or tags.global_counts:
            return None
        if any(table is not None for table in (tags.joining, tags.places, tags.unmet, tags.accepts)):
            return None
        numbers: dict[object, int] = {}
        keys = (_needs(vm) if self._external[row] else row for row, vm in enumerate(self.model.instances.values()))
        return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.intp)

    def _leaders(self, rows: "Ints") -> "Ints":
        """Keep the first of rows whose candidates have the same scores, which is the one that would be chosen.

        These are instances of one class on one node, or on any offline nodes, whose instances are only counted.
        """
        if self._alike is None:
            return rows
        nodes = self._candidates.nodes
        home = self._candidates.vms.primary[rows]
        place = np.where(nodes.online[home], home + 1, 0)
        _, first = np.unique(self._alike[rows] * (len(nodes.index) + 1) + place, return_index=True)
        return rows[np.sort(first)]

    def _evaluate(self, rows: "Ints", targets: "Ints", external: bool) -> Block:
        return evaluate(self._candidates, rows, targets, external=external)

    def _blocks(self, rows: "Ints", targets: "Ints") -> "list[tuple[Ints, bool]]":
        """Cut the rows into blocks of one kind of mirroring."""
        step = max(1, CANDIDATES_AT_A_TIME // max(1, len(targets)))
        cut = []
        for external in (False, True):
            chosen = rows[self._external[rows] == external]
            cut += [(chosen[start : start + step], external) for start in range(0, len(chosen), step)]
        return cut

    def _refresh(self, rows: "Ints") -> None:
        """Score all candidates of some rows."""
        for block_rows, external in self._blocks(rows, self._targets):
            block = self._evaluate(block_rows, self._targets, external)
            best = block.best()
            self._bound[block_rows] = best - block.error
            self._upper[block_rows] = best + block.error
            self._low[:, block_rows], self._high[:, block_rows] = block.low, block.high
            self._fresh[block_rows] = True

    def best(self, before: float) -> tuple[Move, Moved, float] | None:
        """Return the first among the best moves, None where none leads below the score `before`."""
        if self._small:
            return self._best_of_all(before)
        stale = np.flatnonzero(np.isneginf(self._bound))
        if len(stale):
            self._refresh(stale)
        while True:
            upper = float(self._upper[self._fresh].min(initial=np.inf))
            limit = min(upper, before)
            waiting = np.flatnonzero(~self._fresh & self._eligible & (self._bound <= limit))
            if not len(waiting):
                break
            if len(waiting) > ROWS_REFRESHED:
                waiting = waiting[np.argpartition(self._bound[waiting], ROWS_REFRESHED)[:ROWS_REFRESHED]]
            self._refresh(np.sort(waiting))
        rows = self._leaders(np.flatnonzero(self._fresh & (self._bound <= limit)))
        cut = self._blocks(rows, self._targets)
        blocks = [(block_rows, self._evaluate(block_rows, self._targets, external)) for block_rows, external in cut]
        return self._decide(blocks, limit, before)

    def _best_of_all(self, before: float) -> tuple[Move, Moved, float] | None:
        """Return the same, with every candidate scored again."""
        blocks: list[tuple[Ints, Block]] = []
        limit = before
        for rows, external in self._blocks(self._leaders(np.flatnonzero(self._eligible)), self._targets):
            block = self._evaluate(rows, self._targets, external)
            limit = min(limit, float((block.best() + block.error).min(initial=np.inf)))
            blocks.append((rows, block))
        return self._decide(blocks, limit, before)

    def _decide(
        self, blocks: "Sequence[tuple[Ints, Block]]", limit: float, before: float
    ) -> tuple[Move, Moved, float] | None:
        """Return, of the candidates that may lead to `limit` or less, the first with the least exact score."""
        chosen: list[tuple[int, int, int, MoveKind]] = []
        nodes, vms = self._candidates.nodes, self._candidates.vms
        for block_rows, block in blocks:
            reach = limit + block.error
            for at in np.flatnonzero(block.failover <= reach).tolist():
                chosen.append((int(block_rows[at]), -1, 0, MoveKind.FAILOVER))
            for order, at, target in np.argwhere(block.scores <= reach[None, :, None]).tolist():
                chosen.append((int(block_rows[at]), target, order, block.kinds[order]))
        found: tuple[Move, Moved, float] | None = None
        for row, target, _, kind in sorted(chosen, key=lambda entry: entry[:3]):
            node = None if target < 0 else int(nodes.index[self._targets[target]])
            move = Move(int(vms.index[row]), kind, node)
            moved = attempt(self.model, move, ignore_soft=self.rules.ignore_soft)
            if isinstance(moved, FailMode):
                continue
            score = self._exact.score(moved.nodes)
            if (before if found is None else found[2]) > score:
                found = (move, moved, score)
        return found

    def promising(self, count: int) -> list[Move]:
        """Return the best move of each of the most promising instances, whether or not it lowers the score.

        Args:
            count: number of instances.
        """
        stale = np.flatnonzero(~self._fresh & self._eligible)
        if len(stale):
            self._refresh(stale)
        upper = np.where(self._eligible, self._upper, np.inf)
        order = np.argsort(upper, kind="stable")[:count]
        rows = np.sort(order[np.isfinite(upper[order])])
        found: list[tuple[float, Move]] = []
        nodes, vms = self._candidates.nodes, self._candidates.vms
        for block_rows, external in self._blocks(rows, self._targets):
            block = self._evaluate(block_rows, self._targets, external)
            for at, row in enumerate(block_rows.tolist()):
                index = int(vms.index[row])
                scores, failover = block.scores[:, at, :], float(block.failover[at])
                value = float(scores.min(initial=np.inf))
                if failover <= value:
                    found.append((failover, Move(index, MoveKind.FAILOVER)))
                    continue
                kind, target = np.unravel_index(np.argmin(scores), scores.shape)
                node = int(nodes.index[self._targets[target]])
                found.append((value, Move(index, block.kinds[int(kind)], node)))
        return [move for _, move in sorted(found, key=lambda entry: entry[0])]

    def commit(self, moved: Moved) -> None:
        """Make a move and update all that it changed."""
        candidates = self._candidates
        nodes, vms = candidates.nodes, candidates.vms
        sums, squares = candidates.sums, candidates.squares
        additive, own_error = candidates.additive, candidates.own_error
        moved.commit(self.model)
        vm = moved.vm
        touched = np.array(sorted(nodes.position[node.index] for node in moved.nodes), dtype=np.intp)
        counted = touched[nodes.online[touched]]
        values = nodes.values[:, counted]
        nodes.refresh(moved.nodes)
        changed = (nodes.values[:, counted] != values).any(axis=1)[DEVIATIONS]
        at = (nodes.position.get(vm.primary, -1), nodes.position.get(vm.secondary, -1))
        vms.moved(vm.index, *at, vm.location_score)
        candidates.tags.refresh(moved.nodes)
        remerged = candidates.begin_round()
        self._fresh[:] = False
        self._find_eligible()
        if self._small or remerged:
            self._low = np.zeros((len(candidates.kept) + 1, len(vms.index)))
            self._high = np.zeros_like(self._low)
            self._bound[self._eligible] = -np.inf
            return
        stale = np.isin(vms.primary, touched) | np.isin(vms.secondary, touched)
        afar = candidates.tags.touched_from_afar()
        stale = self._eligible & (stale if afar is None else stale | afar)
        self._bound[stale] = -np.inf
        others = np.flatnonzero(self._eligible & ~stale)
        if len(others):
            # The error of a score grows with larger values and larger counts.
            grown = max(0.0, candidates.own_error - own_error)
            self._drift(others, sums, squares, candidates.additive - additive - grown, changed)
            self._rescore(others, counted)

    def _drift(self, rows: "Ints", sums: "Floats", squares: "Floats", additive: float, changed: "Bools") -> None:
        """Lower the rows' bounds by the most that a change of the cluster's sums can lower untouched candidates.

        For a candidate with n²·variance v, the change is Δ = n·Δs2 − Δs1·(2·s1 + Δs1 + 2δ1), s1 being the old sum
        and δ1 the candidate's own change, of which only a bound is known. √(v + Δ) − √v is least at the smallest v
        for Δ < 0, and at the largest for Δ > 0.

        Args:
            rows: the rows whose bounds are lowered.
            sums: the columns' sums before the move.
            squares: the columns' sums of squares before the move.
            additive: change of the part of the score that is not a deviation, less any further slack.
            changed: bool[columns], whether any node's value changed in the column.
        """
        candidates = self._candidates
        count = candidates.count
        columns = [*candidates.kept, RESERVED]
        weights = np.append(candidates.weights, WEIGHTS[RESERVED])[:, None] / count
        old1, old2, new1, new2 = sums[columns], squares[columns], candidates.sums[columns], candidates.squares[columns]
        ds1, ds2 = new1 - old1, new2 - old2
        middle = (count * ds2 - ds1 * (old1 + new1))[:, None]
        rounded = VARIANCE_ROUNDINGS * ROUNDING * changed[columns]
        most1 = np.abs(ds1) + rounded * np.sqrt(count) * (np.sqrt(old2) + np.sqrt(new2))
        width = 2.0 * most1[:, None] * candidates.largest_sums(rows)
        width += (rounded * (count * (old2 + new2) + old1 * old1 + new1 * new1))[:, None]
        low, high = self._low[:, rows], self._high[:, rows]
        least, most = middle - width, middle + width
        # A variance is never negative, so for v below −Δ the loss is at most √v, which is less for a smaller v.
        deepest = np.minimum(np.maximum(low, -least), high)
        worst = np.where(
            least < 0,
            np.sqrt(np.maximum(deepest + least, 0.0)) - np.sqrt(np.maximum(deepest, 0.0)),
            np.sqrt(np.maximum(high + least, 0.0)) - np.sqrt(np.maximum(high, 0.0)),
        )
        bound = self._bound[rows]
        # Rounding of this computation itself; a row without candidates keeps its infinite bound.
        sizes = np.where(np.isfinite(bound), np.abs(bound), 0.0)
        sizes += (weights * (2.0 * np.sqrt(high) + np.abs(worst))).sum(axis=0)
        slack = 1e-13 * (sizes + abs(candidates.score) + abs(additive) + 1.0)
        self._bound[rows] = bound + (additive + (weights * worst).sum(axis=0) - slack)
        self._low[:, rows] = np.maximum(low + least, 0.0)
        self._high[:, rows] = np.maximum(high + most, 0.0)

    def _rescore(self, rows: "Ints", targets: "Ints") -> None:
        """Score the candidates of some rows on the targets that a move touched."""
        if not len(targets):
            return
        for block_rows, external in self._blocks(rows, targets):
            block = self._evaluate(block_rows, targets, external)
            self._bound[block_rows] = np.minimum(self._bound[block_rows], block.best() - block.error)
            self._low[:, block_rows] = np.minimum(self._low[:, block_rows], block.low)
            self._high[:, block_rows] = np.maximum(self._high[:, block_rows], block.high)
