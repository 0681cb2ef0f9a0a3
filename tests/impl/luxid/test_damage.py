"""Damaged job files: set aside, or waited for while their process lives."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from impl.luxid.damage import DamagedJobs
from impl.luxid.store import QueueStore
from impl.paths import Root
from impl.queue.files import job_path
from spec.jobs.model import Job, Opcode, Status
from tests.impl.luxid.fakes import short_root
from tests.impl.luxid.test_watcher import holder_of_a_live_lock


@pytest.fixture
def root() -> Iterator[Root]:
    with short_root() as made:
        yield made


def damaged_jobs(root: Root) -> tuple[DamagedJobs, list[dict[str, Any]]]:
    lines: list[dict[str, Any]] = []
    return DamagedJobs(root, QueueStore(root.queue), lambda text, **facts: lines.append({"text": text, **facts})), lines


def test_a_damaged_file_is_set_aside_and_logged(root: Root) -> None:
    damaged, lines = damaged_jobs(root)
    Path(job_path(root.queue, 4)).write_bytes(b"{")
    damaged.begin()
    assert (damaged.load(4), damaged.load(5), damaged.waiting) == (None, None, 0)
    assert [(line["job"], line["path"]) for line in lines] == [(4, f"{root.queue}/aside/job-4")]


def test_a_living_process_is_waited_for(root: Root) -> None:
    damaged, _ = damaged_jobs(root)
    holder, path = holder_of_a_live_lock(Path(root.livelocks))
    try:
        Path(path).rename(f"{root.livelocks}/job_000004_1")
        Path(job_path(root.queue, 4)).write_bytes(b"{")
        damaged.begin()
        assert (damaged.load(4), damaged.waiting, Path(job_path(root.queue, 4)).read_bytes()) == (None, 1, b"{")
    finally:
        holder.kill()
        holder.communicate()

    async def until_reread() -> None:
        called = asyncio.Event()
        following = asyncio.create_task(damaged.follow(called.set))
        await asyncio.wait_for(called.wait(), 30)
        following.cancel()

    asyncio.run(until_reread())
    damaged.begin()
    assert (damaged.load(4), damaged.waiting) == (None, 0)


def test_the_trail_of_a_dead_job_says_what_happened_to_its_file(root: Root) -> None:
    damaged, _ = damaged_jobs(root)
    Path(job_path(root.queue, 4)).write_bytes(b"{")
    done, running = (Opcode({"OP_ID": "OP_TEST_DELAY"}, status=s) for s in (Status.SUCCESS, Status.RUNNING))
    after = damaged.after_death(Job(4, (done, running)), "cut")
    assert after.ops[0] == done
    ((source, text, _),) = after.ops[1].input["reason"]
    assert (source, text) == (
        "gnt:daemon:luxid:jobfile",
        f"its job file could not be used (cut); what there was is kept as {root.queue}/aside/job-4",
    )
