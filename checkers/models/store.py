"""`spec.store` within bounds, with labels and states in the form of `tla/Store.tla`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from checkers.exploration.explore import Exploration, explore
from spec.store import (
    PROPERTIES,
    Ask,
    Begin,
    Crash,
    Deliver,
    Effects,
    Empty,
    Event,
    Failed,
    Lose,
    Ping,
    Recover,
    Send,
    StoreState,
    StoreStepError,
    Target,
    Written,
    nothing_is_forgotten,
    step,
)

Label = tuple[Any, ...]
Rules = Callable[[StoreState, Event], tuple[StoreState, Effects]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of the exploration; the fields are the constants of the TLA+ module."""

    max_change: int = 3
    targets: int = 1
    max_failures: int = 1
    max_crashes: int = 1
    max_losses: int = 1


@dataclass(frozen=True, slots=True)
class Bounded:
    """A state, and how often each bounded event happened."""

    store: StoreState
    failures: int = 0
    crashes: int = 0
    losses: int = 0


def initial(bounds: Bounds) -> Bounded:
    """Return the state in which nothing was asked for."""
    return Bounded(StoreState(targets=tuple(Target() for _ in range(bounds.targets))))


class System:
    """The store within bounds, as a labelled system."""

    def __init__(self, bounds: Bounds, rules: Rules = step) -> None:
        self.bounds = bounds
        self.rules = rules

    def _events(self, state: Bounded) -> Iterator[tuple[Event, Bounded]]:
        bounds, store = self.bounds, state.store
        if store.issued < bounds.max_change:
            yield Ask(), state
        yield from ((event, state) for event in (Begin(), Written(), Recover()))
        if state.failures < bounds.max_failures:
            yield Failed(), replace(state, failures=state.failures + 1)
        if state.crashes < bounds.max_crashes:
            crashed = replace(state, crashes=state.crashes + 1)
            yield Crash(landed=False), crashed
            yield Crash(landed=True), crashed
        for number, target in enumerate(store.targets, 1):
            yield Send(number), state
            yield Deliver(number), state
            if target.believed != target.copy:
                yield Ping(number), state
            if state.losses < bounds.max_losses:
                lost = replace(state, losses=state.losses + 1)
                yield Lose(number), lost
                if target.copy:
                    yield Empty(number), lost

    def successors(self, state: Bounded) -> Iterable[tuple[Label, Bounded]]:
        """Yield the labelled steps from a state."""
        for event, counted in self._events(state):
            try:
                after, _ = self.rules(state.store, event)
            except StoreStepError:
                continue
            yield label_of(event), replace(counted, store=after)


def label_of(event: Event) -> Label:
    """Convert an event to the label of the TLA+ module."""
    match event:
        case Crash(landed):
            return "Crash", landed
        case Send(target) | Deliver(target) | Lose(target) | Ping(target) | Empty(target):
            return type(event).__name__, target
        case _:
            return (type(event).__name__,)


def state_value(bounds: Bounds) -> Callable[[Bounded], dict[str, Any]]:
    """Convert a state, variable by variable, to the form of the TLA+ module."""

    def answer(store: StoreState, change: int) -> str:
        answers = (("done", store.done), ("undone", store.undone), ("silence", store.silent))
        return next((name for name, changes in answers if change in changes), "")

    def value(state: Bounded) -> dict[str, Any]:
        store = state.store
        return {
            "up": store.up,
            "memory": store.memory,
            "writing": store.writing or (),
            "disk": store.disk,
            "issued": store.issued,
            "answer": tuple(answer(store, change) for change in range(1, bounds.max_change + 1)),
            "copy": tuple(target.copy for target in store.targets),
            "believed": tuple(target.believed for target in store.targets),
            "message": tuple(tuple(target.message or ()) for target in store.targets),
            "failures": state.failures,
            "crashes": state.crashes,
            "losses": state.losses,
        }

    return value


def wrong_state(state: Bounded) -> str | None:
    """Name the property that a state breaks; None if none."""
    return next((f"{name}: {text}" for name, holds in PROPERTIES.items() if (text := holds(state.store))), None)


def wrong_step(before: Bounded, _label: Label, after: Bounded) -> str | None:
    """Name the property that a step breaks; None if none."""
    return nothing_is_forgotten(before.store, after.store)


def explored(bounds: Bounds, rules: Rules = step, **how: Any) -> Exploration[Bounded, Label]:
    """Explore the specification within bounds, with every property checked."""
    return explore(
        [initial(bounds)],
        System(bounds, rules).successors,
        holds={"state": wrong_state},
        steps_hold={"nothing is forgotten": wrong_step},
        **how,
    )


def bounds_of(constants: Mapping[str, Any]) -> Bounds:
    """Convert the constants of the TLA+ module to bounds."""
    return Bounds(
        constants["MaxChange"],
        len(constants["Targets"]),
        constants["MaxFailures"],
        constants["MaxCrashes"],
        constants["MaxLosses"],
    )
