"""Exact scores in arrays, added up in the score's order: sums of rows, and many candidates that replace one node each.

The definitions are `spec.allocator.score` and `spec.allocator.statistics`.
"""

import numpy as np
from numpy.typing import NDArray

from htools.model.arrays import DEVIATIONS, Floats, NodeArrays
from spec.allocator.components import COMPONENTS, Aggregation

WEIGHTS = np.array([weight for _, weight, _ in COMPONENTS])


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


def scores_with(nodes: NodeArrays, where: NDArray[np.intp], replacing: Floats, collisions: Floats) -> Floats:
    """Return the exact score of each candidate, which replaces one online node: float64[candidates].

    Args:
        nodes: the nodes.
        where: intp[candidates], the position of each candidate's node.
        replacing: float64[components, candidates], the node's new component values.
        collisions: float64[candidates], the value of the collisions component.
    """
    online = np.flatnonzero(nodes.online)
    base = nodes.values[:, online]
    place = np.full(len(nodes.index), -1)
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
    offline = np.flatnonzero(~nodes.online)
    for row, (_, _, aggregation) in enumerate(COMPONENTS):
        if aggregation is Aggregation.OFFLINE_SUM:
            result[row] = sequential_sum(nodes.values[row : row + 1, offline])[0]
        elif aggregation is Aggregation.COLLISIONS:
            result[row] = collisions
    total = np.zeros(number)
    for row in range(rows):
        total = total + WEIGHTS[row] * result[row]
    return total
