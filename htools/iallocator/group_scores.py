"""The exact scores of one group for many candidates that differ in few nodes, added up in vectors.

The definition is `spec.allocator.score`. Sums run over the nodes in index order, for all candidates at once, so each
score is equal to the specified one to the last bit. Components that count (instances, tags, places) are whole numbers,
exact in any order; only their differences are added.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from htools.limits import VALUES_AT_A_TIME
from htools.model.arrays import Floats
from spec.allocator.components import POSITIONS, Aggregation, Part
from spec.allocator.score import COMPONENTS, collisions
from spec.allocator.state import NodeState, State

Rows = NDArray[np.intp]

DEVIATIONS = frozenset(POSITIONS[Aggregation.DEVIATION])
FLOATING = tuple(at for at in Part if at in DEVIATIONS or at == Part.RESERVED_TOTAL)
"""Components whose order of addition matters."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Candidates of two nodes each.

    Attributes:
        first: for each pair its position among the first nodes.
        second: for each pair its position in `nodes`.
        nodes: the second nodes after the change.
        shared: for each pair the number of places that its two nodes share.
    """

    first: Rows
    second: Rows
    nodes: Sequence[NodeState]
    shared: Floats


def _values(nodes: Iterable[NodeState]) -> Floats:
    """Return component values, one column for each node."""
    table = [[component.value(node) for component in COMPONENTS] for node in nodes]
    return np.array(table, dtype=np.float64).reshape(len(table), len(COMPONENTS)).T.copy()


def _added(rows: Floats) -> Floats:
    """Return the sum of the rows, added from first to last."""
    total: Floats = np.zeros(rows.shape[1])
    for row in rows:
        total += row
    return total


def _aggregated(component: int, base: Floats, replaced: Sequence[tuple[Rows, Floats]]) -> Floats:
    """Return one component for many candidates.

    Args:
        component: the component.
        base: its value for each node.
        replaced: for one or two nodes of every candidate their positions and values.
    """
    number, count = len(replaced[0][0]), float(len(base))
    result: Floats = np.empty(number)
    step = max(1, VALUES_AT_A_TIME // len(base))
    for start in range(0, number, step):
        some = slice(start, start + step)
        every = np.arange(len(result[some]))
        table = np.repeat(base[:, None], len(every), axis=1)
        for where, values in replaced:
            table[where[some], every] = values[some]
        total = _added(table)
        if component in DEVIATIONS:
            table -= total / count
            table *= table
            total = np.sqrt(_added(table) / count)
        result[some] = total
    return result


class SideBySide:
    """The score of one group with some nodes replaced.

    Args:
        state: the nodes before the change.
        group: the position of the group.
        tagged: whether the candidates change the counts of exclusion tags in places.
    """

    def __init__(self, state: State, group: int, *, tagged: bool) -> None:
        self._nodes = {index: node for index, node in state.nodes.items() if node.node.group == group}
        self._online = [node for node in self._nodes.values() if not node.node.offline]
        self._at = {node.index: column for column, node in enumerate(self._online)}
        self._base = _values(self._online)
        self._tagged = tagged

    def scores(
        self, first: Sequence[NodeState], left: Sequence[tuple[NodeState, ...]], pairs: Pairs | None = None
    ) -> Floats:
        """Return the score of every candidate.

        Args:
            first: for each candidate an online node of the group after the change; several pairs may share one.
            left: for each of these the other nodes that change with it.
            pairs: second nodes that change too; then there is a score for each pair.
        """
        picked = np.arange(len(first)) if pairs is None else pairs.first
        values = np.empty((len(COMPONENTS), len(picked)))
        with np.errstate(all="ignore"):
            self._fill(values, first, left, pairs, picked)
            total: Floats = np.zeros(len(picked))
            for component, row in zip(COMPONENTS, values, strict=True):
                total = total + component.weight * row
        return total

    def _fill(
        self,
        values: Floats,
        first: Sequence[NodeState],
        left: Sequence[tuple[NodeState, ...]],
        pairs: Pairs | None,
        picked: Rows,
    ) -> None:
        self._count(values, first, left, pairs, picked)
        groups: dict[tuple[tuple[float, ...], ...], list[int]] = {}
        old = [[node for node in nodes if node.index in self._at] for nodes in left]
        columns = [_values(nodes)[FLOATING, :] for nodes in old]
        for row, (nodes, held) in enumerate(zip(old, columns, strict=True)):
            where = tuple(float(self._at[node.index]) for node in nodes)
            groups.setdefault((where, *map(tuple, held.tolist())), []).append(row)
        for rows in groups.values():
            base = self._base.copy()
            base[np.ix_(FLOATING, [self._at[node.index] for node in old[rows[0]]])] = columns[rows[0]]
            self._float(values, base, first, rows, pairs, picked)

    def _float(
        self,
        values: Floats,
        base: Floats,
        first: Sequence[NodeState],
        rows: list[int],
        pairs: Pairs | None,
        picked: Rows,
    ) -> None:
        """Fill in the components whose order of addition matters, for candidates with the same `left`."""
        place = np.full(len(first), -1)
        place[rows] = np.arange(len(rows))
        mine = np.flatnonzero(place[picked] >= 0)
        own = place[picked[mine]]
        where = np.array([self._at[first[row].index] for row in rows])
        runs = _values(first[row] for row in rows)
        if pairs is not None:
            beside = np.array([self._at[node.index] for node in pairs.nodes])
            mirrors = _values(pairs.nodes)
            second = pairs.second[mine]
        for component in FLOATING:
            changed = [(where, runs[component])]
            if pairs is None or (mirrors[component] == base[component, beside]).all():
                values[component, mine] = _aggregated(component, base[component], changed)[own]
                continue
            changed = [(where[own], runs[component, own]), (beside[second], mirrors[component, second])]
            values[component, mine] = _aggregated(component, base[component], changed)

    def _count(
        self,
        values: Floats,
        first: Sequence[NodeState],
        left: Sequence[tuple[NodeState, ...]],
        pairs: Pairs | None,
        picked: Rows,
    ) -> None:
        """Fill in the components that count."""
        for at, component in enumerate(COMPONENTS):
            if at in FLOATING:
                continue
            if component.aggregation is Aggregation.COLLISIONS:
                values[at] = self._collisions(first, left)[picked]
                continue
            offline = component.aggregation is Aggregation.OFFLINE_SUM
            value = {
                index: component.value(node) for index, node in self._nodes.items() if node.node.offline is offline
            }
            before = sum(value.values())
            sums = np.array(
                [
                    before
                    + sum(component.value(node) - value[node.index] for node in (one, *others) if node.index in value)
                    for one, others in zip(first, left, strict=True)
                ]
            )
            values[at] = sums[picked]
            if pairs is not None and not offline:
                more = np.array([component.value(node) - value[node.index] for node in pairs.nodes])
                values[at] += more[pairs.second]
            if pairs is not None and at == Part.PLACES:
                values[at] += pairs.shared

    def _collisions(self, first: Sequence[NodeState], left: Sequence[tuple[NodeState, ...]]) -> Floats:
        if not self._tagged:
            return np.full(len(first), collisions(self._online))
        result = np.empty(len(first))
        for row, changed in enumerate(zip(first, left, strict=True)):
            now = {node.index: node for node in (changed[0], *changed[1])}
            result[row] = collisions(now.get(node.index, node) for node in self._online)
        return result
