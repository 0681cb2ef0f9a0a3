"""Where batches are written: on the spot while writes are quick, in the thread when they are slow."""

import asyncio
import threading
import time

from impl.store.port import Batch, Saved, StoreError
from impl.wconfd.batches import Batches
from impl.wconfd.core import Call, State
from spec.locks.model import Free, Try
from spec.locks.names import BGL, Mode, Request, job, other


class Disk:
    """A store whose writes take a given time, which notes which thread wrote."""

    def __init__(self) -> None:
        self.takes = 0.0
        self.threads: list[int] = []

    def load(self) -> Saved | None:
        return None

    def commit(self, _batch: Batch) -> int:
        self.threads.append(threading.get_ident())
        if self.takes:
            time.sleep(self.takes)
        return len(self.threads)

    def close(self) -> None:
        return None


async def write(batches: Batches, times: int) -> None:
    """Take and release a lock, each answered before the next."""
    for number in range(times):
        call = Call(batches.state, 0.0, 0, other("me"))
        call.lock(Free(job(1)) if number % 2 else Try(job(1), (Request(BGL, Mode.EXCLUSIVE),)))
        answered: asyncio.Future[StoreError | None] = asyncio.get_running_loop().create_future()
        batches.take(call, answered.set_result)
        assert await answered is None


def written_on_the_spot(slow_writes: int) -> bool:
    """Whether a write after many quick ones and some slow ones is done on the spot."""
    disk = Disk()

    async def run() -> None:
        batches = Batches(disk, State(), lambda _grants: None, lambda *_batch: None)
        await write(batches, 200)
        disk.takes = 0.02
        await write(batches, slow_writes)
        disk.takes = 0.0
        await write(batches, 2)
        await batches.close()

    asyncio.run(run())
    return disk.threads[-1] == threading.get_ident()


def test_one_write_that_is_held_up_leaves_quick_ones_on_the_spot() -> None:
    assert written_on_the_spot(2)


def test_writes_that_stay_slow_go_to_the_thread() -> None:
    assert not written_on_the_spot(80)
