"""Strongly connected components, without recursion, of a graph given by a function.

Source: R. Tarjan, Depth-First Search and Linear Graph Algorithms, 1972.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator


class Components:
    """Finds components among the nodes 0..size-1; its arrays are reused from call to call."""

    def __init__(self, size: int) -> None:
        self._order = array("q", [0]) * size
        self._low = array("q", [0]) * size
        self._stacked = bytearray(size)

    def among(self, nodes: Iterable[int], successors: Callable[[int], Iterable[int]]) -> Iterator[list[int]]:
        """Yield the components reachable from some nodes, the last ones first.

        Args:
            nodes: where to start; a node reachable from them must be one of them, or must not have been visited yet.
            successors: gives the nodes that a node has edges to.
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
