"""Traces of wconfd's lock core against `spec.locks.rules`. The format stands in `checkers.traces.validation`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from checkers.traces.validation import Line, TraceFormatError, typed
from spec.locks.model import (
    Downgrade,
    Effects,
    Event,
    Free,
    FreeLevel,
    Intersect,
    Opportunistic,
    Try,
    Wait,
)
from spec.locks.names import LockError, Mode, Owner, lock_name
from spec.locks.rules import LockState, step

EVENTS: dict[str, type[Event]] = {
    kind.__name__: kind for kind in (Try, Wait, Free, FreeLevel, Downgrade, Intersect, Opportunistic)
}

Step = Callable[[LockState, Event], tuple[LockState, Effects]]


@dataclass(frozen=True, slots=True)
class Traced:
    """A lock state and what the daemon owes.

    Attributes:
        locks: the state now.
        durable: the number of the last line whose change is on disk.
        past: the state after each line since then (with the durable one first), by line number.
        unanswered: the step lines without a `reply` so far, and whether the answer has to wait for the disk.
        owed: the grants (line, owner) without a `notify` so far.
    """

    locks: LockState
    durable: int = 0
    past: tuple[tuple[int, LockState], ...] = ()
    unanswered: frozenset[tuple[int, bool]] = frozenset()
    owed: frozenset[tuple[int, Owner]] = frozenset()


class LocksModel:
    """The specification of locks, in the form that the validation uses.

    Args:
        rules: the step function (tests plant bugs here).
    """

    def __init__(self, rules: Step = step) -> None:
        self._rules = rules

    def start(self, states: Sequence[Traced] | None, line: Line) -> Iterable[Traced]:
        """Return the states after a start: of a first run any; later, what was durable or anything after it."""
        given = typed(line, "state", LockState) if "state" in line.fields else None
        if given is not None:
            given = _normal(given)
        if states is None:
            return [_fresh(LockState() if given is None else given)]
        candidates = [found for state in states for _, found in state.past]
        # the fair mode is the daemon's option, not part of what is recovered
        return [
            _fresh(found if given is None else given) for found in candidates if given is None or _same(found, given)
        ]

    def advance(self, state: Traced, line: Line) -> Iterable[Traced]:
        """Return the state after a line, if the specification allows it."""
        if line.event in EVENTS:
            return self._step(state, line)
        match line.event:
            case "durable":
                return self._durable(state, typed(line, "upto", int), line.seq)
            case "reply":
                to = typed(line, "to", int)
                possible = {(to, False)} if to > state.durable else {(to, False), (to, True)}
                if possible & state.unanswered:
                    return [replace(state, unanswered=state.unanswered - possible)]
            case "notify":
                debt = (typed(line, "for", int), typed(line, "owner", Owner))
                if debt in state.owed and debt[0] <= state.durable:
                    return [replace(state, owed=state.owed - {debt})]
            case "end":
                if not state.owed and not state.unanswered:
                    return [state]
            case _:
                raise TraceFormatError(line.number, f"'{line.event}' is no event of a trace of locks")
        return []

    def _step(self, state: Traced, line: Line) -> Iterable[Traced]:
        event = typed(line, "args", EVENTS[line.event])
        outcome = self._outcome(state.locks, event)
        if isinstance(outcome, str):
            if "effects" in line.fields or line.fields.get("error", outcome) != outcome:
                return []
            after, effects = state.locks, Effects()
        else:
            after, effects = outcome
            if "error" in line.fields or ("effects" in line.fields and _effects(line) != effects):
                return []
        owed = state.owed | {(line.seq, owner) for owner in effects.granted}
        if isinstance(event, Free):
            owed = frozenset(debt for debt in owed if debt[1] != event.owner)
        promises = not (isinstance(outcome, str) or effects.blockers)
        return [
            replace(
                state,
                locks=after,
                past=(*state.past, (line.seq, after)),
                unanswered=state.unanswered | {(line.seq, promises)},
                owed=owed,
            )
        ]

    def _outcome(self, locks: LockState, event: Event) -> tuple[LockState, Effects] | str:
        try:
            return self._rules(locks, event)
        except LockError as error:
            return str(error)

    @staticmethod
    def _durable(state: Traced, upto: int, seq: int) -> Iterable[Traced]:
        if not state.durable <= upto < seq:
            return []
        last = max((number for number, _ in state.past if number <= upto), default=0)
        return [replace(state, durable=upto, past=tuple(entry for entry in state.past if entry[0] >= last))]

    def enabled(self, state: Traced, line: Line) -> str:
        """Describe what could have stood in the line's place."""
        if line.event in EVENTS:
            outcome = self._outcome(state.locks, typed(line, "args", EVENTS[line.event]))
            if isinstance(outcome, str):
                return f"{line.event} refused: {outcome}"
            effects = outcome[1]
            return (
                f"{line.event} with blockers [{_owners(effects.blockers)}], granted [{_owners(effects.granted)}], "
                f"taken [{', '.join(map(lock_name, effects.taken))}]"
            )
        owed = ", ".join(f"{owner.ident} for {seq}" for seq, owner in sorted(state.owed)) or "none"
        unanswered = ", ".join(str(seq) for seq, _ in sorted(state.unanswered)) or "none"
        return f"durable up to {state.durable}; notifications owed: {owed}; answers owed: {unanswered}"

    @staticmethod
    def describe(state: Traced) -> str:
        """Describe a state in one line."""
        held = ", ".join(
            f"{owner.ident} holds {lock_name(lock)} ({mode.name.lower()})"
            for lock, owner, mode in sorted(state.locks.held)
        )
        waits = ", ".join(
            f"{pending.owner.ident} waits for "
            + " and ".join(f"{lock_name(lock)} ({mode.name.lower()})" for lock, mode in pending.requests)
            + f" with priority {pending.priority}"
            for pending in state.locks.pending
        )
        return "; ".join(part for part in (held or "nothing is held", waits) if part)


def _owners(owners: Iterable[Owner]) -> str:
    return ", ".join(str(owner.ident) for owner in owners)


def _effects(line: Line) -> Effects:
    fields: Any = line.fields["effects"]
    if not isinstance(fields, dict):
        raise TraceFormatError(line.number, "'effects' is no object")
    try:
        return Effects(*(msgspec.convert(fields.get(name, []), kind) for name, kind in Effects.__annotations__.items()))
    except msgspec.ValidationError as error:
        raise TraceFormatError(line.number, f"'effects': {error}") from error


def _normal(state: LockState) -> LockState:
    held = frozenset((lock, owner, Mode(mode)) for lock, owner, mode in state.held)
    return replace(state, held=held, pending=state.pending if state.fair else tuple(sorted(state.pending)))


def _same(found: LockState, given: LockState) -> bool:
    return found.held == given.held and sorted(found.pending) == sorted(given.pending)


def _fresh(locks: LockState) -> Traced:
    return Traced(locks, past=((0, locks),))
