import asyncio

from impl.luxid.waiters import Waiters


def test_all_who_wait_for_a_job_are_woken_and_no_others() -> None:
    async def main() -> None:
        waiters = Waiters()
        first, second, other = waiters.subscribe(1), waiters.subscribe(1), waiters.subscribe(2)
        assert waiters.count == 3
        waiters.wake(1)
        assert (first.done(), second.done(), other.done(), waiters.count) == (True, True, False, 1)
        waiters.wake(1)
        waiters.wake(7)
        assert waiters.count == 1

    asyncio.run(main())


def test_one_who_leaves_is_counted_once() -> None:
    async def main() -> None:
        waiters = Waiters()
        future = waiters.subscribe(1)
        stays = waiters.subscribe(1)
        waiters.leave(1, future)
        waiters.leave(1, future)
        waiters.leave(9, future)
        assert waiters.count == 1
        waiters.wake(1)
        assert (future.done(), stays.done()) == (False, True)
        waiters.leave(1, stays)
        assert waiters.count == 0

    asyncio.run(main())


def test_waiting_ends_with_news_or_with_time() -> None:
    async def main() -> None:
        waiters = Waiters()
        task = asyncio.create_task(waiters.wait(1, 60))
        await asyncio.sleep(0)
        assert waiters.count == 1
        waiters.wake(1)
        assert await task
        assert not await waiters.wait(1, 0.001)
        assert waiters.count == 0

    asyncio.run(main())


def test_one_who_is_cancelled_leaves() -> None:
    async def main() -> None:
        waiters = Waiters()
        task = asyncio.create_task(waiters.wait(1, 60))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert (task.cancelled(), waiters.count) == (True, 0)

    asyncio.run(main())
