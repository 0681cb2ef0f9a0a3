"""Balancing, defined: each round tries every move and takes the best if it lowers the score, until none does.

Source: man hbal(1), section on the algorithm; hbal's solutions.

>>> from spec.allocator.example import instance, state
>>> crowded = state(instance(0, 1), instance(0, 1), nodes=2)
>>> steps = list(balance(crowded, Rules()))
>>> [(step.move.instance, step.move.kind.value) for step in steps]  # one fail-over
[(0, 'f')]
>>> score(crowded) > steps[0].score
True
>>> list(balance(steps[0].state, Rules()))  # nothing more to gain
[]
"""

from collections.abc import Iterator
from dataclasses import dataclass

from spec.allocator.decisions import Move, Refusal, Rules
from spec.allocator.moves import apply, movable, offered, targets
from spec.allocator.score import score
from spec.allocator.state import State


@dataclass(frozen=True, slots=True)
class Step:
    """One round's choice: the move, the state after it, and its score."""

    move: Move
    state: State
    score: float


def best_move(state: State, before: float, rules: Rules) -> Step | None:
    """Return the first among the best moves of one round, None where none lowers the score.

    A tie goes to the move that is tried first, in the order of `movable` and `offered`: only a lower score replaces it.
    """
    online = targets(state)
    best: Step | None = None
    for index in movable(state, rules):
        for move in offered(state, index, rules, online):
            after = apply(state, move, ignore_soft=rules.ignore_soft)
            if isinstance(after, Refusal):
                continue
            value = score(after)
            if (before if best is None else best.score) > value:
                best = Step(move, after, value)
    return best


def balance(state: State, rules: Rules, *, stop_at: float = 1e-9, rounds: int = -1) -> Iterator[Step]:
    """Yield the steps of a solution.

    Args:
        state: where to start.
        rules: what is allowed.
        stop_at: balancing ends at or below this score.
        rounds: largest number of moves; negative: no limit.
    """
    before, done = score(state), 0
    while (rounds < 0 or done < rounds) and before > stop_at:
        step = best_move(state, before, rules)
        if step is None or not rules.suffices(before, step.score):
            return
        yield step
        state, before, done = step.state, step.score, done + 1
