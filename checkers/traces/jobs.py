"""Traces of luxid's queue against `spec.jobs.queue`. The format stands in `checkers.traces.validation`.

Between two runs of a daemon the jobs' own processes go on, so what a restart finds is not a function of what was last
traced. It must satisfy `spec.jobs.properties.lost`: nothing that was durable is gone, nothing that ended runs again,
nothing that ran is queued again.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from checkers.traces.validation import Line, TraceFormatError, typed
from spec.jobs import events
from spec.jobs.events import Effect, Event, Persist
from spec.jobs.model import Timestamp
from spec.jobs.properties import lost
from spec.jobs.queue import Queue, step

EVENTS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        events.Submit,
        events.Owned,
        events.NotStarted,
        events.Changed,
        events.Died,
        events.Cancel,
        events.ChangePriority,
        events.Archive,
        events.AutoArchive,
        events.SetDrain,
        events.Configure,
    )
}

Step = Callable[[Queue, Event, Timestamp], tuple[Queue, tuple[Effect, ...]]]


@dataclass(frozen=True, slots=True)
class Traced:
    """A queue and what the daemon owes.

    Attributes:
        durable: the number of the last line up to which everything is on disk.
        kept: the queue as of that line.
        past: the queue after each line since then.
        undone: the visible effects that were not performed yet: line, index, and whether they wait for the disk.
    """

    queue: Queue
    durable: int
    kept: Queue
    past: tuple[tuple[int, Queue], ...] = ()
    undone: frozenset[tuple[int, int, bool]] = frozenset()


def _plain(effects: Iterable[Effect]) -> Any:
    return msgspec.json.decode(msgspec.json.encode([[type(effect).__name__, effect] for effect in effects]))


class JobsModel:
    """The specification of the queue, in the form that the validation uses.

    Args:
        rules: the step function (tests plant bugs here).
    """

    def __init__(self, rules: Step = step) -> None:
        self._rules = rules

    @staticmethod
    def start(states: Sequence[Traced] | None, line: Line) -> Iterable[Traced]:
        """Return the states after a start: of a first run any; later, one that lost nothing durable."""
        queue: Queue = typed(line, "state", Queue)
        fresh = Traced(queue, line.seq, queue)
        if states is None or any(lost(state.kept, queue) is None for state in states):
            return [fresh]
        return []

    def advance(self, state: Traced, line: Line) -> Iterable[Traced]:
        """Return the state after a line, if the specification allows it."""
        if line.event in EVENTS:
            return self._step(state, line)
        match line.event:
            case "durable":
                upto = typed(line, "upto", int)
                if not state.durable <= upto < line.seq:
                    return []
                reached = [queue for number, queue in state.past if number <= upto]
                rest = tuple(entry for entry in state.past if entry[0] > upto)
                return [replace(state, durable=upto, kept=reached[-1] if reached else state.kept, past=rest)]
            case "done":
                seq, index = typed(line, "of", int), typed(line, "effect", int)
                for waits in (False, True):
                    if (seq, index, waits) in state.undone and (not waits or seq <= state.durable):
                        return [replace(state, undone=state.undone - {(seq, index, waits)})]
                return []
            case "end":
                return [state]
            case _:
                raise TraceFormatError(line.number, f"'{line.event}' is no event of a trace of jobs")

    def _step(self, state: Traced, line: Line) -> Iterable[Traced]:
        event = typed(line, "args", EVENTS[line.event])
        queue, effects = self._rules(state.queue, event, typed(line, "now", Timestamp))
        if "effects" in line.fields and line.fields["effects"] != _plain(effects):
            return []
        undone = set(state.undone)
        waits = False
        for index, effect in enumerate(effects):
            if isinstance(effect, Persist | events.Move | events.SetDrainFile):
                waits = True
            else:
                undone.add((line.seq, index, waits))
        return [replace(state, queue=queue, past=(*state.past, (line.seq, queue)), undone=frozenset(undone))]

    def enabled(self, state: Traced, line: Line) -> str:
        """Describe what could have stood in the line's place."""
        if line.event in EVENTS:
            event = typed(line, "args", EVENTS[line.event])
            _, effects = self._rules(state.queue, event, typed(line, "now", Timestamp))
            return f"{line.event} with {', '.join(type(effect).__name__ for effect in effects) or 'no effects'}"
        if line.event == "start":
            return lost(state.kept, typed(line, "state", Queue)) or "any start"
        owed = ", ".join(f"{seq}.{index}" for seq, index, _ in sorted(state.undone)) or "none"
        return f"durable up to {state.durable}; effects not performed yet: {owed}"

    @staticmethod
    def describe(state: Traced) -> str:
        """Describe a state in one line."""
        queue = state.queue
        parts = (
            ("queued", queue.queued),
            ("running", queue.running),
            ("ended", queue.ended),
        )
        listed = [f"{name}: {', '.join(str(job.id) for job in jobs[:20])}" for name, jobs in parts if jobs]
        return "; ".join([f"serial {queue.serial}", f"at most {queue.max_running} run", *listed])
