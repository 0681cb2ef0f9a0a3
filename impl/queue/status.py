"""What follows from a job's opcodes: its status, its priority, its dependencies. Twins of `spec.jobs.rules`."""

from spec.jobs.model import DEFAULT_PRIORITY, Dependency, Job, Status

_DECIDING = frozenset({Status.ERROR, Status.CANCELING, Status.CANCELED})


def job_status(job: Job) -> Status:
    """Return the status of the whole job, in one pass over its opcodes."""
    status = Status.QUEUED
    succeeded = True
    for op in job.ops:
        if op.status in _DECIDING:
            return op.status
        if op.status is not Status.SUCCESS:
            succeeded = False
            if op.status is not Status.QUEUED:
                status = op.status
    return Status.SUCCESS if succeeded else status


def is_finalised(job: Job) -> bool:
    """Return whether the job has ended."""
    return job_status(job).finalised


def job_priority(job: Job) -> int:
    """Return the smallest priority among the opcodes that have not ended; the default if all have."""
    return min((op.priority for op in job.ops if not op.status.finalised), default=DEFAULT_PRIORITY)


def dependencies(job: Job) -> tuple[Dependency, ...]:
    """Return every dependency that an opcode of the job names, in order; leave malformed ones out."""
    found: list[Dependency] = []
    for op in job.ops:
        for entry in op.input.get("depends") or ():
            if len(entry) == 2 and isinstance(entry[0], int):
                found.append((entry[0], tuple(entry[1])))
    return tuple(found)
