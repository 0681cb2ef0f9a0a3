"""What a start makes of live-locks and of jobs whose hand-over broke off."""

import os
from pathlib import Path

import pytest

from impl.luxid import reading
from impl.luxid.damage import DamagedJobs
from impl.luxid.reading import read_jobs, remove_dead_livelocks
from impl.luxid.store import QueueStore
from impl.queue.files import job_path, write_job
from spec.jobs.model import Job, Opcode, Status
from tests.impl.luxid.fakes import short_root
from tests.impl.luxid.test_watcher import holder_of_a_live_lock


def test_only_what_dead_owners_left_is_removed(tmp_path: Path) -> None:
    holder, held = holder_of_a_live_lock(tmp_path)
    try:
        for name in ("job_000001_1", "luxid_1", "luxid_2", "other_1"):
            (tmp_path / name).write_bytes(b"")
        remove_dead_livelocks(str(tmp_path), f"{tmp_path}/luxid_2")
        assert sorted(os.listdir(tmp_path)) == sorted([os.path.basename(held), "luxid_2", "other_1"])
    finally:
        holder.kill()
        holder.communicate()


def test_a_hand_over_is_waited_for_but_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "UNCONFIRMED_SECONDS", 0.05)
    holder, held = holder_of_a_live_lock(tmp_path)
    queued = Opcode({"OP_ID": "OP_TEST_DELAY"})
    jobs = [
        Job(1, (queued,), livelock=held),  # never begins
        Job(2, (Opcode({}, status=Status.SUCCESS),), livelock=held),
        Job(3, (queued,), livelock="/own"),
        Job(4, (queued,)),
    ]
    try:
        with short_root() as root:
            for job in jobs:
                write_job(job_path(root.queue, job.id), job, durable=False)
            damaged = DamagedJobs(root, QueueStore(root.queue), lambda *_, **__: None)
            assert list(read_jobs(damaged, [1, 2, 3, 4, 5], "/own")) == jobs
    finally:
        holder.kill()
        holder.communicate()
