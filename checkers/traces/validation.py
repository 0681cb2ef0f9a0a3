"""Validation of traces: is what a daemon did a behaviour of the specification?

The format (NDJSON, UTF-8, one object a line, in the order of the linearisation points):

* Every line has `seq`, counted from 1 without a gap in each run of a daemon, and `event`.
* A run begins with `start`; a killed daemon's file goes on with the next run's `start`, whose `state` must be one that
  a recovery may find. A clean stop writes `end`: nothing may be owed to anybody then. A last line without its line
  feed is cut off by the kill and is left out.
* A *step* line is named after an event class of the specification (`spec.locks.model`, `spec.jobs.events`):
  `args` holds the event's fields, `effects` what the step answered, or `error` the text of the refusal. Without both,
  any outcome that the specification allows is taken.
* Values are encoded by shape: dataclasses as objects by field name, named tuples as arrays, enumerations as their
  values, sets and tuples as arrays (`msgspec.json.encode`); `impl.process.trace.TraceWriter` writes this.

Locks (wconfd): `start` carries `state`, a `LockState` object. Step lines carry `effects` as an object with `blockers`,
`taken`, `granted`. Besides them: `{"event": "durable", "upto": SEQ}` when the batch that holds every change up to
line SEQ is on disk; `{"event": "reply", "to": SEQ}` when the answer to that line is sent, and `{"event": "notify",
"owner": OWNER, "for": SEQ}` when an owner whose request that line granted is signalled. Both come only once that line
is durable (a refusal, or the answer "blocked by", may go earlier: it promises nothing), each at most once, and each is
owed at a clean `end`. An owner that is found dead before is not owed its signal: its `Free` ends what it was owed.

Jobs (luxid): `start` carries `state`, a `Queue` object, as recovery left it. Step lines carry `now` and `effects` as
an array of `[class name, fields]`. Besides them: `{"event": "durable", "upto": SEQ}` when everything that the steps up
to line SEQ wanted persisted is on disk, and `{"event": "done", "of": SEQ, "effect": INDEX}` when an effect that others
can see (any but `Persist`; INDEX counts from 0) is performed: only once durable, if a `Persist` stands before it in its
step, and at most once.

Validation keeps the set of all specification states that agree with the lines so far. When it becomes empty, the
verdict is `Illegal` with the line, the last set, and what was enabled.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, overload

import msgspec

from checkers.verdict import Illegal, Ok, Verdict
from spec.errors import GantryError

MAX_STATES = 10_000
"""More candidate states than this are not kept: no trace of ours comes near."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a trace.

    Attributes:
        number: its place in the file, from 1.
        seq: its number within the run.
        event: its kind.
        fields: everything else.
        text: the line as it stands.
    """

    number: int
    seq: int
    event: str
    fields: dict[str, Any]
    text: str


Value = TypeVar("Value")


class TraceFormatError(GantryError):
    """A line is no event of the format."""

    def __init__(self, number: int, reason: str) -> None:
        self.number = number
        self.reason = reason
        super().__init__(f"line {number} is no trace event: {reason}")


@overload
def typed(line: Line, name: str, kind: type[Value]) -> Value: ...


@overload
def typed(line: Line, name: str, kind: object) -> Any: ...


def typed(line: Line, name: str, kind: Any) -> Any:
    """Return a field of a line as a typed value.

    Raises:
        TraceFormatError: it is missing or of another shape.
    """
    if name not in line.fields:
        raise TraceFormatError(line.number, f"'{name}' is missing")
    try:
        return msgspec.convert(line.fields[name], kind)
    except msgspec.ValidationError as error:
        raise TraceFormatError(line.number, f"'{name}': {error}") from error


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Where a trace leaves the specification.

    Attributes:
        line: the offending line.
        reason: what is wrong with it, one sentence.
        states: the last states that agreed with the lines before, in prose.
        enabled: what each of them allowed instead, in prose.
    """

    line: Line
    reason: str
    states: tuple[str, ...]
    enabled: tuple[str, ...]

    def describe(self) -> str:
        """Describe the mismatch in prose, several lines."""
        shown = self.line.text if len(self.line.text) <= 400 else self.line.text[:400] + " …"
        parts = [f"line {self.line.number}: {self.reason}", f"  {shown}"]
        parts.append(f"states that agreed with the lines before ({len(self.states)}):")
        parts.extend(f"  {text}" for text in self.states[:5])
        parts.append("what was enabled:")
        parts.extend(f"  {text}" for text in self.enabled[:10])
        return "\n".join(parts)


State = TypeVar("State")


class Model(Protocol[State]):
    """What the validation needs to know of a specification."""

    def start(self, states: Sequence[State] | None, line: Line) -> Iterable[State]:
        """Return the states after a `start` line; `states` are the last of the run before, None for the first run."""

    def advance(self, state: State, line: Line) -> Iterable[State]:
        """Return the states that a line may lead to: none if the state does not allow it."""

    def enabled(self, state: State, line: Line) -> str:
        """Describe what the state allowed instead of the line."""

    def describe(self, state: State) -> str:
        """Describe a state in prose."""


def read(data: bytes) -> Iterator[Line]:
    """Yield the lines of a trace; leave out one that was cut off at the end.

    Raises:
        TraceFormatError: a line is no JSON object with `seq` and `event`.
    """
    decoder = msgspec.json.Decoder(dict[str, Any])
    complete, _, _cut_off = data.rpartition(b"\n")
    for number, raw in enumerate(complete.split(b"\n"), 1) if complete else ():
        try:
            fields = decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TraceFormatError(number, str(error)) from error
        seq, event = fields.pop("seq", None), fields.pop("event", None)
        if not isinstance(seq, int) or not isinstance(event, str):
            raise TraceFormatError(number, "'seq' (a number) and 'event' (a text) are needed")
        yield Line(number, seq, event, fields, raw.decode())


def validate(model: Model[State], lines: Iterable[Line]) -> Verdict[Mismatch]:
    """Decide whether a trace is a behaviour of `model`.

    Raises:
        TraceFormatError: a line is no event of the format.
    """
    states: list[State] | None = None
    expected, count, runs = 1, 0, 0
    for line in lines:
        count += 1
        if line.event == "start":
            after = _distinct(model.start(states, line))
            runs += 1
            expected = 1
        elif states is None:
            return Illegal(Mismatch(line, "a run begins with 'start'", (), ("start",)))
        else:
            after = _distinct(found for state in states for found in model.advance(state, line))
        if line.seq != expected:
            return _mismatch(model, states, line, f"line number {expected} of the run was expected, this is {line.seq}")
        expected += 1
        if not after:
            return _mismatch(model, states, line, f"the specification does not allow this '{line.event}'")
        if len(after) > MAX_STATES:
            raise TraceFormatError(
                line.number, f"more than {MAX_STATES} states agree with the trace: it says too little"
            )
        states = after
    return Ok(f"{count} lines, {runs} {'run' if runs == 1 else 'runs'}")


def _distinct(states: Iterable[State]) -> list[State]:
    # states need not be hashable (a job's opcodes are mappings), and the set is nearly always a singleton
    kept: list[State] = []
    for state in states:
        if state not in kept:
            kept.append(state)
    return kept


def _mismatch(model: Model[State], states: Sequence[State] | None, line: Line, reason: str) -> Illegal[Mismatch]:
    last = () if states is None else tuple(states)
    return Illegal(
        Mismatch(
            line,
            reason,
            tuple(model.describe(state) for state in last),
            tuple(model.enabled(state, line) for state in last) or ("start, with a state that can be at the start",),
        )
    )
