"""The exact score of candidates, for many at once: Ganeti's order of floating-point operations, component by component.

`numpy.cumsum` adds strictly from the first to the last, which is the order that decides ties (`numpy.sum` does not).
The definition is `spec.allocator.score`.
"""

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING

from htools.model.arrays import DEVIATIONS, NodeArrays
from htools.model.cluster import Model
from htools.model.node import NodeModel
from htools.model.score import collisions, node_values
from spec.allocator.components import COMPONENTS, POSITIONS, Aggregation

import numpy as np  # isort: skip

if TYPE_CHECKING:
    from htools.model.arrays import Floats

_SUMS = list(POSITIONS[Aggregation.SUM])
_OFFLINE = list(POSITIONS[Aggregation.OFFLINE_SUM])
_COLLISIONS = POSITIONS[Aggregation.COLLISIONS]
_WEIGHTS = [component.weight for component in COMPONENTS]


class ExactScore:
    """Exact scores of a model's nodes with a few of them replaced.

    Args:
        model: the model, which may change.
        nodes: its nodes, refreshed whenever it has changed.
    """

    def __init__(self, model: Model, nodes: NodeArrays) -> None:
        self._model, self._nodes = model, nodes
        self._online, self._offline = np.flatnonzero(nodes.online), np.flatnonzero(~nodes.online)

    def score(self, changed: Sequence[NodeModel] = ()) -> float:
        """Return the score with some nodes replaced."""
        if not len(self._online):
            return 0.0
        table = self._nodes.values
        if changed:
            table = table.copy()
            for node in changed:
                table[:, self._nodes.position[node.index]] = node_values(node)
        return self._total(table, changed)

    def _total(self, table: "Floats", changed: Sequence[NodeModel]) -> float:
        online = table[:, self._online] if len(self._offline) else table
        count = float(len(self._online))
        rows = online[DEVIATIONS]
        totals = np.cumsum(rows, axis=1)[:, -1:]
        centred = rows - totals / count
        squares = np.cumsum(centred * centred, axis=1)[:, -1] / count
        values = [0.0] * len(COMPONENTS)
        for position, square in zip(DEVIATIONS, squares.tolist(), strict=True):
            values[position] = sqrt(square)
        for position, value in zip(_SUMS, np.cumsum(online[_SUMS], axis=1)[:, -1].tolist(), strict=True):
            values[position] = value
        # whole numbers: their sum does not depend on the order
        for position, value in zip(_OFFLINE, table[_OFFLINE][:, self._offline].sum(axis=1).tolist(), strict=True):
            values[position] = value
        for position in _COLLISIONS:
            values[position] = self._collisions(changed)
        result = 0.0
        for weight, value in zip(_WEIGHTS, values, strict=True):
            result += weight * value
        return result

    def _collisions(self, changed: Sequence[NodeModel]) -> float:
        nodes = self._model.nodes.values()
        if not any(node.pair_counts for node in nodes) and not any(node.pair_counts for node in changed):
            return 0.0
        replaced = {node.index: node for node in changed}
        return collisions(replaced.get(node.index, node) for node in nodes if not node.offline)
