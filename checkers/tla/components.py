"""Strongly connected components of a graph that is given by a function, without recursion.

Source: R. Tarjan, Depth-First Search and Linear Graph Algorithms, 1972.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence


def components(nodes: Iterable[int], successors: Callable[[int], Sequence[int]]) -> Iterator[list[int]]:
    """The strongly connected components that can be reached from some nodes, the last ones first."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for root in nodes:
        if root in order:
            continue
        order[root] = low[root] = len(order)
        stack.append(root)
        on_stack.add(root)
        work = [(root, iter(successors(root)))]
        while work:
            node, following = work[-1]
            for target in following:
                if target not in order:
                    order[target] = low[target] = len(order)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(successors(target))))
                    break
                if target in on_stack and order[target] < low[node]:
                    low[node] = order[target]
            else:
                work.pop()
                if work and low[node] < low[work[-1][0]]:
                    low[work[-1][0]] = low[node]
                if low[node] == order[node]:
                    found = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        found.append(member)
                        if member == node:
                            break
                    yield found
