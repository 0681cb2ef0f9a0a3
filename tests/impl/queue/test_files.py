import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impl.queue.files import (
    JobFileError,
    archived_path,
    decode,
    encode,
    job_id_of,
    job_path,
    read_job,
    temporary_path,
    to_json,
    write_job,
)
from impl.queue.status import dependencies, is_finalised, job_priority, job_status
from spec.jobs.model import Job, LogEntry, Opcode, Status
from tests import budget

stamps = st.none() | st.tuples(st.integers(0, 2**40), st.integers(0, 999_999))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
opcodes = st.builds(
    Opcode,
    input=st.dictionaries(st.text(max_size=5), values, max_size=4),
    status=st.sampled_from(Status),
    result=values,
    log=st.lists(
        st.builds(LogEntry, st.integers(1, 99), st.tuples(st.integers(0, 99), st.integers(0, 99)), st.text(), values),
        max_size=2,
    ).map(tuple),
    priority=st.integers(-20, 19),
    start_timestamp=stamps,
    exec_timestamp=stamps,
    end_timestamp=stamps,
)
jobs = st.builds(
    Job,
    id=st.integers(1, 10**9),
    ops=st.lists(opcodes, max_size=3).map(tuple),
    received_timestamp=stamps,
    start_timestamp=stamps,
    end_timestamp=stamps,
    livelock=st.none() | st.text(st.characters(exclude_characters="\0")),
    process_id=st.none() | st.integers(1, 2**22),
)


def decodes_to_itself(job: Job) -> None:
    assert decode(encode(job)) == job
    assert json.loads(encode(job)) == to_json(job)
    assert decode(json.dumps(to_json(job), indent=2).encode()) == job


@settings(max_examples=40)
@given(jobs)
def test_what_is_encoded_decodes_to_itself_in_any_spacing(job: Job) -> None:
    decodes_to_itself(job)


@pytest.mark.long
@settings(max_examples=budget.spent(ci=150, weekly=1000))
@given(jobs)
def test_encoding_and_decoding_often(job: Job) -> None:
    decodes_to_itself(job)


def test_statuses_are_ordered() -> None:
    assert list(Status) == sorted(Status)
    assert Status.RUNNING < Status.CANCELED <= Status.CANCELED < "error"
    assert Status.ERROR > Status.SUCCESS >= Status.SUCCESS
    assert [status for status in Status if status.finalised] == [s for s in Status if s > Status.RUNNING]


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b'{"id":"x","ops":[]}', b'{"id":1,"ops":[{"input":{},"status":"odd"}]}', b'{"id":1,"ops":[',
     b'{"id":1,"ops":[{"input":"\xff"}]}', b'{"id":1,"ops":[{"input":' + b"[" * 100_000],
)  # fmt: skip
def test_what_is_no_job_is_refused(data: bytes) -> None:
    with pytest.raises(JobFileError):
        decode(data)


def test_a_queued_job_names_no_owner() -> None:
    assert set(json.loads(encode(Job(1)))) == {"id", "ops", "received_timestamp", "start_timestamp", "end_timestamp"}


def test_names() -> None:
    assert job_path("/q", 7) == "/q/job-7"
    assert archived_path("/q", 20_001) == "/q/archive/2/job-20001"
    assert job_id_of("job-17") == 17
    assert [job_id_of(name) for name in ("job-", "job-x", "serial", ".job-1.new", "job-1.new", "job-²")] == [None] * 6


def test_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "job-1")
    old, new = Job(1, (Opcode({"OP_ID": "OP_TEST_DELAY"}),)), Job(1, (), (1, 2))
    write_job(path, old)
    assert read_job(path) == old

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", fail)
        with pytest.raises(OSError, match="space"):
            write_job(path, new)
    assert read_job(path) == old
    write_job(path, new, durable=False)
    assert read_job(path) == new
    assert not os.path.exists(temporary_path(path))


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "job-1"
    path.write_bytes(b"{")
    with pytest.raises(JobFileError, match="job-1"):
        read_job(str(path))


@pytest.mark.shared
def test_files_of_ganeti(shared: Path) -> None:
    samples = sorted((shared / "samples" / "daemons").glob("job-*"))
    assert len(samples) >= 10
    for sample in samples:
        job = decode(sample.read_bytes())
        written = json.loads(sample.read_bytes())
        assert to_json(job) == written
    by_name = {sample.name: decode(sample.read_bytes()) for sample in samples}
    assert job_status(by_name["job-two-opcodes"]) is Status.SUCCESS
    assert job_status(by_name["job-error"]) is Status.ERROR
    assert job_status(by_name["job-waiting"]) is Status.WAITING
    assert is_finalised(by_name["job-killed2"])
    assert dependencies(by_name["job-depends"]) == ((2, ("success",)),)
    assert job_priority(by_name["job-waiting"]) == 0
