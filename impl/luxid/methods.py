"""LUXI's methods: what each request means. Arguments, results, error classes and texts are Ganeti's.

A handler gets the daemon and the arguments and returns the result. It raises `RequestError` for what cannot be
understood (plain text, the connection ends), `AnswerError` for what is refused (class and arguments, it stays open).

Source: observed behaviour of the LUXI socket of Ganeti 3.0.2. Deviations: taking the drain mark off twice, and a
relative dependency out of range, are answered.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from impl.limits import MAX_JOBS_IN_CALL, MAX_OPCODES_IN_JOB, LimitError
from impl.luxid import arguments
from impl.luxid.arguments import RequestError
from impl.luxid.daemon import Daemon, Outcome
from impl.luxid.dispatch import AnswerError
from impl.luxid.filter_methods import delete_filter, replace_filter
from impl.luxid.job_signals import cancel_running, reprioritise_running
from impl.luxid.query_source import QuerySource
from impl.luxid.watcher_pause import write_pause
from impl.opcodes import OpcodeError, secrets, validate
from impl.process.clock import timestamp
from impl.process.livelock import is_dead
from impl.query.classic import classic_query
from impl.queue.status import is_finalised, job_status
from spec.jobs.events import Archive, AutoArchive, Cancel, ChangePriority, SetDrain, Submit
from spec.jobs.model import Job

WAIT_SECONDS = 89
"""The longest that one WaitForJobChange waits.

Source: half of Ganeti's read-write time-out.
"""

EXIT_SECONDS = 3.0
"""How long ArchiveJob waits for the process of an ended job to be gone."""

ARCHIVE_PORTION = 500
INLINE_JOBS = 16

Result = Any
Args = Sequence[Any]
Handler = Callable[[Daemon, Args], Awaitable[Result]]


def _result(outcome: Outcome) -> Result:
    if outcome.fail is not None:
        raise AnswerError(outcome.fail.error_class, *outcome.fail.arguments)
    return outcome.reply


# ---- submission


def _redacted(op: dict[str, Any]) -> dict[str, Any]:
    """Return the opcode as it goes to disk: secret parameters by name only."""
    hidden = secrets(op)
    if not hidden:
        return op
    return {**op, **{name: dict.fromkeys(value or (), "<redacted>") for name, value in hidden.items()}}


Prepared = tuple[tuple[dict[str, Any], ...], list[dict[str, Any] | None]]


def _prepare(ops: Any, method: str) -> Prepared:
    """Return the valid opcodes of one job, without their secrets, and the secrets of each.

    Raises:
        RequestError: one is not valid.
    """
    try:
        opcodes = arguments.array(ops)
        if len(opcodes) > MAX_OPCODES_IN_JOB:
            raise OpcodeError(f"Unable to read list: more than {MAX_OPCODES_IN_JOB} opcodes")  # noqa: TRY301
        valid = [validate(op) for op in opcodes]
    except (OpcodeError, RequestError) as error:
        raise RequestError(f"{method}: {error.reason}") from None
    return tuple(_redacted(op) for op in valid), [secrets(op) for op in valid]


async def _submit(daemon: Daemon, prepared: Sequence[Prepared], *, force: bool = False) -> list[Any]:
    event = Submit(tuple(ops for ops, _ in prepared), timestamp(), force)
    return list(_result(await daemon.apply(event, [secrets_of for _, secrets_of in prepared])))


async def _submit_one(daemon: Daemon, args: Args, method: str, *, force: bool) -> int:
    arguments.count(args, 1)
    ((good, answer),) = await _submit(daemon, [_prepare(args[0], method)], force=force)
    if not good:
        raise AnswerError("OpPrereqError", answer, "wrong_input")
    return int(answer)


async def submit_job(daemon: Daemon, args: Args) -> Result:
    """Answer SubmitJob [opcodes]: the job's id."""
    return await _submit_one(daemon, args, "SubmitJob", force=False)


async def submit_job_to_drained_queue(daemon: Daemon, args: Args) -> Result:
    """Answer SubmitJobToDrainedQueue [opcodes]: the job's id."""
    return await _submit_one(daemon, args, "SubmitJobToDrainedQueue", force=True)


async def submit_many_jobs(daemon: Daemon, args: Args) -> Result:
    """Answer SubmitManyJobs [[opcodes]…]: for each `[true, id]` or `[false, why]`.

    One opcode that is not valid refuses the whole request, before anything is done.
    """
    arguments.count(args, 1)
    prepared = []
    jobs = arguments.array(args[0])
    if len(jobs) > MAX_JOBS_IN_CALL:
        raise LimitError(f"more than {MAX_JOBS_IN_CALL} jobs in one call: submit them in several")
    for number, ops in enumerate(jobs):
        prepared.append(_prepare(ops, "SubmitManyJobs"))
        if number % 100 == 99:
            await asyncio.sleep(0)
    return await _submit(daemon, prepared)


# ---- waiting


def _news(daemon: Daemon, job: Job, fields: list[str], last_serial: int | None) -> tuple[list[Any], list[Any]]:
    if fields == ["status"]:
        values: list[Any] = [str(job_status(job))]
    else:
        (values,) = classic_query("job", [job.id], fields, QuerySource(daemon.store, {job.id: job}))
    logs = [entry for op in job.ops for entry in op.log if last_serial is None or entry.serial > last_serial]
    plain: tuple[list[Any], list[Any]] = msgspec.json.decode(msgspec.json.encode((values, logs)))
    return plain[0], plain[1]


def _load(daemon: Daemon, job_id: int) -> Job:
    job = daemon.live(job_id)
    if job is None:
        found = daemon.store.read(job_id, archived=False)
        if found is None:
            raise AnswerError("JobLost", "Can't load job file")
        job = found[0]
    return job


async def wait_for_job_change(daemon: Daemon, args: Args) -> Result:
    """Answer WaitForJobChange [id, fields, previous values, previous log serial, seconds]."""
    if len(args) != 5:
        raise RequestError("Parsing WaitForJobChange message: Not enough values")
    job_id, fields = arguments.job_id(args[0]), arguments.texts(args[1])
    previous = args[2]
    last_serial = None if args[3] is None else arguments.number(args[3])
    deadline = time.monotonic() + min(arguments.seconds(args[4]), WAIT_SECONDS)
    await daemon.wait_until_written()
    job = _load(daemon, job_id)
    if daemon.waiters.count >= daemon.max_waiters:
        text = f"{daemon.max_waiters} clients wait for jobs already: ask again later, or ask QueryJobs now and then"
        raise AnswerError("GenericError", text)
    while True:
        values, logs = _news(daemon, job, fields, last_serial)
        left = deadline - time.monotonic()
        if is_finalised(job) or values != previous or logs or left <= 0:
            return [values, logs]
        await daemon.waiters.wait(job_id, left)
        await daemon.wait_until_written()
        job = _load(daemon, job_id)


# ---- changes


async def cancel_job(daemon: Daemon, args: Args) -> Result:
    """Answer CancelJob [id, kill]: whether it is canceled, and a text."""
    arguments.count(args, 1, 2)
    job_id = arguments.job_id(args[0])
    kill = len(args) == 2 and arguments.flag(args[1])
    outcome = await daemon.apply(Cancel(job_id, timestamp(), kill))
    if outcome.signal is not None:
        return await cancel_running(daemon, job_id, kill=kill)
    return _result(outcome)


async def change_job_priority(daemon: Daemon, args: Args) -> Result:
    """Answer ChangeJobPriority [id, priority]: whether it worked, and a text."""
    arguments.count(args, 2)
    job_id, priority = arguments.job_id(args[0]), arguments.priority(args[1])
    outcome = await daemon.apply(ChangePriority(job_id, priority))
    if outcome.signal is not None:
        return await reprioritise_running(daemon, job_id, priority)
    return _result(outcome)


async def archive_job(daemon: Daemon, args: Args) -> Result:
    """Answer ArchiveJob [id]: whether it was archived."""
    arguments.count(args, 1)
    job_id = arguments.job_id(args[0])
    await daemon.wait_until_written()
    if job_id not in daemon.queue.ended:
        return False
    found = daemon.store.read(job_id, archived=False)
    deadline = time.monotonic() + EXIT_SECONDS
    livelock = None if found is None else found[0].livelock
    while livelock is not None and livelock != daemon.livelock.path and not is_dead(livelock):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return _result(await daemon.apply(Archive(job_id)))


async def auto_archive_jobs(daemon: Daemon, args: Args) -> Result:
    """Answer AutoArchiveJobs [age, seconds]: how many were archived, and how many could not be in time."""
    arguments.count(args, 2)
    age, seconds = arguments.seconds(args[0]), arguments.seconds(args[1])
    deadline = time.monotonic() + seconds
    now = timestamp()
    before = None if age < 0 else (now[0] - age, now[1])
    done = 0
    while True:
        moved, left = _result(await daemon.apply(AutoArchive(before, ARCHIVE_PORTION)))
        done += moved
        if left == 0 or time.monotonic() >= deadline:
            return [done, left]


async def set_drain_flag(daemon: Daemon, args: Args) -> Result:
    """Answer SetDrainFlag [drained]: true."""
    arguments.count(args, 1)
    return _result(await daemon.apply(SetDrain(arguments.flag(args[0]))))


async def set_watcher_pause(daemon: Daemon, args: Args) -> Result:
    """Answer SetWatcherPause [until]: the time, or null when the pause is over."""
    arguments.count(args, 0, 1)
    until = arguments.moment(args[0]) if args and args[0] is not None else None
    await asyncio.to_thread(write_pause, daemon.root, until)
    return until


async def pickup_job(daemon: Daemon, args: Args) -> Result:  # noqa: ARG001 - a handler's signature
    """Answer PickupJob [id]: of no use to clients."""
    raise AnswerError("GenericError", "Luxi call 'PickupJob' is for internal use only")


COMMANDS: dict[str, Handler] = {
    "SubmitJob": submit_job,
    "SubmitJobToDrainedQueue": submit_job_to_drained_queue,
    "SubmitManyJobs": submit_many_jobs,
    "WaitForJobChange": wait_for_job_change,
    "CancelJob": cancel_job,
    "ChangeJobPriority": change_job_priority,
    "ArchiveJob": archive_job,
    "AutoArchiveJobs": auto_archive_jobs,
    "SetDrainFlag": set_drain_flag,
    "SetWatcherPause": set_watcher_pause,
    "ReplaceFilter": replace_filter,
    "DeleteFilter": delete_filter,
    "PickupJob": pickup_job,
}


async def refuse_command(name: str, args: Args) -> Result:  # noqa: ARG001 - a handler's signature
    """Refuse, in a luxid that answers queries only, everything that is no query."""
    raise AnswerError("GenericError", f"this luxid answers queries only: send {name} to the one that runs the jobs")
