"""Placement in vectors: all candidates for one instance at once, with the decisions and metrics of `spec.placement`.

For pairs the score is that of the cluster's statistics with two nodes replaced; each component is computed for all
pairs of a block of primaries, by the same floating-point operations in the same order as one pair would be, so that
metrics are equal to the last bit. For single nodes the whole score is added up for all candidates side by side.

Where the cluster's instances are all mirrored, redundancy too is one comparison for all pairs (`_FailoverRoom`); else
the candidates that pass it are looked at from the best on (`htools.refuge`).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from htools import refuge, trying
from htools.model import Model, NodeModel
from htools.outcomes import (
    Allocation,
    NoTargets,
    Outcome,
    Targets,
    chosen,
    count_targets,
    policy_failure,
    with_allocation,
)
from htools.scoring import COLLISIONS, COMPONENTS, DEVIATION, OFFLINE, collisions, node_values
from htools.vectors import Columns, Floats, Unsuitable, moments, scores_with, sequential_sum
from htools.vm import NO_NODE, InstanceModel
from spec.cluster import Group
from spec.decisions import FailMode
from spec.requests import Limits

Flags: TypeAlias = NDArray[np.bool_]

_MODES = tuple(FailMode)
_CODE = {mode: code for code, mode in enumerate(_MODES, 1)}
_BLOCK = 128
"""Primaries that are computed together; keeps the arrays in the processor's cache."""
_PAIRWISE = (1, 3, 9, 12, 14, 16, 19)
"""Components of the secondary that change: free disk, reserved memory, disk load, spindles, planned disk and spindles,
total reserved memory. Those of N+1 and of places are whole numbers and told apart below."""
_N1, _PLACES = 2, 17


class _FailoverRoom:
    """Redundancy of mirrored instances as arrays: what every node's fail-over needs on every other.

    Attributes:
        certain: False where some node cannot be evacuated whatever is placed.
        others: nodes that matter and run instances that are not mirrored.
    """

    def __init__(self, model: Model, columns: Columns, limits: Limits) -> None:
        size = len(columns.indices)
        self.certain = True
        self.others: list[int] = []
        self.needs = np.zeros((size, size))
        self.touched = np.zeros(size, dtype=bool)
        self.counted = np.zeros(size, dtype=bool)
        for node in model.nodes.values():
            if not refuge.counted(node, limits):
                continue
            row = columns.at[node.index]
            self.counted[row] = True
            vms = [model.instances[index] for index in node.primaries]
            if any(vm.primary != node.index for vm in vms):
                raise Unsuitable
            mirrored = [vm for vm in vms if vm.mirrored]
            if len(mirrored) < len(vms):
                self.others.append(node.index)
            needs = refuge.failover_needs(model, node, mirrored)
            if needs is None:
                self.certain = False
                return
            for index, memory in needs.items():
                column = columns.at[index]
                self.needs[row, column] = memory
                self.touched[column] = True
        free = columns["free_memory"]
        if (self.needs.max(axis=0, initial=0.0) >= free)[self.touched].any():
            self.certain = False

    def primary_keeps(self, columns: Columns, vm: InstanceModel) -> Flags:
        """For each primary: whether the others' instances still find room there."""
        free = columns["free_memory"] - vm.used_memory
        keeps: Flags = ~self.touched | (free > self.needs.max(axis=0, initial=0.0))
        return keeps

    def pair_keeps(self, columns: Columns, rows: slice, vm: InstanceModel) -> Flags:
        """For each pair: whether the primary's instances, the new one among them, find room on the secondary."""
        keeps: Flags = columns["free_memory"][None, :] > self.needs[rows] + vm.used_memory
        keeps |= ~self.counted[rows, None]
        return keeps


class _Fits:
    """Whether and why not each node could be the primary, or the secondary as far as the primary does not matter."""

    def __init__(
        self, model: Model, groups: Sequence[Group], columns: Columns, vm: InstanceModel, *, soft: bool
    ) -> None:
        nodes = list(model.nodes.values())
        self.primary = np.zeros(len(nodes), dtype=np.int8)
        verdicts: dict[tuple[int, bool], FailMode | None] = {}
        for column, node in enumerate(nodes):
            key = (node.group, node.exclusive)
            if key not in verdicts:
                verdicts[key] = policy_failure(vm.instance, groups[node.group].policy, exclusive=node.exclusive)
            refusal = verdicts[key] or node.primary_refusal(vm, force=soft)
            self.primary[column] = _CODE[refusal] if refusal else 0
        disk = float(vm.instance.disk)
        exclusive = columns["exclusive"] == 1.0
        spindles = columns["free_spindles"] - (vm.spindles if vm.spindles is not None else np.inf)
        planned_spindles = columns["planned_free_spindles"] - (vm.spindles if vm.spindles is not None else np.inf)
        use = np.where(exclusive, 0.0, columns["spindle_use"] + vm.spindle_use)
        planned_use = np.where(exclusive, 0.0, columns["planned_spindle_use"] + vm.spindle_use)
        free, planned = columns["free_disk"] - disk, columns["planned_free_disk"] - disk
        memory = float(vm.failover_memory)
        low, high = columns["low_disk"], columns["high_spindles"]
        mirrored = np.full(len(nodes), vm.mirrored)
        mode, nothing = _CODE, np.int8(0)
        self.before_n1 = np.select(
            [
                ~mirrored,
                (free <= 0) | (free < low),
                exclusive & (spindles < 0),
                use > high,
                memory >= columns["free_memory"],
            ],
            [
                mode[FailMode.DISK],
                mode[FailMode.DISK],
                mode[FailMode.SPINDLES],
                mode[FailMode.DISK],
                mode[FailMode.MEMORY],
            ],
            nothing,
        ).astype(np.int8)
        self.after_n1 = np.select(
            [
                (planned <= 0) | (planned < low),
                exclusive & (planned_spindles < 0),
                planned_use > high,
                memory >= columns["planned_free_memory"],
            ],
            [mode[FailMode.DISK], mode[FailMode.SPINDLES], mode[FailMode.DISK], mode[FailMode.MEMORY]],
            nothing,
        ).astype(np.int8)


def _secondary_values(columns: Columns, vm: InstanceModel) -> Floats:
    """Component values of each node as secondary, those left alone that depend on the primary."""
    values = columns.values.copy()
    exclusive = columns["exclusive"] == 1.0
    disk, spindles = float(vm.instance.disk), float(vm.spindles or 0)
    high, total = columns["high_spindles"], columns["total_disk"]
    with np.errstate(divide="ignore", invalid="ignore"):
        for component, free, held, use in (
            (1, "free_disk", "free_spindles", (12, "spindle_use")),
            (14, "planned_free_disk", "planned_free_spindles", (16, "planned_spindle_use")),
        ):
            plain = np.where(total == 0.0, 1.0, (columns[free] - disk) / total)
            whole = columns["total_spindles"]
            whole_free = np.where(whole == 0.0, 1.0, (columns[held] - spindles) / whole)
            values[component] = np.where(exclusive, whole_free, plain)
            row, name = use
            values[row] = np.where(exclusive, 0.0, columns[name] + vm.spindle_use) / high
    values[9] += vm.load[2]
    if not np.isfinite(values).all():
        raise Unsuitable
    return values


class Placer:
    """Tries instances on a model; `commit` puts one in and keeps the arrays up to date.

    Args:
        model: nodes and instances; owned and changed by `commit`.
        groups: the cluster's groups.
        soft: whether soft limits are ignored.
        vectors: below how many candidates the plain way is taken.
    """

    def __init__(self, model: Model, groups: Sequence[Group], *, soft: bool, plain_below: int = 0) -> None:
        self.model = model
        self._groups = groups
        self._soft = soft
        self._plain_below = plain_below
        self._columns: Columns | None = None

    def commit(self, allocation: Allocation) -> None:
        """Put an allocation into the model, at the position that is the number of instances."""
        position = len(self.model.instances)
        self.model = with_allocation(self.model, allocation)
        self.model.instances[position] = allocation.vm
        if self._columns is not None:
            try:
                self._columns.refresh(self.model.nodes[node.index] for node in allocation.nodes)
            except Unsuitable:
                self._columns = None

    def try_all(self, vm: InstanceModel, targets: Targets, required: int, limits: Limits) -> Outcome:
        """Try every candidate.

        Raises:
            NoTargets: there are none; its text is the peer's.
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
        return trying.try_all(self.model, self._groups, vm, targets, soft=self._soft, good=self._judge(limits))

    def _judge(self, limits: Limits) -> Callable[[Allocation], bool]:
        if not limits.capacity:
            return lambda _: True
        return lambda allocation: refuge.redundant(with_allocation(self.model, allocation), self._groups, limits)

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
        """The component of shared places and exclusion tags with the instance on each node."""
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
        room = _FailoverRoom(self.model, columns, limits) if limits.capacity else None
        work = _PairWork(self.model, self._groups, columns, vm, soft=self._soft, collide=self._collisions)
        total = Outcome()
        pairs = [(columns.at[p], np.array([columns.at[s] for s in ss])) for p, ss in targets]  # type: ignore[misc]
        for start in range(0, len(pairs), _BLOCK):
            work.block(pairs[start : start + _BLOCK], room, self._judge(limits))
        return work.finished(total)


class _PairWork:
    """One instance's trial on all pairs, a block of primaries at a time."""

    def __init__(
        self,
        model: Model,
        groups: Sequence[Group],
        columns: Columns,
        vm: InstanceModel,
        *,
        soft: bool,
        collide: Callable[[InstanceModel, Sequence[NodeModel]], Floats],
    ) -> None:
        self._model, self._groups, self._columns, self._vm, self._soft = model, groups, columns, vm, soft
        self._fits = _Fits(model, groups, columns, vm, soft=soft)
        self._needs = columns.need_matrix()
        self._second = _secondary_values(columns, vm)
        online = np.flatnonzero(columns.online)
        self._count, self._sums, self._variances = moments(columns.values[:, online])
        offline = np.flatnonzero(~columns.online)
        self._offline = sequential_sum(columns.values[:, offline])
        self._places = any(node.location_tags for node in model.nodes.values())
        self._collide = collide
        self._best: tuple[float, int, int] | None = None
        self._failures = np.zeros(len(_MODES) + 1, dtype=np.int64)
        self._successes = 0

    def block(
        self,
        pairs: Sequence[tuple[int, NDArray[np.intp]]],
        room: _FailoverRoom | None,
        judge: Callable[[Allocation], bool],
    ) -> None:
        """Try some primaries with their secondaries."""
        usable = []
        for primary, secondaries in pairs:
            code = self._fits.primary[primary]
            if code:
                self._failures[code] += len(secondaries)
            else:
                usable.append((primary, secondaries))
        if not usable:
            return
        rows = np.array([primary for primary, _ in usable])
        allowed = np.zeros((len(rows), len(self._columns.indices)), dtype=bool)
        for row, (_, secondaries) in enumerate(usable):
            allowed[row, secondaries] = True
        reserved = np.maximum(self._columns["reserved"][None, :], self._needs[rows] + self._vm.failover_memory)
        lacking = self._columns["free_memory"][None, :] <= reserved
        codes = np.where(
            self._fits.before_n1[None, :] > 0,
            self._fits.before_n1[None, :],
            np.where(
                lacking & (self._columns["n1_failed"][None, :] == 0.0),
                np.int8(_CODE[FailMode.MEMORY]),
                self._fits.after_n1[None, :],
            ),
        )
        self._failures += np.bincount(codes[allowed], minlength=len(_MODES) + 1)
        fits = allowed & (codes == 0)
        self._failures[0] = 0
        if not fits.any():
            return
        metrics = self._metrics(rows, reserved, lacking)
        self._choose(rows, fits, metrics, room, judge)

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

    def _metrics(self, rows: NDArray[np.intp], reserved: Floats, lacking: Flags) -> Floats:
        """The metric of every pair of these primaries with every node, meaningful where both fit."""
        columns, count = self._columns, self._count
        placed, first = self._primaries(rows)
        old = columns.values[:, rows]
        difference = first - old
        sums = self._sums[:, None] + difference
        squares = first * first - old * old
        change = (count * squares - 2 * self._sums[:, None] * difference) - difference * difference
        variances = np.maximum(0.0, self._variances[:, None] + change / (count * count))
        reserved_fraction = reserved / columns["total_memory"][None, :]
        held = columns.counts.sum(axis=0)
        n1 = np.where(lacking, held + 1.0, 0.0) - columns.values[_N1][None, :]
        shape = (len(rows), len(columns.indices))
        total: Floats = np.zeros(shape)
        column: Floats = np.zeros((len(rows), 1))
        wide = False
        for component, (_, weight, aggregation) in enumerate(COMPONENTS):
            value: Floats
            if aggregation == OFFLINE:
                value = np.full((1, 1), self._offline[component])
            elif aggregation == COLLISIONS:
                value = self._collide(self._vm, placed)[:, None]
            elif component == _N1:
                value = sums[component][:, None] + n1
            elif component == _PLACES:
                value = sums[component][:, None]
                if self._places:
                    value = value + self._shared_places(rows)
            elif component not in _PAIRWISE:
                value = (np.sqrt(variances[component]) if aggregation == DEVIATION else sums[component])[:, None]
            else:
                before = columns.values[component][None, :]
                after = reserved_fraction if component in {3, 19} else self._second[component][None, :]
                if aggregation == DEVIATION:
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
        count = self._count
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
        room: _FailoverRoom | None,
        judge: Callable[[Allocation], bool],
    ) -> None:
        good = fits
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
            # The peer sorts the candidates it collected last first: among equals the last one leads.
            order = possible[::-1][np.argsort(metrics[row, possible[::-1]], kind="stable")]
            flags = good[row, order]
            refused = len(order)
            for at in np.flatnonzero(flags):
                if room is None or not room.others or judge(self._allocation(int(primary), int(order[at]), 0.0)):
                    refused = int(at)
                    break
            self._failures[_CODE[FailMode.N1]] += refused
            self._successes += len(order) - refused
            if refused < len(order):
                metric = float(metrics[row, order[refused]])
                if self._best is None or not self._best[0] < metric:
                    self._best = (metric, int(primary), int(order[refused]))

    def _may_migrate(self, rows: NDArray[np.intp], room: _FailoverRoom) -> Flags:
        """For each pair whether the new instance could fail over at all: tags and known spindles."""
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
        placed = trying.place_pair(self._model, self._groups, self._vm, pair, soft=self._soft)
        vm, runs, mirrors = cast("tuple[InstanceModel, NodeModel, NodeModel]", placed)
        return Allocation(vm, (runs, mirrors), metric)

    def finished(self, total: Outcome) -> Outcome:
        """What all blocks came to."""
        for code, mode in enumerate(_MODES, 1):
            if self._failures[code]:
                total.failures[mode] += int(self._failures[code])
        total.successes += self._successes
        if self._best is not None:
            metric, primary, secondary = self._best
            total.best = self._allocation(primary, secondary, metric)
        return total
