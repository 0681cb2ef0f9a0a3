"""The nodes of a model as a struct of arrays: what the vectors of balancing and of placement read.

Each *column* is an array with one element a node, in the order of the nodes given. A node's position in that order is
not its index in the cluster: `NodeArrays.index` and `NodeArrays.position` translate. Whole numbers are exact below
`htools.limits.LARGEST_EXACT`; larger ones round.

`htools.balance.arrays` and `htools.placement.arrays` add what only they need.
"""

import os
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias

from htools.model.node import NodeModel
from htools.model.score import node_values
from spec.allocator.admission import Figure
from spec.allocator.components import COMPONENTS, POSITIONS, Aggregation, Part

# A pool of threads takes 50 ms to start and does not help short processes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Floats: TypeAlias = "NDArray[np.float64]"
Ints: TypeAlias = "NDArray[np.intp]"
Bools: TypeAlias = "NDArray[np.bool_]"

DEVIATIONS = list(POSITIONS[Aggregation.DEVIATION])
"""Positions of the standard deviations among the score's components."""

ROOMS = {
    Figure.FREE_MEMORY: "free_memory",
    Figure.RESERVED: "reserved",
    Figure.FREE_DISK: "free_disk",
    Figure.LEAST_DISK: "low_disk",
    Figure.FREE_SPINDLES: "free_spindles",
    Figure.MOST_SPINDLE_USE: "high_spindles",
    Figure.MOST_CORES: "vcpu_ratio",
}
"""The column of each room and of what is kept of it, for conditions that count existing instances."""
PLANNED_ROOMS = ROOMS | {
    Figure.FREE_MEMORY: "planned_free_memory",
    Figure.FREE_DISK: "planned_free_disk",
    Figure.FREE_SPINDLES: "planned_free_spindles",
}
"""The same for conditions that count forthcoming instances too."""


class Figures:
    """The columns that are figures of the node models, under the same names: float64[nodes].

    Those with `planned_` count forthcoming instances too.
    """

    free_memory: Floats
    """MiB that no instance uses."""
    planned_free_memory: Floats
    """MiB that no instance uses."""
    reserved: Floats
    """MiB kept free for the failure of another node."""
    total_memory: Floats
    """MiB of memory."""
    free_disk: Floats
    """MiB that no instance uses."""
    planned_free_disk: Floats
    """MiB that no instance uses."""
    low_disk: Floats
    """MiB of disk that must stay free."""
    total_disk: Floats
    """MiB of disk."""
    used_cpus: Floats
    """Virtual cores of the instances that it runs, and the cores that it keeps for itself."""
    planned_used_cpus: Floats
    """The same."""
    total_cpus: Floats
    """Cores."""
    vcpu_ratio: Floats
    """Virtual cores allowed for each core; negative: no limit."""
    spindle_use: Floats
    """Spindles that its instances count for; 0 with exclusive storage."""
    planned_spindle_use: Floats
    """The same."""
    high_spindles: Floats
    """Spindles that instances may count for."""
    free_spindles: Floats
    """Spindles that no instance occupies, with exclusive storage."""
    planned_free_spindles: Floats
    """The same."""
    total_spindles: Floats
    """Spindles."""


_NAMES = tuple(Figures.__annotations__)
_figures = attrgetter(*_NAMES)


def _transposed(rows: Sequence[Sequence[float]], width: int) -> Floats:
    return np.array(rows, dtype=np.float64).reshape(len(rows), width).T.copy()


class NodeArrays(Figures):
    """Nodes as arrays. `refresh` reads nodes that have changed again; nothing else changes.

    Attributes:
        index: intp[nodes], their indices in the cluster; `position` is the inverse.
        online: bool[nodes], which nodes the score counts as online.
        exclusive: bool[nodes], which nodes have exclusive storage.
        n1_failed: bool[nodes], which nodes fail N+1.
        count: float64[nodes], instances that a node runs or mirrors.
        values: float64[components, nodes], each node's value for every component of the score, to the last bit.
        needs_by_peer: float64[nodes, nodes], MiB that a node (column) must keep for the failure of another (row).
    """

    def __init__(self, nodes: Sequence[NodeModel]) -> None:
        size = len(nodes)
        self.index: Ints = np.array([node.index for node in nodes], dtype=np.intp)
        self.position = {node.index: position for position, node in enumerate(nodes)}
        self.online: Bools = np.array([not node.offline for node in nodes], dtype=bool)
        self.exclusive: Bools = np.array([node.exclusive for node in nodes], dtype=bool)
        self.n1_failed: Bools = np.array([node.n1_failed for node in nodes], dtype=bool)
        self.hold(
            _transposed([_figures(node) for node in nodes], len(_NAMES)),
            _transposed([node_values(node) for node in nodes], len(COMPONENTS)),
        )
        self.needs_by_peer: Floats = np.zeros((size, size))
        for at, node in enumerate(nodes):
            self._read_needs(at, node)

    def hold(self, figures: Floats, values: Floats) -> None:
        """Take these arrays: float64[figures, nodes], whose rows become the columns, and `values`."""
        self.figures: Floats = figures
        self.values: Floats = values
        self.count: Floats = values[Part.OFFLINE_INSTANCES]
        for name, row in zip(_NAMES, figures, strict=True):
            setattr(self, name, row)

    def _read_needs(self, at: int, node: NodeModel) -> None:
        for peer, need in node.peers:
            if peer in self.position:
                self.needs_by_peer[self.position[peer], at] = need

    def refresh(self, nodes: Iterable[NodeModel]) -> None:
        """Read nodes again."""
        for node in nodes:
            at = self.position[node.index]
            self.figures[:, at] = _figures(node)
            self.values[:, at] = node_values(node)
            self.n1_failed[at] = node.n1_failed
            self.needs_by_peer[:, at] = 0.0
            self._read_needs(at, node)
