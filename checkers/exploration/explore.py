"""Bounded exploration of `step` systems: every reachable state, shortest paths, what holds in states and over steps.

A system is a set of initial states and a function from a state to its labelled successors; nothing here knows what a
state is. The exploration is breadth first, so the path to whatever it finds is a shortest one. It stops at bounds and
says so: a verdict `Ok` always covers the whole reachable space, and what was cut off by a bound of states is `Unknown`.

>>> def pour(jugs):  # of 3 and 5 litres
...     a, b = jugs
...     yield "fill a", (3, b)
...     yield "fill b", (a, 5)
...     yield "empty b", (a, 0)
...     yield "a to b", (a - min(a, 5 - b), b + min(a, 5 - b))
>>> found = explore([(0, 0)], pour, holds={"never one": lambda jugs: "one litre" if 1 in jugs else None})
>>> print(found.verdict.witness.describe())
'never one' fails after 4 steps: one litre
  1. fill a
  2. a to b
  3. fill a
  4. a to b
>>> explore([(0, 0)], pour).verdict
Ok(covered='16 states')
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from checkers.verdict import Illegal, Ok, Unknown, Verdict

State = TypeVar("State")
Label = TypeVar("Label")

StateProperty = Callable[[State], str | None]
"""What is wrong with a state, in prose; None if nothing is."""

StepProperty = Callable[[State, Label, State], str | None]
"""What is wrong with a step, in prose; None if nothing is."""

Successors = Callable[[State], Iterable[tuple[Label, State]]]


@dataclass(slots=True)
class Graph(Generic[State, Label]):
    """The explored part of a system.

    Attributes:
        states: every state found, in order of discovery; a state is named by its index.
        edges: every step found: index before, label, index after.
        parents: for each state the step of a shortest path that leads to it; None for an initial one.
        depths: for each state the number of steps on that path.
        complete: whether no bound cut anything off.
    """

    states: list[State] = field(default_factory=list)
    edges: list[tuple[int, Label, int]] = field(default_factory=list)
    parents: list[tuple[int, Label] | None] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    complete: bool = True

    @property
    def depth(self) -> int:
        """The number of steps on the longest shortest path."""
        return max(self.depths, default=0)

    def path(self, index: int) -> tuple[State, tuple[tuple[Label, State], ...]]:
        """Return a shortest path to a state: where it begins, and its steps."""
        steps: list[tuple[Label, State]] = []
        while (parent := self.parents[index]) is not None:
            steps.append((parent[1], self.states[index]))
            index = parent[0]
        return self.states[index], tuple(reversed(steps))

    def find(self, wanted: Callable[[State], bool]) -> int | None:
        """Find the first state found, so one nearest to the start, that is `wanted`; return its index or None."""
        return next((index for index, state in enumerate(self.states) if wanted(state)), None)


@dataclass(frozen=True, slots=True)
class Violation(Generic[State, Label]):
    """A shortest way to a state or a step that must not be.

    Attributes:
        name: the property that fails.
        reason: what is wrong, in prose.
        start: the initial state.
        steps: labels and the states they lead to.
    """

    name: str
    reason: str
    start: State
    steps: tuple[tuple[Label, State], ...]

    def describe(self) -> str:
        """Describe the violation in prose, one line a step."""
        lines = [f"'{self.name}' fails after {len(self.steps)} steps: {self.reason}"]
        lines.extend(f"  {place}. {label}" for place, (label, _) in enumerate(self.steps, 1))
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Exploration(Generic[State, Label]):
    """What an exploration found: the graph, as far as it got, and the verdict on the properties."""

    graph: Graph[State, Label]
    verdict: Verdict[Violation[State, Label]]


def explore(
    initial: Iterable[State],
    successors: Successors[State, Label],
    *,
    holds: Mapping[str, StateProperty[State]] | None = None,
    steps_hold: Mapping[str, StepProperty[State, Label]] | None = None,
    key: Callable[[State], Hashable] = lambda state: state,
    max_states: int = 1_000_000,
    max_depth: int | None = None,
    keep_edges: bool = True,
) -> Exploration[State, Label]:
    """Explore a system breadth first.

    Args:
        initial: the initial states.
        successors: the labelled steps from a state.
        holds: properties of every state, by name; the exploration ends at the first that fails.
        steps_hold: properties of every step, by name.
        key: what makes two states the same.
        max_states: stop when there are more; the verdict is then `Unknown`.
        max_depth: how many steps to go from an initial state; the verdict says so, and is about these histories only.
        keep_edges: whether the graph keeps its edges (they cost memory).
    """
    graph: Graph[State, Label] = Graph()
    known: dict[Hashable, int] = {}
    holds, steps_hold = holds or {}, steps_hold or {}

    def enter(state: State, parent: tuple[int, Label] | None, depth: int) -> tuple[int, bool]:
        """Return the index of a state, and whether it is new; record a new one."""
        new = len(graph.states)
        index = known.setdefault(key(state), new)
        if index != new:
            return index, False
        graph.states.append(state)
        graph.parents.append(parent)
        graph.depths.append(depth)
        return index, True

    def violated(
        name: str, reason: str, start: State, steps: tuple[tuple[Label, State], ...]
    ) -> Exploration[State, Label]:
        return Exploration(graph, Illegal(Violation(name, reason, start, steps)))

    for state in initial:
        if enter(state, None, 0)[1] and (wrong := _first(holds, state)) is not None:
            return violated(*wrong, state, ())
    here = 0
    while here < len(graph.states):
        state, depth = graph.states[here], graph.depths[here]
        if max_depth is not None and depth >= max_depth:
            graph.complete = False
            break
        for label, after in successors(state):
            for name, step_property in steps_hold.items():
                reason = step_property(state, label, after)
                if reason is not None:
                    start, steps = graph.path(here)
                    return violated(name, reason, start, (*steps, (label, after)))
            index, new = enter(after, (here, label), depth + 1)
            if new:
                if (wrong := _first(holds, after)) is not None:
                    return violated(*wrong, *graph.path(index))
                if len(graph.states) > max_states:
                    graph.complete = False
                    return Exploration(graph, Unknown(f"there are more than {max_states} states"))
            if keep_edges:
                graph.edges.append((here, label, index))
        here += 1
    bound = "" if graph.complete else f", every history of up to {max_depth} steps"
    return Exploration(graph, Ok(f"{len(graph.states)} states{bound}"))


def _first(holds: Mapping[str, StateProperty[State]], state: State) -> tuple[str, str] | None:
    for name, state_property in holds.items():
        reason = state_property(state)
        if reason is not None:
            return name, reason
    return None


def histories(graph: Graph[State, Label], indexes: Iterable[int]) -> Iterator[tuple[Label, ...]]:
    """Yield for each of the named states the labels of a shortest path to it."""
    for index in indexes:
        yield tuple(label for label, _ in graph.path(index)[1])
