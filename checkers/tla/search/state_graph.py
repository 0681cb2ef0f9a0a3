"""Options and results of a search: figures, violations, and the graph of states."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from checkers.tla.errors import TlaError
from checkers.tla.model.model import Model, State


@dataclass(slots=True)
class Options:
    """How to explore.

    Attributes:
        depth: states farther than so many steps from an initial one are not expanded (None: no bound).
        keep_going: explore the whole space, also after violations.
        keep_edges: keep every transition, as liveness checking and drawing require.
        max_memory: in MiB.
        progress: called from time to time with the figures so far.
        workers: how many processes may expand states; the results do not depend on it.
    """

    check_deadlock: bool = True
    depth: int | None = None
    keep_going: bool = False
    keep_edges: bool = False
    max_states: int | None = None
    max_memory: int | None = None
    coverage: bool = False
    progress: Callable[[Figures], None] | None = None
    workers: int = 1


@dataclass(slots=True)
class Figures:
    """Counts of a search: `distinct` states, `generated` ones (repeats included), the `depth` and the queue."""

    distinct: int = 0
    generated: int = 0
    depth: int = 0
    queue: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Violation:
    """A violation, and the states that lead to it.

    Attributes:
        verdict: `invariant`, `action_property`, `deadlock`, `property`, `assumption` or `error`.
        trace: the states from an initial one on; `last` is one that the search does not keep.
    """

    verdict: str
    name: str | None
    trace: list[State] = field(default_factory=list)
    loop_start: int | None = None
    error: TlaError | None = None


class StateGraph:
    """The states found and, if kept, the transitions.

    Attributes:
        states: every distinct state.
        parents: for each, the number of the state it was found from (-1 for an initial one).
        offsets: where the successors of each state start in `targets`.
        sources: numbers of the states in the order of expansion (all those with successors recorded).
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.states: list[State] = []
        self.parents = array("q")
        self.index: dict[Any, int] = {}
        self.offsets = array("q")
        self.targets = array("q")
        self.initial_count = 0
        self.key_of: Callable[[State], Any] = lambda state: state

    def successors(self, number: int) -> array[int]:
        """Return the numbers of the states that a state has transitions to."""
        if number >= len(self.offsets):
            return array("q")
        start = self.offsets[number]
        end = self.offsets[number + 1] if number + 1 < len(self.offsets) else len(self.targets)
        return self.targets[start:end]

    def first_step(self, number: int) -> int:
        """Return where the successors of a state start in `targets`."""
        return self.offsets[number] if number < len(self.offsets) else len(self.targets)

    def path(self, number: int) -> list[State]:
        """Return a shortest path of states from an initial state to this one."""
        states = []
        while number >= 0:
            states.append(self.states[number])
            number = self.parents[number]
        return states[::-1]

    def edges(self) -> Iterator[tuple[int, str, int]]:
        """Yield all transitions with the names of their actions; one for each action that makes the step."""
        key = self.key_of
        for number, state in enumerate(self.states[: len(self.offsets)]):
            known = set(self.successors(number))
            for action in self.model.actions:
                found: list[State] = []
                action.run(state, found.append)
                for target in dict.fromkeys(self.index.get(key(t), -1) for t in found):
                    if target in known:
                        yield number, action.name, target
