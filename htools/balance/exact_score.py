"""The exact score of candidates, for many at once: Ganeti's order of floating-point operations, column by column.

`numpy.cumsum` adds strictly from the first to the last, which is the order that decides ties (`numpy.sum` does not).
The definition is `spec.allocator.score`.
"""

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING

from htools.model.node import NodeModel
from htools.model.score import collisions, node_values
from spec.allocator.components import COMPONENTS, POSITIONS, Aggregation

import numpy as np  # isort: skip

if TYPE_CHECKING:
    from htools.balance.arrays import Floats

_DEVIATIONS = POSITIONS[Aggregation.DEVIATION]
_OFFLINE = POSITIONS[Aggregation.OFFLINE_SUM]
_COLLISIONS = POSITIONS[Aggregation.COLLISIONS]
_WEIGHTS = [component.weight for component in COMPONENTS]


class ExactScore:
    """Exact scores of a model's nodes with a few of them replaced."""

    def __init__(self, nodes: Sequence[NodeModel]) -> None:
        self._nodes = list(nodes)
        self._at = {node.index: position for position, node in enumerate(nodes)}
        self._online = [position for position, node in enumerate(nodes) if not node.offline]
        self._offline = [position for position, node in enumerate(nodes) if node.offline]
        self._values: Floats = np.array([node_values(node) for node in nodes]).reshape(len(nodes), len(COMPONENTS))

    def refresh(self, nodes: Sequence[NodeModel]) -> None:
        """Update the nodes that a move changed."""
        for node in nodes:
            at = self._at[node.index]
            self._nodes[at] = node
            self._values[at] = node_values(node)

    def score(self, changed: Sequence[NodeModel] = ()) -> float:
        """Return the score with some nodes replaced."""
        if not self._online:
            return 0.0
        kept = {self._at[node.index]: self._values[self._at[node.index]].copy() for node in changed}
        for node in changed:
            self._values[self._at[node.index]] = node_values(node)
        try:
            return self._total(changed)
        finally:
            for at, row in kept.items():
                self._values[at] = row

    def _total(self, changed: Sequence[NodeModel]) -> float:
        online = self._values[self._online] if len(self._online) < len(self._nodes) else self._values
        count = float(len(online))
        columns = online[:, _DEVIATIONS]
        totals = np.cumsum(columns, axis=0)[-1]
        centred = columns - totals / count
        squares = np.cumsum(centred * centred, axis=0)[-1] / count
        values = np.cumsum(online, axis=0)[-1].tolist()
        for position, square in zip(_DEVIATIONS, squares.tolist(), strict=True):
            values[position] = sqrt(square)
        # whole numbers: their sum does not depend on the order
        offline = self._values[self._offline][:, _OFFLINE].sum(axis=0).tolist()
        for position, value in zip(_OFFLINE, offline, strict=True):
            values[position] = value
        for position in _COLLISIONS:
            values[position] = self._collisions(changed)
        result = 0.0
        for weight, value in zip(_WEIGHTS, values, strict=True):
            result += weight * value
        return result

    def _collisions(self, changed: Sequence[NodeModel]) -> float:
        if not any(node.pair_counts for node in self._nodes) and not any(node.pair_counts for node in changed):
            return 0.0
        replaced = {node.index: node for node in changed}
        return collisions(replaced.get(node.index, node) for node in self._nodes if not node.offline)
