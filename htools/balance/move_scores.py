"""Scores of many candidate moves at once, from what each changes: two or three nodes and one instance.

`htools.balance.evaluation` returns, for a block of instances and a block of target nodes, the score after each kind of
move (infinite where the move is refused) and a bound on its error. These scores are not Ganeti's to the last bit: the
choice between candidates closer than the bound needs the exact score. The definition is `spec.allocator.score`.

With U the nodes' values less a reference (per column), s1 = ΣU and s2 = ΣU², a candidate changes s1 by δ1 and s2 by
δ2, and n²·variance = n(s2 + δ2) − (s1 + δ1)². Instance and old nodes give a row factor, the target gives a column
factor, so that one component of all candidates is one matrix product of inner dimension four.
The derivation of the error bound is docs/score-bound.md.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from htools.balance.arrays import RESERVED, WEIGHTS, BalancingNodes, InstanceArrays
from htools.balance.tag_tables import TagTables
from htools.model.arrays import DEVIATIONS
from htools.model.cluster import Model
from spec.allocator.components import COMPONENTS, Part
from spec.allocator.decisions import MoveKind, Rules

if TYPE_CHECKING:
    from htools.model.arrays import Bools, Floats, Ints

KINDS = (
    MoveKind.REPLACE_SECONDARY,
    MoveKind.REPLACE_AND_FAILOVER,
    MoveKind.REPLACE_PRIMARY,
    MoveKind.FAILOVER_AND_REPLACE,
)
"""Kinds with a target for mirrored instances, in the order in which they are tried."""

ALL_OFFLINE, PRIMARIES_OFFLINE, TAG_CONFLICTS, RESERVED_TOTAL = (
    COMPONENTS[part].weight
    for part in (Part.OFFLINE_INSTANCES, Part.OFFLINE_PRIMARIES, Part.TAG_CONFLICTS, Part.RESERVED_TOTAL)
)
"""Weights of components that are sums."""

ROUNDING = 2.0**-53
"""Half the distance of 1 to the next double."""


@dataclass(slots=True)
class Block:
    """The scores of a block of candidates.

    Attributes:
        kinds: the kinds with a target, in the order in which they are tried for each target.
        scores: float64[kinds, rows, targets], infinite where a move is refused or not offered.
        failover: float64[rows], the score of a mere fail-over.
        error: float64[rows], bound on the error of the row's figures.
        low, high: float64[columns, rows], bounds on n²·variance over the row's candidates.
    """

    kinds: tuple[MoveKind, ...]
    scores: "Floats"
    failover: "Floats"
    error: "Floats"
    low: "Floats"
    high: "Floats"

    def best(self) -> "Floats":
        """Return the lowest score of every row."""
        lowest = self.scores.min(axis=(0, 2), initial=np.inf)
        best: Floats = np.minimum(lowest, self.failover)
        return best


class Candidates:
    """Evaluates candidates of one model under one set of rules."""

    def __init__(self, model: Model, rules: Rules) -> None:
        self.model = model
        self.rules = rules
        self.nodes = BalancingNodes(list(model.nodes.values()))
        self.vms = InstanceArrays(model, self.nodes)
        self.tags = TagTables(model, self.nodes)
        self.online: Floats = self.nodes.online.astype(float)
        self.count = float(self.online.sum())
        self.exclusive = any(node.exclusive for node in model.nodes.values())
        self.forthcoming = bool((self.vms.real == 0).any())
        self.rooms: dict[Hashable, list[Any]] = {}
        self.refused: dict[Hashable, Bools] = {}
        """Results of `htools.balance.admission` that hold for a round, by role."""
        self._read_values()
        self._merge_columns()
        self.begin_round()

    def _read_values(self) -> None:
        """Set the values of online nodes in the columns that are standard deviations; those of offline ones are 0."""
        self._values: Floats = np.where(self.nodes.online, self.nodes.values[DEVIATIONS], 0.0)

    def _merge_columns(self) -> None:
        """Find columns with equal values for all nodes and instances; each is computed once, with summed weights."""
        nodes, vms = self.nodes, self.vms
        weights: list[float] = []
        kept: list[int] = []
        merged: list[tuple[int, int]] = []
        for column, weight in enumerate(WEIGHTS):
            if column == RESERVED:
                continue
            for position, other in enumerate(kept):
                if (
                    np.array_equal(self._values[column], self._values[other])
                    and np.array_equal(nodes.per_unit[column], nodes.per_unit[other])
                    and np.array_equal(vms.as_primary[column], vms.as_primary[other])
                    and np.array_equal(vms.as_secondary[column], vms.as_secondary[other])
                ):
                    weights[position] += weight
                    merged.append((column, other))
                    break
            else:
                kept.append(column)
                weights.append(weight)
        self.kept = kept
        self.weights = np.array(weights)
        self._merged = merged
        self.unit: Floats = nodes.per_unit[kept]
        self.as_primary: Floats = vms.as_primary[kept]
        self.as_secondary: Floats = vms.as_secondary[kept]
        self.reference: Floats = self._online_values().mean(axis=1) if self.count else np.zeros(len(WEIGHTS))

    def _online_values(self) -> "Floats":
        return self._values[:, self.nodes.online]

    def begin_round(self) -> bool:
        """Update sums, additive parts and factors after the last move.

        Returns:
            Whether merged columns are no longer equal, so that nothing kept per column is valid.
        """
        nodes, count, on = self.nodes, self.count, self.online
        self.rooms.clear()
        self.refused.clear()
        self._read_values()
        parted = any(not np.array_equal(self._values[column], self._values[other]) for column, other in self._merged)
        if parted:
            self._merge_columns()
        centred = (self._values - self.reference[:, None]) * on
        self.value: Floats = centred[self.kept]
        self.sums: Floats = centred.sum(axis=1)  # numpy sums along rows in pairs, which keeps the error small
        self.squares: Floats = (centred * centred).sum(axis=1)
        self.s1, self.s2 = self.sums[self.kept], self.squares[self.kept]
        unit = self.unit
        factors = (np.ones_like(unit), 2.0 * count * self.value * unit, unit, (count - 1.0) * unit * unit)
        self.factors: Floats = np.ascontiguousarray(np.stack(factors, axis=1))
        self.extreme: Floats = np.abs(self.factors).max(axis=2, initial=0.0)
        self.reserved_value: Floats = centred[RESERVED]
        self.per_memory: Floats = np.divide(on, nodes.total_memory, out=np.zeros_like(on), where=nodes.online)
        reserved = float(self._values[RESERVED].sum())
        self.n1: Floats = np.where(nodes.n1_failed, nodes.count, 0.0) * on
        off = 1.0 - on
        offline = ALL_OFFLINE * float((nodes.count * off).sum()) + PRIMARIES_OFFLINE * float(
            (nodes.primaries * off).sum()
        )
        tags = TAG_CONFLICTS * float((nodes.tag_conflicts * on).sum())
        places = float((nodes.location_score * on).sum()) + self.tags.collisions
        self.additive = RESERVED_TOTAL * reserved + float(self.n1.sum()) + offline + tags + places
        """The part of the score that is not a deviation."""
        self.magnitude = float(np.abs(self._values).max(initial=1.0))
        """The largest value of any node in any column."""
        counted = 3.0 * (float(nodes.count.max(initial=0.0)) + 1.0) + 20.0 + self.tags.most
        self.own_error = self.error_of_values(self.magnitude) + ROUNDING * (
            count * abs(reserved) + 64.0 * (abs(self.score) + counted)
        )
        """The part of the bound that is the same for all candidates, without the largest change of a value."""
        return parted

    def error_of_values(self, magnitude: float) -> float:
        """Return the bound on the error of Ganeti's own sums and of the values in the factors, for this magnitude."""
        return ROUNDING * ((4.0 * self.count + 160.0) * sum(WEIGHTS) + 3.0 * self.count) * magnitude

    def largest_sums(self, rows: "Ints") -> "Floats":
        """Bound the change of each column's sum by any candidate of the rows: float64[columns + 1, rows]."""
        units = np.abs(self.as_primary[:, rows]) + np.abs(self.as_secondary[:, rows])
        linear = 2.0 * units * np.abs(self.unit).max(axis=1, initial=0.0)[:, None]
        most = self.nodes.reserved.max(initial=0.0) + self.nodes.needs.max(initial=0.0) + self.vms.failover_memory[rows]
        reserved = 3.0 * most * float(self.per_memory.max(initial=0.0))
        return np.vstack((linear, reserved[None, :]))

    @property
    def score(self) -> float:
        """The score as computed in vectors; without an online node the deviations are 0."""
        if not self.count:
            return self.additive
        variance = np.maximum(self.count * self.squares - self.sums * self.sums, 0.0)
        return self.additive + float((np.array(WEIGHTS) * np.sqrt(variance)).sum()) / self.count
