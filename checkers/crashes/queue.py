"""Power cuts at every point of the queue's store: is what was answered still there afterwards?

A simulated disk remembers, for each file, the content that was synced and the one that was only written, and, for the
directories, the changes of names since their last sync. A power cut may come before any operation; it keeps any of the
unsynced changes of names (a rename is one change; a change is not kept without the earlier ones of the same name), and
of unsynced contents the old one, the new one, or the half of it (`checkers.crashes.simulated_disk`). From every such
disk the store recovers, is cut again while it does, and is then compared with what was promised:

* a job is live (or archived, if that was answered) with the content that was answered last, or a later one;
* what a job's process wrote durably is not undone;
* the serial is not below the one that was answered, nor below any job's id;
* the drain mark is as it was answered.
"""

import itertools
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace

from checkers.crashes.simulated_disk import PowerCutError, SimulatedDisk
from checkers.verdict import Illegal, Ok, Verdict
from impl.luxid.journal import entry_of
from impl.luxid.store import QueueStore
from impl.queue.files import archived_path, encode, job_path, temporary_path
from spec.jobs.model import Job, Opcode, Status

QUEUE = "/queue"

# ---- what is done, and what it promises


@dataclass(slots=True)
class Promises:
    """What was answered, and what is being done.

    Attributes:
        contents: for each job the content that was answered last, and those that may have come since.
        answered: the jobs of which any content was answered.
        archived: the jobs whose archiving was answered.
        leaving: the jobs that are being archived.
        removed: the jobs that a cleaner removed from the archive.
    """

    contents: dict[int, list[Job]] = field(default_factory=dict)
    answered: set[int] = field(default_factory=set)
    archived: set[int] = field(default_factory=set)
    leaving: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)
    serial: int = 0
    drained: tuple[bool, ...] = (False,)


class Scenario:
    """A piece of the queue's life on a disk, with the promises that it makes."""

    def __init__(self, disk: SimulatedDisk, kind: type[QueueStore]) -> None:
        self.disk = disk
        self.promises = Promises()
        self.store = kind(QUEUE, disk)

    def commit(self, *jobs: Job, serial: int | None = None) -> None:
        """Commit jobs, and the serial where it is given, as luxid does."""
        for job in jobs:
            self.promises.contents.setdefault(job.id, []).append(job)
        self.store.commit([entry_of(job) for job in jobs], serial)
        for job in jobs:
            self.promises.contents[job.id] = [job]
            self.promises.answered.add(job.id)
        self.promises.serial = max(self.promises.serial, serial or 0)

    def process_writes(self, job: Job) -> None:
        """Write a job's file durably, as its process does."""
        path = job_path(QUEUE, job.id)
        self.promises.contents[job.id].append(job)
        self.disk.write(temporary_path(path), encode(job))
        self.disk.sync(temporary_path(path))
        self.disk.rename(temporary_path(path), path)
        self.disk.sync_directory(QUEUE)
        self.promises.contents[job.id] = [job]

    def archive(self, *ids: int) -> None:
        """Archive jobs."""
        self.promises.leaving |= set(ids)
        self.store.archive(ids)
        self.promises.archived |= set(ids)

    def clean(self, job_id: int) -> None:
        """Remove a job from the archive, as a cleaner of old jobs does, and make that durable."""
        path = archived_path(QUEUE, job_id)
        self.promises.contents.pop(job_id)
        self.disk.unlink(path)
        self.disk.sync_directory(path.rpartition("/")[0])
        self.promises.removed.add(job_id)

    def drain(self, drained: bool) -> None:
        """Close or open the queue."""
        self.promises.drained = (*self.promises.drained, drained)
        self.store.set_drain(drained)
        self.promises.drained = (drained,)

    def settle(self) -> None:
        """Begin the next journal, and settle the one before."""
        self.store.settle(*self.store.rotate())


def life(scenario: Scenario) -> None:
    """Run submissions, hand-over, a process's writes, cancel, journals that follow each other, archive, drain."""
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
    """Archive together two jobs that ended at once, one in a settled journal and one in the next; drain."""
    done = Opcode({"OP_ID": "OP_TEST_DELAY", "priority": 0}, status=Status.SUCCESS)
    scenario.commit(Job(1, (done,)), serial=1)
    scenario.settle()
    scenario.commit(Job(2, (done,)), serial=2)
    scenario.archive(1, 2)
    scenario.drain(True)


def cleaned(scenario: Scenario) -> None:
    """Let the job with the highest id end; it is archived, and is removed from the archive."""
    done = Opcode({"OP_ID": "OP_TEST_DELAY", "priority": 0}, status=Status.SUCCESS)
    scenario.commit(Job(1, (done,)), serial=1)
    scenario.commit(Job(2, (done,)), serial=2)
    scenario.archive(2)
    scenario.clean(2)
    scenario.drain(True)


def broken(promises: Promises, store: QueueStore) -> str | None:
    """Say which promise a recovered store breaks; None if none."""
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
        if not archived and store.archived_status(job_id) is not None:
            return f"job {job_id} is in the archive and out of it"
        if not archived and job_id in promises.archived:
            return f"job {job_id} is out of the archive again"
    for job_id in promises.removed:
        if store.read(job_id) is not None:
            return f"job {job_id} is back, which was removed from the archive"
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

    def describe(self) -> str:
        """Describe the loss in prose."""
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
    whole = SimulatedDisk((QUEUE, f"{QUEUE}/archive"))
    run(Scenario(whole, kind))
    disks = 0
    recovered = Recoveries(kind, twice=twice)
    for operation in range(whole.operations + 1):
        disk = SimulatedDisk((QUEUE, f"{QUEUE}/archive"), cut_at=operation)
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
            for again, store in recovered.of(left):
                reason = broken(promises, store)
                if reason is not None:
                    return Illegal(Loss(operation, reason, tuple(sorted(left.now)), again))
    return Ok(f"{whole.operations + 1} cuts, {disks} disks{', each recovery cut as well' if twice else ''}")


class Recoveries:
    """What a store recovers from disks. A recovery depends on the disk's content alone, so each is done once.

    Args:
        kind: the store.
        twice: whether the power is also cut at every point of each recovery.
    """

    def __init__(self, kind: type[QueueStore], *, twice: bool) -> None:
        self._kind = kind
        self._twice = twice
        self._all: dict[Hashable, list[tuple[bool, QueueStore]]] = {}
        self._single: dict[Hashable, tuple[Hashable, QueueStore]] = {}

    def of(self, left: SimulatedDisk) -> list[tuple[bool, QueueStore]]:
        """Return the different stores that recoveries of a disk make, each with whether a recovery was cut before."""
        image = left.image()
        if image not in self._all:
            found: dict[Hashable, tuple[bool, QueueStore]] = {}
            for again, disk in self._cuts(left):
                key, store = self._recovered(disk)
                found.setdefault(key, (again, store))
            self._all[image] = list(found.values())
        return self._all[image]

    def _cuts(self, left: SimulatedDisk) -> Iterator[tuple[bool, SimulatedDisk]]:
        """Yield the disk itself, and the disks that cuts of its recovery leave, each with whether it was cut."""
        yield False, left
        if not self._twice:
            return
        trial = left.copy(None)
        self._kind(QUEUE, trial)
        for operation in range(trial.operations):
            cut = left.copy(operation)
            try:
                self._kind(QUEUE, cut)
            except PowerCutError:
                # all that was written survives, or nothing unsynced
                yield from ((True, outcome) for outcome in (cut.killed(), next(cut.outcomes())))

    def _recovered(self, disk: SimulatedDisk) -> tuple[Hashable, QueueStore]:
        """Return the store that a disk gives, and what of it `broken` looks at: its serial and its files."""
        image = disk.image()
        if image not in self._single:
            trial = disk.copy(None)
            store = self._kind(QUEUE, trial)
            self._single[image] = (store.serial, trial.image()), store
        return self._single[image]
