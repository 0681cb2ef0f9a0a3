"""Strongly connected components of a graph that is given by a function, without recursion.

Source: R. Tarjan, Depth-First Search and Linear Graph Algorithms, 1972.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator


class Components:
    """Finds components among the nodes 0..size-1; what it needs for each is kept in arrays and used again."""

    def __init__(self, size: int) -> None:
        self._order = array("q", [0]) * size
        self._low = array("q", [0]) * size
        self._stacked = bytearray(size)

    def among(self, nodes: Iterable[int], successors: Callable[[int], Iterable[int]]) -> Iterator[list[int]]:
        """The components that can be reached from some nodes, the last ones first.

        Args:
            nodes: where to start; all that can be reached from them must be among them, or never have been met.
            successors: the nodes that a node has edges to.
        """
        order, low, stacked = self._order, self._low, self._stacked
        nodes = list(nodes)
        for node in nodes:
            order[node] = 0
        count = 0
        stack: list[int] = []
        for root in nodes:
            if order[root]:
                continue
            count += 1
            order[root] = low[root] = count
            stack.append(root)
            stacked[root] = 1
            work = [(root, iter(successors(root)))]
            while work:
                node, following = work[-1]
                for target in following:
                    if not order[target]:
                        count += 1
                        order[target] = low[target] = count
                        stack.append(target)
                        stacked[target] = 1
                        work.append((target, iter(successors(target))))
                        break
                    if stacked[target] and order[target] < low[node]:
                        low[node] = order[target]
                else:
                    work.pop()
                    if work and low[node] < low[work[-1][0]]:
                        low[work[-1][0]] = low[node]
                    if low[node] == order[node]:
                        yield _popped(stack, stacked, node)


def _popped(stack: list[int], stacked: bytearray, last: int) -> list[int]:
    found = []
    while True:
        member = stack.pop()
        stacked[member] = 0
        found.append(member)
        if member == last:
            return found
