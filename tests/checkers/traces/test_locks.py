"""Traces of locks: behaviours pass, and every dropped, doubled, swapped or changed line is found."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checkers.traces.locks import LocksModel
from checkers.traces.validation import Mismatch, TraceFormatError, read, validate
from checkers.verdict import Illegal, Ok, Verdict
from impl.process.trace import TraceWriter
from spec.locks.model import Event, Free, Intersect, Opportunistic, Try, Wait
from spec.locks.names import Level, Lock, LockError, Mode, Request, job, lockset, other
from spec.locks.rules import LockState, step

A, B, SET = Lock(Level.NODE, 1, "a"), Lock(Level.NODE, 1, "b"), lockset(Level.NODE)
X, S = Mode.EXCLUSIVE, Mode.SHARED
ONE, TWO, THREE = job(1, "/l/1", 11), job(2, "/l/2", 12), other("tool", "/l/3", 13)

HISTORY: tuple[Event, ...] = (
    Try(ONE, (Request(A, X),)),
    Wait(TWO, 5, (Request(SET, S),)),
    Wait(THREE, -1, (Request(A, S), Request(B, X))),
    Try(TWO, (Request(B, S),)),  # refused: it waits
    Opportunistic(ONE, (Request(B, X),)),
    Free(ONE),  # grants THREE, by its priority
    Intersect(THREE, frozenset({B})),
    Free(THREE),  # grants TWO
    Free(TWO),
)


def written(path: Path, *, end: bool = True) -> list[dict[str, Any]]:
    """A trace of HISTORY as a daemon writes it, two steps a batch."""
    writer = TraceWriter(str(path))
    state = LockState()
    writer.record("start", state=state)
    batch: list[tuple[int, Any]] = []
    for place, event in enumerate(HISTORY):
        try:
            state, effects = step(state, event)
        except LockError as error:
            seq = writer.step(event, error=str(error))
            writer.record("reply", to=seq)
        else:
            batch.append((writer.step(event, effects), effects))
        if place % 2 or place == len(HISTORY) - 1:
            writer.record("durable", upto=batch[-1][0])
            for seq, effects in batch:
                writer.record("reply", to=seq)
                for owner in effects.granted:
                    writer.record("notify", **{"owner": owner, "for": seq})
            batch = []
    if end:
        writer.record("end")
    writer.close()
    return [json.loads(line) for line in path.read_text().splitlines()]


def verdict(lines: list[dict[str, Any]]) -> Verdict[Mismatch]:
    return validate(LocksModel(), read(b"".join(json.dumps(line).encode() + b"\n" for line in lines)))


def renumbered(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**line, "seq": place} for place, line in enumerate(lines, 1)]


def test_a_behaviour_passes(tmp_path: Path) -> None:
    lines = written(tmp_path / "trace")
    assert isinstance(verdict(lines), Ok)
    assert sum(line["event"] == "notify" for line in lines) == 2


def test_every_dropped_line_is_found(tmp_path: Path) -> None:
    lines = written(tmp_path / "trace")
    for place in range(len(lines) - 1):  # without its last line it is the trace of a killed daemon
        assert isinstance(verdict(lines[:place] + lines[place + 1 :]), Illegal), lines[place]


def test_every_doubled_line_is_found(tmp_path: Path) -> None:
    lines = written(tmp_path / "trace")
    for place in range(1, len(lines)):  # a second start is a restart
        assert isinstance(verdict(lines[: place + 1] + lines[place:]), Illegal), lines[place]


def test_any_two_swapped_lines_are_found(tmp_path: Path) -> None:
    lines = written(tmp_path / "trace")
    for place in range(len(lines) - 1):
        swapped = [*lines[:place], lines[place + 1], lines[place], *lines[place + 2 :]]
        assert isinstance(verdict(swapped), Illegal), lines[place]


def test_dropped_and_doubled_promises_are_found_without_the_numbers(tmp_path: Path) -> None:
    lines = written(tmp_path / "trace")
    for place, line in enumerate(lines):
        if line["event"] in {"durable", "reply", "notify"}:
            # steps are named by their numbers, so the lines after the gap keep theirs
            shorter = [*lines[:place], {"seq": line["seq"], "event": "durable", "upto": 0}, *lines[place + 1 :]]
            assert isinstance(verdict(shorter), Illegal), line


def test_every_changed_step_is_found(tmp_path: Path) -> None:
    def other_mode(line: dict[str, Any]) -> None:
        line["args"]["requests"][0][1] = int(S)

    def other_lock(line: dict[str, Any]) -> None:
        line["args"]["requests"][0][0] = list(lockset(Level.NETWORK))

    def nobody_blocks(line: dict[str, Any]) -> None:
        line["effects"]["blockers"] = []

    def more_urgent(line: dict[str, Any]) -> None:
        line["args"]["priority"] = -30

    def notify_one_more(line: dict[str, Any]) -> None:
        line["effects"]["granted"].append(list(ONE))

    def notify_nobody(line: dict[str, Any]) -> None:
        line["effects"]["granted"] = []

    changes: list[tuple[int, Callable[[dict[str, Any]], None]]] = [
        (0, other_mode),
        (0, other_lock),
        (0, notify_one_more),
        (1, nobody_blocks),
        (1, other_lock),
        (1, more_urgent),
        (4, notify_one_more),
        (5, notify_nobody),
        (5, notify_one_more),
    ]
    for place, change in changes:
        lines = written(tmp_path / "trace")
        (tmp_path / "trace").unlink()
        steps = [line for line in lines if "args" in line]
        change(steps[place])
        assert isinstance(verdict(lines), Illegal), (place, change.__name__)


def test_a_changed_refusal_is_found(tmp_path: Path) -> None:
    lines = written(tmp_path / "trace")
    refused = next(line for line in lines if "error" in line)
    refused["error"] = "some other text"
    found = verdict(lines)
    assert isinstance(found, Illegal)
    assert "cannot update locks while having pending requests" in found.witness.describe()


def test_an_answer_before_its_batch_is_on_disk_is_found() -> None:
    lines: list[dict[str, Any]] = [
        {"event": "start"},
        {"event": "Try", "args": {"owner": list(ONE), "requests": [[list(A), 2]]}},
        {"event": "reply", "to": 2},
    ]
    found = verdict(renumbered(lines))
    assert isinstance(found, Illegal)
    assert "durable up to 0" in found.witness.describe()


def test_a_clean_end_owes_nothing(tmp_path: Path) -> None:
    lines = written(tmp_path / "trace", end=False)
    assert isinstance(verdict([*lines, {"seq": len(lines) + 1, "event": "end"}]), Ok)
    without = [*lines[:-1], {"seq": len(lines), "event": "end"}]
    found = verdict(without)
    assert isinstance(found, Illegal)
    assert "answers owed" in found.witness.describe()


def _killed(path: Path, recovered: LockState) -> Verdict[Mismatch]:
    """A run of three steps of which the first is durable, then a restart that found `recovered`."""
    writer = TraceWriter(str(path))
    state = LockState()
    writer.record("start", state=state)
    for place, event in enumerate(HISTORY[:3]):
        state, effects = step(state, event)
        seq = writer.step(event, effects)
        if place == 0:
            writer.record("durable", upto=seq)
    writer.close()
    again = TraceWriter(str(path))
    again.record("start", state=recovered)
    again.close()
    with path.open("ab") as file:
        file.write(b'{"seq": 2, "eve')  # cut off by the kill
    return validate(LocksModel(), read(path.read_bytes()))


def test_recovery_finds_what_was_durable_or_what_came_after(tmp_path: Path) -> None:
    states = [LockState()]
    for event in HISTORY[:3]:
        states.append(step(states[-1], event)[0])
    for place, state in enumerate(states):
        verdict = _killed(tmp_path / f"trace{place}", state)
        assert isinstance(verdict, Illegal if place == 0 else Ok), place


def test_a_line_that_is_no_event_is_an_error() -> None:
    for text in (b"[]\n", b"{}\n", b'{"seq": 1, "event": "start", "state": 7}\n', b"nonsense\n", b'{"seq":1}\n'):
        with pytest.raises(TraceFormatError):
            validate(LocksModel(), read(text))
    with pytest.raises(TraceFormatError):
        verdict(renumbered([{"event": "start"}, {"event": "Grab", "args": {}}]))
    assert isinstance(validate(LocksModel(), read(b"")), Ok)
