"""The journal's records, whole, torn and damaged."""

import zlib

from impl.luxid.journal import decode_records, encode_record, entry_of
from impl.queue.files import decode
from spec.jobs.model import Job, Opcode

QUEUED = Opcode({"OP_ID": "OP_TEST_DELAY"})


def test_records_read_back_up_to_the_first_torn_one() -> None:
    entries = [entry_of(Job(1, (QUEUED,)))]
    whole = encode_record(1, entries) + encode_record(2, [])
    assert [record.serial for record in decode_records(whole)[0]] == [1, 2]
    for cut in range(len(whole)):
        serials = [record.serial for record in decode_records(whole[:cut])[0]]
        assert serials in ([], [1], [1, 2])
        assert len(serials) >= whole[:cut].count(b"\n")
    damaged = bytearray(whole)
    damaged[20] ^= 1
    found, broken = decode_records(bytes(damaged))
    assert ([record.serial for record in found], broken) == ([2], True)
    assert not decode_records(whole + b"torn")[1]
    no_record = b"[]"
    assert decode_records(b"%08x %b\n" % (zlib.crc32(no_record), no_record)) == ([], False)


def test_a_record_names_what_was_archived() -> None:
    ((record,), broken) = decode_records(encode_record(7, (), (3, 4)))
    assert (record.serial, record.jobs, record.archived, broken) == (7, [], [3, 4], False)
    ((record,), _) = decode_records(encode_record(1, [entry_of(Job(1, (QUEUED,)))]))
    assert [decode(bytes(raw)).id for raw in record.jobs] == [1]
    assert record.archived == []
