"""Placement in vectors: all candidates for one instance at once, decided as in `spec.allocator.placement`.

For pairs the score is that of the cluster's statistics with two nodes replaced. Each component is computed for all
pairs of a block of primaries, by the same floating-point operations in the same order as for one pair, so metrics are
equal to the last bit. For single nodes the whole score of all candidates is computed together.

If all instances of the cluster are mirrored, redundancy is one comparison for all pairs as well
(`htools.placement.admission`). Otherwise the candidates that pass it are checked one by one, the best first
(`htools.placement.redundancy`).

>>> from htools.model.cluster import Model
>>> from spec.allocator.decisions import Settings
>>> from spec.allocator.example import GROUPS, cluster, instance
>>> model = Model.of(cluster(instance(0), instance(1), nodes=3), Settings())
>>> placer = Placer(model, GROUPS, soft=False)
>>> new = InstanceModel(-1, instance())
>>> outcome = placer.try_all(new, [0, 1, 2], 1, Limits(capacity=False))
>>> outcome.successes, outcome.best.vm.primary  # the empty node is best
(3, 2)
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import cast

import numpy as np
from numpy.typing import NDArray

from htools.model.cluster import Model, NodeModel
from htools.model.instance import NO_NODE, InstanceModel
from htools.model.score import collisions, node_values
from htools.placement import one_by_one, redundancy
from htools.placement.admission import CODE, MODES, FailoverRoom, Fits, Flags
from htools.placement.arrays import Columns, Floats, Unsuitable, scores_with
from htools.placement.outcomes import (
    Allocation,
    NoTargets,
    Outcome,
    Targets,
    chosen,
    count_targets,
    policy_failure,
    with_allocation,
)
from htools.placement.precomputed import Ground, refusals
from spec.allocator.cluster import Group
from spec.allocator.components import COMPONENTS, Aggregation, Part
from spec.allocator.decisions import FailMode
from spec.allocator.requests import Limits

_BLOCK = 128
"""Primaries per block; so many keep the arrays in the processor's cache."""
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


def _secondary_values(columns: Columns, vm: InstanceModel) -> Floats:
    """Return each node's component values as secondary; those that depend on the primary stay unchanged."""
    values = columns.values.copy()
    exclusive = columns["exclusive"] == 1.0
    disk, spindles = float(vm.instance.disk), float(vm.spindles or 0)
    high, total = columns["high_spindles"], columns["total_disk"]
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
            plain = np.where(total == 0.0, 1.0, (columns[free] - disk) / total)
            whole = columns["total_spindles"]
            whole_free = np.where(whole == 0.0, 1.0, (columns[held] - spindles) / whole)
            values[component] = np.where(exclusive, whole_free, plain)
            row, name = use
            values[row] = np.where(exclusive, 0.0, columns[name] + vm.spindle_use) / high
    values[Part.DISK_LOAD] += vm.load[2]
    if not np.isfinite(values).all():
        raise Unsuitable
    return values


class Placer:
    """Tries instances on a model; `commit` adds one and updates the arrays.

    Args:
        model: nodes and instances; never changed: `commit` makes a new one.
        groups: the cluster's groups.
        soft: whether soft limits are ignored.
        plain_below: fewer candidates than this are tried one by one.
        judge: says whether an allocation keeps the cluster redundant, for an instance that the model holds already.
    """

    def __init__(
        self,
        model: Model,
        groups: Sequence[Group],
        *,
        soft: bool,
        plain_below: int = 0,
        judge: Callable[[Allocation], bool] | None = None,
    ) -> None:
        self.model = model
        self._groups = groups
        self._soft = soft
        self._plain_below = plain_below
        self._judged = judge
        self._columns: Columns | None = None
        self._ground: Ground | None = None

    def copy(self) -> "Placer":
        """Return an independent copy with the same model."""
        other = Placer(self.model, self._groups, soft=self._soft, plain_below=self._plain_below)
        with suppress(Unsuitable):
            if self._columns is None:
                self._columns = Columns(self.model)
            other._columns = self._columns.copy()
        return other

    def commit(self, allocation: Allocation) -> None:
        """Add an allocation to the model; its index is the number of instances before."""
        self.model = with_allocation(self.model, allocation)
        self._ground = None
        if self._columns is not None:
            try:
                self._columns.refresh(self.model.nodes[node.index] for node in allocation.nodes)
            except Unsuitable:
                self._columns = None

    def try_all(self, vm: InstanceModel, targets: Targets, required: int, limits: Limits) -> Outcome:
        """Try every candidate.

        Raises:
            NoTargets: there are no candidates; the text is Ganeti's.
        """
        if not targets:
            raise NoTargets("No online nodes" if required == 1 else "Not enough online nodes")
        named_twice = limits.capacity and len(self.model.instances) in self.model.instances
        if not vm.forthcoming and not named_twice and count_targets(targets) >= self._plain_below:
            try:
                if self._columns is None:
                    self._columns = Columns(self.model)
                if required == 1:
                    return self._singles(self._columns, vm, targets, limits)
                return self._pairs(self._columns, vm, targets, limits)
            except Unsuitable:
                pass
        return one_by_one.try_all(self.model, self._groups, vm, targets, soft=self._soft, good=self._judge(limits))

    def refusals(self, vms: Sequence[InstanceModel], targets: Targets) -> list[tuple[bool, Counter[FailMode]]]:
        """Return for each of several sizes whether some candidate takes the instance, and the reasons of the others.

        Redundancy is not checked.

        Raises:
            Unsuitable: vectors cannot represent the model.
        """
        if any(vm.forthcoming for vm in vms):
            raise Unsuitable
        if self._columns is None:
            self._columns = Columns(self.model)
        return refusals(self._groups, self._ground_for(self._columns, targets), vms, soft=self._soft)

    def _ground_for(self, columns: Columns, targets: Targets) -> Ground:
        if self._ground is None or self._ground.targets is not targets:
            self._ground = Ground(self.model, columns, targets)
        return self._ground

    def _judge(self, limits: Limits) -> Callable[[Allocation], bool]:
        if not limits.capacity:
            return lambda _: True
        if self._judged is not None:
            return self._judged
        return lambda allocation: redundancy.redundant(with_allocation(self.model, allocation), self._groups, limits)

    def _singles(self, columns: Columns, vm: InstanceModel, targets: Targets, limits: Limits) -> Outcome:
        failures: Counter[FailMode] = Counter()
        placed: list[NodeModel] = []
        for target in targets:
            node = self.model.nodes[cast("int", target)]
            refusal = policy_failure(vm.instance, self._groups[node.group].policy, exclusive=node.exclusive)
            refusal = refusal or node.primary_refusal(vm, force=self._soft)
            if refusal is not None:
                failures[refusal] += 1
                continue
            runs = node.copy()
            runs.add_primary(vm, force=self._soft)
            placed.append(runs)
        if not placed:
            return Outcome(failures)
        values = np.array([node_values(node) for node in placed]).T
        if not np.isfinite(values).all():
            raise Unsuitable
        where = np.array([columns.at[node.index] for node in placed])
        metrics = scores_with(columns, where, values, self._collisions(vm, placed))
        found = [
            Allocation(vm.at(node.index, NO_NODE), (node,), float(metric))
            for node, metric in zip(placed, metrics, strict=True)
        ]
        return chosen(found, failures, self._judge(limits))

    def _collisions(self, vm: InstanceModel, placed: Sequence[NodeModel]) -> Floats:
        """Return the collisions component with the instance on each node of `placed`: float64[placed]."""
        online = [node for node in self.model.nodes.values() if not node.offline]
        base = collisions(online)
        if not vm.exclusion_tags or not any(node.location_tags for node in placed):
            return np.full(len(placed), base)
        known = {pair for node in online for pair in node.pair_counts}
        result = np.full(len(placed), base)
        for at, node in enumerate(placed):
            added = [(place, tag) for place in node.location_tags for tag in vm.exclusion_tags]
            result[at] += len(added) - len(set(added) - known)
        return result

    def _pairs(self, columns: Columns, vm: InstanceModel, targets: Targets, limits: Limits) -> Outcome:
        ground = self._ground_for(columns, targets)
        # If the instance is in the model already, it may leave its old nodes when its new ones fail: not in the arrays.
        known = vm.index in self.model.instances
        room = ground.room(limits) if limits.capacity and not known else None
        work = _PairWork(self.model, self._groups, ground, room, vm, soft=self._soft, collide=self._collisions)
        work.asks = work.asks or (limits.capacity and known)
        judge = self._judge(limits)
        for start in range(0, len(ground.rows), _BLOCK):
            work.block(slice(start, start + _BLOCK), judge)
        return work.outcome()


class _PairWork:
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
        self._columns, self._room = ground.columns, room
        self._fits = Fits(groups, ground.columns, ground.kinds, [vm], soft=soft)
        self._second: Floats | None = None
        self._collide = collide
        self.asks = room is not None and bool(room.others)
        self._best: tuple[float, int, int] | None = None
        self._failures = np.zeros(len(MODES) + 1, dtype=np.int64)
        self._successes = 0

    def block(self, some: slice, judge: Callable[[Allocation], bool]) -> None:
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
                self._second = _secondary_values(self._columns, self._vm)
            self._choose(rows, fits, self._metrics(rows, reserved, lacking, self._second), judge)

    def _primaries(self, rows: NDArray[np.intp]) -> tuple[list[NodeModel], Floats]:
        placed = []
        for row in rows:
            node = self._model.nodes[self._columns.indices[row]].copy()
            node.add_primary(self._vm, force=self._soft)
            placed.append(node)
        values = np.array([node_values(node) for node in placed]).T
        if not np.isfinite(values).all():
            raise Unsuitable
        return placed, values

    def _shared_places(self, rows: NDArray[np.intp]) -> Floats:
        nodes = list(self._model.nodes.values())
        tags = [node.location_tags for node in nodes]
        return np.array([[float(len(tags[row] & other)) for other in tags] for row in rows])

    def _metrics(self, rows: NDArray[np.intp], reserved: Floats, lacking: Flags, second: Floats) -> Floats:
        """Return the metric of every pair, float64[rows, nodes]; valid where both nodes take the instance."""
        columns = self._columns
        count, base_sums, base_variances = self._ground.moments
        placed, first = self._primaries(rows)
        old = columns.values[:, rows]
        difference = first - old
        sums = base_sums[:, None] + difference
        squares = first * first - old * old
        change = (count * squares - 2 * base_sums[:, None] * difference) - difference * difference
        variances = np.maximum(0.0, base_variances[:, None] + change / (count * count))
        reserved_fraction = reserved / columns["total_memory"][None, :]
        held = columns.counts.sum(axis=0)
        n1 = np.where(lacking, held + 1.0, 0.0) - columns.values[Part.N1_INSTANCES][None, :]
        shape = (len(rows), len(columns.indices))
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
                before = columns.values[component][None, :]
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
        rows: NDArray[np.intp],
        fits: Flags,
        metrics: Floats,
        judge: Callable[[Allocation], bool],
    ) -> None:
        good, room = fits, self._room
        refused_all = room is not None and not room.certain
        if room is not None and not refused_all:
            keeps = room.primary_keeps(self._columns, self._vm)[rows]
            pairs = self._columns["free_memory"][None, :] > room.needs[rows] + self._vm.used_memory
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

    def _may_migrate(self, rows: NDArray[np.intp], room: FailoverRoom) -> Flags:
        """Return for each pair whether migration tags and known spindles let the new instance fail over."""
        nodes = list(self._model.nodes.values())
        result = np.ones((len(rows), len(nodes)), dtype=bool)
        if self._vm.spindles is None:
            exclusive = self._columns["exclusive"] == 1.0
            result &= ~(exclusive[None, :] | exclusive[rows, None])
        for at, row in enumerate(rows):
            tags = nodes[row].migration_tags
            if tags:
                result[at] &= np.array([tags <= other.accepted_migration_tags for other in nodes])
            if not room.counted[row]:
                result[at] = True
        return result

    def _allocation(self, primary: int, secondary: int, metric: float) -> Allocation:
        indices = self._columns.indices
        pair = (indices[primary], indices[secondary])
        placed = one_by_one.place_pair(self._model, self._groups, self._vm, pair, soft=self._soft)
        vm, runs, mirrors = cast("tuple[InstanceModel, NodeModel, NodeModel]", placed)
        return Allocation(vm, (runs, mirrors), metric)

    def outcome(self) -> Outcome:
        """Return the outcome of all blocks together."""
        total = Outcome(successes=self._successes)
        for code, mode in enumerate(MODES, 1):
            if self._failures[code]:
                total.failures[mode] = int(self._failures[code])
        if self._best is not None:
            metric, primary, secondary = self._best
            total.best = self._allocation(primary, secondary, metric)
        return total
