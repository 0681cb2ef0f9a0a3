"""State diagrams, computed by running the specification: opcodes, jobs in the queue, locks."""

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from checkers.models import jobs_world
from checkers.models.locks import LOCKS, Bounds, explored, owner, request
from checkers.refinement.compare import plain
from docs.generator import markdown
from docs.generator.graphs import head, quoted
from spec.jobs.life import after
from spec.jobs.model import Job, Opcode, Status
from spec.jobs.opcode_events import OpcodeEvent
from spec.locks.model import Downgrade, Event, Try, Wait
from spec.locks.names import MODE_NAMES, Level, Mode
from spec.locks.rules import LockState, locks_of, pending_of, step

_ROOM = 4 * " "
"""On both sides of an arrow's text, so that it does not lie on the arrow, which bends."""


@dataclass(frozen=True, slots=True)
class Diagram:
    """States with texts, and steps between them with what causes them."""

    states: Mapping[str, str]
    steps: Mapping[tuple[str, str], tuple[str, ...]]
    final: frozenset[str] = frozenset()
    first: str = ""

    def dot(self, *, across: bool = False) -> str:
        """Return the diagram in DOT."""
        lines = [*head(across=across), "  nodesep=0.5; ranksep=0.6;"]
        for name, text in self.states.items():
            look = f", fillcolor={quoted('#dcebd5')}" if name in self.final else ""
            look += ", penwidth=2" if name == self.first else ""
            lines.append(f"  {quoted(name)} [label={quoted(text)}{look}];")
        for (source, target), causes in self.steps.items():
            text = "\n".join(f"{_ROOM}{cause}{_ROOM}" for cause in causes)
            lines.append(f"  {quoted(source)} -> {quoted(target)} [label={quoted(text)}];")
        return "\n".join([*lines, "}"])

    def table(self) -> str:
        """Return the diagram as a table: from, to, event."""
        rows = [(f"`{source}`", f"`{target}`", ", ".join(causes)) for (source, target), causes in self.steps.items()]
        return markdown.table(("from", "to", "by"), rows)


def _diagram(
    found: Iterable[tuple[str, str, str]], order: list[str], final: Iterable[str], texts: Mapping[str, str]
) -> Diagram:
    steps: dict[tuple[str, str], set[str]] = {}
    for source, cause, target in found:
        if source != target:
            steps.setdefault((source, target), set()).add(cause)
    seen = {name for pair in steps for name in pair}
    states = {name: texts.get(name, name) for name in order if name in seen}
    ordered = sorted(steps, key=lambda pair: (order.index(pair[0]), order.index(pair[1])))
    return Diagram(states, {pair: tuple(sorted(steps[pair])) for pair in ordered}, frozenset(final), order[0])


@functools.cache
def opcode_diagram() -> Diagram:
    """Return the effect of each event on a job's only opcode: `spec.jobs.life.after` of every status and event."""

    def found() -> Iterable[tuple[str, str, str]]:
        for status in Status:
            for event in OpcodeEvent:
                now = after(Job(1, (Opcode({}, status=status),)), event, (1, 0))
                if now is not None:
                    yield str(status), event.value, str(now.ops[0].status)

    return _diagram(found(), [str(status) for status in Status], [str(s) for s in Status if s.finalised], {})


_ALONE = jobs_world.Bounds(
    max_id=1,
    events=frozenset({"Submit", "Own", "NotStarted", "GiveUp", "Watch", "Bury", "Cancel", "Archive"}),
    backlog=1,
    max_kills=1,
)
_TWO = jobs_world.Bounds(
    accepts=(frozenset(), frozenset({"success"})), events=frozenset({"Submit", "Own", "Watch", "Cancel"})
)
_PLACES = ("absent", "queued", "starting", "running", "ended", "archived")
_CAUSES = {
    "Submit": "submitted",
    "Own": "its process takes it over",
    "NotStarted": "its process did not start",
    "GiveUp": "given up: its pipe closed",
    "Watch": "its process wrote the end",
    "Bury": "its process died",
    "Cancel": "CancelJob",
    "Archive": "ArchiveJob",
}
"""The steps of the world of jobs in words."""


def _job_steps(bounds: jobs_world.Bounds) -> Iterator[tuple[tuple[str, ...], jobs_world.Label, tuple[str, ...]]]:
    """Yield every step within bounds: the jobs' places before, the event, their places after."""
    first, system = jobs_world.initial(bounds), jobs_world.System(bounds)
    seen, left = {plain(jobs_world.state_value(first))}, [first]
    while left:
        world = left.pop()
        for label, then in system.successors(world):
            key = plain(jobs_world.state_value(then))
            if key not in seen:
                seen.add(key)
                left.append(then)
            yield (
                _places(jobs_world.state_value(world)["mem"]),
                label,
                _places(jobs_world.state_value(then)["mem"]),
            )


def _places(mem: Any) -> tuple[str, ...]:
    """Return the place of each job, and how it ended."""
    places = []
    for entry in mem:
        place = str(entry["place"]).replace("none", "absent")
        places.append(f"{place}: {entry['job']['status']}" if place == "ended" else place)
    return tuple(places)


@functools.cache
def job_diagram() -> Diagram:
    """Return the places of a job and the events between them: every step of the specification with one and two jobs.

    What happens to a job because of another one is marked as such.
    """
    found: list[tuple[str, str, str]] = []
    for bounds in (_ALONE, _TWO):
        for before, label, now in _job_steps(bounds):
            changed = [number for number in range(len(now)) if before[number] != now[number]]
            for number in changed:
                others = [other for other in changed if other != number]
                aside = others and not (label[0] == "Submit" and before[number] == "absent")
                cause = "another job ended" if aside and now[others[0]].startswith("ended") else _CAUSES[label[0]]
                if not aside or before[number] == "queued":
                    found.append((before[number], cause, now[number]))
    names = sorted({name for source, _, target in found for name in (source, target)}, key=_job_order)
    return _diagram(found, names, [name for name in names if name.startswith("ended")], {})


def _job_order(name: str) -> tuple[int, str]:
    return (_PLACES.index(name.partition(":")[0]), name)


_MODES = {None: "holds nothing", Mode.SHARED: "holds it shared", Mode.EXCLUSIVE: "holds it exclusive"}
_WANTS = {Mode.SHARED: "waits for it shared", Mode.EXCLUSIVE: "waits for it exclusive"}


def _lock_place(state: LockState) -> str:
    """Return the first owner's mode of the first lock, and the mode that it waits for."""
    waiting = pending_of(state, owner(1))
    text = _MODES[locks_of(state, owner(1)).get(LOCKS[0])]
    return text if waiting is None else f"{text},\n{_WANTS[waiting.requests[0].mode]}"


@functools.cache
def lock_diagram() -> Diagram:
    """Return an owner's modes of one lock: every step of the specification with a second owner of the same lock."""
    modes = (Mode.RELEASE, Mode.SHARED, Mode.EXCLUSIVE)
    requests = tuple(request((1, int(mode))) for mode in modes)
    graph = explored(Bounds(owners=2, requests=requests, levels=(Level.NODE,))).graph
    states = [_lock_place(state) for state in graph.states]
    found = []
    for before, (event, effects), now in graph.edges:
        if states[before] == states[now]:
            continue
        mine = event.owner == owner(1)
        if not mine and owner(1) not in effects.granted:
            raise AssertionError(f"{event} of another owner changed what the first one has")
        found.append((states[before], _lock_cause(event) if mine else "granted", states[now]))
    order = sorted(
        set(states), key=lambda text: (len(text.splitlines()), list(_MODES.values()).index(text.split(",")[0]))
    )
    return _diagram(found, order, (), {})


def _lock_cause(event: Event) -> str:
    match event:
        case Try(requests=(entry, *_)) | Wait(requests=(entry, *_)):
            return {Mode.RELEASE: "release", Mode.SHARED: "asks shared", Mode.EXCLUSIVE: "asks exclusive"}[entry.mode]
        case Downgrade():
            return "downgrade"
    return "frees its locks"


def compatibility() -> str:
    """Write as a table which modes of one lock, or of a lock and its lockset, two owners may hold at the same time."""
    rows = []
    for lock, name in ((1, "the same lock"), (2, "a lock, where the lockset is held")):
        for held in (Mode.SHARED, Mode.EXCLUSIVE):
            state, _ = step(LockState(), Try(owner(1), request((1, int(held)))))
            answers = []
            for wanted in (Mode.SHARED, Mode.EXCLUSIVE):
                _, effects = step(state, Try(owner(2), request((lock, int(wanted)))))
                answers.append("blocked" if effects.blockers else "granted")
            rows.append((name, MODE_NAMES[held], *answers))
    return markdown.table(("another owner asks for", "held", "asked shared", "asked exclusive"), rows)
