"""Durability: batches, answers once on disk, failures that undo, crashes, recovery, copies on other machines.

A change is a number, in the order in which changes are requested; a state is the sequence of the changes made. The
contents of a change (locks, configuration, reservations) do not matter here.

Invariants (each a function of `PROPERTIES`, each checked in every state that the explorer reaches):
* a change that was answered "done" is on disk, and in what a recovery finds;
* a change that was answered "undone" is in no state, now or later;
* the disk is a prefix of what is being written, and that is a prefix of memory;
* a change whose caller got no answer because the daemon was killed may have survived or not;
* a copy on another machine is a former state of the disk, and no answer waits for it.

Source: locks.md's section on durability, as observed on Ganeti 3.0.2. Deviation: a write that fails undoes its batch
and all later changes, and the daemon continues.

>>> state, _ = step(StoreState(), Ask())
>>> state.memory, state.disk  # seen at once, not yet on disk
((1,), ())
>>> state, _ = step(state, Begin())
>>> state, effects = step(state, Written())
>>> effects.done  # now the caller is answered
(1,)
>>> state, _ = step(state, Ask())
>>> state, _ = step(state, Crash(landed=False))
>>> state, _ = step(state, Recover())
>>> state.memory  # change 2 is lost, and no client has an answer for it
(1,)
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from spec.errors import GantryError

Changes = tuple[int, ...]


class Message(NamedTuple):
    """A message to a target: the changes after the first `start` up to the first `stop`; from 0, everything."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Target:
    """A machine that gets copies.

    Attributes:
        copy: number of the disk's changes that its copy has.
        believed: the number that the daemon assumes; 0 for none, or unknown.
        message: the message on its way to it.
    """

    copy: int = 0
    believed: int = 0
    message: Message | None = None


@dataclass(frozen=True, slots=True)
class StoreState:
    """The daemon's memory, the disk, and the answers to callers.

    Attributes:
        up: whether the daemon runs.
        memory: the state that calls see.
        writing: the state that is being written, None for none.
        disk: the state that a recovery would find.
        issued: the last change that was requested.
        done: the changes answered "done".
        undone: those answered "undone".
        silent: those whose callers get no answer, because the daemon was killed.
    """

    up: bool = True
    memory: Changes = ()
    writing: Changes | None = None
    disk: Changes = ()
    issued: int = 0
    done: frozenset[int] = field(default=frozenset())
    undone: frozenset[int] = field(default=frozenset())
    silent: frozenset[int] = field(default=frozenset())
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """A caller makes a change; it is visible at once, and answered later."""


@dataclass(frozen=True, slots=True)
class Begin:
    """The daemon begins to write all changes that are not on disk."""


@dataclass(frozen=True, slots=True)
class Written:
    """The disk confirmed the write."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The write failed: the disk is full or broken."""


@dataclass(frozen=True, slots=True)
class Crash:
    """The daemon is killed; `landed`: whether the current write reached the disk, which it does whole or not at all."""

    landed: bool


@dataclass(frozen=True, slots=True)
class Recover:
    """The daemon starts again, from the state on disk."""


@dataclass(frozen=True, slots=True)
class Send:
    """The daemon sends to a target (counted from 1): new changes, or everything if it does not know its copy."""

    target: int


@dataclass(frozen=True, slots=True)
class Deliver:
    """A message reaches its target, which accepts it if it continues its copy."""

    target: int


@dataclass(frozen=True, slots=True)
class Lose:
    """A message to a target is lost."""

    target: int


@dataclass(frozen=True, slots=True)
class Ping:
    """The daemon asks a target how many changes it has."""

    target: int


@dataclass(frozen=True, slots=True)
class Empty:
    """A target loses its copy: it was replaced."""

    target: int


Event = Ask | Begin | Written | Failed | Crash | Recover | Send | Deliver | Lose | Ping | Empty


class Effects(NamedTuple):
    """The changes whose callers are answered in this step."""

    done: Changes = ()
    undone: Changes = ()


class StoreStepError(GantryError):
    """An event that cannot happen in the state; `event` is it."""

    def __init__(self, event: Event, reason: str) -> None:
        self.event = event
        self.reason = reason
        super().__init__(f"{type(event).__name__} cannot happen: {reason}")


def replica(state: StoreState, target: int) -> Changes:
    """Return the state that a target's copy holds."""
    return state.disk[: state.targets[target - 1].copy]


def unanswered(state: StoreState, changes: Changes) -> Changes:
    """Return those of `changes` whose callers still wait."""
    return tuple(change for change in changes if change not in state.done | state.undone | state.silent)


def step(state: StoreState, event: Event) -> tuple[StoreState, Effects]:
    """Perform one event.

    Raises:
        StoreStepError: it cannot happen now; the state stays as it was.
    """
    match event:
        case Ask():
            _need(state.up, event, "the daemon does not run")
            change = state.issued + 1
            return replace(state, issued=change, memory=(*state.memory, change)), Effects()
        case Begin():
            _need(state.up and state.writing is None, event, "another batch is being written, or the daemon is away")
            _need(state.memory != state.disk, event, "there is nothing to write")
            return replace(state, writing=state.memory), Effects()
        case Written():
            if state.writing is None:
                raise StoreStepError(event, "nothing is being written")
            answered = unanswered(state, state.writing)
            return replace(state, disk=state.writing, writing=None, done=state.done | set(answered)), Effects(
                done=answered
            )
        case Failed():
            _need(state.writing is not None, event, "nothing is being written")
            answered = unanswered(state, tuple(change for change in state.memory if change not in state.disk))
            undone = replace(state, memory=state.disk, writing=None, undone=state.undone | set(answered))
            return undone, Effects(undone=answered)
        case Crash(landed):
            _need(state.up, event, "the daemon does not run")
            _need(state.writing is not None or not landed, event, "nothing is being written")
            survived = state.writing if landed and state.writing is not None else state.disk
            silent = state.silent | set(unanswered(state, state.memory))
            targets = tuple(replace(target, believed=0, message=None) for target in state.targets)
            gone = replace(state, up=False, memory=(), writing=None, disk=survived, silent=silent, targets=targets)
            return gone, Effects()
        case Recover():
            _need(not state.up, event, "the daemon runs")
            return replace(state, up=True, memory=state.disk), Effects()
        case _:
            return _replicate(state, event), Effects()


def _replicate(state: StoreState, event: Send | Deliver | Lose | Ping | Empty) -> StoreState:
    target = state.targets[event.target - 1]
    message = target.message
    match event:
        case Send():
            _need(state.up and message is None, event, "a message is under way, or the daemon is away")
            _need(target.believed != len(state.disk), event, "the target is believed to have everything")
            sent = Message(target.believed, len(state.disk))
            changed = replace(target, believed=len(state.disk), message=sent)
        case Deliver():
            if message is None:
                raise StoreStepError(event, "nothing is under way")
            if message.start in {0, target.copy}:
                changed = replace(target, copy=message.stop, message=None)
            else:
                changed = replace(target, believed=0, message=None)
        case Lose():
            _need(message is not None, event, "nothing is under way")
            changed = replace(target, message=None)
        case Ping():
            _need(state.up and message is None, event, "a message is under way, or the daemon is away")
            changed = replace(target, believed=target.copy)
        case Empty():
            changed = replace(target, copy=0)
    place = event.target - 1
    return replace(state, targets=(*state.targets[:place], changed, *state.targets[place + 1 :]))


def _need(condition: bool, event: Event, reason: str) -> None:
    if not condition:
        raise StoreStepError(event, reason)


# -- what must hold of every state


def confirmed_is_durable(state: StoreState) -> str | None:
    """Require that what was answered "done" is on disk, and in memory while the daemon runs."""
    for change in sorted(state.done):
        if change not in state.disk or (state.up and change not in state.memory):
            return f"change {change} was confirmed and is lost"
    return None


def undone_is_gone(state: StoreState) -> str | None:
    """Require that a change answered "undone" is in no state."""
    for change in sorted(state.undone):
        if change in state.disk + state.memory + (state.writing or ()):
            return f"change {change} was refused and is there all the same"
    return None


def one_answer(state: StoreState) -> str | None:
    """Require that a caller gets one answer."""
    twice = sorted((state.done & state.undone) | (state.done & state.silent) | (state.undone & state.silent))
    return f"change {twice[0]} was answered in two ways" if twice else None


def disk_is_behind_memory(state: StoreState) -> str | None:
    """Require that the disk is a prefix of what is being written, and that of memory; every change was requested."""
    if state.up and state.memory[: len(state.disk)] != state.disk:
        return f"the disk has {state.disk}, which is no beginning of {state.memory}"
    if state.writing is not None and state.memory[: len(state.writing)] != state.writing:
        return f"{state.writing} is being written, which is no beginning of {state.memory}"
    if any(not 0 < change <= state.issued for change in state.disk) or list(state.disk) != sorted(set(state.disk)):
        return f"the disk has {state.disk}, of {state.issued} changes asked for"
    return None


def copies_are_of_the_disk(state: StoreState) -> str | None:
    """Require that a copy is a former state of the disk."""
    for number, target in enumerate(state.targets, 1):
        if target.copy > len(state.disk):
            return f"target {number} has {target.copy} changes, the disk {len(state.disk)}"
    return None


PROPERTIES: dict[str, Callable[[StoreState], str | None]] = {
    "confirmed is durable": confirmed_is_durable,
    "undone is gone": undone_is_gone,
    "one answer": one_answer,
    "the disk is behind memory": disk_is_behind_memory,
    "copies are of the disk": copies_are_of_the_disk,
}


def nothing_is_forgotten(before: StoreState, after: StoreState) -> str | None:
    """Require that a change that was on disk stays there."""
    if after.disk[: len(before.disk)] != before.disk:
        return f"the disk had {before.disk} and has {after.disk}"
    return None
