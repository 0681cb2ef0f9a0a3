"""Specification and implementation side by side over every history up to a bound.

Both are `step(state, event) -> (state', answer)` systems that refuse by raising. From one pair of states each event is
given to both: the answers, the refusals (class and text) and the views of the states must be the same. From pairs that
look the same, indexes of the implementation included, it goes on only once. The first divergence is a shortest one
and is printed as a program that shows it.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from checkers.exploration.explore import explore
from checkers.exploration.source import imports, source
from checkers.verdict import Illegal, Ok, Unknown, Verdict
from spec.errors import GantryError

State = TypeVar("State")
Event = TypeVar("Event")


@dataclass(frozen=True, slots=True)
class Side(Generic[State, Event]):
    """One of the two systems.

    Attributes:
        name: what it is called in reports, such as `spec.locks.rules`.
        initial: where it begins.
        step: what an event does; the answer must be comparable with the other side's. Where nothing changes it should
            return the state that it was given, which spares the comparison.
        view: what of a state is compared with the other side's view.
        key: what distinguishes two states of this side, so that each is gone on from only once; what the other side's
            key distinguishes may be left out where both agree.
        sound: what is wrong with a state by itself (its indexes, say); None if nothing is.
    """

    name: str
    initial: State
    step: Callable[[State, Event], tuple[State, Any]]
    view: Callable[[State], Any] = lambda state: state
    key: Callable[[State], Hashable] = lambda state: state
    sound: Callable[[State], str | None] = lambda _state: None


@dataclass(frozen=True, slots=True)
class Refused:
    """An event was refused: class and text of the error."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Divergence(Generic[Event]):
    """Where the two systems begin to differ.

    Attributes:
        history: the events; the two differ after the last one.
        difference: what differs, in prose.
        pair: the function that makes the two sides, `module:function`, for the program.
    """

    history: tuple[Event, ...]
    difference: str
    pair: str

    def program(self) -> str:
        """Write a program that shows the divergence."""
        names: dict[str, set[str]] = {"checkers.exploration.lockstep": {"replay"}}
        module, _, function = self.pair.partition(":")
        names.setdefault(module, set()).add(function)
        events = "".join(f"    {source(event, names)},\n" for event in self.history)
        summary = self.difference.partition("\n")[0]
        return f"# {summary}\n{imports(names)}\n\nHISTORY = [\n{events}]\nreplay(*{function}(), HISTORY)\n"


def attempt(side: Side[State, Event], state: State, event: Event) -> tuple[State, Any]:
    """Return the state and answer after an event; a refusal is an answer that changes nothing."""
    try:
        return side.step(state, event)
    except GantryError as error:
        return state, Refused(type(error).__name__, str(error))


def _difference(
    plain: Side[Any, Event], clever: Side[Any, Event], states: tuple[Any, Any], answers: tuple[Any, Any]
) -> str | None:
    if answers[0] != answers[1]:
        return f"{plain.name} answers {answers[0]}, {clever.name} answers {answers[1]}"
    views = plain.view(states[0]), clever.view(states[1])
    if views[0] != views[1]:
        return f"the states differ\n{plain.name}: {views[0]}\n{clever.name}: {views[1]}"
    return None


def _unsound(plain: Side[Any, Any], clever: Side[Any, Any], states: tuple[Any, Any]) -> str | None:
    for side, state in ((plain, states[0]), (clever, states[1])):
        wrong = side.sound(state)
        if wrong is not None:
            return f"a state of {side.name} is not sound: {wrong}"
    return None


_Pair = tuple[Any, Any, str | None]


def lockstep(
    plain: Side[Any, Event],
    clever: Side[Any, Event],
    events: Callable[[Any], Iterable[Event]],
    *,
    pair: str,
    step_holds: Callable[[Any, Event, Any, Any], str | None] = lambda _before, _event, _after, _answer: None,
    max_depth: int | None = None,
    max_states: int = 1_000_000,
) -> Verdict[Divergence[Event]]:
    """Run two systems side by side over every history.

    Args:
        plain: the specification.
        clever: the implementation.
        events: the events to try in a state of the specification.
        pair: the function that makes the two, `module:function`, for the program that a divergence prints.
        step_holds: what is wrong with a step of the specification (before, event, after, answer); None if nothing is.
        max_depth: how many events a history has at most; None explores all pairs of states.
        max_states: stop when there are more pairs.
    """
    steps = 0

    def successors(pair_of_states: _Pair) -> Iterable[tuple[Event, _Pair]]:
        nonlocal steps
        before, after, _ = pair_of_states
        for event in events(before):
            steps += 1
            plainly, expected = attempt(plain, before, event)
            cleverly, found = attempt(clever, after, event)
            same = plainly is before and cleverly is after  # then the views were compared when the pair was new
            if same and expected == found:
                difference = None
            else:
                difference = _difference(plain, clever, (plainly, cleverly), (expected, found))
            if difference is None and not isinstance(expected, Refused):
                difference = step_holds(before, event, plainly, expected)
            if not same or difference is not None:
                yield event, (plainly, cleverly, difference)

    def key(pair_of_states: _Pair) -> Hashable:
        plainly, cleverly, difference = pair_of_states
        return difference or (plain.key(plainly), clever.key(cleverly))

    start = (plain.initial, clever.initial)
    found = explore(
        [(*start, _difference(plain, clever, start, (None, None)))],
        successors,
        holds={
            "both agree": lambda pair_of_states: pair_of_states[2],
            "both are sound": lambda pair_of_states: _unsound(plain, clever, pair_of_states[:2]),
        },
        key=key,
        max_depth=max_depth,
        max_states=max_states,
        keep_edges=False,
    )
    if isinstance(found.verdict, Illegal):
        witness = found.verdict.witness
        return Illegal(Divergence(tuple(event for event, _ in witness.steps), witness.reason, pair))
    if isinstance(found.verdict, Unknown):
        return found.verdict
    bound = "" if found.graph.complete else f" in histories of up to {max_depth} events"
    return Ok(f"{len(found.graph.states)} pairs of states, {steps} steps{bound}")


def replay(plain: Side[Any, Event], clever: Side[Any, Event], history: Sequence[Event]) -> None:
    """Run both over one history, printing each step.

    Raises:
        DivergenceError: they differ.
    """
    states: tuple[Any, Any] = (plain.initial, clever.initial)
    for place, event in enumerate(history, 1):
        plainly, expected = attempt(plain, states[0], event)
        cleverly, found = attempt(clever, states[1], event)
        print(f"{place}. {event}\n   -> {expected}")  # noqa: T201 - this is what a replay is for
        states = (plainly, cleverly)
        difference = _difference(plain, clever, states, (expected, found)) or _unsound(plain, clever, states)
        if difference is not None:
            raise DivergenceError(place, difference)


class DivergenceError(GantryError):
    """Two sides differ from event `place` of a history on."""

    def __init__(self, place: int, difference: str) -> None:
        self.place = place
        self.difference = difference
        super().__init__(f"they differ from event {place} on: {difference}")
