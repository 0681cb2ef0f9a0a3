"""A model's nodes as a struct of arrays for placement, which refuses models that arrays do not hold exactly.

`Unsuitable` is raised for whole numbers that are not exact and for figures that are not finite; callers then use
`htools.placement.one_by_one`.
"""

from collections.abc import Iterable
from copy import copy

import numpy as np

from htools.limits import LARGEST_EXACT
from htools.model.arrays import NodeArrays
from htools.model.cluster import Model, NodeModel


class Unsuitable(Exception):  # noqa: N818 - the caller's cue, not an error
    """Vectors cannot hold this model exactly."""


class PlacementNodes(NodeArrays):
    """The nodes of a model, and their exclusion tags.

    Attributes:
        tag_counts: the tag counts of the nodes that have any, by position.

    Raises:
        Unsuitable: figures are too large, or not finite; also from `refresh`.
    """

    def __init__(self, model: Model) -> None:
        nodes = list(model.nodes.values())
        super().__init__(nodes)
        self.tag_counts = {at: node.tag_counts for at, node in enumerate(nodes) if node.tag_counts}
        self._check()

    def copy(self) -> "PlacementNodes":
        """Return an independent copy."""
        other = copy(self)
        other.hold(self.figures.copy(), self.values.copy())
        other.n1_failed, other.needs_by_peer = self.n1_failed.copy(), self.needs_by_peer.copy()
        other.tag_counts = dict(self.tag_counts)
        return other

    def refresh(self, nodes: Iterable[NodeModel]) -> None:
        """Read nodes again."""
        nodes = list(nodes)
        super().refresh(nodes)
        for node in nodes:
            if node.tag_counts:
                self.tag_counts[self.position[node.index]] = node.tag_counts
        self._check()

    def _check(self) -> None:
        if not (np.isfinite(self.values).all() and (np.abs(self.figures) < LARGEST_EXACT).all()):
            raise Unsuitable
