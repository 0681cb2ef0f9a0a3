"""Power cuts at every point of the queue's store: is what was answered still there afterwards?

A simulated disk remembers, for each file, the content that was synced and the one that was only written, and, for the
directories, the changes of names since their last sync. A power cut may come before any operation; it keeps any of
the unsynced changes of names (a rename is one change; a change is not kept without the earlier ones of the same name),
and of unsynced contents the old one, the new one, or the half of it.From every such disk the
store recovers, is cut again while it does, and is then compared with what was promised:

* a job is live (or archived, if that was answered) with the content that was answered last, or a later one;
* what a job's process wrote durably is not undone;
* the serial is not below the one that was answered, nor below any job's id;
* the drain mark is as it was answered.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from checkers.verdict import Illegal, Ok, Verdict
from impl.jobs.files import encode, job_path, temporary_path
from impl.luxid.store import QueueStore, entry_of
from spec.jobs.model import Job, Opcode, Status

QUEUE = "/queue"
MAX_OUTCOMES = 600
"""Disks tried for one cut; beyond it, only those in which all, none, one, or all but one change survive."""


class PowerCutError(Exception):
    """The power went before an operation."""


@dataclass(eq=False, slots=True)
class _File:
    written: bytes = b""
    synced: bytes = b""


@dataclass(frozen=True, slots=True)
class _Change:
    """One change of names: what disappears and what appears."""

    gone: tuple[str, ...]
    path: str | None
    file: _File | None

    @property
    def names(self) -> frozenset[str]:
        return frozenset((*self.gone, self.path or ""))

    def touches(self, directory: str) -> bool:
        return any(name.rpartition("/")[0] == directory for name in (*self.gone, self.path or "/"))


@dataclass(slots=True)
class SimulatedDisk:
    """A disk that loses what was not synced; satisfies `impl.luxid.disk.Disk`.

    Attributes:
        cut_at: before which operation the power goes, counted from 0; None never.
        operations: how many there were.
    """

    cut_at: int | None = None
    operations: int = 0
    now: dict[str, _File] = field(default_factory=dict)
    durable: dict[str, _File] = field(default_factory=dict)
    pending: list[_Change] = field(default_factory=list)
    directories: set[str] = field(default_factory=lambda: {QUEUE, f"{QUEUE}/archive"})

    def _tick(self) -> None:
        if self.operations == self.cut_at:
            raise PowerCutError
        self.operations += 1

    # -- the port

    def lock(self, path: str) -> int | None:
        """Nobody else is there."""
        return 1 if path else None

    def unlock(self, handle: int) -> None:
        """Nothing to do."""

    def read(self, path: str) -> bytes:
        """What was written, synced or not."""
        if path not in self.now:
            raise FileNotFoundError(path)
        return self.now[path].written

    def write(self, path: str, data: bytes) -> None:
        """Write in place."""
        self._tick()
        file = self.now.get(path)
        if file is None:
            file = self.now[path] = _File()
            self.pending.append(_Change((), path, file))
        file.written = data

    def append(self, path: str, data: bytes, size: int) -> None:
        """Append, then sync: the power may go in between."""
        self._tick()
        file = self.now[path]
        file.written = file.written[:size] + data
        self._tick()
        file.synced = file.written

    def sync(self, path: str) -> bool:
        """Sync a content."""
        if path not in self.now:
            return False
        self._tick()
        self.now[path].synced = self.now[path].written
        return True

    def rename(self, source: str, target: str) -> None:
        """Rename."""
        self._tick()
        if source not in self.now:
            raise FileNotFoundError(source)
        file = self.now.pop(source)
        self.now[target] = file
        self.pending.append(_Change((source,), target, file))

    def unlink(self, path: str) -> None:
        """Remove a name."""
        self._tick()
        if self.now.pop(path, None) is not None:
            self.pending.append(_Change((path,), None, None))

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        return path in self.now

    def names(self, directory: str) -> list[str]:
        """The names in a directory."""
        prefix = directory + "/"
        inside = {
            path[len(prefix) :].partition("/")[0] for path in (*self.now, *self.directories) if path.startswith(prefix)
        }
        return sorted(inside)

    def make_directory(self, directory: str) -> None:
        """Directories are made durable by nature here: the store syncs their parents anyway."""
        self.directories.add(directory)

    def sync_directory(self, directory: str) -> None:
        """Make the names in a directory durable."""
        self._tick()
        synced = _with_earlier(self.pending, [i for i, c in enumerate(self.pending) if c.touches(directory)])
        for index in synced:
            _apply(self.durable, self.pending[index])
        self.pending = [change for index, change in enumerate(self.pending) if index not in synced]

    # -- the cut

    def outcomes(self) -> Iterator["SimulatedDisk"]:
        """Every disk that a power cut now may leave."""
        for survivors in _subsets(len(self.pending)):
            names = dict(self.durable)
            for index in _with_earlier(self.pending, survivors):
                _apply(names, self.pending[index])
            unsynced = [file for file in dict.fromkeys(names.values()) if file.written != file.synced]
            for contents in _contents(unsynced):
                files = {id(file): _File(file.synced, file.synced) for file in names.values()}
                for file, content in zip(unsynced, contents, strict=True):
                    files[id(file)] = _File(content, content)
                now = {path: files[id(file)] for path, file in names.items()}
                yield SimulatedDisk(now=dict(now), durable=dict(now), directories=set(self.directories))

    def killed(self) -> "SimulatedDisk":
        """The disk after SIGKILL of the writer: all that was written is there."""
        now = {path: _File(file.written, file.written) for path, file in self.now.items()}
        return SimulatedDisk(now=dict(now), durable=dict(now), directories=set(self.directories))


def _apply(names: dict[str, _File], change: _Change) -> None:
    for path in change.gone:
        names.pop(path, None)
    if change.path is not None and change.file is not None:
        names[change.path] = change.file


def _with_earlier(changes: Sequence[_Change], chosen: Sequence[int]) -> list[int]:
    """The chosen changes and all earlier ones of the same names, in order: file systems keep these in order."""
    wanted = set(chosen)
    for index in range(max(wanted, default=-1), -1, -1):
        later = {name for other in wanted if other > index for name in changes[other].names}
        if index not in wanted and changes[index].names & later:
            wanted.add(index)
    return sorted(wanted)


def _subsets(count: int) -> Iterator[tuple[int, ...]]:
    if 2**count <= MAX_OUTCOMES // 4:
        for size in range(count + 1):
            yield from itertools.combinations(range(count), size)
        return
    everything = tuple(range(count))
    yield ()
    yield everything
    for index in everything:
        yield (index,)
        yield (*everything[:index], *everything[index + 1 :])
        yield everything[:index]


def _contents(files: Sequence[_File]) -> Iterator[tuple[bytes, ...]]:
    choices = [(file.synced, _torn(file), file.written) for file in files]
    if 3 ** len(files) <= 27:
        yield from itertools.product(*choices)
        return
    for kind in range(3):
        yield tuple(choice[kind] for choice in choices)
        for odd, other in itertools.product(range(len(files)), range(3)):
            yield tuple(choice[other if at == odd else kind] for at, choice in enumerate(choices))


def _torn(file: _File) -> bytes:
    """What was appended, or written anew, to its half; a synced part that was not touched stays."""
    start = len(file.synced) if file.written.startswith(file.synced) else 0
    return file.written[: start + (len(file.written) - start) // 2]


# ---- what is done, and what it promises


@dataclass(slots=True)
class Promises:
    """What was answered, and what is being done.

    Attributes:
        contents: for each job the content that was answered last, and those that may have come since.
        answered: the jobs of which any content was answered.
        archived: the jobs whose archiving was answered.
        leaving: the jobs that are being archived.
    """

    contents: dict[int, list[Job]] = field(default_factory=dict)
    answered: set[int] = field(default_factory=set)
    archived: set[int] = field(default_factory=set)
    leaving: set[int] = field(default_factory=set)
    serial: int = 0
    drained: tuple[bool, ...] = (False,)


class Scenario:
    """A piece of the queue's life on a disk, with the promises that it makes."""

    def __init__(self, disk: SimulatedDisk, kind: type[QueueStore]) -> None:
        self.disk = disk
        self.promises = Promises()
        self.store = kind(QUEUE, disk)

    def commit(self, *jobs: Job, serial: int | None = None) -> None:
        """Luxid decides."""
        for job in jobs:
            self.promises.contents.setdefault(job.id, []).append(job)
        self.store.commit([entry_of(job) for job in jobs], serial)
        for job in jobs:
            self.promises.contents[job.id] = [job]
            self.promises.answered.add(job.id)
        self.promises.serial = max(self.promises.serial, serial or 0)

    def process_writes(self, job: Job) -> None:
        """A job's process writes its file, durably."""
        path = job_path(QUEUE, job.id)
        self.promises.contents[job.id].append(job)
        self.disk.write(temporary_path(path), encode(job))
        self.disk.sync(temporary_path(path))
        self.disk.rename(temporary_path(path), path)
        self.disk.sync_directory(QUEUE)
        self.promises.contents[job.id] = [job]

    def archive(self, *ids: int) -> None:
        """Jobs are archived."""
        self.promises.leaving |= set(ids)
        self.store.archive(ids)
        self.promises.archived |= set(ids)

    def drain(self, drained: bool) -> None:
        """The queue is closed or opened."""
        self.promises.drained = (*self.promises.drained, drained)
        self.store.set_drain(drained)
        self.promises.drained = (drained,)

    def settle(self) -> None:
        """A journal has grown: the next one begins, the old one is settled."""
        self.store.settle(*self.store.rotate())


def life(scenario: Scenario) -> None:
    """Submissions, hand-over, a process's writes, cancel, journals that follow each other, archive, drain."""
    op = Opcode({"OP_ID": "OP_TEST_DELAY", "priority": 0})
    one, two, three = (Job(number, (op,), received_timestamp=(number, 0)) for number in (1, 2, 3))
    scenario.commit(one, two, serial=2)
    scenario.commit(replace(one, livelock="/luxid"))
    scenario.commit(replace(one, livelock="/one"))
    running = replace(one, livelock="/one", process_id=7, ops=(replace(op, status=Status.RUNNING),))
    scenario.process_writes(running)
    scenario.commit(replace(two, ops=(replace(op, status=Status.CANCELED),)))
    scenario.settle()
    scenario.commit(three, serial=3)
    scenario.process_writes(replace(running, ops=(replace(op, status=Status.SUCCESS),)))
    scenario.archive(1)
    scenario.drain(True)
    scenario.commit(replace(three, ops=(replace(op, priority=-20),)))
    scenario.drain(False)
    dead = replace(three, livelock="/three", process_id=9, ops=(replace(op, status=Status.RUNNING),))
    scenario.commit(replace(three, livelock="/three"))
    scenario.process_writes(dead)
    scenario.commit(replace(dead, ops=(replace(op, status=Status.ERROR),)))
    scenario.archive(2, 3)
    scenario.store.close()


def brief(scenario: Scenario) -> None:
    """Two jobs that end at once, one in a settled journal and one in the next, archived together; drain."""
    done = Opcode({"OP_ID": "OP_TEST_DELAY", "priority": 0}, status=Status.SUCCESS)
    scenario.commit(Job(1, (done,)), serial=1)
    scenario.settle()
    scenario.commit(Job(2, (done,)), serial=2)
    scenario.archive(1, 2)
    scenario.drain(True)


def broken(promises: Promises, store: QueueStore) -> str | None:
    """Which promise a recovered store breaks, in prose; None if none."""
    if store.serial < promises.serial:
        return f"the serial is {store.serial}, {promises.serial} was answered"
    for job_id, contents in promises.contents.items():
        found = store.read(job_id)
        if found is None:
            if job_id in promises.answered:
                return f"job {job_id} is gone"
            continue
        job, archived = found
        if job not in contents:
            return f"job {job_id} is {job.ops[0].status}, {contents[-1].ops[0].status} was answered"
        if archived and job_id not in promises.leaving:
            return f"job {job_id} is in the archive unasked"
        if not archived and job_id in promises.archived:
            return f"job {job_id} is out of the archive again"
    if store.drained not in promises.drained:
        return f"the queue is {'closed' if store.drained else 'open'}, which was not answered"
    if max(store.job_ids(), default=0) > store.serial:
        return "a job's id is beyond the serial"
    return None


@dataclass(frozen=True, slots=True)
class Loss:
    """A power cut after which a promise does not hold."""

    operation: int
    reason: str
    files: tuple[str, ...]
    twice: bool = False

    def told(self) -> str:
        """The loss in prose."""
        again = ", and again during the recovery" if self.twice else ""
        return f"power cut before operation {self.operation}{again}: {self.reason}; on disk: {', '.join(self.files)}"


def check(
    run: Callable[[Scenario], None] = life, kind: type[QueueStore] = QueueStore, *, twice: bool = False
) -> Verdict[Loss]:
    """Cut the power at every point of a scenario.

    Args:
        run: what is done.
        kind: the store (tests plant bugs here).
        twice: also cut the power at every point of each recovery.
    """
    whole = SimulatedDisk()
    run(Scenario(whole, kind))
    disks = 0
    for operation in range(whole.operations + 1):
        disk = SimulatedDisk(cut_at=operation)
        scenario: Scenario | None = None
        promises = Promises()
        try:
            scenario = Scenario(disk, kind)
            promises = scenario.promises
            run(scenario)
        except PowerCutError:
            pass
        for left in itertools.chain([disk.killed()], disk.outcomes()):
            disks += 1
            for again, recovered in _recoveries(left, kind, twice=twice):
                reason = recovered if isinstance(recovered, str) else broken(promises, recovered)
                if reason is not None:
                    return Illegal(Loss(operation, reason, tuple(sorted(left.now)), again))
    return Ok(f"{whole.operations + 1} cuts, {disks} disks{', each recovery cut as well' if twice else ''}")


def _recoveries(left: SimulatedDisk, kind: type[QueueStore], *, twice: bool) -> Iterable[tuple[bool, Any]]:
    trial = _copy(left, None)
    yield False, kind(QUEUE, trial)
    if not twice:
        return
    for operation in range(trial.operations):
        cut = _copy(left, operation)
        try:
            kind(QUEUE, cut)
        except PowerCutError:
            for outcome in (cut.killed(), next(cut.outcomes())):  # all that was written survives, or nothing unsynced
                yield True, kind(QUEUE, outcome)


def _copy(disk: SimulatedDisk, cut_at: int | None) -> SimulatedDisk:
    copies = {id(file): _File(file.written, file.synced) for file in disk.now.values()}
    now = {path: copies[id(file)] for path, file in disk.now.items()}
    return SimulatedDisk(cut_at=cut_at, now=dict(now), durable=dict(now), directories=set(disk.directories))
