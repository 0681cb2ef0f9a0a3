"""What durability promises, plainly: batches, one being written while the next gathers, crashes, copies.

A store's content is the sequence of the changes it has taken, oldest first. Changes are taken at once, in memory;
they become durable batch by batch, a batch as a whole; a call is answered when its batch is durable. A crash keeps
what is durable, and the batch being written wholly or not at all. Copies hold what the store held at some time.

Invariants (functions here): what was answered is durable, in the order of the answers; what is durable was taken;
a copy is a beginning of what is durable.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from spec.errors import GantryError


class ImpossibleEventError(GantryError):
    """An event that cannot happen in a state; `event` is its class's name."""

    def __init__(self, event: str) -> None:
        self.event = event
        super().__init__(f"{event} cannot happen now")


@dataclass(frozen=True, slots=True)
class StoreState:
    """The changes on their way to the disk and from there to the copies; a change is a number, each taken once.

    Attributes:
        durable: what the disk holds.
        writing: the batch being written; None if nothing is.
        gathering: what was taken since that batch was closed.
        answered: the changes whose calls were answered "done".
        refused: the changes whose calls were answered "undone".
        copies: for each copy how much of `durable` it holds, as a number of changes.
        up: whether the daemon runs.
    """

    durable: tuple[int, ...] = ()
    writing: tuple[int, ...] | None = None
    gathering: tuple[int, ...] = ()
    answered: frozenset[int] = frozenset()
    refused: frozenset[int] = frozenset()
    copies: tuple[int, ...] = ()
    up: bool = True


@dataclass(frozen=True, slots=True)
class Take:
    """A call's change is taken, in memory."""

    change: int


@dataclass(frozen=True, slots=True)
class Write:
    """The gathered changes become the batch being written."""


@dataclass(frozen=True, slots=True)
class Confirm:
    """The batch being written is durable as a whole."""


@dataclass(frozen=True, slots=True)
class Fail:
    """The batch being written could not be written: it and what gathered on top of it are undone and refused."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The call of a durable change is answered."""

    change: int


@dataclass(frozen=True, slots=True)
class Crash:
    """The daemon or its machine stops; the batch being written is `kept` wholly, or lost."""

    kept: bool


@dataclass(frozen=True, slots=True)
class Recover:
    """The daemon starts again from what is durable."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy comes to hold the first `length` durable changes; it never goes back."""

    copy: int
    length: int


StoreEvent = Take | Write | Confirm | Fail | Reply | Crash | Recover | Copy


def seen(state: StoreState) -> tuple[int, ...]:
    """The changes that calls see: everything taken and not undone."""
    return (*state.durable, *(state.writing or ()), *state.gathering)


def step(state: StoreState, event: StoreEvent) -> StoreState:
    """The state after an event.

    Raises:
        ImpossibleEventError: the event cannot happen in this state.
    """
    match event:
        case Take(change) if state.up and change not in seen(state) and change not in state.refused:
            return replace(state, gathering=(*state.gathering, change))
        case Write() if state.up and state.writing is None and state.gathering:
            return replace(state, writing=state.gathering, gathering=())
        case Confirm() if state.up and state.writing is not None:
            return replace(state, durable=(*state.durable, *state.writing), writing=None)
        case Fail() if state.up and state.writing is not None:
            undone = frozenset((*state.writing, *state.gathering))
            return replace(state, writing=None, gathering=(), refused=state.refused | undone)
        case Reply(change) if state.up and change in state.durable and change not in state.answered:
            return replace(state, answered=state.answered | {change})
        case Crash(kept) if state.up and not (kept and state.writing is None):
            durable = (*state.durable, *(state.writing or ())) if kept else state.durable
            return replace(state, durable=durable, writing=None, gathering=(), up=False)
        case Recover() if not state.up:
            return replace(state, up=True)
        case Copy(copy, length) if (
            state.up and copy < len(state.copies) and state.copies[copy] < length <= len(state.durable)
        ):
            return replace(state, copies=(*state.copies[:copy], length, *state.copies[copy + 1 :]))
    raise ImpossibleEventError(type(event).__name__)


def recoverable(state: StoreState) -> frozenset[tuple[int, ...]]:
    """What a recovery may find if the daemon stops now."""
    return frozenset({state.durable, (*state.durable, *(state.writing or ()))})


# -- what must hold


def answered_is_durable(state: StoreState) -> str | None:
    """No change that was answered is missing from the disk."""
    lost = state.answered - frozenset(state.durable)
    return f"changes {sorted(lost)} were answered and are not durable" if lost else None


def refused_is_undone(state: StoreState) -> str | None:
    """No change that was refused is on the disk, or seen by anybody."""
    left = state.refused & frozenset(seen(state))
    return f"changes {sorted(left)} were refused and are still there" if left else None


def copies_are_beginnings(state: StoreState) -> str | None:
    """No copy holds more than is durable."""
    ahead = [copy for copy, length in enumerate(state.copies) if length > len(state.durable)]
    return f"copies {ahead} hold more than the store" if ahead else None


def batches_are_whole(before: StoreState, event: StoreEvent, after: StoreState) -> str | None:
    """What is durable grows by whole batches only, and never shrinks."""
    grown = after.durable[len(before.durable) :]
    if after.durable[: len(before.durable)] != before.durable:
        return f"{type(event).__name__} changed what was durable"
    return None if grown in {(), before.writing} else f"{type(event).__name__} made a part of a batch durable"


PROPERTIES: dict[str, Callable[[StoreState], str | None]] = {
    "answered is durable": answered_is_durable,
    "refused is undone": refused_is_undone,
    "copies are beginnings": copies_are_beginnings,
}
