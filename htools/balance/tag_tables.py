"""Tags as tables: exclusion, migration and location in the form that vectors can look up.

Each *class* of instances with the same exclusion tags has a row over the nodes, each set of places a row over the
places, each class of wishes a row over the sets of places. Without such tags a table is None and costs nothing.

Source: as `spec.allocator.tags`; what the counts mean is `spec.allocator.score`.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from htools.balance.arrays import BalancingNodes
from htools.model.cluster import Model
from htools.model.node import NodeModel

if TYPE_CHECKING:
    from htools.model.arrays import Bools, Floats, Ints


class TagTables:
    """The tables of one model.

    Attributes:
        exclusion: intp[k], class of each instance's exclusion tags; None where no instance has any.
        joining: float64[classes, n], conflicts that one more primary of the class adds on a node.
        leaving: float64[classes, n], conflicts that one fewer removes.
        accepts: bool[n, n], whether a node (column) takes instances from another (row); None: all do.
        places: float64[n, places], 1 where the node is in the place; None without places.
        unmet: float64[k, n], wishes of an instance that a node as primary leaves unmet; None without wishes.
        collisions: current number of primaries that share place and exclusion tag with another, beyond the first.
        shifted: bool[classes], whether the last refresh changed what the class's moves change in `collisions`.
        most: upper limit of a move's change to the parts of the score that count tags and places.
    """

    def __init__(self, model: Model, nodes: BalancingNodes) -> None:
        self._model, self._nodes = model, nodes
        self.exclusion: Ints | None = None
        self.joining: Floats | None = None
        self.leaving: Floats | None = None
        self.accepts: Bools | None = None
        self.places: Floats | None = None
        self.unmet: Floats | None = None
        self.collisions = 0.0
        self.shifted: Bools = np.zeros(0, dtype=bool)
        self.most = self._most()
        self._migration()
        self._locations()
        self._exclusion_classes()
        self.refresh(model.nodes.values())

    def _most(self) -> float:
        vms, nodes = self._model.instances.values(), self._model.nodes.values()
        tags = max((len(vm.exclusion_tags) for vm in vms), default=0)
        wishes = max((len(vm.desired_locations) for vm in vms), default=0)
        shared = max((len(node.location_tags) for node in nodes), default=0)
        return 2.0 * (2.0 * tags + wishes + shared + tags * shared)

    def _exclusion_classes(self) -> None:
        instances = self._model.instances.values()
        classes: dict[tuple[str, ...], int] = {(): 0}
        self._classes_of: dict[str, list[int]] = {}
        rows = [classes.setdefault(vm.exclusion_tags, len(classes)) for vm in instances]
        if len(classes) == 1:
            return
        for tags, position in classes.items():
            for tag in tags:
                self._classes_of.setdefault(tag, []).append(position)
        self.exclusion = np.array(rows, dtype=np.intp)
        shape = (len(classes), len(self._nodes.index))
        self.joining, self.leaving = np.zeros(shape), np.zeros(shape)
        self._tags = list(self._classes_of)
        self._class_tags: Floats = np.zeros((len(classes), len(self._tags)))
        self._first = self._second = np.zeros((len(classes), len(self._places)))
        for column, tag in enumerate(self._tags):
            self._class_tags[self._classes_of[tag], column] = 1.0

    def _migration(self) -> None:
        nodes = list(self._model.nodes.values())
        if any(node.migration_tags for node in nodes):
            self.accepts = np.array([[not other.refused_tags(node) for other in nodes] for node in nodes], dtype=bool)

    def _locations(self) -> None:
        nodes, vms = list(self._model.nodes.values()), list(self._model.instances.values())
        names = self._places = sorted({place for node in nodes for place in node.location_tags})
        if names:
            self.places = np.array([[float(name in node.location_tags) for name in names] for node in nodes])
        if any(vm.desired_locations for vm in vms):
            sets: dict[frozenset[str], np.ndarray] = {}
            for vm in vms:
                if vm.desired_locations not in sets:
                    sets[vm.desired_locations] = np.array(
                        [float(len(vm.desired_locations - node.location_tags)) for node in nodes]
                    )
            self.unmet = np.array([sets[vm.desired_locations] for vm in vms])

    def refresh(self, nodes: Iterable[NodeModel]) -> None:
        """Bring the tables up to date after these nodes changed."""
        if self.joining is not None and self.leaving is not None:
            for node in nodes:
                at = self._nodes.position[node.index]
                self.joining[:, at] = self.leaving[:, at] = 0.0
                for tag, count in node.tag_counts.items():
                    owners = self._classes_of.get(tag, ())
                    self.joining[owners, at] += 1.0
                    if count > 1:
                        self.leaving[owners, at] += 1.0
        self._count_pairs()

    def _count_pairs(self) -> None:
        """Count the primaries on online nodes that have each exclusion tag in each place."""
        if self.places is None or self.exclusion is None:
            return
        counts = np.zeros((len(self._tags), len(self._places)))
        tag_at = {tag: row for row, tag in enumerate(self._tags)}
        place_at = {place: column for column, place in enumerate(self._places)}
        for node in self._model.nodes.values():
            if not node.offline:
                for (place, tag), count in node.pair_counts.items():
                    counts[tag_at[tag], place_at[place]] += count
        self.collisions = float(np.maximum(counts - 1.0, 0.0).sum())
        first, second = self._class_tags @ (counts >= 1.0), self._class_tags @ (counts >= 2.0)
        self.shifted = ((first != self._first) | (second != self._second)).any(axis=1)
        self._first, self._second = first, second

    @property
    def global_counts(self) -> bool:
        """Return whether a move can change scores of candidates on other nodes (`touched_from_afar`)."""
        return self.places is not None and self.exclusion is not None

    def touched_from_afar(self) -> "Bools | None":
        """Return which instances' moves change `collisions` differently since the last refresh; None: no instance's."""
        if self.exclusion is None or not self.global_counts:
            return None
        afar: Bools = self.shifted[self.exclusion]
        return afar

    def collision_change(self, rows: "Ints", source: "Ints", online: "Floats", targets: "Ints") -> "Floats":
        """Return the change of `collisions` when primaries move.

        Args:
            rows: intp[m], the instances.
            source: intp[m], where each runs now.
            online: float64[m], 1 where that node counts.
            targets: intp[q], where they would run.

        Returns:
            float64[m, q].
        """
        if self.places is None or self.exclusion is None:
            return np.zeros((len(rows), len(targets)))
        classes = self.exclusion[rows]
        leaving = self.places[source] * online[:, None]
        first, second = self._first[classes], self._second[classes]
        factor = first + (second - first) * leaving
        change: Floats = factor @ self.places[targets].T - (leaving * second).sum(axis=1)[:, None]
        return change
