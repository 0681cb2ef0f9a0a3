"""The queue's journal: one line a record, each with a checksum, and what can be read of a damaged one.

The record at the end may be torn: it was never answered. A bad record with a good one behind it is damage: what the
good ones hold is still read, since each holds whole jobs.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from impl.queue.files import encode
from spec.jobs.model import Job


class Record(msgspec.Struct):
    """One commit: the queue's serial and whole job files; or the ids of jobs that were archived."""

    serial: int
    jobs: list[msgspec.Raw]
    archived: list[int] = []


@dataclass(frozen=True, slots=True)
class Entry:
    """One job's new content, encoded when it was decided."""

    id: int
    data: bytes


_decoder = msgspec.json.Decoder(Record)


def entry_of(job: Job) -> Entry:
    """Return the entry of a job."""
    return Entry(job.id, encode(job))


def encode_record(serial: int, entries: Sequence[Entry], archived: Sequence[int] = ()) -> bytes:
    """One line of the journal: a checksum, a blank, JSON."""
    gone = b',"archived":%b' % msgspec.json.encode(archived) if archived else b""
    payload = b'{"serial":%d,"jobs":[%b]%b}' % (serial, b",".join(entry.data for entry in entries), gone)
    return b"%08x %b\n" % (zlib.crc32(payload), payload)


def _decoded(line: bytes) -> Record | None:
    checksum, _, payload = line.partition(b" ")
    try:
        if len(checksum) == 8 and int(checksum, 16) == zlib.crc32(payload):
            return _decoder.decode(payload)
    except (ValueError, msgspec.MsgspecError):
        pass
    return None


def decode_records(data: bytes) -> tuple[list[Record], bool]:
    """Return the good records of a journal in order, and whether a bad one stands before the last of them."""
    records = [_decoded(line) for line in data.split(b"\n")]
    good = [record for record in records if record is not None]
    return good, None in records[: max((n for n, record in enumerate(records) if record is not None), default=0)]
