"""A round's best move where all movable instances are on shared storage: equal instances are scored once.

A move of such an instance changes memory, cores and load only. Instances with the same needs form a class. Those of one
class on one node lead to the same scores, and so do those of one class on any offline nodes. So a *row* of candidates
is a class and a node (or: offline), and its first instance is the one that moves.

Scores are computed as in `htools.balance.move_scores`, with the bound of docs/score-bound.md taken over the whole round
instead of row by row; all candidates within the bound are then compared exactly, in one step. If moving an instance
off an offline node makes the score lower than the weight of the instances on offline nodes alone, no other move is
scored, since none can lead there.

Invariant: the move found is that of `htools.balance.plain_search.PlainSearch`.
"""

from bisect import insort
from math import sqrt
from sys import float_info
from typing import TYPE_CHECKING

from htools.balance.arrays import WEIGHTS
from htools.balance.move_scores import ROUNDING
from htools.balance.score_deltas import VARIANCE_ROUNDINGS
from htools.limits import PAIRS_OF_CLASSES
from htools.model.arrays import NodeArrays
from htools.model.cluster import NO_NODE, Model
from htools.model.moves import Moved, attempt
from htools.model.score import component_values
from spec.allocator.admission import AS_PRIMARY, Figure, Limit, Only, fails_n1
from spec.allocator.cluster import MirrorType
from spec.allocator.components import COMPONENTS, EVACUATED, Part
from spec.allocator.decisions import FailMode, Move, MoveKind, Rules

import numpy as np  # isort: skip

if TYPE_CHECKING:
    from htools.model.arrays import Bools, Floats, Ints
    from htools.model.instance import InstanceModel

_ASKED = tuple(
    condition
    for condition in AS_PRIMARY
    if Only.LOCAL_DISKS not in condition.only
    and condition.limit is not Limit.TAGS
    and (condition.planned or condition.limit is not Limit.CORES)
)
"""Conditions for an instance without local disks and tags. Planned cores are never fewer than the existing ones."""
_FORCED = tuple(condition for condition in _ASKED if not condition.soft)

_N1_WEIGHT = COMPONENTS[Part.N1_INSTANCES].weight
_OFFLINE_WEIGHT = COMPONENTS[Part.OFFLINE_INSTANCES].weight
_OFFLINE_PRIMARY_WEIGHT = COMPONENTS[Part.OFFLINE_PRIMARIES].weight

NOBODY = np.iinfo(np.intp).max
"""Where a row has no instance."""


def _movable(model: Model) -> "list[tuple[int, InstanceModel]]":
    """Return the instances that may move, with their positions in the model's order."""
    return [
        (at, vm)
        for at, vm in enumerate(model.instances.values())
        if vm.movable and vm.instance.auto_balance and vm.instance.mirror_type is not MirrorType.NONE
    ]


def _needs(vm: "InstanceModel") -> tuple[object, ...]:
    return (vm.memory, vm.used_memory, vm.vcpus, vm.load)


def serves(model: Model) -> bool:
    """Return whether this search can balance the model, which must be `htools.balance.arrays.representable`."""
    online = sum(not node.offline for node in model.nodes.values())
    vms = [vm for _, vm in _movable(model)]
    if not online or not vms or any(node.exclusive or node.migration_tags for node in model.nodes.values()):
        return False
    if not all(
        vm.instance.mirror_type is MirrorType.EXTERNAL
        and vm.secondary == NO_NODE
        and not vm.local
        and not vm.forthcoming
        and not vm.exclusion_tags
        and not vm.desired_locations
        and vm.primary in model.nodes
        for vm in vms
    ):
        return False
    rows = min(len(vms), len({_needs(vm) for vm in vms}) * (online + 1))
    return rows * online <= PAIRS_OF_CLASSES


class ClassSearch:
    """Balances one model under one set of rules; `best` finds a round's move, `commit` makes it.

    Arrays are over columns g (components that change, the equal ones once), classes c and online nodes n.

    Attributes:
        needs: float64[g, c], what an instance adds to a column's account.
        nodes: the online nodes; a move brings only the columns up to date that are read here.
        accounts: float64[g, n], the accounts: MiB free, cores used, load; `values` the same per unit of the node.
        first: intp[c, n + 1], position of each row's first instance; the last row of a class is that of offline nodes.
    """

    def __init__(self, model: Model, rules: Rules) -> None:
        self.model, self.rules = model, rules
        self._index = [index for index, node in model.nodes.items() if not node.offline]
        self._at = {index: at for at, index in enumerate(self._index)}
        self._vms = list(model.instances)
        self._position = {index: at for at, index in enumerate(self._vms)}
        self._nodes = [model.nodes[index] for index in self._index]
        self.nodes = NodeArrays(self._nodes)
        self.most_cores: Floats = np.where(self.nodes.vcpu_ratio < 0, np.inf, self.nodes.vcpu_ratio)
        self.count = len(self._index)
        self._find_rows()
        self._find_columns()
        parts = component_values(model.nodes.values())
        self.resting = [weight * value for (_, weight, _), value in zip(COMPONENTS, parts, strict=True)]
        self.constant = sum(
            part
            for at, part in enumerate(self.resting)
            if at not in {*self._column, Part.N1_INSTANCES, Part.OFFLINE_INSTANCES, Part.OFFLINE_PRIMARIES}
        )
        self.offline_all, self.offline_primaries = (
            int(parts[Part.OFFLINE_INSTANCES]),
            int(parts[Part.OFFLINE_PRIMARIES]),
        )

    def _find_rows(self) -> None:
        """Sort the instances that may move into classes and by where they are."""
        numbers: dict[object, int] = {}
        self._class: dict[int, int] = {}
        self._members: dict[tuple[int, int], list[int]] = {}
        self._kinds: list[InstanceModel] = []
        for at, vm in _movable(self.model):
            number = numbers.setdefault(_needs(vm), len(numbers))
            if number == len(self._kinds):
                self._kinds.append(vm)
            self._class[at] = number
            self._members.setdefault((number, self._at.get(vm.primary, -1)), []).append(at)
        self.first: Ints = np.full((len(self._kinds), self.count + 1), NOBODY, dtype=np.intp)
        for (number, home), members in self._members.items():
            self.first[number, home] = members[0]
        self.memory: Floats = np.array([vm.memory for vm in self._kinds], dtype=float)
        self.used: Floats = np.array([vm.used_memory for vm in self._kinds], dtype=float)
        self.vcpus: Floats = np.array([vm.vcpus for vm in self._kinds], dtype=float)

    def _find_columns(self) -> None:
        """Set up the columns; columns that always stay equal are kept once, with their weights added."""
        nodes, kinds = self._nodes, self._kinds
        memory, cpus = [float(node.total_memory) for node in nodes], [float(node.total_cpus) for node in nodes]
        speed, ones = [node.cpu_speed for node in nodes], [1.0] * len(nodes)
        columns = {
            Part.FREE_MEMORY: (
                [float(node.free_memory) for node in nodes], memory, ones, [-float(vm.used_memory) for vm in kinds],
            ),
            Part.CORES: ([float(node.used_cpus) for node in nodes], cpus, speed, [float(vm.vcpus) for vm in kinds]),
            Part.PLANNED_MEMORY: (
                [float(n.planned_free_memory) for n in nodes], memory, ones, [-float(vm.memory) for vm in kinds],
            ),
            Part.PLANNED_CORES: (
                [float(node.planned_used_cpus) for node in nodes], cpus, speed, [float(vm.vcpus) for vm in kinds],
            ),
        }  # fmt: skip
        for part in range(4):
            columns[Part(Part.CPU_LOAD + part)] = (
                [n.load[part] for n in nodes],
                ones,
                ones,
                [vm.load[part] for vm in kinds],
            )
        kept = list({repr(column): column for column in columns.values()}.values())
        self._column = {at: kept.index(column) for at, column in columns.items()}
        self._deviating = [(int(at), COMPONENTS[at].weight, column) for at, column in self._column.items()]
        self.accounts: Floats = np.array([column[0] for column in kept])
        self.whole: Floats = np.array([column[1] for column in kept])
        self.speed: Floats = np.array([column[2] for column in kept])
        self.needs: Floats = np.array([column[3] for column in kept])
        self.values: Floats = self.accounts / self.whole / self.speed
        self.reference: Floats = self.values.mean(axis=1, keepdims=True)
        self.weights: Floats = np.zeros(len(kept))
        for at, column in self._column.items():
            self.weights[column] += COMPONENTS[at].weight
        self.unit: Floats = 1.0 / self.whole / self.speed
        self.added: Floats = self.needs[:, :, None] * self.unit[:, None, :]
        self.added_squares: Floats = (self.count - 1.0) * self.added * self.added
        self.largest: list[float] = np.abs(self.added).max(axis=(1, 2)).tolist()

    # -- scores in vectors ---------------------------------------------------------------------------------------

    def _fits(self, classes: "Ints", *, force: bool) -> "Bools":
        """Return whether online nodes take an instance of each class: bool[rows, n]."""
        real, planned = self._figures(classes)
        fits: Bools = np.ones((len(classes), self.count), dtype=bool)
        for condition in _FORCED if force else _ASKED:
            refused = condition.refused(planned if condition.planned else real)
            fits &= ~(refused & ~self.nodes.n1_failed if Only.REDUNDANT in condition.only else refused)
        return fits

    def _figures(self, classes: "Ints") -> "tuple[dict[Figure, Floats], dict[Figure, Floats]]":
        """Return the figures of conditions without and with forthcoming instances: [classes, nodes] or [nodes]."""
        nodes = self.nodes
        cores = (nodes.planned_used_cpus + self.vcpus[classes][:, None]) / nodes.total_cpus
        memory = self.memory[classes][:, None]
        return (
            {
                Figure.MEMORY: self.used[classes][:, None],
                Figure.FREE_MEMORY: nodes.free_memory,
                Figure.RESERVED: nodes.reserved,
            },
            {
                Figure.MEMORY: memory,
                Figure.FREE_MEMORY: nodes.planned_free_memory,
                Figure.CORES: cores,
                Figure.MOST_CORES: self.most_cores,
            },
        )

    def _n1_change(self, classes: "Ints", homes: "Ints | None") -> "Floats | float":
        """Return the change of the number of instances on nodes that fail N+1."""
        nodes, used = self.nodes, self.used[classes]
        now = np.where(nodes.n1_failed, nodes.count, 0.0)
        fails = fails_n1(nodes.free_memory - used[:, None], nodes.reserved)
        if not now.any() and not fails.any():
            return 0.0
        change: Floats = np.where(fails, nodes.count + 1.0, 0.0) - now
        if homes is not None:
            still = fails_n1(nodes.free_memory[homes] + used, nodes.reserved[homes])
            change += (np.where(still, nodes.count[homes] - 1.0, 0.0) - now[homes])[:, None]
        return change

    def _scores(self, classes: "Ints", homes: "Ints | None") -> "tuple[Floats, float]":
        """Return the scores after moves of the rows, float64[rows, n], and the error bound; `homes` None: offline."""
        count = self.count
        centred = self.values - self.reference
        s1, s2 = centred.sum(axis=1), (centred * centred).sum(axis=1)
        added = self.added[:, classes]
        if homes is None:
            variance = added * (2.0 * count * centred - 2.0 * s1[:, None])[:, None, :]
            variance += (count * s2 - s1 * s1)[:, None, None]
        else:
            left = -self.needs[:, classes] * self.unit[:, homes]
            sums, squares = s1[:, None] + left, s2[:, None] + left * (2.0 * centred[:, homes] + left)
            variance = added * (2.0 * count * centred[:, None, :] - 2.0 * sums[:, :, None])
            variance += (count * squares - sums * sums)[:, :, None]
        variance += self.added_squares[:, classes]
        low = variance.min(axis=(1, 2)).tolist()
        np.sqrt(np.maximum(variance, 0.0, out=variance), out=variance)
        scores = (self.weights / count) @ variance.reshape(len(self.weights), -1)
        scores = scores.reshape(len(classes), count) + self._n1_change(classes, homes)
        scores += self.constant + self._counted() - (EVACUATED if homes is None else 0.0)
        extreme = np.abs(centred).max(axis=1).tolist()
        return scores, self._error(s1.tolist(), s2.tolist(), extreme, low)

    def _counted(self) -> float:
        """Return the part of the score that counts instances: on nodes that fail N+1, and on offline ones."""
        offline = _OFFLINE_WEIGHT * self.offline_all + _OFFLINE_PRIMARY_WEIGHT * self.offline_primaries
        return offline + self._failing()

    def _failing(self) -> float:
        return float(self.nodes.count[self.nodes.n1_failed].sum())

    def _error(self, s1: list[float], s2: list[float], extreme: list[float], low: list[float]) -> float:
        """Return the bound of docs/score-bound.md, sections 2 to 5, for all candidates of a round at once."""
        count, error, magnitude = self.count, 0.0, 1.0
        for column, change in enumerate(self.largest):
            squares = s2[column] + change * (2.0 * extreme[column] + change)
            sums = abs(s1[column]) + change
            size = count * squares + sums * sums + 2.0 * change * (sums + count * (extreme[column] + change))
            off = VARIANCE_ROUNDINGS * ROUNDING * size
            least = low[column]
            error += (
                float(self.weights[column]) / count * (min(sqrt(off), off / sqrt(least)) if least > 0 else sqrt(off))
            )
            magnitude = max(magnitude, extreme[column] + abs(float(self.reference[column, 0])) + change)
        own = ROUNDING * (4.0 * count + 160.0) * sum(WEIGHTS) * magnitude
        counted = self._counted() + EVACUATED + 2.0 * (float(self.nodes.count.max()) + 1.0)
        return error + own + 64.0 * ROUNDING * (self.constant + counted + magnitude * sum(WEIGHTS))

    # -- exact scores --------------------------------------------------------------------------------------------

    def _exact(self, chosen: "list[tuple[int, int, int, int]]") -> list[float]:
        """Score candidates `(position, target, class, home)` exactly, in Ganeti's order of operations."""
        targets = np.array([entry[1] for entry in chosen], dtype=np.intp)
        classes = np.array([entry[2] for entry in chosen], dtype=np.intp)
        homes = np.array([entry[3] for entry in chosen], dtype=np.intp)
        every = np.arange(len(chosen))
        values = np.repeat(self.values[:, None, :], len(chosen), axis=1)
        after = self.accounts[:, targets] + self.needs[:, classes]
        values[:, every, targets] = after / self.whole[:, targets] / self.speed[:, targets]
        moving = np.flatnonzero(homes < self.count)
        if len(moving):
            at = homes[moving]
            after = self.accounts[:, at] - self.needs[:, classes[moving]]
            values[:, moving, at] = after / self.whole[:, at] / self.speed[:, at]
        values -= np.cumsum(values, axis=2)[:, :, -1:] / float(self.count)
        deviations = np.sqrt(np.cumsum(values * values, axis=2)[:, :, -1] / float(self.count)).T.tolist()
        return [self._weighed(*entry) for entry in zip(chosen, deviations, strict=True)]

    def _weighed(self, entry: tuple[int, int, int, int], deviations: list[float]) -> float:
        _, target, kind, home = entry
        nodes, used, leaves_offline = self.nodes, float(self.used[kind]), home == self.count
        failing = self._failing() - (float(nodes.count[target]) if nodes.n1_failed[target] else 0.0)
        if fails_n1(nodes.free_memory[target] - used, nodes.reserved[target]):
            failing += float(nodes.count[target]) + 1.0
        if not leaves_offline:
            failing -= float(nodes.count[home]) if nodes.n1_failed[home] else 0.0
            if fails_n1(nodes.free_memory[home] + used, nodes.reserved[home]):
                failing += float(nodes.count[home]) - 1.0
        values = self.resting[:]
        for at, weight, column in self._deviating:
            values[at] = weight * deviations[column]
        values[Part.N1_INSTANCES] = _N1_WEIGHT * failing
        values[Part.OFFLINE_INSTANCES] = _OFFLINE_WEIGHT * float(self.offline_all - leaves_offline)
        values[Part.OFFLINE_PRIMARIES] = _OFFLINE_PRIMARY_WEIGHT * float(self.offline_primaries - leaves_offline)
        result = 0.0
        for value in values:
            result += value
        return result

    # -- rounds --------------------------------------------------------------------------------------------------

    def best(self, before: float) -> tuple[Move, Moved, float] | None:
        """Return the first among the best moves, None where none leads below the score `before`."""
        if not self.rules.instance_moves:
            return None
        blocks: list[tuple[Ints, Ints | None, Floats]] = []
        offline = np.flatnonzero(self.first[:, -1] != NOBODY)
        error, least = 0.0, np.inf
        if len(offline):
            scores, error = self._scores(offline, None)
            scores[~self._fits(offline, force=True)] = np.inf
            least = float(scores.min())
            blocks.append((offline, None, scores))
        if not self.rules.evacuation and least + 2.0 * error >= self._counted() - self._failing():
            classes, homes = np.nonzero(self.first[:, :-1] != NOBODY)
            if len(classes):
                scores, other = self._scores(classes, homes)
                fits = self._fits(classes, force=self.rules.ignore_soft)
                fits[np.arange(len(homes)), homes] = False
                scores[~fits] = np.inf
                error, least = max(error, other), min(least, float(scores.min()))
                blocks.append((classes, homes, scores))
        return self._decide(blocks, min(least + error, before, float_info.max) + error, before)

    def _decide(
        self, blocks: "list[tuple[Ints, Ints | None, Floats]]", limit: float, before: float
    ) -> tuple[Move, Moved, float] | None:
        """Return, of the candidates scored up to `limit`, the first with the least exact score, if below `before`."""
        chosen: list[tuple[int, int, int, int]] = []
        for classes, homes, scores in blocks:
            for row, target in np.argwhere(scores <= limit).tolist():
                kind, home = int(classes[row]), self.count if homes is None else int(homes[row])
                chosen.append((int(self.first[kind, home]), target, kind, home))
        if not chosen:
            return None
        chosen.sort()
        found = self._exact(chosen)
        best = min(found)
        if not best < before:
            return None
        position, target, _, _ = chosen[found.index(best)]
        move = Move(self._vms[position], MoveKind.FAILOVER_TO_ANY, self._index[target])
        moved = attempt(self.model, move, ignore_soft=self.rules.ignore_soft)
        return None if isinstance(moved, FailMode) else (move, moved, best)  # never refused: it fits

    def commit(self, moved: Moved) -> None:
        """Make a move and bring the accounts up to date."""
        vm = moved.vm
        position = self._position[vm.index]
        kind = self._class[position]
        old = self._at.get(self.model.instances[vm.index].primary, -1)
        new = self._at[vm.primary]
        moved.commit(self.model)
        members = self._members[kind, old]
        members.remove(position)
        self.first[kind, old] = members[0] if members else NOBODY
        insort(self._members.setdefault((kind, new), []), position)
        self.first[kind, new] = self._members[kind, new][0]
        if old < 0:
            self.offline_all -= 1
            self.offline_primaries -= 1
        else:
            self._account(old, kind, -1.0)
        self._account(new, kind, 1.0)

    def _account(self, at: int, kind: int, sign: float) -> None:
        """Add an instance to a node, or take it away: to read the node again would take three times as long."""
        self.accounts[:, at] += sign * self.needs[:, kind]
        self.values[:, at] = self.accounts[:, at] / self.whole[:, at] / self.speed[:, at]
        nodes = self.nodes
        nodes.free_memory[at] -= sign * float(self.used[kind])
        nodes.planned_free_memory[at] -= sign * float(self.memory[kind])
        nodes.planned_used_cpus[at] += sign * float(self.vcpus[kind])
        nodes.count[at] += sign
        nodes.n1_failed[at] = fails_n1(nodes.free_memory[at], nodes.reserved[at])
