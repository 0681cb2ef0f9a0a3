"""One instance on all pairs of nodes, a block of primaries at a time, decided as in `spec.allocator.placement`.

The score is that of the cluster's statistics with two nodes replaced. Each component is computed for all pairs of a
block by the same floating-point operations in the same order as for one pair, so metrics are equal to the last bit.

If all instances of the cluster are mirrored, redundancy is one comparison for all pairs as well
(`htools.placement.admission`). Otherwise the candidates that pass it are checked one by one, the best first
(`htools.placement.redundancy`).
"""

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np

from htools.limits import PRIMARIES_AT_A_TIME
from htools.model.arrays import Bools, Floats, Ints
from htools.model.cluster import Model, NodeModel
from htools.model.instance import InstanceModel
from htools.model.score import node_values
from htools.placement import one_by_one
from htools.placement.admission import CODE, MODES, FailoverRoom, Fits
from htools.placement.arrays import PlacementNodes, Unsuitable
from htools.placement.outcomes import Allocation, Outcome
from htools.placement.precomputed import Ground
from spec.allocator.cluster import Group
from spec.allocator.components import COMPONENTS, Aggregation, Part
from spec.allocator.decisions import FailMode

_PAIRWISE = (
    Part.FREE_DISK,
    Part.RESERVED_MEMORY,
    Part.DISK_LOAD,
    Part.SPINDLES,
    Part.PLANNED_DISK,
    Part.PLANNED_SPINDLES,
    Part.RESERVED_TOTAL,
)
"""Components that change on the secondary; those of N+1 and of places (whole numbers) are computed separately."""


def _secondary_values(nodes: PlacementNodes, vm: InstanceModel) -> Floats:
    """Return each node's component values as secondary; those that depend on the primary stay unchanged."""
    values = nodes.values.copy()
    exclusive = nodes.exclusive
    disk, spindles = float(vm.instance.disk), float(vm.spindles or 0)
    high, total = nodes.high_spindles, nodes.total_disk
    with np.errstate(divide="ignore", invalid="ignore"):
        for component, free, held, use in (
            (Part.FREE_DISK, "free_disk", "free_spindles", (Part.SPINDLES, "spindle_use")),
            (
                Part.PLANNED_DISK,
                "planned_free_disk",
                "planned_free_spindles",
                (Part.PLANNED_SPINDLES, "planned_spindle_use"),
            ),
        ):
            plain = np.where(total == 0.0, 1.0, (getattr(nodes, free) - disk) / total)
            whole = nodes.total_spindles
            whole_free = np.where(whole == 0.0, 1.0, (getattr(nodes, held) - spindles) / whole)
            values[component] = np.where(exclusive, whole_free, plain)
            row, name = use
            values[row] = np.where(exclusive, 0.0, getattr(nodes, name) + vm.spindle_use) / high
    values[Part.DISK_LOAD] += vm.load[2]
    if not np.isfinite(values).all():
        raise Unsuitable
    return values


class PairTrial:
    """One instance's trial on all pairs, a block of primaries at a time."""

    def __init__(
        self,
        model: Model,
        groups: Sequence[Group],
        ground: Ground,
        room: FailoverRoom | None,
        vm: InstanceModel,
        *,
        soft: bool,
        collide: Callable[[InstanceModel, Sequence[NodeModel]], Floats],
    ) -> None:
        self._model, self._groups, self._ground, self._vm, self._soft = model, groups, ground, vm, soft
        self._nodes, self._room = ground.nodes, room
        self._fits = Fits(groups, ground.nodes, ground.kinds, [vm], soft=soft)
        self._second: Floats | None = None
        self._collide = collide
        self.asks = room is not None and bool(room.others)
        self._best: tuple[float, int, int] | None = None
        self._failures = np.zeros(len(MODES) + 1, dtype=np.int64)
        self._successes = 0

    def _try_block(self, some: slice, judge: Callable[[Allocation], bool]) -> None:
        """Try some primaries with their secondaries."""
        ground = self._ground
        picked = np.arange(len(ground.rows))[some]
        codes = self._fits.primary[0, ground.rows[picked]]
        refused = codes > 0
        if refused.any():
            counts = np.bincount(codes, weights=ground.partners[picked], minlength=len(MODES) + 1)
            counts[0] = 0
            self._failures += counts.astype(np.int64)
            if refused.all():
                return
            picked = picked[~refused]
        rows, allowed = ground.rows[picked], ground.allowed[picked]
        pair_codes, reserved, lacking = ground.pair_codes(self._fits, 0, picked)
        self._failures += np.bincount(pair_codes[allowed], minlength=len(MODES) + 1)
        self._failures[0] = 0
        fits = allowed & (pair_codes == 0)
        if fits.any():
            if self._second is None:
                self._second = _secondary_values(self._nodes, self._vm)
            self._choose(rows, fits, self._metrics(rows, reserved, lacking, self._second), judge)

    def _primaries(self, rows: Ints) -> tuple[list[NodeModel], Floats]:
        placed = []
        for row in rows:
            node = self._model.nodes[int(self._nodes.index[row])].copy()
            node.add_primary(self._vm, force=self._soft)
            placed.append(node)
        values = np.array([node_values(node) for node in placed]).T
        if not np.isfinite(values).all():
            raise Unsuitable
        return placed, values

    def _shared_places(self, rows: Ints) -> Floats:
        nodes = list(self._model.nodes.values())
        tags = [node.location_tags for node in nodes]
        return np.array([[float(len(tags[row] & other)) for other in tags] for row in rows])

    def _metrics(self, rows: Ints, reserved: Floats, lacking: Bools, second: Floats) -> Floats:
        """Return the metric of every pair, float64[rows, nodes]; valid where both nodes take the instance."""
        nodes = self._nodes
        count, base_sums, base_variances = self._ground.moments
        placed, first = self._primaries(rows)
        old = nodes.values[:, rows]
        difference = first - old
        sums = base_sums[:, None] + difference
        squares = first * first - old * old
        change = (count * squares - 2 * base_sums[:, None] * difference) - difference * difference
        variances = np.maximum(0.0, base_variances[:, None] + change / (count * count))
        reserved_fraction = reserved / nodes.total_memory[None, :]
        n1 = np.where(lacking, nodes.count + 1.0, 0.0) - nodes.values[Part.N1_INSTANCES][None, :]
        shape = (len(rows), len(nodes.index))
        total: Floats = np.zeros(shape)
        column: Floats = np.zeros((len(rows), 1))
        wide = False
        for component, (_, weight, aggregation) in enumerate(COMPONENTS):
            value: Floats
            if aggregation is Aggregation.OFFLINE_SUM:
                value = np.full((1, 1), self._ground.offline[component])
            elif aggregation is Aggregation.COLLISIONS:
                value = self._collide(self._vm, placed)[:, None]
            elif component == Part.N1_INSTANCES:
                value = sums[component][:, None] + n1
            elif component == Part.PLACES:
                value = sums[component][:, None]
                if self._ground.places:
                    value = value + self._shared_places(rows)
            elif component not in _PAIRWISE:
                value = (np.sqrt(variances[component]) if aggregation is Aggregation.DEVIATION else sums[component])[
                    :, None
                ]
            else:
                before = nodes.values[component][None, :]
                after = (
                    reserved_fraction
                    if component in {Part.RESERVED_MEMORY, Part.RESERVED_TOTAL}
                    else second[component][None, :]
                )
                if aggregation is Aggregation.DEVIATION:
                    value = self._second_deviation(sums[component], variances[component], before, after)
                else:
                    value = sums[component][:, None] + (after - before)
            if wide or value.shape[1] > 1:
                total = (total if wide else column) + weight * value
                wide = True
            else:
                column = column + weight * value
        return total

    def _second_deviation(self, sums: Floats, variances: Floats, before: Floats, after: Floats) -> Floats:
        count = self._ground.moments[0]
        difference = after - before
        change = count * (after * after - before * before) - (2 * sums)[:, None] * difference
        change -= difference * difference
        change /= count * count
        change += variances[:, None]
        np.maximum(0.0, change, out=change)
        return np.sqrt(change, out=change)

    def _choose(
        self,
        rows: Ints,
        fits: Bools,
        metrics: Floats,
        judge: Callable[[Allocation], bool],
    ) -> None:
        good, room = fits, self._room
        refused_all = room is not None and not room.certain
        if room is not None and not refused_all:
            keeps = room.primary_keeps(self._nodes, self._vm)[rows]
            pairs = self._nodes.free_memory[None, :] > room.needs[rows] + self._vm.used_memory
            pairs |= ~room.counted[rows, None]
            good = fits & keeps[:, None] & pairs & self._may_migrate(rows, room)
        if refused_all:
            good = np.zeros_like(fits)
        for row, primary in enumerate(rows):
            possible = np.flatnonzero(fits[row])
            if not len(possible):
                continue
            # Ganeti collects candidates in reverse order before it sorts: of equal ones the last comes first.
            order = possible[::-1][np.argsort(metrics[row, possible[::-1]], kind="stable")]
            flags = good[row, order]
            refused = len(order)
            for at in np.flatnonzero(flags):
                if not self.asks or judge(self._allocation(int(primary), int(order[at]), 0.0)):
                    refused = int(at)
                    break
            self._failures[CODE[FailMode.N1]] += refused
            self._successes += len(order) - refused
            if refused < len(order):
                metric = float(metrics[row, order[refused]])
                if self._best is None or not self._best[0] < metric:
                    self._best = (metric, int(primary), int(order[refused]))

    def _may_migrate(self, rows: Ints, room: FailoverRoom) -> Bools:
        """Return for each pair whether migration tags and known spindles let the new instance fail over."""
        nodes = list(self._model.nodes.values())
        result = np.ones((len(rows), len(nodes)), dtype=bool)
        if self._vm.spindles is None:
            exclusive = self._nodes.exclusive
            result &= ~(exclusive[None, :] | exclusive[rows, None])
        for at, row in enumerate(rows):
            if nodes[row].migration_tags:
                result[at] &= np.array([not other.refused_tags(nodes[row]) for other in nodes])
            if not room.counted[row]:
                result[at] = True
        return result

    def _allocation(self, primary: int, secondary: int, metric: float) -> Allocation:
        pair = (int(self._nodes.index[primary]), int(self._nodes.index[secondary]))
        placed = one_by_one.place_pair(self._model, self._groups, self._vm, pair, soft=self._soft)
        vm, runs, mirrors = cast("tuple[InstanceModel, NodeModel, NodeModel]", placed)
        return Allocation(vm, (runs, mirrors), metric)

    def outcome(self, judge: Callable[[Allocation], bool]) -> Outcome:
        """Try all pairs; of those that pass everything else, `judge` says which keep the cluster redundant."""
        for start in range(0, len(self._ground.rows), PRIMARIES_AT_A_TIME):
            self._try_block(slice(start, start + PRIMARIES_AT_A_TIME), judge)
        total = Outcome(successes=self._successes)
        for code, mode in enumerate(MODES, 1):
            if self._failures[code]:
                total.failures[mode] = int(self._failures[code])
        if self._best is not None:
            metric, primary, secondary = self._best
            total.best = self._allocation(primary, secondary, metric)
        return total
