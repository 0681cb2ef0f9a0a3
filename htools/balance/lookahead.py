"""Looking ahead: a step that is not the best, or even worse than none, where what follows makes up for it.

Before each decision the best moves of the most promising instances are tried on copies, each followed by the greedy
rounds of `htools.balance.rounds`, K steps in all. The whole path that ends lowest is taken, if it ends lower than the
greedy path (which is taken otherwise). Every path taken lowers the score, so that this ends as balancing does.

A path that is lower after K steps may lead to where nothing more is gained, above the end of the greedy rounds. So the
greedy solution is found as well, and is the answer unless the other one ends lower.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from htools.balance.arrays import representable
from htools.balance.rounds import accepted, balance
from htools.balance.vector_search import Engine
from htools.model.cluster import Model
from htools.model.moves import Moved, Planned, attempt
from htools.model.score import score
from spec.allocator.decisions import Move, Rules

WIDTH = 8
"""How many first moves are tried."""


@dataclass(frozen=True, slots=True)
class Path:
    """Steps one after the other, and the score they end at."""

    steps: tuple[Planned, ...]
    score: float


def _made(model: Model, move: Move, before: float, rules: Rules) -> Planned | None:
    """One move made in the model, None where it is refused."""
    moved = attempt(model, move, ignore_soft=rules.ignore_soft)
    if not isinstance(moved, Moved):
        return None
    old = model.instances[move.instance]
    moved.commit(model)
    after = score(model.nodes.values())
    return Planned(move, old, moved.vm, after, before - after)


def _follow(model: Model, first: Move | None, rules: Rules, before: float, stop_at: float, steps: int) -> Path:
    """The greedy path, after a first move if one is given, on a copy."""
    trial = model.copy()
    path: list[Planned] = []
    if first is not None:
        made = _made(trial, first, before, rules)
        if made is None:
            return Path((), before)
        path.append(made)
    here = path[-1].score if path else before
    path += balance(trial, rules, here, stop_at=stop_at, rounds=steps - len(path))
    return Path(tuple(path), path[-1].score if path else before)


def _shorter(path: Path) -> Path:
    """The path up to where its score is lowest."""
    if not path.steps:
        return path
    least = min(range(len(path.steps)), key=lambda at: path.steps[at].score)
    return Path(path.steps[: least + 1], path.steps[least].score)


def _ahead(model: Model, rules: Rules, before: float, ahead: int, stop_at: float, rounds: int) -> Iterator[Planned]:
    """The moves found by looking ahead alone, wherever they end."""
    done = 0
    while (rounds < 0 or done < rounds) and before > stop_at:
        steps = ahead if rounds < 0 else min(ahead, rounds - done)
        best = _follow(model, None, rules, before, stop_at, steps)
        if representable(model):
            for move in Engine(model.copy(), rules).promising(WIDTH):
                path = _shorter(_follow(model, move, rules, before, stop_at, steps))
                if path.steps and path.score < best.score:
                    best = path
        if not best.steps or not accepted(before, best.score, rules):
            return
        for planned in best.steps:
            moved = attempt(model, planned.move, ignore_soft=rules.ignore_soft)
            if isinstance(moved, Moved):
                moved.commit(model)
            yield planned
            done += 1
        before = best.score


def balance_ahead(
    model: Model,
    rules: Rules,
    before: float,
    *,
    ahead: int,
    stop_at: float,
    rounds: int = -1,
    watch: Callable[[Iterator[Planned]], Iterator[Planned]] = iter,
) -> Iterator[Planned]:
    """The moves of a solution that ends no higher than balancing does.

    Args:
        model: changed in place.
        rules: what is allowed.
        before: the model's score.
        ahead: so many steps are looked at before each decision.
        stop_at: score at or below which nothing is left to do.
        rounds: at most so many (no bound below zero).
        watch: passes on the moves while they are looked for, which need not be those of the solution.
    """
    greedy = list(balance(model.copy(), rules, before, stop_at=stop_at, rounds=rounds))
    found = list(watch(_ahead(model.copy(), rules, before, ahead, stop_at, rounds)))
    for planned in found if _end(found, before) < _end(greedy, before) else greedy:
        moved = attempt(model, planned.move, ignore_soft=rules.ignore_soft)
        if isinstance(moved, Moved):
            moved.commit(model)
        yield planned


def _end(plan: Sequence[Planned], before: float) -> float:
    return plan[-1].score if plan else before
