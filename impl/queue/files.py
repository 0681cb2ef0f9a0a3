"""The codec of the queue's job files, and writing one durably.

The format is Ganeti's, read in any spacing and written compact. `livelock` and `process_id` are left out while they
are unknown. At any time a job file has one writer: luxid until the hand-over is confirmed, then the job's process,
then, when that process is dead, luxid again; so the temporary file beside it may have a fixed name.
"""

import os
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta

from impl.files import UnusableFileError, read_regular, write_file
from impl.limits import MAX_JOB_ID, MAX_PATH_BYTES, MAX_PROCESS_ID, MAX_QUEUE_FILE_BYTES
from spec.errors import GantryError
from spec.jobs.model import JOBS_PER_ARCHIVE_DIRECTORY, Job

_decoder = msgspec.json.Decoder(Job)
_encoder = msgspec.json.Encoder()


class _Common(msgspec.Struct):
    """What the queue reads of an opcode's input."""

    reason: list[tuple[str, str, int]] | None = None
    depends: list[tuple[int, list[str]]] | None = None


class _Owner(msgspec.Struct):
    id: Annotated[int, Meta(ge=1, le=MAX_JOB_ID)]
    process_id: Annotated[int, Meta(ge=1, le=MAX_PROCESS_ID)] | None = None


class JobFileError(GantryError):
    """A job file holds no job; `reason` says why and `path`, where known, which file."""

    def __init__(self, reason: str, path: str = "") -> None:
        self.reason = reason
        self.path = path
        super().__init__(f"{path or 'the job file'} holds no valid job ({reason}): restore it or move it away")


def decode(data: bytes) -> Job:
    """Decode the job that a file's bytes describe.

    Raises:
        JobFileError: they describe none.
    """
    try:
        job = _decoder.decode(data)
        msgspec.convert(job, _Owner, from_attributes=True)
        for op in job.ops:
            msgspec.convert(op.input, _Common)
        _encoder.encode(job.ops)  # what is read can be written again
        if job.livelock is not None and ("\0" in job.livelock or len(os.fsencode(job.livelock)) > MAX_PATH_BYTES):
            raise JobFileError("its live-lock is no path")
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError, TypeError, ValueError) as error:
        raise JobFileError(str(error)) from None
    return job


def to_json(job: Job) -> dict[str, Any]:
    """Return the job as the plain JSON object that its file holds."""
    return cast("dict[str, Any]", msgspec.json.decode(encode(job)))


def encode(job: Job) -> bytes:
    """Encode the job as its file's bytes, compact."""
    tail = b""
    if job.livelock is not None:
        tail += b',"livelock":' + _encoder.encode(job.livelock)
    if job.process_id is not None:
        tail += b',"process_id":%d' % job.process_id
    stamps = (job.received_timestamp, job.start_timestamp, job.end_timestamp)
    received, start, end = (b"null" if stamp is None else b"[%d,%d]" % stamp for stamp in stamps)
    return b'{"id":%d,"ops":%b,"received_timestamp":%b,"start_timestamp":%b,"end_timestamp":%b%b}' % (
        job.id, _encoder.encode(job.ops), received, start, end, tail,
    )  # fmt: skip


def job_path(queue: str, job_id: int) -> str:
    """Return the path of a live job's file in the queue's directory."""
    return f"{queue}/job-{job_id}"


def archived_path(queue: str, job_id: int) -> str:
    """Return the path of an archived job's file."""
    return f"{queue}/archive/{job_id // JOBS_PER_ARCHIVE_DIRECTORY}/job-{job_id}"


def job_id_of(name: str) -> int | None:
    """Return the id in a file name such as `job-17`; None for any other name."""
    number = name.removeprefix("job-")
    return id_of(number) if name.startswith("job-") else None


def id_of(text: str) -> int | None:
    """Return the job id that digits stand for, 0 included; None if they stand for none."""
    if not text.isascii() or not text.isdigit() or len(text) > len(str(MAX_JOB_ID)):
        return None
    return number if (number := int(text)) <= MAX_JOB_ID else None


def temporary_path(path: str) -> str:
    """Return where a job file is written before it takes its name: a hidden name, which no reader takes for a job."""
    directory, name = os.path.split(path)
    return f"{directory}/.{name}.new"


def read_job(path: str) -> Job:
    """Read one job file.

    Raises:
        FileNotFoundError: there is none.
        JobFileError: it holds no job, or is no file.
        OSError: the machine lacks something; the file may be sound.
    """
    try:
        return decode(read_regular(path, MAX_QUEUE_FILE_BYTES))
    except UnusableFileError as error:
        raise JobFileError(error.reason, path) from None
    except JobFileError as error:
        raise JobFileError(error.reason, path) from None


def write_job(path: str, job: Job, *, durable: bool = True) -> None:
    """Replace a job's file atomically.

    Whatever happens, a reader finds the old job or the new one, whole; the new content is on disk before it takes
    the old one's place.

    Args:
        path: the file.
        job: its new content.
        durable: also wait until the replacement itself survives a power cut. A log entry that may be lost together
            with the machine does without.
    """
    write_file(path, encode(job), durable=durable, temporary=temporary_path(path))
