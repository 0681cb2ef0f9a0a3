"""Balancing: rounds that each take the best move, until nothing is gained.

The definition is `spec.allocator.balance`, also of ties: each search returns the first among the best. `search_for`
chooses how a round's best move is found. The vector searches are imported only when a round begins, since runs on
balanced clusters need none, and only if numpy saves time.

>>> from htools.model.cluster import Model
>>> from htools.model.score import score
>>> from spec.allocator.decisions import Settings
>>> from spec.allocator.example import cluster, instance
>>> model = Model.of(cluster(instance(0, 1), instance(0, 1), nodes=2), Settings())
>>> before = score(model.nodes.values())
>>> steps = list(balance(model, Rules(), before, stop_at=1e-9))
>>> [(step.move.instance, step.move.kind.value, step.gain > 0) for step in steps]  # one fail-over
[(0, 'f', True)]
>>> [vm.primary for vm in model.instances.values()]  # the model has been moved
[1, 0]
"""

from collections.abc import Iterator
from typing import Protocol

from htools.balance.plain_search import PlainSearch
from htools.limits import BALANCING_CANDIDATES
from htools.model.cluster import Model
from htools.model.moves import Moved, Planned, movable
from spec.allocator.decisions import Move, Rules


class Search(Protocol):
    """Finds the best move of each round."""

    def best(self, before: float) -> tuple[Move, Moved, float] | None:
        """Return the first among the best moves, None where none leads below the score `before`."""

    def commit(self, moved: Moved) -> None:
        """Make a move."""


def search_for(model: Model, rules: Rules) -> Search:
    """Choose the fastest search for a model.

    That is `ClassSearch` where it serves, else `Engine`; but `PlainSearch` for a model that vectors do not represent
    exactly, and for one below `htools.limits.BALANCING_CANDIDATES`, where importing numpy takes longer.
    """
    targets = max(0, sum(not node.offline for node in model.nodes.values()) - 2)
    candidates = len(movable(model, rules)) ** 2 * (1 + 4 * targets)
    if candidates * len(model.nodes) < BALANCING_CANDIDATES:
        return PlainSearch(model, rules)
    from htools.balance.arrays import representable

    if not representable(model):
        return PlainSearch(model, rules)
    from htools.balance.class_search import ClassSearch, serves

    if serves(model):
        return ClassSearch(model, rules)
    from htools.balance.vector_search import Engine

    return Engine(model, rules)


def balance(model: Model, rules: Rules, before: float, *, stop_at: float, rounds: int = -1) -> Iterator[Planned]:
    """Yield the moves of a solution, each made in the model before the next is searched.

    Args:
        model: changed in place.
        rules: what is allowed.
        before: the model's score.
        stop_at: balancing ends at or below this score.
        rounds: largest number of moves; negative: no limit.
    """
    done = 0
    search: Search | None = None
    while (rounds < 0 or done < rounds) and before > stop_at:
        search = search or search_for(model, rules)
        found = search.best(before)
        if found is None or not rules.suffices(before, found[2]):
            return
        move, moved, after = found
        planned = Planned(move, model.instances[move.instance], moved.vm, after, before - after)
        search.commit(moved)
        yield planned
        before, done = after, done + 1
