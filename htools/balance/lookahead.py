"""Looking ahead: takes a move that is not the best, or even raises the score, if the following moves make up for it.

Before each decision the best moves of the most promising instances are tried on copies, each followed by the greedy
rounds of `htools.balance.rounds`, K steps in all. The path with the lowest final score is taken, the greedy one unless
another is lower. Every path taken lowers the score, so this ends as balancing does.

A path that is lower after K steps may still end higher than the greedy rounds. So the greedy solution is computed as
well, and is the result unless the other one ends lower.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from htools.balance.arrays import representable
from htools.balance.rounds import balance
from htools.balance.vector_search import Engine
from htools.model.cluster import Model
from htools.model.moves import Moved, Planned, attempt
from htools.model.score import score
from spec.allocator.decisions import Move, Rules

WIDTH = 8
"""How many first moves are tried."""


@dataclass(frozen=True, slots=True)
class Path:
    """Moves one after the other, and the score after the last."""

    steps: tuple[Planned, ...]
    score: float


def _made(model: Model, move: Move, before: float, rules: Rules) -> Planned | None:
    """Make one move in the model; None where it is refused."""
    moved = attempt(model, move, ignore_soft=rules.ignore_soft)
    if not isinstance(moved, Moved):
        return None
    old = model.instances[move.instance]
    moved.commit(model)
    after = score(model.nodes.values())
    return Planned(move, old, moved.vm, after, before - after)


def _follow(model: Model, first: Move | None, rules: Rules, before: float, stop_at: float, steps: int) -> Path:
    """Follow the greedy path on a copy, after a first move if one is given."""
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
    """Cut the path where its score is lowest."""
    if not path.steps:
        return path
    least = min(range(len(path.steps)), key=lambda at: path.steps[at].score)
    return Path(path.steps[: least + 1], path.steps[least].score)


def _ahead(model: Model, rules: Rules, before: float, ahead: int, stop_at: float, rounds: int) -> Iterator[Planned]:
    """Yield the moves found by looking ahead, without comparing the result with the greedy solution."""
    done = 0
    while (rounds < 0 or done < rounds) and before > stop_at:
        steps = ahead if rounds < 0 else min(ahead, rounds - done)
        best = _follow(model, None, rules, before, stop_at, steps)
        if representable(model):
            for move in Engine(model.copy(), rules).promising(WIDTH):
                path = _shorter(_follow(model, move, rules, before, stop_at, steps))
                if path.steps and path.score < best.score:
                    best = path
        if not best.steps or not rules.suffices(before, best.score):
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
    """Return the moves of a solution whose final score is at most that of plain balancing.

    Args:
        model: changed in place.
        rules: what is allowed.
        before: the model's score.
        ahead: number of steps looked at before each decision.
        stop_at: balancing ends at or below this score.
        rounds: largest number of moves; negative: no limit.
        watch: receives and passes on the moves while they are searched; they need not be those of the solution.
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
