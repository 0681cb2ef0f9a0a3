"""Strongly connected components against the definition: nodes that reach each other."""

import random

import pytest

from checkers.tla.search.components import Components

Graph = dict[int, list[int]]


def reached(graph: Graph, start: int) -> set[int]:
    seen, todo = {start}, [start]
    while todo:
        for target in graph[todo.pop()]:
            if target not in seen:
                seen.add(target)
                todo.append(target)
    return seen


def components(graph: Graph) -> list[list[int]]:
    return list(Components(len(graph)).among(graph, graph.__getitem__))


@pytest.mark.parametrize("seed", range(40))
def test_random_graphs(seed: int) -> None:
    rng = random.Random(seed)
    size = rng.randint(1, 12)
    edges = rng.choice((0.5, 1.0, 1.5, 3.0))
    graph = {node: rng.choices(range(size), k=int(edges * rng.random() * 2)) for node in range(size)}
    reach = {node: reached(graph, node) for node in graph}
    found = components(graph)
    wanted = {frozenset(other for other in reach[node] if node in reach[other]) for node in graph}
    assert {frozenset(component) for component in found} == wanted
    assert sorted(node for component in found for node in component) == list(graph)
    order = {node: at for at, component in enumerate(found) for node in component}
    assert all(order[target] <= order[node] for node in graph for target in graph[node])


def test_the_last_components_come_first() -> None:
    assert [sorted(one) for one in components({0: [1], 1: [2, 0], 2: [3], 3: [2]})] == [[2, 3], [0, 1]]
    assert components({0: [0], 1: []}) == [[0], [1]]


def test_a_long_path_needs_no_recursion() -> None:
    size = 20_000
    found = Components(size).among(range(size), lambda node: [(node + 1) % size])
    assert [len(component) for component in found] == [size]


def test_arrays_are_used_again() -> None:
    finder = Components(3)
    assert len(list(finder.among([0, 1, 2], lambda node: [(node + 1) % 3]))) == 1
    assert sorted(map(len, finder.among([0, 1, 2], lambda _: []))) == [1, 1, 1]
    assert [len(component) for component in finder.among([1, 2], lambda node: [3 - node])] == [2]
