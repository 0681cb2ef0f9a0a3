"""A model's nodes as arrays, for trying many candidates at once.

Arrays are float64[figures, nodes], nodes in the model's order. Whole numbers are exact below 2⁵³; `Unsuitable` is
raised for larger ones and for figures that are not finite, and callers then use `htools.placement.one_by_one`.
"""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from htools.model.cluster import Model, NodeModel
from htools.model.score import node_values
from spec.allocator.components import COMPONENTS, POSITIONS, Aggregation

Floats: TypeAlias = NDArray[np.float64]

_LARGEST = float(2**53)
_FIGURES = (
    "free_memory", "reserved", "total_memory", "free_disk", "total_disk", "low_disk", "used_cpus", "total_cpus",
    "cpu_speed", "vcpu_ratio", "spindle_use", "high_spindles", "exclusive", "free_spindles", "total_spindles",
    "n1_failed", "planned_free_memory", "planned_free_disk", "planned_used_cpus", "planned_free_spindles",
    "planned_spindle_use", "location_score", "group", "offline",
)  # fmt: skip
_ROW = {name: row for row, name in enumerate(_FIGURES)}
DEVIATIONS = list(POSITIONS[Aggregation.DEVIATION])
WEIGHTS = np.array([weight for _, weight, _ in COMPONENTS])


class Unsuitable(Exception):  # noqa: N818 - the caller's cue, not an error
    """Vectors cannot hold this model exactly."""


def _figures(node: NodeModel) -> list[float]:
    return [getattr(node, name) for name in _FIGURES]


class Columns:
    """The arrays of a model. `refresh` reads changed nodes again."""

    def __init__(self, model: Model) -> None:
        self.indices = list(model.nodes)
        self.at = {index: column for column, index in enumerate(self.indices)}
        nodes = list(model.nodes.values())
        self.figures: Floats = np.array([_figures(node) for node in nodes], dtype=np.float64).T.copy()
        self.values: Floats = np.array([node_values(node) for node in nodes], dtype=np.float64).T.copy()
        self.counts: Floats = np.array(
            [(len(n.primaries), len(n.secondaries)) for n in nodes], dtype=np.float64
        ).T.copy()
        self.needs: dict[int, dict[int, int]] = {node.index: dict(node.peers) for node in nodes}
        self.tag_counts = {at: node.tag_counts for at, node in enumerate(nodes) if node.tag_counts}
        self._check()

    def copy(self) -> "Columns":
        """Return an independent copy."""
        other = object.__new__(Columns)
        other.indices, other.at = self.indices, self.at
        other.figures, other.values, other.counts = self.figures.copy(), self.values.copy(), self.counts.copy()
        other.needs, other.tag_counts = dict(self.needs), dict(self.tag_counts)
        return other

    def refresh(self, nodes: Iterable[NodeModel]) -> None:
        """Read some nodes again."""
        for node in nodes:
            column = self.at[node.index]
            self.figures[:, column] = _figures(node)
            self.values[:, column] = node_values(node)
            self.counts[:, column] = (len(node.primaries), len(node.secondaries))
            self.needs[node.index] = dict(node.peers)
            if node.tag_counts:
                self.tag_counts[column] = node.tag_counts
        self._check()

    def _check(self) -> None:
        if not (np.isfinite(self.values).all() and (np.abs(self.figures) < _LARGEST).all()):
            raise Unsuitable

    def __getitem__(self, name: str) -> Floats:
        row: Floats = self.figures[_ROW[name]]
        return row

    @property
    def online(self) -> NDArray[np.bool_]:
        """The nodes that the score counts as online: bool[nodes]."""
        flags: NDArray[np.bool_] = self["offline"] == 0.0
        return flags

    def need_matrix(self) -> Floats:
        """Return the MiB needed on a node (column) if another (row) fails: float64[nodes, nodes]."""
        size = len(self.indices)
        matrix = np.zeros((size, size))
        for index, needs in self.needs.items():
            column = self.at[index]
            for peer, memory in needs.items():
                if peer in self.at:
                    matrix[self.at[peer], column] = memory
        return matrix


def sequential_sum(rows: Floats) -> Floats:
    """Return the sum of each row, added from left to right: float64[rows]."""
    if rows.shape[1] == 0:
        return np.zeros(rows.shape[0])
    result: Floats = np.add.accumulate(rows, axis=1)[:, -1]
    return result


def moments(values: Floats) -> tuple[float, Floats, Floats]:
    """Return the number of nodes, and each row's sum and variance, added in the score's order."""
    count = float(values.shape[1])
    sums = sequential_sum(values)
    centred = values - (sums / count)[:, None]
    return count, sums, sequential_sum(centred * centred) / count


def scores_with(columns: Columns, where: NDArray[np.intp], replacing: Floats, collisions: Floats) -> Floats:
    """Return the exact score of each candidate, which replaces one online node: float64[candidates].

    Args:
        columns: the nodes.
        where: intp[candidates], the column of each candidate's node.
        replacing: float64[components, candidates], the node's new component values.
        collisions: float64[candidates], the value of the collisions component.
    """
    online = np.flatnonzero(columns.online)
    base = columns.values[:, online]
    place = np.full(len(columns.indices), -1)
    place[online] = np.arange(len(online))
    spot = place[where]
    candidates: dict[int, NDArray[np.intp]] = {}
    for column in np.unique(spot):
        candidates[int(column)] = np.flatnonzero(spot == column)
    rows, number = base.shape[0], len(where)
    count = float(len(online))
    sums = np.zeros((rows, number))
    for column in range(len(online)):
        own = candidates.get(column)
        if own is None:
            sums += base[:, column : column + 1]
        else:
            kept = sums[:, own] + replacing[:, own]
            sums += base[:, column : column + 1]
            sums[:, own] = kept
    means = sums[DEVIATIONS] / count
    squares = np.zeros_like(means)
    deviating, replaced = base[DEVIATIONS], replacing[DEVIATIONS]
    for column in range(len(online)):
        centred = deviating[:, column : column + 1] - means
        own = candidates.get(column)
        if own is not None:
            centred[:, own] = replaced[:, own] - means[:, own]
        squares += centred * centred
    result = sums
    result[DEVIATIONS] = np.sqrt(squares / count)
    offline = np.flatnonzero(~columns.online)
    for row, (_, _, aggregation) in enumerate(COMPONENTS):
        if aggregation is Aggregation.OFFLINE_SUM:
            result[row] = sequential_sum(columns.values[row : row + 1, offline])[0]
        elif aggregation is Aggregation.COLLISIONS:
            result[row] = collisions
    total = np.zeros(number)
    for row in range(rows):
        total = total + WEIGHTS[row] * result[row]
    return total
