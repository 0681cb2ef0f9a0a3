"""Bugs planted into the TLA+ modules and the specifications: a named property finds each, or refinement does."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from checkers.models import jobs_world, locks_world, store
from checkers.refinement import pairs
from checkers.refinement.compare import Module, System
from checkers.refinement.pairs import REFINEMENTS, refine
from checkers.tla import load
from checkers.verdict import Illegal, Ok
from spec.jobs import events
from spec.jobs import queue as queue_rules
from spec.locks import rules as lock_rules
from spec.locks.model import Effects, Free
from spec.locks.model import Event as LockEvent
from spec.locks.rules import LockState
from spec.store import Crash, Failed, Recover, StoreState, Written
from spec.store import Effects as StoreEffects
from spec.store import Event as StoreEvent
from spec.store import step as store_step
from tests.tla.configurations import DIRECTORY, Configuration, outcome_of, verdict_text

# ---- bugs of the modules: file, right text, wrong text, configuration, the property that finds it

MODULE_BUGS = {
    "implied locks do not block": (
        "Locks.tla",
        "/\\ Overlap(k, l)\n            /\\ r[l] = 2 \\/ h[p][k] = 2",
        "/\\ k = l\n            /\\ r[l] = 2 \\/ h[p][k] = 2",
        "Locks.cfg",
        "invariant Exclusion",
    ),
    "shared requests pass exclusive holders": (
        "Locks.tla", "/\\ r[l] = 2 \\/ h[p][k] = 2", "/\\ r[l] = 2", "Locks.cfg", "invariant Exclusion",
    ),
    "lost wake-up": (
        "Locks.tla",
        "Loosened(o, r) == Serve(Assign(held, o, r), Without(pending, o), {}) @@ [blockers |-> {}]",
        "Loosened(o, r) == [held |-> Assign(held, o, r), pending |-> Without(pending, o)] @@ Nobody",
        "Locks.cfg",
        "invariant NothingGrantableWaits",
    ),
    "granted and not given": (
        "Locks.tla",
        "IN Serve(Assign(h, o, q[i].request), Without(q, o), granted \\cup {o})",
        "IN Serve(h, Without(q, o), granted \\cup {o})",
        "Locks.steps.levels.cfg",
        "property WholeOrNothing",
    ),
    "granted and not notified": (
        "Locks.tla",
        "Without(q, o), granted \\cup {o})",
        "Without(q, o), granted)",
        "Locks.steps.levels.cfg",
        "property WholeOrNothing",
    ),
    "the living are swept": (
        "Locks.tla",
        "Sweep(o) ==\n    /\\ o \\notin alive",
        "Sweep(o) ==\n    /\\ TRUE",
        "Locks.steps.levels.cfg",
        "property TheLivingKeepTheirLocks",
    ),
    "whoever lets go makes all others forgotten": (
        "Locks.tla",
        "Loosened(o, r) == Serve(Assign(held, o, r), Without(pending, o), {})",
        "Loosened(o, r) == Serve(Assign(held, o, r), <<>>, {})",
        "Locks.steps.cfg",
        "property NotifiedExactlyWhenGranted",
    ),
    "two requests wait": (
        "Locks.tla",
        "p \\in Priorities :\n    /\\ MayAsk(o) /\\ Asks(o)\n    /\\ ~Waits(pending, o)",
        "p \\in Priorities :\n    /\\ MayAsk(o) /\\ Asks(o)",
        "Locks.cfg",
        "invariant OnePending",
    ),
    "no order of locks": (
        "Locks.tla",
        "Refused(h, o, r) == OutOfOrder(h, o, r) \\/ UnderSharedGroup(h, o, r)",
        "Refused(h, o, r) == UnderSharedGroup(h, o, r)",
        "Locks.deadlock.cfg",
        "invariant NoDeadlock",
    ),
    "the fair mode forgets claims": (
        "Locks.tla",
        "IN IF Claims(q[j], q[i]) /\\ l \\notin Reached(graph, {e})",
        "IN IF FALSE /\\ l \\notin Reached(graph, {e})",
        "Locks.fair.cfg",
        "property EveryoneIsServed",
    ),
    "equally urgent requests claim nothing": (
        "Locks.tla",
        "/\\ earlier.priority <= later.priority",
        "/\\ earlier.priority < later.priority",
        "Locks.fair.priorities.cfg",
        "property TheMostUrgentAreServed",
    ),
    "nobody sweeps": (
        "Locks.tla", "/\\ WF_vars(Sweep(o))", "", "Locks.live.cfg", "property EveryoneIsServed",
    ),
    "confirmed without the disk": (
        "Store.tla",
        "/\\ disk' = writing\n    /\\ writing' = <<>>",
        "/\\ disk' = disk\n    /\\ writing' = <<>>",
        "Store.cfg",
        "invariant ConfirmedIsDurable",
    ),
    "refused and kept": (
        "Store.tla",
        "/\\ memory' = disk\n    /\\ writing' = <<>>",
        "/\\ memory' = memory\n    /\\ writing' = <<>>",
        "Store.cfg",
        "invariant UndoneIsGone",
    ),
    "a torn batch": (
        "Store.tla",
        "/\\ disk' = IF landed THEN writing ELSE disk",
        "/\\ disk' = IF landed THEN Tail(writing) ELSE disk",
        "Store.cfg",
        "invariant ConfirmedIsDurable",
    ),
    "recovery from nothing": (
        "Store.tla", "/\\ up' = TRUE\n    /\\ memory' = disk", "/\\ up' = TRUE\n    /\\ memory' = <<>>", "Store.cfg",
        "invariant DiskIsBehindMemory",
    ),
    "what was written is not seen any more": (
        "Store.tla",
        "/\\ UNCHANGED <<up, memory, issued, Copies, Faults>>",
        "/\\ memory' = <<>>\n    /\\ UNCHANGED <<up, issued, Copies, Faults>>",
        "Store.cfg",
        "invariant ConfirmedIsSeen",
    ),
    "a recovery rolls back an unannounced change": (
        "Store.tla",
        "/\\ memory' = disk\n    /\\ UNCHANGED <<writing, disk, issued, answer, Copies, Faults>>",
        ("/\\ disk' = SelectSeq(disk, LAMBDA c : answer[c] = \"done\") /\\ memory' = disk'\n"
        "    /\\ UNCHANGED <<writing, issued, answer, Copies, Faults>>"),
        "Store.cfg",
        "property NothingIsForgotten",
    ),
    "an answer that changes": (
        "Store.tla", '/\\ answer[c] = "" THEN what', "THEN what", "Store.cfg", "property AnswersStand",
    ),
    "copies are never sent": (
        "Store.tla", "WF_vars(Send(t)) /\\ ", "", "Store.copies.cfg", "property CopiesCatchUp",
    ),
    "answered before the file": (
        "Jobs.tla",
        '<<Persist(m, {i}, i), Do("accept", i)>>',
        '<<Do("accept", i), Persist(m, {i}, i)>>',
        "Jobs.cfg",
        "invariant AcknowledgedIsKept",
    ),
    "what runs is queued again": (
        "Jobs.tla",
        'ELSE IF owned THEN [place |-> "running", job |-> j]',
        'ELSE IF owned THEN [place |-> "queued", job |-> [j EXCEPT !.status = "queued", !.lock = ""]]',
        "Jobs.cfg",
        "invariant NeverRunTwice",
    ),
    "what stopped between opcodes is queued again": (
        "Jobs.tla", 'ELSE IF j.status = "queued" /\\ j.done = 0 THEN', 'ELSE IF j.status = "queued" THEN',
        "Jobs.opcodes.cfg", "invariant BegunIsNotQueuedAgain",
    ),
    "the next opcode runs before the first has ended": (
        "Jobs.tla", 'THEN "queued" ELSE "success"', 'THEN "running" ELSE "success"', "Jobs.opcodes.cfg",
        "invariant SuccessMeansAllRan",
    ),
    "dependencies ignored": (
        "Jobs.tla",
        'LET ready == {i \\in At(m, {"queued"}) : Eligible(m, i)}',
        'LET ready == At(m, {"queued"})',
        "Jobs.slots.cfg",
        "invariant DependenciesAreKept",
    ),
    "one job too many": ("Jobs.tla", ">= n \\/ ready", "> n \\/ ready", "Jobs.cfg", "invariant AtMostMaxRunning"),
    "a cancel that lies": (
        "Jobs.tla",
        'Do(IF mem[i].place \\in Busy THEN "term" ELSE "refuse"',
        'Do(IF mem[i].place \\in Busy THEN "deny" ELSE "refuse"',
        "Jobs.cancel.cfg",
        "invariant CancelReportedTruly",
    ),
    "a closed queue takes jobs": (
        "Jobs.tla", "IF drained /\\ ~force", "IF FALSE", "Jobs.drain.cfg", "property DrainedTakesNothing",
    ),
    "confirmed before the file": (
        "Jobs.tla",
        '<<Persist(m, {i}, 0), Do("confirm", i)>>',
        '<<Do("confirm", i), Persist(m, {i}, 0)>>',
        "Jobs.cfg",
        "invariant OneOwner",
    ),
    "a dead job is kept": (
        "Jobs.tla", "/\\ WF_vars(Watch(i)) /\\ WF_vars(Bury(i))", "/\\ WF_vars(Watch(i))", "Jobs.live.cfg",
        "property EveryAcceptedJobEnds",
    ),
    "the least urgent job starts first": (
        "Jobs.tla",
        "CHOOSE i \\in ready : \\A j \\in ready : j = i \\/ Before(m, i, j)",
        "CHOOSE i \\in ready : \\A j \\in ready : j = i \\/ Before(m, j, i)",
        "Jobs.slots.cfg",
        "property UrgentFirst",
    ),
    "an ended job is failed again": (
        "Jobs.tla",
        "LET over == file[i].status \\in Final",
        "LET over == FALSE",
        "Jobs.cfg",
        "property FinalIsFinal",
    ),
}  # fmt: skip


def planted(directory: Path, file: str, right: str, wrong: str) -> Path:
    """Copy the modules, with a bug in one of them."""
    for path in DIRECTORY.glob("*.tla"):
        text = path.read_text(encoding="utf-8")
        if path.name == file:
            assert right in text, f"the text to be replaced is not in {file}: {right}"
            text = text.replace(right, wrong)
        (directory / path.name).write_text(text, encoding="utf-8")
    return directory


LARGE = {
    "Locks.fair.priorities.cfg",
    "Jobs.live.cfg",
    "Locks.live.cfg",
    "Locks.steps.levels.cfg",
    "Jobs.cfg",
    "Jobs.cancel.cfg",
    "Jobs.slots.cfg",
}
"""Configurations that take some seconds."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.long] if bug[3] in LARGE else []) for name, bug in MODULE_BUGS.items()],
)
def test_a_bug_of_a_module_is_found_by_the_property_named(name: str, tmp_path: Path) -> None:
    file, right, wrong, config, expected = MODULE_BUGS[name]
    directory = planted(tmp_path, file, right, wrong)
    configuration = Configuration(DIRECTORY / config, expected)
    outcome = outcome_of(configuration, str(directory / Path(configuration.module).name))
    assert verdict_text(outcome) == expected


# ---- bugs of the specifications, and of the modules, that the comparison of the two finds


def lost_wake_up(state: LockState, event: LockEvent) -> tuple[LockState, Effects]:
    after, effects = lock_rules.step(state, event)
    if isinstance(event, Free) and effects.granted:
        freed = lock_rules.forget_pending(lock_rules.assign(state, event.owner, ()), event.owner)
        held = frozenset(holding for holding in freed.held if holding[1] != event.owner)
        return replace(freed, held=held), Effects()
    return after, effects


def notify_all(state: LockState, event: LockEvent) -> tuple[LockState, Effects]:
    after, effects = lock_rules.step(state, event)
    return after, effects._replace(granted=(*effects.granted, *effects.blockers))


def kept_what_failed(state: StoreState, event: StoreEvent) -> tuple[StoreState, StoreEffects]:
    after, effects = store_step(state, event)
    return (replace(after, memory=state.memory), effects) if isinstance(event, Failed) else (after, effects)


def landed_in_part(state: StoreState, event: StoreEvent) -> tuple[StoreState, StoreEffects]:
    after, effects = store_step(state, event)
    part = isinstance(event, Crash) and event.landed and len(after.disk) - len(state.disk) > 1
    return (replace(after, disk=after.disk[:-1]), effects) if part else (after, effects)


def answered_late(state: StoreState, event: StoreEvent) -> tuple[StoreState, StoreEffects]:
    after, effects = store_step(state, event)
    return (replace(after, done=state.done), StoreEffects()) if isinstance(event, Written) else (after, effects)


def recovered_too_much(state: StoreState, event: StoreEvent) -> tuple[StoreState, StoreEffects]:
    after, effects = store_step(state, event)
    extra = tuple(range(1, state.issued + 1))
    return (replace(after, memory=extra), effects) if isinstance(event, Recover) else (after, effects)


JobStep = tuple[queue_rules.Queue, tuple[events.Effect, ...]]


def launched_first(queue: queue_rules.Queue, event: events.Event, now: Any) -> JobStep:
    after, effects = queue_rules.step(queue, event, now)
    return after, tuple(sorted(effects, key=lambda effect: not isinstance(effect, events.Launch)))


def new_slots_stay_free(queue: queue_rules.Queue, event: events.Event, now: Any) -> JobStep:
    after, effects = queue_rules.step(queue, event, now)
    return queue_rules._apply(queue, event) if isinstance(event, events.Configure) else (after, effects)


def _locks(rules: Any) -> Any:
    def system(constants: Mapping[str, Any]) -> System[Any]:
        bounds = locks_world.bounds_of(constants)
        successors = locks_world.System(bounds, rules).successors
        return System(locks_world.initial(bounds), successors, locks_world.state_value(bounds))

    return system


def _jobs(rules: Any) -> Any:
    def system(constants: Mapping[str, Any]) -> System[Any]:
        bounds = jobs_world.bounds_of(constants)
        successors = jobs_world.System(bounds, jobs_world.Rules(rules)).successors
        return System(jobs_world.initial(bounds), successors, jobs_world.state_value)

    return system


def _store(rules: Any) -> Any:
    def system(constants: Mapping[str, Any]) -> System[Any]:
        bounds = store.bounds_of(constants)
        return System(store.initial(bounds), store.System(bounds, rules).successors, store.state_value(bounds))

    return system


SMALL = {
    "locks": """CONSTANTS Owners = {1, 2} Locks = {1} Implied <- TheImplied Level <- TheLevel Requests <- AcquireOne
        Priorities = {10, 20} Wishes <- None Levels <- NodeLevel Keeps <- None Mortal = {1} Rounds = 0 Upgrades = TRUE
        Fair = FALSE OnlyExclusive = FALSE KeepLabels = TRUE
        SPECIFICATION Spec CHECK_DEADLOCK FALSE""",
    "jobs": """CONSTANTS MaxId = 2 Opcodes = 1 Priorities = {10, 20} Accepts = {{}} SlotChoices = {0, 1}
        Forces = {FALSE} Events = {"Submit", "Configure", "Cancel"} Backlog = 0 MaxKills = 0 MaxCrashes = 0
        KeepLabels = TRUE SPECIFICATION Spec CHECK_DEADLOCK FALSE""",
    "store": """CONSTANTS MaxChange = 2 Targets = {1} MaxFailures = 1 MaxCrashes = 1 MaxLosses = 1 KeepLabels = TRUE
        SPECIFICATION Spec CHECK_DEADLOCK FALSE""",
}

SPEC_BUGS = {
    lost_wake_up: ("locks", _locks),
    notify_all: ("locks", _locks),
    kept_what_failed: ("store", _store),
    landed_in_part: ("store", _store),
    answered_late: ("store", _store),
    recovered_too_much: ("store", _store),
    launched_first: ("jobs", _jobs),
    new_slots_stay_free: ("jobs", _jobs),
}


@cache
def as_it_is(name: str) -> Module:
    return pairs.explored(load(str(DIRECTORY / REFINEMENTS[name].module)), SMALL[name])


@pytest.fixture
def explored_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Explore a module that has no bug for the first test alone."""
    modules = {SMALL[name]: as_it_is(name) for name in SMALL}
    monkeypatch.setattr(pairs, "explored", lambda _, config: modules[config])


@pytest.mark.xdist_group("modules explored once")
@pytest.mark.usefixtures("explored_once")
@pytest.mark.parametrize("bug", SPEC_BUGS, ids=lambda bug: bug.__name__)
def test_a_bug_of_a_specification_is_found_by_refinement(bug: Any) -> None:
    name, system = SPEC_BUGS[bug]
    verdict = refine(name, SMALL[name], system=system(bug))
    assert isinstance(verdict, Illegal)
    described = verdict.witness.describe()
    assert described.startswith("they differ after")
    assert "only the" in described


TWIN_BUGS = {
    "less urgent requests first": ("locks", "Locks.tla", "Before(p, q) == p.priority < q.priority",
                                   "Before(p, q) == p.priority > q.priority"),
    "opportunists get nothing": ("locks", "Locks.tla", "Cardinality(got.taken) >= w.least", "FALSE"),
    "downgrades release": ("locks", "Locks.tla", "held[o][k] # 0} |-> 1]", "held[o][k] # 0} |-> 0]"),
    "less urgent jobs first": ("jobs", "Jobs.tla", "\\/ m[i].job.priority < m[j].job.priority",
                               "\\/ m[i].job.priority > m[j].job.priority"),
    "targets take what does not fit": ("store", "Store.tla", "\\in {0, copy[t]}", "\\in 0..MaxChange"),
}  # fmt: skip


@pytest.mark.parametrize("title", TWIN_BUGS)
def test_a_bug_of_a_module_is_found_by_refinement(title: str, tmp_path: Path) -> None:
    name, file, right, wrong = TWIN_BUGS[title]
    directory = planted(tmp_path, file, right, wrong)
    config = SMALL[name]
    if title == "opportunists get nothing":
        config = config.replace("Wishes <- None", "Wishes <- WishMembers").replace("Locks = {1}", "Locks = {1, 2, 3}")
        config = config.replace("AcquireOne", "None")
    verdict = refine(name, config, directory=str(directory))
    assert isinstance(verdict, Illegal)


@pytest.mark.xdist_group("modules explored once")
@pytest.mark.usefixtures("explored_once")
@pytest.mark.parametrize("name", sorted(REFINEMENTS))
def test_without_a_bug_they_are_the_same(name: str) -> None:
    verdict = refine(name, SMALL[name])
    assert isinstance(verdict, Ok), verdict
