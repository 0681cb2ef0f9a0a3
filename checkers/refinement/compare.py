"""Compares a TLA+ module with the executable specification: are they the same bounded system?

Both are explored side by side. The mapping converts a state of the executable specification to a TLA+ state, variable
by variable. From each pair of related states the same labelled steps must be possible, and lead to related states. If
the module keeps its labels in a variable (`said`), that variable is the label and is not compared as part of the state.
The first difference found is a shortest one: a path that both have, and a step that only one has.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from checkers.verdict import Illegal, Ok, Unknown, Verdict
from spec.errors import GantryError

State = TypeVar("State")
Plain = Any
"""A value that is compared: numbers, texts, frozensets, tuples, and `Function` for all other functions."""


class Truth(Enum):
    """A boolean: in TLA+, unlike in Python, it is not a number."""

    TRUE = "TRUE"
    FALSE = "FALSE"


@dataclass(frozen=True, slots=True)
class Function:
    """A function (or record) whose domain is not 1..n."""

    pairs: frozenset[tuple[Any, Any]]

    def __repr__(self) -> str:
        inside = ", ".join(f"{key} |-> {value!r}" for key, value in sorted(self.pairs, key=repr))
        return f"[{inside}]"


def plain(value: Any) -> Plain:
    """Convert a value to the form used for comparison; a function over 1..n becomes a tuple, as in TLA+."""
    if isinstance(value, Mapping):
        pairs = {plain(key): plain(part) for key, part in value.items()}
        if all(type(key) is int for key in pairs) and set(pairs) == set(range(1, len(pairs) + 1)):
            return tuple(pairs[place] for place in range(1, len(pairs) + 1))
        return Function(frozenset(pairs.items()))
    if isinstance(value, list | tuple):
        return tuple(plain(part) for part in value)
    if isinstance(value, set | frozenset):
        return frozenset(plain(part) for part in value)
    if isinstance(value, bool):
        return Truth.TRUE if value else Truth.FALSE
    return value


@dataclass(frozen=True, slots=True)
class Module:
    """The explored graph of a TLA+ module, with labels separated from states.

    Attributes:
        initial: the initial states.
        steps: from each state its labelled steps: (label, state).
    """

    initial: frozenset[Plain]
    steps: Mapping[Plain, frozenset[tuple[Plain, Plain]]]


@dataclass(frozen=True, slots=True)
class System(Generic[State]):
    """The executable specification and the mapping.

    Attributes:
        initial: its initial state.
        successors: its labelled steps; labels have the form that the module gives them.
        value: gives a state, variable by variable, in the form of the module.
    """

    initial: State
    successors: Callable[[State], Iterable[tuple[Any, State]]]
    value: Callable[[State], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Difference:
    """A path that both have, and the steps after it that only one has.

    Attributes:
        path: the labels of the path.
        state: the state after it, in the form of the module.
        only_module: steps of the module that the executable specification lacks, as (label, state).
        only_spec: steps of the executable specification that the module lacks.
    """

    path: tuple[Plain, ...]
    state: Plain
    only_module: tuple[tuple[Plain, Plain], ...]
    only_spec: tuple[tuple[Plain, Plain], ...]

    def describe(self) -> str:
        """Describe the difference in several lines."""
        lines = [f"they differ after {len(self.path)} {'step' if len(self.path) == 1 else 'steps'}:"]
        lines.extend(f"  {place}. {shown(label)}" for place, label in enumerate(self.path, 1))
        lines.append(f"in the state {shown(self.state)}")
        for name, steps in (("the TLA+ module", self.only_module), ("the executable specification", self.only_spec)):
            for label, state in steps[:3]:
                lines.append(f"only {name} has the step {shown(label)}, which makes")
                lines.extend(f"  {change}" for change in _changes(self.state, state))
            if len(steps) > 3:
                lines.append(f"  ... and {len(steps) - 3} steps more")
        return "\n".join(lines)


def shown(value: Plain) -> str:
    """Return a value in TLA+'s notation."""
    if isinstance(value, Truth):
        return value.name
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return "<<" + ", ".join(map(shown, value)) + ">>"
    if isinstance(value, frozenset):
        return "{" + ", ".join(sorted(map(shown, value))) + "}"
    if isinstance(value, Function):
        if all(isinstance(key, str) for key, _ in value.pairs):
            return "[" + ", ".join(f"{key} |-> {shown(part)}" for key, part in sorted(value.pairs)) + "]"
        return "(" + " @@ ".join(sorted(f"{shown(key)} :> {shown(part)}" for key, part in value.pairs)) + ")"
    return str(value)


def _changes(before: Plain, after: Plain) -> list[str]:
    if not isinstance(before, Function) or not isinstance(after, Function):
        return [shown(after)]
    old = dict(before.pairs)
    changed = [f"{name} = {shown(part)}" for name, part in sorted(after.pairs) if old.get(name) != part]
    return changed or ["no change"]


def split(states: Iterable[Mapping[str, Any]], edges: Iterable[tuple[int, int]], initial: Iterable[int]) -> Module:
    """Remove the variable `said` from a module's states: it is the label of the step before.

    Args:
        states: each state, variable by variable, in plain form.
        edges: the steps between states, by index.
        initial: the indexes of the initial states.

    Raises:
        NoLabelError: the module keeps no labels.
    """
    cores: list[Plain] = []
    labels: list[Plain] = []
    for state in states:
        if "said" not in state:
            raise NoLabelError
        cores.append(Function(frozenset((name, value) for name, value in state.items() if name != "said")))
        labels.append(state["said"])
    if len(labels) > 1 and set(labels) == {()}:
        raise NoLabelError
    steps: dict[Plain, set[tuple[Plain, Plain]]] = {core: set() for core in cores}
    for source, target in edges:
        if labels[target] != ():
            steps[cores[source]].add((labels[target], cores[target]))
    return Module(
        frozenset(cores[index] for index in initial), {core: frozenset(found) for core, found in steps.items()}
    )


class NoLabelError(GantryError):
    """The TLA+ module keeps no labels to compare by."""

    def __init__(self) -> None:
        super().__init__(
            "the module does not keep the labels of its steps in the variable 'said': set KeepLabels = TRUE"
        )


def compare(module: Module, system: System[State], *, max_states: int = 500_000) -> Verdict[Difference]:
    """Return whether both have the same states and the same labelled steps between them.

    Steps that change nothing and are not labelled (stuttering) do not count.
    """
    start = plain(system.value(system.initial))
    if module.initial != {start}:
        return Illegal(Difference((), start, tuple(((), state) for state in module.initial), (((), start),)))
    parents: dict[Plain, tuple[Plain, Plain] | None] = {start: None}
    todo: deque[tuple[Plain, State]] = deque([(start, system.initial)])
    steps = 0
    while todo:
        core, state = todo.popleft()
        there: dict[tuple[Plain, Plain], State] = {}
        for label, after in system.successors(state):
            there[plain(label), plain(system.value(after))] = after
        here = module.steps[core]
        if here != there.keys():
            only_module = tuple(sorted(here - there.keys(), key=repr))
            only_spec = tuple(sorted(there.keys() - here, key=repr))
            return Illegal(Difference(_path(parents, core), core, only_module, only_spec))
        steps += len(here)
        for (label, target), after in there.items():
            if target not in parents:
                parents[target] = (core, label)
                todo.append((target, after))
        if len(parents) > max_states:
            return Unknown(f"there are more than {max_states} states")
    return Ok(f"{len(parents)} states and {steps} labelled steps are the same")


def _path(parents: Mapping[Plain, tuple[Plain, Plain] | None], core: Plain) -> tuple[Plain, ...]:
    labels: list[Plain] = []
    while (parent := parents[core]) is not None:
        core, label = parent
        labels.append(label)
    return tuple(reversed(labels))
