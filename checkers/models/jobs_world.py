"""`spec.jobs.queue` within bounds, in a small world: a disk, processes, a daemon that can be killed at any time.

The world has the variables of `tla/Jobs.tla` and its steps have the same names, but the queue's steps are computed by
the specification. The daemon's effects wait in an outbox and are performed in order; a crash empties memory and
outbox. `state_value` converts a state to the form of the TLA+ module.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from spec.jobs import events
from spec.jobs.events import Effect, Event
from spec.jobs.model import Job, Opcode, Status
from spec.jobs.queue import Queue, find, recovered, step
from spec.jobs.rules import dependencies, job_priority, job_status

NOW = (0, 0)
Label = tuple[Any, ...]

NONE, STARTED, NAMED, OWNER, GONE = "none", "started", "named", "owner", "gone"


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of the exploration; the fields are the constants of the TLA+ module."""

    max_id: int = 2
    opcodes: int = 1
    priorities: tuple[int, ...] = (0,)
    accepts: tuple[frozenset[str], ...] = (frozenset(),)
    slot_choices: tuple[int, ...] = (1,)
    forces: tuple[bool, ...] = (False,)
    events: frozenset[str] = frozenset({"Submit", "Own", "NotStarted", "Watch", "Bury"})
    backlog: int = 0
    max_kills: int = 0
    max_crashes: int = 0


@dataclass(frozen=True, slots=True)
class World:
    """A state: the daemon's memory, the disk, the processes, and the answers that clients got.

    Attributes:
        queue: the daemon's memory; None while it does not run.
        slots: `max_running_jobs` in the cluster's configuration.
        outbox: effects still to be performed, in order; pairs of an effect and its meaning to a client.
        files: the job files, in the order of ids.
        processes: for each id the state of its process.
    """

    queue: Queue | None
    slots: int
    outbox: tuple[tuple[Effect, str, int], ...] = ()
    files: tuple[Job, ...] = ()
    archive: frozenset[int] = frozenset()
    serial: int = 0
    drained: bool = False
    processes: tuple[str, ...] = ()
    term: frozenset[int] = frozenset()
    runs: tuple[int, ...] = ()
    acked: frozenset[int] = frozenset()
    denied: frozenset[int] = frozenset()
    kills: int = 0
    crashes: int = 0


def initial(bounds: Bounds) -> World:
    """Return an empty queue with the daemon running."""
    slots = max(bounds.slot_choices)
    none = tuple(NONE for _ in range(bounds.max_id))
    return World(Queue(max_running=slots), slots, processes=none, runs=tuple(0 for _ in none))


@dataclass(frozen=True, slots=True)
class Rules:
    """The behaviour under exploration; tests plant bugs here."""

    step: Callable[..., tuple[Queue, tuple[Effect, ...]]] = step
    recovered: Callable[..., tuple[Queue, tuple[Job, ...]]] = recovered


def _opcode(priority: int, on: int, accepted: frozenset[str]) -> Mapping[str, Any]:
    depends = [[on, sorted(accepted)]] if on else None
    return {"OP_ID": "OP_TEST_DELAY", "priority": priority, "depends": depends}


def _put(values: tuple[Any, ...], job_id: int, value: Any) -> tuple[Any, ...]:
    return (*values[: job_id - 1], value, *values[job_id:])


def _meaning(event: Event, effect: Effect) -> tuple[str, int]:
    """Return an effect's name in the world, and the job that it concerns (0 for none)."""
    match effect:
        case events.Persist():
            return "persist", 0
        case events.Launch(job_id):
            return "launch", job_id
        case events.Confirm(job_id):
            return "confirm", job_id
        case events.Abort(job_id):
            return "abort", job_id
        case events.Signal(job_id):
            return "term", job_id
        case events.Move((job_id,)):
            return "move", job_id
        case events.SetDrainFile(drained):
            return ("close" if drained else "open"), 0
        case events.CleanLocks():
            return "clean", 0
        case events.Reply(result):
            if isinstance(event, events.Submit):
                return "accept", result[0][1]
            if isinstance(event, events.Cancel) and result[0]:
                return "deny", event.id
            return ("answer" if result is True or (result and result[0]) else "refuse"), 0
        case _:
            return "refuse", 0


class System:
    """The world within bounds, as a labelled system."""

    def __init__(self, bounds: Bounds, rules: Rules = Rules()) -> None:
        self.bounds = bounds
        self.rules = rules

    # -- the daemon

    def _daemon(self, world: World, event: Event, **changes: Any) -> World:
        assert world.queue is not None  # noqa: S101 - only a running daemon takes steps
        queue, effects = self.rules.step(world.queue, event, NOW)
        more = tuple((effect, *_meaning(event, effect)) for effect in effects)
        return replace(world, queue=queue, outbox=world.outbox + more, **changes)

    def _clients(self, world: World, queue: Queue) -> Iterator[tuple[Label, Event]]:
        bounds = self.bounds
        ids = range(1, bounds.max_id + 1)
        if queue.serial < bounds.max_id:
            for priority in bounds.priorities:
                for on in range(queue.serial + 1):
                    for accepted in bounds.accepts if on else (frozenset[str](),):
                        if accepted not in bounds.accepts:
                            continue
                        for force in bounds.forces:
                            opcode = _opcode(priority, on, accepted)
                            yield (
                                ("Submit", priority, on, accepted, force),
                                events.Submit(((opcode,) * bounds.opcodes,), NOW, force),
                            )
        for job_id in ids:
            if job_id <= queue.serial:
                yield ("Cancel", job_id), events.Cancel(job_id, NOW)
                yield ("Archive", job_id), events.Archive(job_id)
            if find(queue.queued, job_id) is not None:
                for priority in bounds.priorities:
                    yield ("ChangePriority", job_id, priority), events.ChangePriority(job_id, priority)
        for drained in (False, True):
            yield ("Drain", drained), events.SetDrain(drained)
        for slots in bounds.slot_choices:
            if slots != world.slots:
                yield ("Configure", slots), events.Configure(slots, ())

    def _takes(self, world: World) -> Iterator[tuple[Label, World]]:
        queue = world.queue
        if queue is None or len(world.outbox) > self.bounds.backlog:
            return
        for label, event in self._clients(world, queue):
            changes = {"slots": event.max_running} if isinstance(event, events.Configure) else {}
            if label[0] in self.bounds.events:
                yield label, self._daemon(world, event, **changes)
        for label, event, process in self._hand_overs(world, queue):
            if label[0] in self.bounds.events:
                yield label, self._daemon(world, event, processes=_put(world.processes, label[1], process))

    def _hand_overs(self, world: World, queue: Queue) -> Iterator[tuple[Label, Event, str]]:
        for job_id, process in enumerate(world.processes, 1):
            if process == STARTED:
                yield ("Own", job_id), events.Owned(job_id, f"own {job_id}"), NAMED
            if job_id in queue.starting:
                if process == GONE:
                    yield ("NotStarted", job_id), events.NotStarted(job_id, NOW), NONE
                if process in {STARTED, GONE}:
                    yield ("GiveUp", job_id), events.NotStarted(job_id, NOW, "time is up"), GONE
            elif find(queue.running, job_id) is not None:
                file = find(world.files, job_id)
                if file is None:
                    continue
                if job_status(file).finalised:
                    yield ("Watch", job_id), events.Changed(file), process
                if process == GONE:
                    yield ("Bury", job_id), events.Died(file, NOW), process

    def _perform(self, world: World) -> World:
        (effect, what, job_id), rest = world.outbox[0], world.outbox[1:]
        world = replace(world, outbox=rest)
        match effect, what:
            case events.Persist(jobs, serial), _:
                return replace(world, files=_written(world.files, jobs), serial=max(world.serial, serial or 0))
            case events.SetDrainFile(drained), _:
                return replace(world, drained=drained)
            case _, "move":
                return replace(world, archive=world.archive | {job_id})
            case _, "launch":
                return replace(world, processes=_put(world.processes, job_id, STARTED))
            case _, "confirm" if world.processes[job_id - 1] == NAMED:
                return replace(world, processes=_put(world.processes, job_id, OWNER))
            case _, "abort":
                return replace(world, processes=_put(world.processes, job_id, GONE))
            case _, "term" if world.processes[job_id - 1] == OWNER:
                return replace(world, term=world.term | {job_id})
            case _, "accept":
                return replace(world, acked=world.acked | {job_id})
            case _, "deny":
                return replace(world, denied=world.denied | {job_id})
        return world

    def _restart(self, world: World) -> World:
        live = tuple(job for job in world.files if job.id not in world.archive)
        archived = tuple(job for job in world.files if job.id in world.archive)
        dead = {"luxid"} | {f"own {job_id}" for job_id, process in enumerate(world.processes, 1) if process != OWNER}
        fresh = Queue(world.serial, world.drained, world.slots, archived=archived)
        queue, rewritten = self.rules.recovered(fresh, live, frozenset(dead), NOW)
        queued = {job.id for job in queue.queued}
        processes = tuple(NONE if job_id in queued else process for job_id, process in enumerate(world.processes, 1))
        world = replace(world, queue=queue, files=_written(world.files, rewritten), processes=processes)
        return self._daemon(world, events.Configure(world.slots, ()))

    # -- the processes

    def _processes(self, world: World) -> Iterator[tuple[Label, World]]:
        for job_id, process in enumerate(world.processes, 1):
            file = find(world.files, job_id)
            if process in {STARTED, NAMED, OWNER} and world.kills < self.bounds.max_kills:
                gone = _put(world.processes, job_id, GONE)
                yield ("Kill", job_id), replace(world, processes=gone, kills=world.kills + 1)
            if process != OWNER or file is None:
                continue
            status = job_status(file)
            if status == Status.QUEUED:
                yield ("Begin", job_id), _at(world, file, Status.WAITING)
            if status == Status.WAITING:
                runs = _put(world.runs, job_id, world.runs[job_id - 1] + 1)
                yield ("Run", job_id), replace(_at(world, file, Status.RUNNING), runs=runs)
            if status in {Status.QUEUED, Status.WAITING} and job_id in world.term:
                yield ("Obey", job_id), _at(world, file, Status.CANCELED)
            if status == Status.RUNNING:
                for final in (Status.SUCCESS, Status.ERROR):
                    yield ("End", job_id, str(final)), _at(world, file, final)
            if status.finalised:
                yield ("Leave", job_id), replace(world, processes=_put(world.processes, job_id, GONE))

    def successors(self, world: World) -> Iterable[tuple[Label, World]]:
        """Yield the labelled steps from a state."""
        yield from self._takes(world)
        yield from self._processes(world)
        if world.queue is None:
            yield ("Restart",), self._restart(world)
            return
        if world.outbox:
            yield ("Perform",), self._perform(world)
        if world.crashes < self.bounds.max_crashes:
            processes = tuple(GONE if process in {STARTED, NAMED} else process for process in world.processes)
            yield (
                ("Crash",),
                replace(world, queue=None, outbox=(), processes=processes, crashes=world.crashes + 1),
            )


def _written(files: tuple[Job, ...], jobs: Iterable[Job]) -> tuple[Job, ...]:
    known = {job.id: job for job in files} | {job.id: job for job in jobs}
    return tuple(known[job_id] for job_id in sorted(known))


def _at(world: World, file: Job, status: Status) -> World:
    """Set the current opcode to a status; an end other than success also ends those after it."""
    done = [op for op in file.ops if op.status.finalised]
    now, later = file.ops[len(done)], file.ops[len(done) + 1 :]
    if status in {Status.ERROR, Status.CANCELED}:
        later = tuple(replace(op, status=status) for op in later)
    ops: tuple[Opcode, ...] = (*done, replace(now, status=status), *later)
    return replace(world, files=_written(world.files, (replace(file, ops=ops),)))


# -- a state in the form of the TLA+ module

NO_JOB = {"status": "absent", "done": 0, "priority": 0, "lock": "", "on": 0, "accepted": frozenset[str]()}


def job_value(job: Job) -> dict[str, Any]:
    """Convert a job to a record."""
    on, accepted = next(iter(dependencies(job)), (0, ()))
    lock = job.livelock or ""
    return {
        "status": str(job_status(job)),
        "done": sum(op.status == Status.SUCCESS for op in job.ops),
        "priority": job.ops[0].priority if job_status(job).finalised else job_priority(job),
        "lock": "own" if lock.startswith("own") else lock,
        "on": on,
        "accepted": frozenset(accepted),
    }


def _places(queue: Queue | None, count: int) -> list[dict[str, Any]]:
    places = [{"place": "none", "job": NO_JOB} for _ in range(count)]
    if queue is not None:
        for place, jobs in (
            ("queued", queue.queued),
            ("running", queue.running),
            ("ended", queue.ended),
            ("archived", queue.archived),
        ):
            for job in jobs:
                found = "starting" if job.id in queue.starting else place
                places[job.id - 1] = {"place": found, "job": job_value(job)}
    return places


def _effect_value(effect: Effect, what: str, job_id: int) -> dict[str, Any]:
    if isinstance(effect, events.Persist):
        jobs = {job.id: job_value(job) for job in effect.jobs}
        return {"do": "persist", "jobs": jobs, "serial": effect.serial or 0}
    return {"do": what, "id": job_id}


def state_value(world: World) -> dict[str, Any]:
    """Convert a state, variable by variable, to the form of the TLA+ module."""
    count = len(world.processes)
    files: list[dict[str, Any]] = [NO_JOB] * count
    for job in world.files:
        files[job.id - 1] = job_value(job)
    queue = world.queue
    return {
        "up": queue is not None,
        "mem": _places(queue, count),
        "serial": queue.serial if queue is not None else 0,
        "drained": queue is not None and queue.drained,
        "slots": world.slots,
        "outbox": [_effect_value(*entry) for entry in world.outbox],
        "file": files,
        "archive": world.archive,
        "diskSerial": world.serial,
        "diskDrained": world.drained,
        "proc": world.processes,
        "term": world.term,
        "runs": world.runs,
        "acked": world.acked,
        "denied": world.denied,
        "kills": world.kills,
        "crashes": world.crashes,
    }


def bounds_of(constants: Mapping[str, Any]) -> Bounds:
    """Convert the constants of the TLA+ module to bounds."""
    return Bounds(
        max_id=constants["MaxId"],
        opcodes=constants["Opcodes"],
        priorities=tuple(sorted(constants["Priorities"])),
        accepts=tuple(constants["Accepts"]),
        slot_choices=tuple(sorted(constants["SlotChoices"])),
        forces=tuple(sorted(constants["Forces"])),
        events=frozenset(constants["Events"]),
        backlog=constants["Backlog"],
        max_kills=constants["MaxKills"],
        max_crashes=constants["MaxCrashes"],
    )
